"""Expected values of `evaluation::metrics`, from SciPy and scikit-learn.

    pip install scipy scikit-learn
    python tools/reference/metrics.py
"""

from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_squared_error, roc_auc_score

X = [1.0, 2.0, 2.0, 3.5, -1.0, 0.25, 9.0, 2.0]
Y = [0.5, 1.0, 3.0, 2.0, -2.0, 0.25, 4.0, 0.5]
POSITIVE = [True, False, True, True, False, False, True, False]

print("PEARSON", repr(float(pearsonr(X, Y).statistic)))
print("SPEARMAN", repr(float(spearmanr(X, Y).statistic)))
print("MSE", repr(float(mean_squared_error(X, Y))))
print("AUROC", repr(float(roc_auc_score(POSITIVE, X))))

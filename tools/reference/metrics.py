"""Expected values of `evaluation`'s measures, from NumPy, SciPy and scikit-learn.

    pip install scipy scikit-learn
    python tools/reference/metrics.py
"""

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, mean_squared_error, roc_auc_score

X = [1.0, 2.0, 2.0, 3.5, -1.0, 0.25, 9.0, 2.0]
Y = [0.5, 1.0, 3.0, 2.0, -2.0, 0.25, 4.0, 0.5]
POSITIVE = [True, False, True, True, False, False, True, False]

print("PEARSON", repr(float(pearsonr(X, Y).statistic)))
print("SPEARMAN", repr(float(spearmanr(X, Y).statistic)))
print("MSE", repr(float(mean_squared_error(X, Y))))
print("AUROC", repr(float(roc_auc_score(POSITIVE, X))))

# Average precision; calls; genes by expression.
print("AUPR_X", repr(float(average_precision_score(POSITIVE, X))))
print("AUPR_Y", repr(float(average_precision_score(POSITIVE, Y))))

OBSERVED = np.array([1.0, 2.0, -2.0, 0.5, -1.0, 0.25, 1.5, -0.9])
PREDICTED = np.array([0.5, 1.0, -1.0, 1.0, 0.25, -0.5, 0.75, -0.5])
for name, sign in [("UP", 1), ("DOWN", -1)]:
    positive, score = sign * OBSERVED >= 1, sign * PREDICTED
    print(f"{name}_AUROC", repr(float(roc_auc_score(positive, score))))
    print(f"{name}_AUPR", repr(float(average_precision_score(positive, score))))

i = np.arange(40)
observed = i * 0.61803398875 % 1
predicted = observed + i * 0.41421356237 % 1
higher = 6 * (i * 0.73205080757 % 1)
expressed = higher >= 1
print("EXPRESSED", expressed.sum(), repr(float(pearsonr(observed[expressed], predicted[expressed])[0])))
edges = [-np.inf, 1, *np.quantile(higher[expressed], [1 / 3, 2 / 3]), np.inf]
for low, high in zip(edges, edges[1:]):
    tier = (higher >= low) & (higher < high)
    print("TIER", repr(float(min(high, 9))), tier.sum(),
          repr(float(pearsonr(observed[tier], predicted[tier])[0])))

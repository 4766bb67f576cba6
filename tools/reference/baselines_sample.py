"""Baselines of scikit-learn on the published sample of DeepDiff's data.

    pip install numpy scipy scikit-learn skrebate
    python tools/reference/baselines_sample.py SAMPLE_FOLDER

SAMPLE_FOLDER holds Cell1.train.csv and so on (QData/DeepDiffChrome, folder data); A is Cell1 and B
is Cell2, the label is log2((A+1)/(B+1)) of the expression. Prints, for raw counts and for
log(1 + count), Pearson's r on the validation and on the test genes and what was chosen: always what
has the highest r on the validation genes. A - B is the difference of what A and B are after the
transform. Nothing is standardised.

  svr              a support vector regression for each bin on the five marks of that bin, of A - B:
                   RBF kernel, epsilon 0.1, gamma 1 / (features x variance of all the inputs), which
                   is scikit-learn's "scale". For each C, the bin with the highest r between the
                   labels of the training genes and their predictions out of fold (five consecutive
                   folds, taken together). Cheng & Gerstein (Nucleic Acids Research 2011).
  two-layer-svr    the same per bin; then another such regression of the label on the 200
                   predictions, out of fold for the training genes, of the fit to all of these for
                   the others. Both layers' C are chosen.
  relieff-forest   the best of 1,000 features (A - B of each mark in each bin) by the ReliefF of
                   skrebate with 10 neighbours, then a random forest of fully grown trees on
                   bootstrap samples, each split choosing among all features. The numbers of
                   features and trees are chosen. --seed is the forest's.
  ridge, lasso     linear with an intercept on 15 features: A, B and A - B, each mark averaged over
                   the bins before the transform. alpha is scikit-learn's (the lasso's error is
                   divided by twice the number of genes, ridge's is a sum).

--channels gives the first three methods A and B, or A, B and A - B, instead.
"""

import argparse
import csv
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy import ndarray
from scipy.stats import pearsonr
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.svm import SVR
from skrebate import ReliefF

SPLITS = ["train", "valid", "test"]
MARKS, BINS, FOLDS = 5, 200, 5
TRANSFORMS = {"raw": lambda counts: counts, "log1p": np.log1p}
CHANNELS = {
    "difference": lambda a, b: [a - b],
    "both": lambda a, b: [a, b],
    "all": lambda a, b: [a, b, a - b],
}
COSTS = [0.1, 1, 10, 100]
FEATURES, TREES, NEIGHBOURS = [50, 70, 100], [10, 50, 100, 150, 200], 10
RIDGE_ALPHAS = [10.0**k for k in range(-3, 5)]
LASSO_ALPHAS = [10.0 ** (k / 2) for k in range(-8, 1)]


class Genes(NamedTuple):
    a: ndarray  # counts [genes, bins, marks]
    b: ndarray
    label: ndarray


class Result(NamedTuple):
    valid: float  # Pearson's r; the first field, so that the largest result is the chosen one
    test: float
    chosen: str


def read_cell(folder: Path, cell: str, split: str) -> tuple[ndarray, ndarray]:
    """Counts and expression."""
    with open(folder / f"{cell}.expr.csv", newline="") as file:
        expression = {name: float(count) for name, count in csv.reader(file)}
    with open(folder / f"{cell}.{split}.csv", newline="") as file:
        rows = list(csv.reader(file))
    counts = np.array([row[1:] for row in rows], float).reshape(-1, BINS, MARKS)
    return counts, np.array([expression[row[0].split("_")[0]] for row in rows[::BINS]])


def read_genes(folder: Path, split: str) -> Genes:
    (a, of_a), (b, of_b) = (read_cell(folder, cell, split) for cell in ("Cell1", "Cell2"))
    return Genes(a, b, np.log2((of_a + 1) / (of_b + 1)))


def pearson(x: ndarray, y: ndarray) -> float:
    return 0.0 if np.ptp(x) == 0 else float(pearsonr(x, y).statistic)


def best(models, inputs: list[ndarray], labels: list[ndarray]) -> Result:
    """Of (description, model) fitted to the training genes."""

    def result(chosen: str, model) -> Result:
        model.fit(inputs[0], labels[0])
        valid, test = (pearson(model.predict(inputs[i]), labels[i]) for i in (1, 2))
        return Result(valid, test, chosen)

    return max(itertools.starmap(result, models))


def per_bin(inputs: list[ndarray], label: ndarray, cost: float) -> list[ndarray]:
    """Predictions [genes, bins], out of fold for the training genes."""
    predictions = [np.empty(signal.shape[:2]) for signal in inputs]
    for i in range(BINS):
        train, valid, test = (signal[:, i] for signal in inputs)
        model = SVR(C=cost)
        predictions[0][:, i] = cross_val_predict(model, train, label, cv=KFold(FOLDS))
        model.fit(train, label)
        predictions[1][:, i], predictions[2][:, i] = model.predict(valid), model.predict(test)
    return predictions


def svr(inputs: list[ndarray], labels: list[ndarray]) -> dict[str, Result]:
    """With one layer and with two."""
    one, two = [], []
    for cost in COSTS:
        predictions = per_bin(inputs, labels[0], cost)
        i = int(np.argmax([pearson(column, labels[0]) for column in predictions[0].T]))
        valid, test = (pearson(predictions[k][:, i], labels[k]) for k in (1, 2))
        one.append(Result(valid, test, f"C {cost:g}, bin {i + 1}"))
        models = ((f"C {cost:g}, then {second:g}", SVR(C=second)) for second in COSTS)
        two.append(best(models, predictions, labels))
    return {"svr": max(one), "two-layer-svr": max(two)}


def relieff_forest(inputs: list[ndarray], labels: list[ndarray], seed: int) -> Result:
    inputs = [signal.reshape(len(signal), -1) for signal in inputs]
    relief = ReliefF(n_features_to_select=max(FEATURES), n_neighbors=NEIGHBOURS)
    scores = relief.fit(inputs[0], labels[0]).feature_importances_
    order = np.argsort(-scores, kind="stable")
    results = []
    for features in FEATURES:
        selected = [signal[:, order[:features]] for signal in inputs]
        forests = (
            (f"{features} features, {trees} trees", RandomForestRegressor(trees, random_state=seed))
            for trees in TREES
        )
        results.append(best(forests, selected, labels))
    return max(results)


def baselines(genes: list[Genes], transform: str, channels: str, seed: int) -> dict[str, Result]:
    transformed, labels = TRANSFORMS[transform], [split.label for split in genes]
    signal = [
        np.concatenate(CHANNELS[channels](transformed(a), transformed(b)), -1) for a, b, _ in genes
    ]
    means = [
        np.concatenate(CHANNELS["all"](transformed(a.mean(1)), transformed(b.mean(1))), -1)
        for a, b, _ in genes
    ]
    ridges = ((f"alpha {alpha:.3g}", Ridge(alpha)) for alpha in RIDGE_ALPHAS)
    lassos = ((f"alpha {alpha:.3g}", Lasso(alpha, max_iter=100_000)) for alpha in LASSO_ALPHAS)
    return {
        **svr(signal, labels),
        "relieff-forest": relieff_forest(signal, labels, seed),
        "ridge": best(ridges, means, labels),
        "lasso": best(lassos, means, labels),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sample", type=Path, help="folder of the published sample")
    parser.add_argument("--channels", choices=CHANNELS, default="difference")
    parser.add_argument("--seed", type=int, default=0, help="of the forests (default 0)")
    arguments = parser.parse_args()

    genes = [read_genes(arguments.sample, split) for split in SPLITS]
    print("| method | transform | valid r | test r | chosen |")
    print("|---|---|---|---|---|")
    for transform in TRANSFORMS:
        results = baselines(genes, transform, arguments.channels, arguments.seed)
        for method, (valid, test, chosen) in results.items():
            print(f"| {method} | {transform} | {valid:.3f} | {test:.3f} | {chosen} |", flush=True)


if __name__ == "__main__":
    main()

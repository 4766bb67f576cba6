"""Golden numbers for the baselines, from scikit-learn, scikit-rebate and sklearn-relief.

    python3 -m venv .venv && .venv/bin/pip install scikit-learn skrebate sklearn-relief
    .venv/bin/python tools/reference/learners.py crates/epidelta/tests/golden

Writes svm.json, relieff.json and forest.json with inputs and expected values.
Made with scikit-learn 1.9.1, skrebate 0.8.4, sklearn-relief 1.0.0b2, NumPy 2.4.6.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.svm import SVC, SVR
from skrebate import ReliefF
from sklearn_relief import RReliefF

OUT = Path(sys.argv[1])


def rounded(x, digits=6):
    """Values that JSON holds exactly and shortly."""
    return np.round(np.asarray(x, dtype=float), digits)


def write(name, content):
    def plain(x):
        return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x

    path = OUT / name
    path.write_text(json.dumps(content, default=plain, separators=(",", ":")) + "\n")
    print(name, path.stat().st_size, "bytes")


def svm():
    rng = np.random.default_rng(1)
    x, test = rounded(rng.normal(size=(150, 5)), 4), rounded(rng.normal(size=(25, 5)), 4)
    y = rounded(x[:, 0] + np.sin(x[:, 1] * x[:, 2]) + 0.3 * rng.normal(size=150), 4)
    positive = y > 0.2
    cases = []
    for cost in (0.1, 1.0, 10.0, 100.0):
        for epsilon, gamma in ((0.1, None), (0.5, 0.05), (0.0, 2.0)):
            kernel = {"C": cost, "gamma": gamma or "scale"}
            svr = SVR(epsilon=epsilon, **kernel).fit(x, y)
            svc = SVC(**kernel).fit(x, positive)
            cases.append({
                "cost": cost, "epsilon": epsilon, "gamma": gamma,
                "predicted": svr.predict(test), "support_vectors": len(svr.support_),
                "decision": svc.decision_function(test),
                "class_support_vectors": len(svc.support_),
            })
    write("svm.json", {"x": x, "y": y, "positive": positive, "test": test, "cases": cases})


def rrelieff(x, y, k, sigma=None):
    """Robnik-Sikonja and Kononenko 2003, figure 3, for all rows."""
    x = (x - x.min(0)) / (x.max(0) - x.min(0))
    n_dc, n_da, n_dcda = 0.0, np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for i in range(len(x)):
        distance = np.abs(x - x[i]).sum(1)
        distance[i] = np.inf
        near = np.argsort(distance)[:k]
        rank = np.arange(1, k + 1)
        weight = np.ones(k) if sigma is None else np.exp(-((rank / sigma) ** 2))
        weight /= weight.sum()
        for j, w in zip(near, weight):
            d_y = abs(y[i] - y[j]) / (y.max() - y.min())
            d_a = np.abs(x[i] - x[j])
            n_dc += d_y * w
            n_da += d_a * w
            n_dcda += d_y * d_a * w
    return n_dcda / n_dc - (n_da - n_dcda) / (len(x) - n_dc)


class AllRows:
    """Has sklearn-relief visit every row once."""

    def randint(self, n, size):
        return np.arange(n)


def relieff():
    rng = np.random.default_rng(2)
    x = rounded(rng.normal(size=(120, 8)) * np.arange(1, 9), 4)
    y = rounded(x[:, 0] + 0.5 * x[:, 1] * (x[:, 2] > 0) + 0.2 * rng.normal(size=120), 4)
    cases = []
    # A row with fewer than k hits is its own hit in scikit-rebate; here all have more.
    hits = (np.abs(y[:, None] - y) < y.std(ddof=1)).sum(1) - 1
    print("hits of a row at least", hits.min())
    for k in (1, 5, 10):
        assert k <= hits.min(), "see above"
        weights = ReliefF(n_neighbors=k).fit(x, y).feature_importances_
        cases.append({"k": k, "formula": "hits-and-misses", "weights": weights})
        cases.append({"k": k, "formula": "regression", "weights": rrelieff(x, y, k)})
    for k, sigma in ((10, 3.0), (70, 20.0)):
        weights = rrelieff(x, y, k, sigma)
        other = RReliefF(n_iterations=len(x), k=k, sigma=sigma, n_jobs=1)
        other.random_state = AllRows()
        scaled = (x - x.min(0)) / (x.max(0) - x.min(0))
        other.fit(scaled, (y - y.min()) / (y.max() - y.min()))
        print("sklearn-relief differs by", np.abs(other.w_ - weights).max())
        cases.append({
            "k": k, "formula": {"ranked-regression": {"sigma": sigma}}, "weights": weights
        })
    write("relieff.json", {"x": x, "y": y, "cases": cases})


def uniform(count, seed):
    """SplitMix64, uniform in 0..1: the same numbers in any language."""
    mask, out = (1 << 64) - 1, np.empty(count)
    for i in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out[i] = ((z ^ (z >> 31)) >> 11) / (1 << 53)
    return out


def friedman(rows, seed):
    """Friedman #1: 50 uniform features, five of which matter; noise of uniform sum."""
    draws = uniform(rows * 62, seed).reshape(rows, 62)
    x, noise = draws[:, :50], draws[:, 50:].sum(1) - 6
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    return x, y + 10 * x[:, 3] + 5 * x[:, 4] + noise


def forest():
    (x, y), (x_test, y_test) = friedman(1000, 1), friedman(2000, 2)
    median = np.median(y)
    cases = []
    for max_features, min_leaf, max_depth in (
        (16, 1, None), (16, 5, None), (50, 1, None), (7, 1, None), (16, 1, 4),
    ):
        settings = {
            "max_features": max_features, "min_samples_leaf": min_leaf,
            "max_depth": max_depth, "n_estimators": 200, "n_jobs": 2,
        }
        r2, auroc = [], []
        for seed in range(5):
            regressor = RandomForestRegressor(random_state=seed, **settings).fit(x, y)
            r2.append(r2_score(y_test, regressor.predict(x_test)))
            classifier = RandomForestClassifier(random_state=seed, **settings).fit(x, y > median)
            auroc.append(roc_auc_score(y_test > median, classifier.predict_proba(x_test)[:, 1]))
        print(settings, np.round(r2, 4), np.round(auroc, 4))
        cases.append({
            "max_features": max_features, "min_leaf": min_leaf, "max_depth": max_depth,
            "r2": np.mean(r2), "auroc": np.mean(auroc),
        })
    write("forest.json", {
        "first_row": x[0], "first_targets": y[:5], "median": median, "cases": cases
    })


svm()
relieff()
forest()

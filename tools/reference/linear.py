"""Golden values of the linear baselines from scikit-learn.

Run:
    python3 -m venv venv && venv/bin/pip install numpy scikit-learn==1.9.1
    venv/bin/python tools/reference/linear.py crates/epidelta/tests/golden

Writes linear_tall.json, linear_wide.json and linear_degenerate.json: features `x` and `new_x`, targets
`y`, labels, and for each model and penalty the weights of the standardised
features, the intercept and the predictions (log-odds) for `x` and `new_x`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler


def fitted(model, penalty, x, target, new_x):
    scaler = StandardScaler().fit(x)
    model.fit(scaler.transform(x), target)
    score = getattr(model, "decision_function", model.predict)
    return {
        "penalty": penalty,
        "weights": np.ravel(model.coef_).tolist(),
        "intercept": float(np.ravel(model.intercept_)[0]),
        "fitted": score(scaler.transform(x)).tolist(),
        "predictions": score(scaler.transform(new_x)).tolist(),
    }


def golden(x, y, labels, new_x):
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "labels": labels.tolist(),
        "new_x": new_x.tolist(),
        "ridge": [
            fitted(Ridge(alpha=a, solver="cholesky"), a, x, y, new_x)
            for a in (0.01, 1.0, 10.0, 1000.0)
        ],
        "lasso": [
            fitted(Lasso(alpha=a, tol=1e-14, max_iter=10_000_000), a, x, y, new_x)
            for a in (0.01, 1.0, 0.1, 100.0)
        ],
        "logistic": [
            fitted(
                LogisticRegression(C=c, tol=1e-12, max_iter=10_000, solver="newton-cholesky"),
                c, x, labels, new_x,
            )
            for c in (0.01, 1.0, 100.0)
        ],
    }


def sample(rng, rows, columns):
    """Correlated features of unequal scale."""
    mixing = np.eye(columns) + 0.3 * rng.normal(size=(columns, columns)) / np.sqrt(columns)
    scales = 10.0 ** rng.uniform(-2, 2, size=columns)
    x = rng.normal(size=(rows, columns)) @ mixing * scales + 5 * scales
    return np.round(x, 4), scales


def main(folder):
    rng = np.random.default_rng(1)
    sizes = {"tall": (80, 8), "wide": (20, 30), "degenerate": (40, 6)}
    for name, (rows, columns) in sizes.items():
        x, scales = sample(rng, rows + 5, columns)
        if name == "degenerate":
            x[:, 2] = 0.1  # constant
            x[:, 4] = x[:, 1]  # the same twice
        signal = (x / scales)[:, [0, 1, 3]] @ [2.0, -1.5, 1.0]
        y = np.round(signal - signal.mean() + rng.normal(size=rows + 5) + 3, 4)
        labels = y > np.median(y) + rng.normal(size=rows + 5) * (name == "tall")
        values = golden(x[:rows], y[:rows], labels[:rows], x[rows:])
        (folder / f"linear_{name}.json").write_text(json.dumps(values) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

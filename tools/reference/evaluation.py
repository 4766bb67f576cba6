"""Golden numbers of tests/evaluation.rs, by NumPy and SciPy.

    pip install numpy scipy scikit-learn
    python tools/reference/evaluation.py crates/epidelta/tests/golden/evaluation.json
"""

import json
import sys

import numpy as np
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(20260101)


def r(x, y):
    """Pearson's r along the last axis."""
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    return (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))


def two_methods(genes):
    """Observed changes and two predictions whose errors go together."""
    x = rng.normal(0, 1, genes)
    shared = rng.normal(0, 0.5, genes)
    return x, *(x + shared + rng.normal(0, sd, genes) for sd in [0.4, 0.7])


def pearson_difference():
    for genes, seeds in [(60, 1), (400, 1), (400, 2)]:
        x, y, z = two_methods(genes)
        methods = [[of + rng.normal(0, 0.2, genes) for _ in range(seeds)] for of in (y, z)]

        def difference(i, axis):
            means = [np.mean([r(x[i], y[i]) for y in of], axis=0) for of in methods]
            return means[0] - means[1]

        interval = stats.bootstrap((np.arange(genes),), difference, n_resamples=200_000,
                                   batch=5_000, vectorized=True, method="percentile",
                                   rng=rng).confidence_interval
        yield {"observed": x.tolist(), "methods": [[y.tolist() for y in of] for of in methods],
               "difference": float(difference(np.arange(genes), -1)),
               "interval": [float(interval.low), float(interval.high)]}


def auroc_difference():
    x, y, z = two_methods(200)
    up, y, z = x > 0.3, y.round(1), z.round(1)

    def difference(i):
        if up[i].all() or not up[i].any():
            return np.nan
        return roc_auc_score(up[i], y[i]) - roc_auc_score(up[i], z[i])

    resampled = [difference(rng.integers(0, 200, 200)) for _ in range(20_000)]
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    yield {"up": up.tolist(), "methods": [y.tolist(), z.tolist()],
           "difference": float(difference(np.arange(200))), "interval": [float(low), float(high)]}


def spread():
    """Ensembles whose members agree too much, by a factor and by a constant."""
    for genes, constant, factor in [(300, 0.3, 2.0), (500, 0.0, 3.0), (500, 0.5, 0.0)]:
        spread = rng.gamma(3, 0.1, genes).astype(np.float32).astype(float)
        true = np.hypot(constant, factor * spread)
        error = rng.normal(0, true)

        def cost(parameters):
            variance = parameters[0] ** 2 + (parameters[1] * spread) ** 2
            return (np.log(variance) + error**2 / variance).sum()

        fits = [optimize.minimize(cost, start, method="L-BFGS-B", bounds=[(0, None)] * 2,
                                  options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 10_000})
                for start in [(0.5, 1), (0.1, 3), (1e-3, 3), (0.5, 1e-3), (0.3, 2)]]
        best = min(fits, key=lambda fit: fit.fun)
        sd = np.hypot(best.x[0], best.x[1] * spread)
        half_width = stats.norm.ppf(0.5 + np.array([0.5, 0.8, 0.9, 0.95]) / 2)
        edges = np.arange(6) * genes // 5
        order = np.argsort(spread, kind="stable")
        fifths = [order[a:b] for a, b in zip(edges, edges[1:])]
        yield {"errors": error.tolist(), "spread": spread.tolist(), "cost": float(best.fun),
               "constant": float(best.x[0]), "factor": float(best.x[1]),
               "coverage": [float((abs(error) <= z * sd).mean()) for z in half_width],
               "spearman_r": float(stats.spearmanr(spread, abs(error)).statistic),
               "fifths": [[float(spread[f].mean()), float(abs(error[f]).mean()), len(f)]
                          for f in fifths]}


def noise_ceiling():
    """Poisson reads of known expression: the ceiling is to be the correlation of the
    labels that were measured with those without noise."""
    for genes, depth, scale in [(3000, 1.0, 1.0), (3000, 0.1, 0.05), (3000, 10.0, 0.5)]:
        base = rng.lognormal(4, 1.5, genes)
        change = rng.normal(0, 0.5, genes) * (rng.random(genes) < 0.6)
        truth = depth * np.array([base * 2 ** (change / 2), base * 2 ** (-change / 2)])
        reads = rng.poisson(truth)
        label = lambda reads: np.log2((scale * reads[0] + 1) / (scale * reads[1] + 1))
        halves = rng.binomial(reads, 0.5, (200, *reads.shape))
        of_halves = [r(label(2 * h), label(2 * (reads - h))) for h in halves]
        half = float(np.mean(of_halves))
        yield {"reads": reads.T.tolist(), "scale": scale, "half_pearson_r": half,
               "ceiling": float(np.sqrt(2 * half / (1 + half))),
               "truth": float(r(label(reads), label(truth)))}


golden = {f.__name__: list(f())
          for f in [pearson_difference, auroc_difference, spread, noise_ceiling]}
for case in golden["noise_ceiling"]:
    print(*(f"{k} {case[k]:.4f}" for k in ["half_pearson_r", "ceiling", "truth"]))
for case in golden["spread"]:
    print(*(f"{k} {case[k]:.6f}" for k in ["constant", "factor"]), case["coverage"])
with open(sys.argv[1], "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")

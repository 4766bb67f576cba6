"""Golden numbers of tests/comparison.rs, by SciPy and statsmodels.

    pip install scipy statsmodels
    python tools/reference/comparison.py crates/epidelta/tests/golden/comparison.json
"""

import itertools
import json
import sys

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20180901)


def chi_square():
    for degrees in [1, 2, 3, 4, 7, 9, 17, 18, 40]:
        for x in [1e-6, 0.1, 0.9, 2.5, degrees * 0.99, degrees + 2.01, 25.0, 90.0, 400.0]:
            yield {"x": x, "degrees": degrees, "p": stats.chi2.sf(x, degrees)}


def signed_rank():
    def case(name, d, p, statistic):
        return {"name": name, "differences": list(map(float, d)), "statistic": float(statistic),
                "p": float(p), "n": int(np.count_nonzero(d))}

    for n in [3, 5, 10, 23, 50]:
        d = rng.normal(0.4, 1, n)
        result = stats.wilcoxon(d, method="exact", zero_method="wilcox")
        yield case(f"exact, {n} without ties", d, result.pvalue, result.statistic)
    for n in [6, 9, 12]:
        # Ties and zeros: every choice of signs is counted, which is what
        # scipy's PermutationMethod does too (asserted).
        d = np.array([0, 0.25, -0.25, *rng.integers(-4, 7, n) / 8])
        kept = d[d != 0]
        ranks = stats.rankdata(abs(kept))
        sums = np.array([np.dot(signs, ranks)
                         for signs in itertools.product([0, 1], repeat=len(kept))])
        positive = ranks[kept > 0].sum()
        p = min(1, 2 * min((sums <= positive).mean(), (sums >= positive).mean()))
        by_scipy = stats.wilcoxon(kept, method=stats.PermutationMethod(n_resamples=np.inf))
        assert abs(by_scipy.pvalue - p) < 1e-12
        yield case(f"exact, {len(kept)} with ties", d, p, min(positive, ranks.sum() - positive))
    for n in [51, 80, 300]:
        for name, d in [("", rng.normal(0.2, 1, n)),
                        (" with ties and zeros", rng.integers(-9, 12, n + 60) / 16)]:
            if name and np.count_nonzero(d) <= 50:
                continue
            result = stats.wilcoxon(d, method="asymptotic", zero_method="wilcox", correction=False)
            yield case(f"normal, {n}{name}", d, result.pvalue, result.statistic)


def friedman():
    for pairs, methods, decimals in [(10, 18, 9), (10, 4, 1), (3, 3, 9), (20, 7, 1)]:
        table = np.round(rng.normal(0.6, 0.1, (methods, pairs))
                         + np.linspace(0, 0.08, methods)[:, None], decimals)
        result = stats.friedmanchisquare(*table)
        yield {"methods": table.tolist(),
               "mean_rank": stats.rankdata(-table, axis=0).mean(axis=1).tolist(),
               "chi_square": result.statistic, "p": result.pvalue}


def holm():
    for p in [rng.uniform(0, 0.06, 17), rng.uniform(0, 1, 5), np.array([0.02, 0.02, 0.01, 0.9])]:
        yield {"p": p.tolist(), "adjusted": multipletests(p, method="holm")[1].tolist()}


def bootstrap():
    for genes, rho, seeds in [(40, 0.5, 1), (400, 0.8, 1), (400, 0.6, 3)]:
        x = rng.normal(0, 1, genes)
        ys = [rho * x + np.sqrt(1 - rho**2) * rng.normal(0, 1, genes) for _ in range(seeds)]

        def mean_r(index):
            # Columns of a gene are drawn together; axis -1 has the genes.
            a = x[index] - x[index].mean(-1, keepdims=True)
            rs = []
            for y in ys:
                b = y[index] - y[index].mean(-1, keepdims=True)
                rs.append((a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1)))
            return np.mean(rs, axis=0)

        result = stats.bootstrap((np.arange(genes),), lambda i, axis: mean_r(i), n_resamples=200_000,
                                 batch=5_000, vectorized=True, method="percentile", rng=rng)
        interval = result.confidence_interval
        yield {"observed": x.tolist(), "predicted": [y.tolist() for y in ys], "level": 0.95,
               "interval": [float(interval.low), float(interval.high)]}


golden = {f.__name__: list(f()) for f in [chi_square, signed_rank, friedman, holm, bootstrap]}
with open(sys.argv[1], "w") as file:
    json.dump(golden, file, indent=None, separators=(",", ":"))
    file.write("\n")

"""LightGBM on windows of the signal: the strongest simple model that we know of.

    python tools/accuracy/lightgbm_baseline.py A.parquet B.parquet RUN OUTPUT.tsv [SEED]

Splits and labels are those of RUN, the folder of any run on the same pair. Features of each gene: ln(1 + mean signal) of every mark in 20 windows, in A, in B, and their
difference. 300 trees of 31 leaves at a learning rate of 0.05, each of 80 % of the genes and
half of the features, fitted to the training genes alone. Writes gene_id, split, observed and
predicted of every gene of the run. Needs lightgbm, numpy and pyarrow.
"""

import sys

import lightgbm
import numpy as np
import pyarrow.parquet as parquet

WINDOWS = 20
GENE_COLUMNS = {"gene_id", "gene_name", "chrom", "tss", "strand", "split", "expression"}


def features(table, marks, rows):
    """ln(1 + mean) of every mark in windows, [gene, mark * window]."""
    of_marks = []
    for mark in marks:
        bins = np.stack(table[mark].to_numpy(zero_copy_only=False)).astype(float)[rows]
        starts = np.arange(WINDOWS + 1) * bins.shape[1] // WINDOWS
        windows = zip(starts[:-1], starts[1:])
        of_marks.append(np.stack([bins[:, a:b].mean(1) for a, b in windows], 1))
    return np.log1p(np.concatenate(of_marks, 1))


def main():
    a, b = (parquet.read_table(path) for path in sys.argv[1:3])
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    lines = [line.rstrip("\n").split("\t") for line in open(f"{sys.argv[3]}/predictions.tsv")]
    at = {name: column for column, name in enumerate(lines[0])}
    genes, split, y = (
        [line[at[name]] for line in lines[1:]] for name in ("gene_id", "split", "observed")
    )
    split, y = np.array(split), np.array(y, dtype=float)

    def rows(table):
        row_of = {gene: row for row, gene in enumerate(table["gene_id"].to_pylist())}
        return [row_of[gene] for gene in genes]

    marks = [name for name in a.column_names if name not in GENE_COLUMNS]
    of_a, of_b = features(a, marks, rows(a)), features(b, marks, rows(b))
    x = np.concatenate([of_a, of_b, of_a - of_b], 1)
    model = lightgbm.LGBMRegressor(
        n_estimators=300,
        learning_rate=0.05,
        num_leaves=31,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.5,
        random_state=seed,
        verbose=-1,
    )
    train = split == "train"
    predicted = model.fit(x[train], y[train]).predict(x)
    with open(sys.argv[4], "w") as out:
        print("gene_id", "split", "observed", "predicted", sep="\t", file=out)
        for row in zip(genes, split, y, predicted):
            print(*row, sep="\t", file=out)
    for name in ("train", "valid"):
        of = split == name
        print(f"{name} Pearson r {np.corrcoef(y[of], predicted[of])[0, 1]:.4f}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What runs cost: whole-process seconds and memory of every method, as data grow.

    cargo build --release -p epidelta-cli
    tools/planning/measure.py measure target/release/epidelta costs.tsv [--threads 1,2] [--methods ...]
    tools/planning/measure.py fit costs.tsv

`measure` trains every method on simulated data of several sizes, one dimension varied at a time
around 4,000 genes, 5 marks and 100 bins, and appends a row per run to the table; rows that are
there are not measured again. Networks are trained for two epochs: what an epoch costs, and what
the rest does, are told apart by the run's own `seconds_per_epoch`. `fit` prints the
coefficients that `crates/epidelta/src/study/cost.rs` holds and how far they are from what was
measured. Needs Python 3.11 with pyarrow and numpy; leave the machine idle meanwhile.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

METHODS = [
    "epidelta", "raw-d", "raw-c", "raw", "aux", "raw-aux", "aux-siamese", "raw-aux-siamese",
    "attentive-chrome", "deep-chrome", "deep-chrome-raw",
    "svr", "two-layer-svr", "relieff-forest", "ridge", "lasso", "boosting",
]  # fmt: skip
NETWORKS = METHODS[:11]
MIDDLE = (4000, 5, 100)
AROUND = {
    "genes": [(2000, 5, 100), (8000, 5, 100), (16000, 5, 100)],
    "marks": [(4000, 2, 100), (4000, 3, 100), (4000, 8, 100)],
    "bins": [(4000, 5, 25), (4000, 5, 50), (4000, 5, 200)],
}
PAPER = (18460, 5, 200)
PAPER_FEW_BINS = (18460, 5, 40)
# Support vector machines are trained for every bin: fewer bins, so that it ends today.
FEW_BINS = 20


def sizes(method):
    """The sizes of the data: the middle, and each dimension at three more."""
    around = [MIDDLE, *(size for of in AROUND.values() for size in of)]
    if method in ("svr", "two-layer-svr"):
        few = [(genes, marks, bins * FEW_BINS // MIDDLE[2]) for genes, marks, bins in around]
        return few + ([PAPER] if method == "svr" else [PAPER_FEW_BINS])
    return around + [PAPER]


EPOCHS = 2
COLUMNS = ["method", "genes", "marks", "bins", "threads", "seconds", "cpu_seconds",
           "memory_mb", "epoch_seconds"]  # fmt: skip


def data(epidelta, folder, genes, marks, bins):
    """Where a pair of simulated cell types is, made if it is not there."""
    made = folder / f"{genes}x{marks}x{bins}"
    if not made.exists():
        # In another process: what this one has in memory, the runs that it starts seem to have.
        words = [sys.executable, __file__, "data", epidelta, folder, genes, marks, bins]
        subprocess.run([str(word) for word in words], check=True)
    return made


def make_data(arguments):
    """A pair of simulated cell types; marks beyond five are copies of the first, turned round."""
    import pyarrow.parquet as pq

    epidelta, folder = arguments.epidelta, Path(arguments.folder)
    genes, marks, bins = arguments.genes, arguments.marks, arguments.bins
    made = folder / f"{genes}x{marks}x{bins}"
    base = folder / f"base-{genes}x{bins}"
    if not base.exists():
        command = [epidelta, "--quiet", "simulate", "--genes", genes, "--bins", bins, "-o", base]
        subprocess.run([str(word) for word in command], check=True)
    made.mkdir()
    for cell in "AB":
        table = pq.read_table(base / f"{cell}.parquet")
        of_marks = table.column_names[7:]
        for extra in range(len(of_marks), marks):
            copied = table.column(of_marks[extra % len(of_marks)]).combine_chunks()
            table = table.append_column(f"M{extra + 1}", copied.take(list(range(genes))[::-1]))
        table = table.select(table.column_names[: 7 + marks])
        pq.write_table(table, made / f"{cell}.parquet", compression="zstd")
    return made


def run(epidelta, folder, method, size, threads, epochs=EPOCHS):
    files = data(epidelta, folder, *size)
    out = folder / "run"
    command = [epidelta, "--quiet", "--threads", threads, "train", "--method", method, "--force",
               "--a", files / "A.parquet", "--b", files / "B.parquet", "-o", out]  # fmt: skip
    if method in NETWORKS:
        command += ["--set", f"training.epochs={epochs}"]
    started = time.monotonic()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - started
    if status != 0:
        sys.exit(f"{method} on {size} failed")
    metrics = json.loads((out / "metrics.json").read_text())
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "memory_mb": round(usage.ru_maxrss / 1000, 1),
        "epoch_seconds": metrics.get("seconds_per_epoch", ""),
    }


def measure(arguments):
    table = Path(arguments.table)
    known = set()
    if table.exists():
        with table.open() as rows:
            known = {tuple(row[c] for c in COLUMNS[:5]) for row in csv.DictReader(rows, delimiter="\t")}
    else:
        table.write_text("\t".join(COLUMNS) + "\n")
    epidelta = Path(arguments.epidelta).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        for threads in arguments.threads.split(","):
            for method in arguments.methods.split(","):
                for size in sizes(method) if threads == "1" else [sizes(method)[0], PAPER]:
                    key = (method, *map(str, size), threads)
                    if key in known:
                        continue
                    found = run(epidelta, Path(temporary), method, size, threads)
                    row = [*key, *(str(found[c]) for c in COLUMNS[5:])]
                    with table.open("a") as out:
                        out.write("\t".join(row) + "\n")
                    print(*row, flush=True)


# Powers of genes, marks and bins whose sum the costs are, in the order of cost.rs.
TERMS = [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1), (1, 0, 2),
         (2, 0, 0), (2, 0, 1)]  # fmt: skip
# The bins are compared on 1,000 genes, however many there are; one machine learns from all.
TERMS_OF = {"svr": [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0), (2, 0, 0)]}
# The peak is in reading large data, and in training on small ones.
OF_MEMORY = [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 1, 1), (2, 0, 0)]
# Seconds are not fitted, but foretold: the size of the paper's data.
FORETOLD = [tuple(map(str, PAPER)), tuple(map(str, PAPER_FEW_BINS))]


def fit(arguments):
    """Prints the coefficients, and what they say beside what was measured."""
    import numpy as np
    from scipy.optimize import nnls

    with open(arguments.table) as rows:
        rows = list(csv.DictReader(rows, delimiter="\t"))
    one = [row for row in rows if row["threads"] == "1"]

    def terms(row, powers_of=TERMS):
        size = [float(row[c]) for c in ("genes", "marks", "bins")]
        return [np.prod([x**p for x, p in zip(size, powers)]) for powers in powers_of]

    def law(found, of, powers_of=TERMS):
        """Coefficients, none negative, of the least squares of relative errors."""
        x = np.array([terms(row, powers_of) for row in found])
        y = np.array([max(of(row), 1e-3) for row in found])
        scale = (x / y[:, None]).max(axis=0)
        coefficients, _ = nnls(x / y[:, None] / scale, np.ones(len(y)), maxiter=10_000)
        return coefficients / scale

    for method in METHODS:
        of_method = [row for row in one if row["method"] == method]
        fitted = [r for r in of_method if (r["genes"], r["marks"], r["bins"]) not in FORETOLD]
        networks = 2 if method in ("attentive-chrome", "deep-chrome") else 1
        epochs = EPOCHS * networks if method in NETWORKS else 0

        def epoch(row):
            return float(row["epoch_seconds"] or 0)

        def rest(row):
            return float(row["seconds"]) - epochs * epoch(row)

        def memory(row):
            return float(row["memory_mb"])

        powers = TERMS_OF.get(method, TERMS)
        laws = [
            (law(fitted, epoch, powers) if epochs else np.zeros(len(powers)), powers),
            (law(fitted, rest, powers), powers),
            (law(of_method, memory, OF_MEMORY), OF_MEMORY),
        ]

        def says(row):
            per_epoch, others, in_memory = (np.array(terms(row, p)) @ of for of, p in laws)
            return per_epoch * epochs + others, in_memory

        print(f"    // {method}:")
        for kind, found in (("fitted", fitted), ("foretold", [r for r in of_method if r not in fitted])):
            if found:
                off = [[says(r)[0] / float(r["seconds"]), says(r)[1] / memory(r)] for r in found]
                low, high = np.min(off, axis=0), np.max(off, axis=0)
                print(f"    // {kind}: seconds {low[0]:.2f} to {high[0]:.2f} of those measured, "
                      f"memory {low[1]:.2f} to {high[1]:.2f}")  # fmt: skip
        print("    MethodCost {")
        print(f'        method: "{method}",')
        for name, (coefficients, powers) in zip(("epoch", "rest", "memory"), laws):
            sums = [f"({c:.3e}, {list(p)})" for c, p in zip(coefficients, powers) if c > 0]
            print(f"        {name}: &[{', '.join(sums)}],")
        print("    },")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure")
    measuring.add_argument("epidelta")
    measuring.add_argument("table")
    measuring.add_argument("--threads", default="1,2")
    measuring.add_argument("--methods", default=",".join(METHODS))
    measuring.set_defaults(run=measure)
    making = verbs.add_parser("data")
    making.add_argument("epidelta")
    making.add_argument("folder")
    for dimension in ("genes", "marks", "bins"):
        making.add_argument(dimension, type=int)
    making.set_defaults(run=make_data)
    fitting = verbs.add_parser("fit")
    fitting.add_argument("table")
    fitting.set_defaults(run=fit)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()

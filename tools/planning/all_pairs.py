#!/usr/bin/env python3
"""Writes the description of a study of all pairs of many cell types, to learn what it would cost:

    tools/planning/all_pairs.py > all.toml
    epidelta study plan all.toml --genes 18460 --bins 200 -o plan.tsv
"""

import argparse
import itertools

METHODS = [
    "epidelta", "raw-d", "raw-c", "raw", "aux", "raw-aux", "aux-siamese", "raw-aux-siamese",
    "attentive-chrome", "deep-chrome", "svr", "two-layer-svr", "relieff-forest", "ridge",
]  # fmt: skip
MARKS = ["H3K4me1", "H3K4me3", "H3K9me3", "H3K27me3", "H3K36me3"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell-types", type=int, default=56)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", default=",".join(METHODS))
    arguments = parser.parse_args()
    cells = [f"cell{number}" for number in range(1, arguments.cell_types + 1)]
    print(f"seeds = {list(range(1, arguments.seeds + 1))}")
    print(f"marks = {MARKS}".replace("'", '"'))
    print(f"methods = {arguments.methods.split(',')}".replace("'", '"'))
    pairs = [list(pair) for pair in itertools.combinations(cells, 2)]
    print(f"pairs = {pairs}".replace("'", '"'))
    print("[cell_types]")
    for cell in cells:
        print(f'{cell} = "cells/{cell}.parquet"')


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Is a study done sooner with many runs of one thread, or with few of many?

    cargo build --release -p epidelta-cli
    tools/planning/packing.py target/release/epidelta [--methods raw-aux,ridge] [--repeats 3]

A study of four runs (four seeds) on one pair of simulated cell types of the size of the paper's
data (18,460 genes, 5 marks, 200 bins), networks with two epochs, is made in turns with one run at
once on one thread, one on two, and two on one thread each. Prints, per method and way, the median
of the whole process's seconds, runs per hour, how many times the runs per hour of the first way
that is, and the largest memory of the process. Leave the machine, of two cores or more, idle
meanwhile.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

SEEDS = 4
EPOCHS = 2
WAYS = {"one run, one thread": (1, 1), "one run, two threads": (1, 2), "two runs, one thread each": (2, 2)}
STUDY = """
pairs = [["A", "B"]]
seeds = {seeds}
methods = ["{method}"]
[cell_types]
A = "A.parquet"
B = "B.parquet"
"""


def made(epidelta, folder, jobs, threads):
    """Seconds and MB of a study that is made anew."""
    words = [epidelta, "--quiet", "--threads", threads, "study", folder / "study.toml",
             "-o", folder / "study", "--jobs", jobs, "--force"]  # fmt: skip
    started = time.monotonic()
    child = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - started
    if status != 0:
        raise SystemExit("the study failed")
    return seconds, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("epidelta")
    parser.add_argument("--methods", default="raw-aux,epidelta,ridge")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    epidelta = Path(arguments.epidelta).resolve()
    print("method\tway\tseconds\truns_per_hour\ttimes\tmemory_mb")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        simulate = [epidelta, "--quiet", "simulate", "--genes", 18460, "--force", "-o", folder / "sim"]
        subprocess.run([str(word) for word in simulate], check=True)
        folder = folder / "sim"
        for method in arguments.methods.split(","):
            text = STUDY.format(seeds=list(range(1, SEEDS + 1)), method=method)
            if method not in ("ridge", "lasso", "boosting", "svr", "two-layer-svr", "relieff-forest"):
                text += f"[settings]\ntraining.epochs = {EPOCHS}\n"
            (folder / "study.toml").write_text(text)
            found = {way: [] for way in WAYS}
            for _ in range(arguments.repeats):
                for way, (jobs, threads) in WAYS.items():
                    found[way].append(made(epidelta, folder, jobs, threads))
            first = None
            for way, of_way in found.items():
                seconds = statistics.median(s for s, _ in of_way)
                rate = SEEDS * 3600 / seconds
                first = first or rate
                memory = max(m for _, m in of_way)
                print(method, way, f"{seconds:.2f}", f"{rate:.0f}", f"{rate / first:.2f}",
                      f"{memory:.0f}", sep="\t", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

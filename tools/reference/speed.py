"""Training time of epidelta beside that of PyTorch: the table of docs/speed.md.

    python tools/reference/speed.py SAMPLE_FOLDER [--epidelta target/release/epidelta]

SAMPLE_FOLDER holds Cell1.train.csv and so on of the published sample (QData/DeepDiffChrome, folder
data). The two programs take turns on one machine with the same data, settings and batches of 10
genes, epidelta on THREADS threads (default 2), PyTorch (tools/reference/pytorch_training.py, in
both its styles) on every number of threads up to that, of which the fastest counts. An epoch is
training plus validation. A run's time is the mean over its epochs, of which PyTorch is spared its
first, slower one; the table has the median over the runs: ROUNDS of each of PyTorch's, and one of
epidelta before each of those.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

METHODS = ["raw-d", "raw-c", "raw", "aux", "raw-aux", "aux-siamese", "raw-aux-siamese"]
STYLES = ["published", "idiomatic"]
CELLS = {"Cell1": "E123", "Cell2": "E003"}


def import_cell(program: str, sample: Path, cell: str, output: Path) -> None:
    files = [f"--{split}={sample / f'{cell}.{split}.csv'}" for split in ("train", "valid", "test")]
    expression = f"--expression={sample / f'{cell}.expr.csv'}"
    subprocess.run(
        [program, "--quiet", "import", "deepdiff", f"--name={CELLS[cell]}", expression, *files]
        + ["-o", output],
        check=True,
    )


def time_epidelta(program: str, folder: Path, method: str, epochs: int, threads: int) -> float:
    run = folder / "run"
    a, b = (folder / f"{name}.parquet" for name in CELLS.values())
    subprocess.run(
        [program, "--quiet", f"--threads={threads}", "train", "--a", a, "--b", b, "--force"]
        + [f"--method={method}", "--preset=reference", f"--set=training.epochs={epochs}"]
        + ["-o", run],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return json.loads((run / "metrics.json").read_text())["seconds_per_epoch"]


def time_pytorch(sample: Path, method: str, style: str, epochs: int, threads: int) -> float:
    script = Path(__file__).with_name("pytorch_training.py")
    printed = subprocess.run(
        [sys.executable, script, sample, f"--method={method}", f"--style={style}"]
        + [f"--epochs={epochs + 1}", f"--threads={threads}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return statistics.mean(json.loads(printed.splitlines()[-1])["seconds_per_epoch"][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description="Times epidelta beside PyTorch.")
    parser.add_argument("sample", type=Path, help="folder of the published sample")
    parser.add_argument("--epidelta", default="epidelta", help="the program")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    print("| method | epidelta, s | PyTorch as published, s | times | idiomatic, s | times |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for cell, name in CELLS.items():
            import_cell(args.epidelta, args.sample, cell, folder / f"{name}.parquet")
        for method in args.methods:
            ours: list[float] = []
            theirs = {(s, t): [] for s in STYLES for t in range(1, args.threads + 1)}
            for _ in range(args.rounds):
                for (style, threads), times in theirs.items():
                    # Between any two of theirs, so that ours sees the same machine.
                    ours.append(
                        time_epidelta(args.epidelta, folder, method, args.epochs, args.threads)
                    )
                    times.append(time_pytorch(args.sample, method, style, args.epochs, threads))
            our_time = statistics.median(ours)
            cells = []
            for style in STYLES:
                medians = {t: statistics.median(theirs[style, t]) for _, t in theirs}
                threads = min(medians, key=medians.__getitem__)
                cells.append(f"{medians[threads]:.2f} (threads: {threads})")
                cells.append(f"**{medians[threads] / our_time:.1f}**")
            print(f"| `{method}` | {our_time:.3f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

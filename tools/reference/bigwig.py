"""Expected averages of a bigWig file over intervals, from pyBigWig.

    pip install pyBigWig numpy
    python bigwig.py OUTPUT_FOLDER

A small signal with all that a bigWig may hold is written by pyBigWig (libBigWig), which shares no
code with epidelta, and averaged base by base: what epidelta reads and averages is compared with
it. Writes into OUTPUT_FOLDER

  signal.bw             chr1 (100,000 bp) and chr2 (30,000 bp): bedGraph-like sections with gaps,
                        runs of single bases, fixed-step spans next to each other and apart; zero,
                        negative and fractional values; an index of two levels
  signal.bedGraph       the same values
  bigwig_expected.tsv   random intervals and, as UCSC's bigWigAverageOverBed defines them, covered
                        (bases with a value), sum (of the values over bases), mean0 (sum over the
                        interval's length) and mean (sum over covered; 0 where that is 0)

A bigWig holds values in single precision; numbers are written so that they read back exactly.
Sums are those of the values in double precision, rounded once, at the end. The script stops where
pyBigWig's own statistics (stats with exact=True) disagree.
"""

import argparse
import math
import random
from pathlib import Path

import numpy as np
import pyBigWig

CHROMOSOMES = {"chr1": 100_000, "chr2": 30_000}
INTERVALS = 300
LONGEST = 5_000


class Signal:
    """Writes values to a bigWig, from left to right, and keeps them as rows of a bedGraph."""

    def __init__(self, path: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.file = pyBigWig.open(str(path), "w")
        self.file.addHeader(list(CHROMOSOMES.items()))
        self.rows: list[tuple[str, int, int, float]] = []

    def value(self) -> float:
        """In single precision."""
        draw = self.random
        kinds = [0.0, 1.0, draw.randint(1, 30), draw.uniform(0, 50), draw.gauss(0, 3)]
        kinds += [draw.expovariate(1e-4), draw.uniform(-1e-6, 1e-6)]
        return float(np.float32(draw.choices(kinds, [3, 2, 4, 8, 3, 1, 1])[0]))

    def bed_graph(self, chromosome: str, start: int, end: int, gaps: float, longest: int) -> None:
        """Intervals of 1 to `longest` bases; the fraction `gaps` of them follows a gap."""
        starts, ends, values = [], [], []
        while True:
            if self.random.random() < gaps:
                start += self.random.randint(1, 2 * longest)
            length = self.random.randint(1, longest)
            if start + length > end:
                break
            starts.append(start)
            ends.append(start + length)
            values.append(self.value())
            start += length
        self.file.addEntries([chromosome] * len(starts), starts, ends=ends, values=values)
        self.keep(chromosome, starts, ends, values)

    def spans(self, chromosome: str, starts: list[int], span: int) -> None:
        """Places of equal length (variableStep)."""
        values = [self.value() for _ in starts]
        self.file.addEntries(chromosome, starts, values=values, span=span)
        self.keep(chromosome, starts, [start + span for start in starts], values)

    def steps(self, chromosome: str, start: int, count: int, step: int, span: int) -> None:
        """Places of equal length and distance (fixedStep)."""
        values = [self.value() for _ in range(count)]
        self.file.addEntries(chromosome, start, values=values, span=span, step=step)
        starts = [start + step * place for place in range(count)]
        self.keep(chromosome, starts, [start + span for start in starts], values)

    def keep(self, chromosome: str, starts: list, ends: list, values: list) -> None:
        self.rows += zip([chromosome] * len(starts), starts, ends, values, strict=True)


def write_signal(path: Path, seed: int) -> list[tuple[str, int, int, float]]:
    signal = Signal(path, seed)
    signal.spans("chr1", [0], 5)
    signal.bed_graph("chr1", 5, 20_000, 0.3, 60)
    signal.steps("chr1", 20_000, 400, 1, 1)
    signal.steps("chr1", 20_400, 60, 25, 25)
    signal.spans("chr1", sorted(signal.random.sample(range(22_000, 25_000), 500)), 1)
    # Nothing from 25,000 to 32,000.
    signal.steps("chr1", 32_000, 80, 50, 10)
    signal.spans("chr1", [36_000 + 40 * n + signal.random.randint(0, 20) for n in range(100)], 20)
    signal.bed_graph("chr1", 40_000, 70_000, 0.05, 150)
    signal.bed_graph("chr1", 70_000, 73_000, 0.6, 4)
    # One long value, then sparse ones up to the very end.
    signal.steps("chr1", 75_000, 1, 6_000, 6_000)
    signal.bed_graph("chr1", 82_000, 99_990, 0.8, 200)
    signal.steps("chr1", 99_990, 10, 1, 1)
    # Nothing at the beginning.
    signal.bed_graph("chr2", 2_500, 15_000, 0.2, 100)
    # Each call makes a block of its own: more than the 64 that one node of the index holds.
    for start in range(16_000, 26_000, 36):
        span = signal.random.randint(1, 12)
        signal.steps("chr2", start, signal.random.randint(1, 3), 12, span)
    # Nothing from 26,000 on except the last base.
    signal.spans("chr2", [29_999], 1)
    signal.file.close()
    return signal.rows


def choose_intervals(seed: int) -> list[tuple[str, int, int]]:
    draw = random.Random(f"intervals {seed}")
    chosen = []
    for chromosome, size in CHROMOSOMES.items():
        for length in [1, 2, 99, LONGEST]:
            chosen += [(chromosome, 0, length), (chromosome, size - length, size)]
    # Without any value; one value only; edges of the gaps.
    chosen += [("chr1", 25_000, 30_000), ("chr1", 26_000, 26_001), ("chr2", 0, 2_500)]
    chosen += [("chr2", 26_000, 29_999), ("chr1", 76_000, 80_000), ("chr1", 74_000, 75_001)]
    chosen += [("chr1", 20_000, 20_001), ("chr1", 31_999, 32_001), ("chr1", 32_010, 32_050)]
    while len(chosen) < INTERVALS:
        chromosome = draw.choices(list(CHROMOSOMES), [3, 1])[0]
        # Short ones as often as long ones.
        length = round(math.exp(draw.uniform(0, math.log(LONGEST))))
        start = draw.randint(0, CHROMOSOMES[chromosome] - length)
        chosen.append((chromosome, start, start + length))
    return chosen


def average(file, chromosome: str, start: int, end: int) -> tuple[int, float, float, float]:
    """Covered bases, sum, sum per base and sum per covered base."""
    values = file.values(chromosome, start, end, numpy=True).astype(np.float64)
    values = values[~np.isnan(values)]
    covered, total = len(values), math.fsum(values)
    mean = total / covered if covered else 0.0
    check(file, chromosome, start, end, covered, mean, float(np.abs(values).sum()))
    return covered, total, total / (end - start), mean


def check(
    file, chromosome: str, start: int, end: int, covered: int, mean: float, size: float
) -> None:
    """Stops where pyBigWig's statistics differ by more than rounding."""

    def stats(kind: str) -> float:
        return file.stats(chromosome, start, end, type=kind, exact=True)[0] or 0.0

    place = f"{chromosome}:{start}-{end}"
    if round(stats("coverage") * (end - start)) != covered:
        raise SystemExit(f"{place}: covered is {covered}, not {stats('coverage')} of the bases")
    if abs(stats("mean") - mean) > 1e-12 * size / max(covered, 1):
        raise SystemExit(f"{place}: the mean is {mean}, not {stats('mean')}")


def write_table(path: Path, rows: list) -> None:
    lines = ("\t".join(v if isinstance(v, str) else repr(v) for v in row) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="folder that the files are written into")
    parser.add_argument("--seed", type=int, default=1, help="of the values (default 1)")
    arguments = parser.parse_args()
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)

    rows = write_signal(output / "signal.bw", arguments.seed)
    write_table(output / "signal.bedGraph", rows)
    with pyBigWig.open(str(output / "signal.bw")) as file:
        held = [(name, *row) for name in CHROMOSOMES for row in file.intervals(name)]
        if held != rows:
            raise SystemExit("the bigWig does not hold what was written")
        intervals = choose_intervals(arguments.seed)
        expected = [(*interval, *average(file, *interval)) for interval in intervals]
    names = ("chrom", "start", "end", "covered", "sum", "mean0", "mean")
    write_table(output / "bigwig_expected.tsv", [names, *expected])
    empty = sum(row[3] == 0 for row in expected)
    print(f"{len(rows)} values, {len(expected)} intervals, {empty} of them without any value")


if __name__ == "__main__":
    main()

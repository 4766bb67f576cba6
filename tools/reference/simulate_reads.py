"""Simulated reads of a ChIP-seq experiment: what `prepare_speed.py make` writes.

    pip install numpy

Not a program by itself. It is apart from prepare_speed.py so that the timing needs no NumPy.
"""

import subprocess
from pathlib import Path

import numpy as np

LENGTH = 51
CHUNK = 100_000
INSTRUMENT = "HWI-ST1234:97:C0A1BACXX:3:"
TILES = [f"{s}{w}{t:02}:" for s in (1, 2) for w in (1, 2, 3) for t in range(1, 17)]
FLAGS = ["\t0\t", "\t16\t", "\t1024\t", "\t1040\t"]
DUPLICATES = 0.05
# Keys are drawn as often as their weights say; a table's weights add up to 256.
MAPPING_QUALITIES = {42: 150, 40: 22, 39: 8, 38: 10, 37: 30, 20: 3, 16: 2, 11: 3, 8: 3}
MAPPING_QUALITIES |= {6: 5, 3: 6, 1: 8, 0: 6}
CIGARS = {"51M": 250, "1S50M": 2, "5S46M": 1, "50M1S": 2, "45M6S": 1}
CLIPPED_LEFT = np.array([0, 1, 5, 0, 0])
ALIGNED = np.array([51, 50, 46, 50, 45])
MISMATCHES = {0: 205, 1: 40, 2: 11}
# From one base to the next a quality stays or moves; nowhere is it above the cap of its place.
QUALITY_MOVES = {0: 236, 2: 2, 5: 5, 8: 5, -2: 3, -5: 3, -12: 2}
QUALITY_CAPS = [34] * 3 + [37] * 5 + [39] * 6 + [41] * (LENGTH - 14)
LOW_TAILS = 0.04


# Columns of text are matrices of bytes, a row per read. Zeros fill what is too short, and are
# removed at the end.


def texts(choices) -> np.ndarray:
    """A row for each text."""
    rows = np.array([str(choice).encode() for choice in choices])
    return rows.view(np.uint8).reshape(len(rows), -1)


def digits(values: np.ndarray) -> np.ndarray:
    """Decimal digits without leading zeros."""
    width = len(str(values.max()))
    rest = values.astype(np.uint32)
    matrix = np.zeros((width, len(values)), np.uint8)
    for place in reversed(range(width)):
        tens = rest // 10
        digit = rest - 10 * tens + ord("0")
        matrix[place] = digit if place == width - 1 else digit * (rest > 0)
        rest = tens
    return matrix.T


def by_weight(weights: dict) -> bytes:
    """For each value of a random byte, which of the keys (its index) it stands for."""
    table = np.repeat(np.arange(len(weights), dtype=np.uint8), list(weights.values()))
    assert len(table) == 256
    return table.tobytes()


NUMBERS = texts(range(LENGTH + 1))
BASES = np.frombuffer(b"ACGT", np.uint8)


class Reads:
    """Makes reads as lines of SAM."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.Generator(np.random.SFC64(seed))
        self.tiles = texts(TILES)
        self.flags = texts(FLAGS)
        self.mapping_qualities = texts(f"\t{quality}\t" for quality in MAPPING_QUALITIES)
        self.cigars = texts(f"{cigar}\t*\t0\t0\t" for cigar in CIGARS)
        moves = np.array(list(QUALITY_MOVES), np.int8)
        self.quality_moves = moves[list(by_weight(QUALITY_MOVES))].tobytes()

    def draw(self, table: bytes, *shape: int) -> np.ndarray:
        """Entries of a table of 256."""
        drawn = self.random.bytes(int(np.prod(shape))).translate(table)
        return np.frombuffer(drawn, np.uint8).reshape(shape)

    def chromosome(self, name: str, size: int, uniform: int, starts: list, counts: np.ndarray):
        """All lines of a chromosome, piece by piece."""
        positions = self.positions(size, uniform, starts, counts)
        bases = self.random.integers(0, 4, size, np.uint8)
        for start in range(0, len(positions), CHUNK):
            yield self.lines(name, bases, positions[start : start + CHUNK])

    def positions(self, size: int, uniform: int, starts: list, counts: np.ndarray) -> np.ndarray:
        """Sorted, counted from 0: `uniform` anywhere, and around each start its count."""
        peaks = np.repeat(np.array(starts, np.int64), counts)
        side = self.random.choice([-1, 1], len(peaks))
        distance = (side * self.random.gamma(2, 250, len(peaks))).astype(np.int64)
        near = np.clip(peaks + distance - LENGTH // 2, 0, size - LENGTH)
        anywhere = self.random.integers(0, size - LENGTH + 1, uniform)
        return np.sort(np.concatenate([near, anywhere]))

    def lines(self, chromosome: str, bases: np.ndarray, positions: np.ndarray) -> bytes:
        """Reads at sorted positions; a duplicate takes the place of the read before it.

        `bases` are the chromosome's, as numbers from 0 to 3.
        """
        random, count = self.random, len(positions)
        reverse = random.integers(0, 2, count)
        duplicate = random.random(count, np.float32) < DUPLICATES
        duplicate[0] = False
        source = np.arange(count) - duplicate
        positions, reverse = positions[source], reverse[source]
        cigar = self.draw(by_weight(CIGARS), count)
        left, aligned = CLIPPED_LEFT[cigar], ALIGNED[cigar]
        windows = np.lib.stride_tricks.sliding_window_view(bases, LENGTH)
        read = windows[np.maximum(positions - left, 0)]
        tags = self.mismatch(read, left, aligned)

        def constant(text: str) -> np.ndarray:
            return np.broadcast_to(texts([text]), (count, len(text)))

        columns = [
            constant(INSTRUMENT),
            self.tiles[random.integers(0, len(TILES), count)],
            digits(random.integers(1_000, 21_000, count)),
            constant(":"),
            digits(random.integers(2_000, 101_000, count)),
            self.flags[reverse + 2 * duplicate],
            constant(f"{chromosome}\t"),
            digits(positions + 1),
            self.mapping_qualities[self.draw(by_weight(MAPPING_QUALITIES), count)],
            self.cigars[cigar],
            np.frombuffer(read.tobytes().translate(b"ACGT" * 64), np.uint8).reshape(read.shape),
            constant("\t"),
            self.qualities(reverse),
            *tags,
            constant("\n"),
        ]
        return np.concatenate(columns, axis=1).tobytes().translate(None, b"\0")

    def qualities(self, reverse: np.ndarray) -> np.ndarray:
        count = len(reverse)
        moves = self.draw(self.quality_moves, LENGTH, count).view(np.int8)
        places = np.empty((LENGTH, count), np.int8)
        level = np.full(count, 41, np.int8)
        # Where a run of the lowest quality starts, which ends some of the reads.
        tail = np.where(
            self.random.random(count, np.float32) < LOW_TAILS,
            self.random.integers(15, LENGTH, count, np.int8),
            LENGTH,
        )
        for place in range(LENGTH):
            np.clip(level + moves[place], 2, 41, out=level)
            np.minimum(level, QUALITY_CAPS[place], out=places[place])
            places[place][tail <= place] = 2
        matrix = places.T.copy()
        turned = np.flatnonzero(reverse)
        matrix[turned] = matrix[turned, ::-1]
        return matrix.view(np.uint8) + ord("!")

    def mismatch(self, read: np.ndarray, left: np.ndarray, aligned: np.ndarray) -> list[np.ndarray]:
        """Changes 0, 1 or 2 bases of each read. Returns its tags NM and MD."""
        count = len(read)
        mismatches = self.draw(by_weight(MISMATCHES), count)
        places = (self.random.random((2, count), np.float32) * aligned).astype(np.int64)
        first, second = places.min(axis=0), places.max(axis=0)
        mismatches = np.where(first == second, np.minimum(mismatches, 1), mismatches)
        one, two = mismatches >= 1, mismatches == 2

        def change(place: np.ndarray, which: np.ndarray) -> np.ndarray:
            """Puts another base there, where `which` says so. Returns a column of the old ones."""
            row = np.flatnonzero(which)
            column = (left + place)[row]
            before = read[row, column]
            read[row, column] = (before + self.random.integers(1, 4, len(row), np.uint8)) & 3
            letters = np.zeros((count, 1), np.uint8)
            letters[row, 0] = BASES[before]
            return letters

        label = np.array([f"\tNM:i:{n}\tMD:Z:".encode() for n in MISMATCHES])
        last = np.where(two, second, first)
        rest = np.where(one, aligned - 1 - last, aligned)
        return [
            label[mismatches].view(np.uint8).reshape(count, -1),
            NUMBERS[first] * one[:, None],
            change(first, one),
            NUMBERS[np.maximum(second - first - 1, 0)] * two[:, None],
            change(second, two),
            NUMBERS[rest],
        ]


def write_reads(
    path: Path, count: int, in_peaks: float, sizes: dict[str, int], genes: dict, seed: int
) -> None:
    """Writes a sorted BAM and its index. `genes` has the starts of transcription by chromosome."""
    reads = Reads(seed)
    near = round(count * in_peaks)
    total = sum(sizes.values())
    uniform = reads.random.multinomial(count - near, [size / total for size in sizes.values()])
    heights = reads.random.gamma(0.5, size=sum(len(genes[name]) for name in sizes))
    counts = reads.random.multinomial(near, heights / heights.sum())

    command = ["samtools", "view", "-b", "--no-PG", "-o", path, "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as samtools:
        samtools.stdin.write(b"@HD\tVN:1.6\tSO:coordinate\n")
        for name, size in sizes.items():
            samtools.stdin.write(f"@SQ\tSN:{name}\tLN:{size}\n".encode())
        for (name, size), anywhere in zip(sizes.items(), uniform, strict=True):
            here, counts = counts[: len(genes[name])], counts[len(genes[name]) :]
            for lines in reads.chromosome(name, size, anywhere, genes[name], here):
                samtools.stdin.write(lines)
    if samtools.returncode != 0:
        raise SystemExit("samtools view failed")
    subprocess.run(["samtools", "index", path], check=True)

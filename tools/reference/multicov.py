"""Expected counts of reads in bins, from bedtools multicov, on reads with every awkward thing.

    python multicov.py OUTPUT_FOLDER

bedtools multicov is what counts of reads in bins are usually made with, so epidelta's counts are
compared with it. Needs samtools and bedtools in the path (made with samtools 1.16.1 and bedtools
2.30.0). Writes into OUTPUT_FOLDER

  awkward.sam             reads on chr1 (20,000 bp) and chr2 (5,000 bp), sorted by coordinate
  awkward.cram            the same, by samtools, with reference.fa (random bases) and its index
  unsorted.cram           the same, in another order
  multicov_regions.bed    the bins (100 bp) of some genes' windows; BED6, name = gene_bin
  multicov_expected.tsv   the columns of the bins, then counts of multicov under these options:
                          default (none), q30 (-q 30), D (-D), F (-F), D_F (-D -F), p (-p), s (-s),
                          S (-S), all without unmapped reads (samtools view -F 4);
                          default_with_unmapped has no options, and unmapped reads too

What multicov does with a read, by its source and as `counted` below restates it (the script stops
where the two disagree):

  - A read counts once in each bin that shares a base with the interval from its position to its
    last reference base. The interval spans deletions (D) and introns (N).
  - A read flagged unmapped that has a position counts as one base there, whatever its CIGAR.
  - A mapped read whose CIGAR takes up no reference base (only I, S, H, P) counts nowhere: its
    interval is empty. (For samtools view 1.16.1 such a read is one base long.)
  - Secondary and supplementary alignments count like any other, and so do the two mates of a
    pair, each by itself.
  - Duplicates (0x400) count only with -D, reads failing quality control (0x200) only with -F.
  - -q keeps a mapping quality of at least its value; 255 (not available) is above any.
  - -p asks for the flag 0x2, and looks at neither 0x1 nor the mate.
  - -s and -S compare the strand of the bin with flag 0x10 of the read, for both mates alike.

samtools turns a read with a position and without a CIGAR (`*`) into an unmapped one when it reads
SAM, so awkward.sam has such reads only as unmapped.
"""

import argparse
import random
import re
import subprocess
import tempfile
from pathlib import Path

CHROMOSOMES = {"chr1": 20_000, "chr2": 5_000}
BIN, BINS = 100, 20
# Where the windows start. They overlap, on and off the same grid, and touch both ends.
GENES = [
    ("A", "chr1", 0, "+"),
    ("B", "chr1", 1_550, "-"),
    ("C", "chr1", 3_000, "-"),
    ("D", "chr1", 9_001, "+"),
    ("E", "chr1", 18_000, "-"),
    ("F", "chr2", 0, "-"),
    ("G", "chr2", 1_900, "+"),
    ("H", "chr2", 3_000, "+"),
]
EVERY = "default_with_unmapped"
OPTIONS = {
    "default": [],
    "q30": ["-q", "30"],
    "D": ["-D"],
    "F": ["-F"],
    "D_F": ["-D", "-F"],
    "p": ["-p"],
    "s": ["-s"],
    "S": ["-S"],
}
PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE = 1, 2, 4, 8, 16, 32
FIRST, SECOND, SECONDARY, FAILED, DUPLICATE, SUPPLEMENTARY = 64, 128, 256, 512, 1024, 2048
QUALITIES = [0, 1, 10, 29, 30, 31, 42, 60, 60, 60, 254, 255]
CIGARS = [
    "1M", "36M", "50M", "50=", "20=1X29=", "50X", "100M", "150M",
    "10S40M", "40M10S", "5S40M5S", "5H45M", "45M5H", "3H7S40M2S4H", "1S1M1S",
    "20M2I28M", "20M5D30M", "25M1P25M", "20M3I1P2I25M", "10M2D3I10M", "1I49M", "49M1I",
    "5S5I40M", "5D50M", "50M5D", "2S3D45M3S", "10M100D10M", "10M200D2M300D10M",
    "25M99N25M", "25M100N25M", "25M101N25M", "25M3000N25M", "10M500N10M2000N10M5S",
    "10S15M1500N5I20M2D5M", "20=1X4000N29=", "5M2N5M3D5M4I5M1P5M6S7H", "100N50M", "50M100N",
]  # fmt: skip
WITHOUT_BASES = ["50I", "50S", "20S30I", "10H40S", "30I20S5H", "5H10S5I1P5I10S5H", "36H"]


def lengths(cigar: str) -> tuple[int, int]:
    """Bases of the read and of the reference."""
    read = reference = 0
    for length, operation in re.findall(r"(\d+)([MIDNSHP=X])", cigar):
        read += int(length) * (operation in "MIS=X")
        reference += int(length) * (operation in "MDN=X")
    return read, reference


class Reads:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.records: list[list] = []

    def add(
        self, chromosome: str, start: int, cigar: str, flag: int = 0, quality: int | None = None,
        name: str = "", mate: tuple[str, int, int] = ("*", -1, 0),
    ) -> None:  # fmt: skip
        """`start` counts from 0; `mate` is its chromosome, start and the template's length."""
        draw = self.random
        length = lengths(cigar)[0] or (0 if cigar != "*" else draw.randint(20, 60))
        bases = "".join(draw.choices("ACGTN", [10, 10, 10, 10, 1], k=length))
        scores = "".join(chr(33 + draw.randint(2, 41)) for _ in bases)
        if draw.random() < 0.05:
            scores = "*"
            if draw.random() < 0.5:
                bases = "*"
        if quality is None:
            quality = draw.choice([*QUALITIES, draw.randint(0, 255)])
        self.records.append(
            [name or f"read{len(self.records)}", flag, chromosome, start + 1, quality, cigar]
            + [mate[0], mate[1] + 1, mate[2], bases or "*", scores or "*"]
        )

    def place(self, cigar: str) -> tuple[str, int]:
        """Anywhere that the alignment fits, often at an edge of a bin or an end."""
        draw = self.random
        chromosome = draw.choice([*CHROMOSOMES, "chr1"])
        reference = max(lengths(cigar)[1], 1)
        last = CHROMOSOMES[chromosome] - reference
        edge = draw.randrange(0, CHROMOSOMES[chromosome], BIN)
        starts = [0, last, edge - 1, edge, edge - reference, edge - reference + 1]
        start = draw.choice(starts) if draw.random() < 0.3 else draw.randint(0, last)
        return chromosome, min(max(start, 0), last)


def make_reads(seed: int) -> list[list]:
    reads = Reads(seed)
    draw = reads.random
    # Every CIGAR in the middle of a window, at its edge, and anywhere.
    for cigar in CIGARS:
        reads.add("chr1", 3_450, cigar, quality=60)
        for _ in range(2):
            reads.add(*reads.place(cigar), cigar, draw.choice([0, REVERSE]))
    for cigar in WITHOUT_BASES:
        reads.add("chr1", 9_301, cigar, quality=60)
        reads.add(*reads.place(cigar), cigar, draw.choice([0, REVERSE]))
    # The ends of the chromosomes.
    for chromosome, size in CHROMOSOMES.items():
        for cigar in ["1M", "50M", "10S40M", "20M5D30M", "25M500N25M"]:
            reads.add(chromosome, 0, cigar)
            reads.add(chromosome, size - lengths(cigar)[1], cigar, REVERSE)
        for cigar in ["50S", "50I"]:
            reads.add(chromosome, 0, cigar)
            reads.add(chromosome, size - 1, cigar)
    # Every flag alone, then combined.
    for bit in range(12):
        cigar = "*" if 1 << bit == UNMAPPED else "50M"
        reads.add("chr1", 9_501 + 10 * bit, cigar, 1 << bit, quality=60)
    for _ in range(125):
        flag = 0
        for bit in [UNMAPPED, REVERSE, SECONDARY, FAILED, DUPLICATE, SUPPLEMENTARY]:
            flag |= bit * (draw.random() < 0.3)
        if draw.random() < 0.5:
            flag |= PAIRED | draw.choice([FIRST, SECOND])
            for bit in [MATE_UNMAPPED, MATE_REVERSE]:
                flag |= bit * (draw.random() < 0.3)
            if not flag & (UNMAPPED | MATE_UNMAPPED):
                flag |= PROPER * (draw.random() < 0.5)
        cigar = draw.choice(CIGARS)
        chromosome, start = reads.place(cigar)
        if flag & UNMAPPED and draw.random() < 0.7:
            cigar = "*"
        reads.add(chromosome, start, cigar, flag)
    # Proper pairs, some duplicates or failed.
    for pair in range(40):
        chromosome, start = reads.place("400M")
        template = draw.randint(60, 400)
        reverse = start + template - 50
        other = draw.choice([0, 0, 0, DUPLICATE, FAILED])
        one, two = draw.choice([(FIRST, SECOND), (SECOND, FIRST)])
        base = PAIRED | PROPER | other
        mates = [("=", reverse, template), ("=", start, -template)]
        name = f"pair{pair}"
        reads.add(chromosome, start, "50M", base | MATE_REVERSE | one, None, name, mates[0])
        reads.add(chromosome, reverse, "50M", base | REVERSE | two, None, name, mates[1])
    # Short fragments, sequenced past their ends: the forward mate lies to the right.
    for pair in range(5):
        chromosome, start = reads.place("60M")
        name, base = f"short{pair}", PAIRED | PROPER
        forward, reverse = ("=", start, 40), ("=", start + 10, -40)
        reads.add(chromosome, start, "50M", base | REVERSE | SECOND, None, name, reverse)
        reads.add(chromosome, start + 10, "50M", base | MATE_REVERSE | FIRST, None, name, forward)
    # Pairs of which one is unmapped and placed where its mate is.
    for pair in range(10):
        chromosome, start = reads.place("50M")
        name, mate = f"half{pair}", ("=", start, 0)
        turned, mate_turned = draw.choice([(0, 0), (REVERSE, MATE_REVERSE)])
        base = PAIRED | MATE_UNMAPPED | FIRST | turned
        reads.add(chromosome, start, "50M", base, None, name, mate)
        base = PAIRED | UNMAPPED | SECOND | mate_turned
        reads.add(chromosome, start, "*", base, 0, name, mate)
    order = list(CHROMOSOMES)
    reads.records.sort(key=lambda record: (order.index(record[2]), record[3]))
    # Unmapped reads without a position come last.
    for _ in range(5):
        reads.add("*", -1, "*", UNMAPPED, 0)
    return reads.records


def make_bins() -> list[list]:
    return [
        [chromosome, start + BIN * bin, start + BIN * (bin + 1), f"{gene}_{bin}", 0, strand]
        for gene, chromosome, start, strand in GENES
        for bin in range(BINS)
    ]


def counted(record: list, bin: list, options: list[str]) -> bool:
    """Whether multicov counts the read in the bin."""
    _, flag, chromosome, position, quality, cigar = record[:6]
    start = position - 1
    end = start + (1 if flag & UNMAPPED else lengths(cigar)[1])
    same_strand = bin[5] == ("-" if flag & REVERSE else "+")
    return (
        chromosome == bin[0]
        and min(end, bin[2]) > max(start, bin[1])
        and ("-D" in options or not flag & DUPLICATE)
        and ("-F" in options or not flag & FAILED)
        and ("-q" not in options or quality >= int(options[options.index("-q") + 1]))
        and ("-p" not in options or bool(flag & PROPER))
        and ("-s" not in options or same_strand)
        and ("-S" not in options or not same_strand)
    )


def multicov(bam: Path, bed: Path, options: list[str]) -> list[int]:
    command = ["bedtools", "multicov", *options, "-bams", bam, "-bed", bed]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [int(line.split("\t")[-1]) for line in printed.splitlines()]


def to_bam(sam: Path, bam: Path, *options: str) -> None:
    subprocess.run(["samtools", "view", "-b", *options, "-o", bam, sam], check=True)
    subprocess.run(["samtools", "index", bam], check=True)


def make_reference(seed: int) -> dict[str, str]:
    bases = random.Random(seed)
    return {name: "".join(bases.choices("ACGT", k=size)) for name, size in CHROMOSOMES.items()}


def write_cram(sam: Path, cram: Path) -> None:
    """Writes a CRAM file beside reference.fa."""
    folder = cram.parent
    subprocess.run(["samtools", "faidx", "reference.fa"], check=True, cwd=folder)
    options = ["--no-PG", "-C", "-T", "reference.fa", "-o", "with_path.cram"]
    subprocess.run(["samtools", "view", *options, sam.resolve()], check=True, cwd=folder)
    # samtools notes where this machine has the reference; that is taken out.
    edit = ["samtools", "reheader", "--no-PG", "-c", r"sed 's/\tUR:[^\t]*//'", "with_path.cram"]
    with open(cram, "wb") as file:
        subprocess.run(edit, check=True, cwd=folder, stdout=file)
    (folder / "with_path.cram").unlink()


def write_lines(path: Path, rows: list[list]) -> None:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="folder that the files are written into")
    parser.add_argument("--seed", type=int, default=1, help="of the reads (default 1)")
    arguments = parser.parse_args()
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)

    reads, bins = make_reads(arguments.seed), make_bins()
    header = [["@HD", "VN:1.6", "SO:coordinate"]]
    header += [["@SQ", f"SN:{name}", f"LN:{size}"] for name, size in CHROMOSOMES.items()]
    sequences = make_reference(arguments.seed).items()
    write_lines(output / "reference.fa", [[f">{name}\n{bases}"] for name, bases in sequences])
    sam, bed = output / "awkward.sam", output / "multicov_regions.bed"
    write_lines(sam, header + reads)
    write_lines(bed, bins)

    write_cram(sam, output / "awkward.cram")
    with tempfile.TemporaryDirectory() as folder:
        shuffled = Path(folder) / "unsorted.sam"
        order = random.Random(arguments.seed).sample(reads, k=len(reads))
        write_lines(shuffled, [["@HD", "VN:1.6", "SO:unsorted"], *header[1:], *order])
        write_cram(shuffled, output / "unsorted.cram")

    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        every, mapped = Path(folder) / "every.bam", Path(folder) / "mapped.bam"
        to_bam(sam, every)
        to_bam(sam, mapped, "-F", "4")
        for column, options in OPTIONS.items():
            counts[column] = multicov(mapped, bed, options)
        counts[EVERY] = multicov(every, bed, [])

    for column, values in counts.items():
        options = OPTIONS.get(column, [])
        rest = [read for read in reads if column == EVERY or not read[1] & UNMAPPED]
        for bin, value in zip(bins, values, strict=True):
            expected = sum(counted(read, bin, options) for read in rest)
            if expected != value:
                raise SystemExit(f"{column}, {bin}: multicov counts {value}, not {expected}")

    names = ["chrom", "start", "end", "name", "score", "strand", *counts]
    rows = [[*bin, *values] for bin, *values in zip(bins, *counts.values(), strict=True)]
    write_lines(output / "multicov_expected.tsv", [names, *rows])
    print(f"{len(reads)} reads, {len(bins)} bins")
    print(*(f"{column} {sum(values)}" for column, values in counts.items()), sep=", ")


if __name__ == "__main__":
    main()

"""Speed of `epidelta prepare` beside samtools and bedtools on a large BAM file.

    pip install numpy
    python prepare_speed.py make FOLDER --genes genes.gtf.gz --chrom-sizes hg19.chrom.sizes
    python prepare_speed.py time FOLDER --genes genes.gtf.gz --epidelta target/release/epidelta

Needs samtools and, to time, bedtools in the path.

`make` writes FOLDER/reads.bam and its index: simulated single-end reads (51 bp) of a ChIP-seq
experiment on chr1-22, X and Y, sorted by coordinate. A part of them (--in-peaks) lies around the
starts of the genes, at distances of a gamma distribution with mean 500 bp on either side and with
heights that differ among genes; the rest lies anywhere. Bases are random; names, qualities (each
depends on the one before), mapping qualities and tags look like those of real files: what matters
is that the file takes as many bytes per read, and as long to decompress, as a real one. The same
--seed gives the same reads (with the same version of NumPy).

`time` runs the programs in turns, --repeats times each, after reading FOLDER/reads.bam once so
that it is in the page cache:

  - samtools view -c, which decompresses the file, parses its records and does nothing with them:
    the least that can be done. For each N of --threads with N threads in all (-@ N-1), and with N
    besides the main one (-@ N);
  - epidelta prepare with N threads: one mark, 200 bins of 100 bp around the starts of all genes
    of --gene-type;
  - bedtools multicov on the same bins of a few genes (--bedtools-genes, evenly taken among those
    whose window fits into the chromosome), since all of them take too long. Its time for all
    genes is extrapolated: multiplied by the ratio of the numbers of genes.

It prints a table (Markdown) with the best and the median wall time of each. Reads per second and
the ratios, to samtools with as many threads in all, are those of the best times. The peak of
memory is the largest of the repeats; Linux counts this script's own at the start of a program in,
so that it cannot fall below that.
"""

import argparse
import gzip
import os
import re
import resource
import statistics
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

CHROMOSOMES = [f"chr{name}" for name in [*range(1, 23), "X", "Y"]]
BIN, BINS = 100, 200


class Gene(NamedTuple):
    id: str
    type: str
    chromosome: str
    start: int  # of transcription, counted from 0


def read_genes(path: Path):
    """The genes of a GTF file, one after another."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#") or fields[2] != "gene":
                continue
            attributes = dict(re.findall(r'(\w+) "([^"]*)"', fields[8]))
            start = int(fields[4] if fields[6] == "-" else fields[3]) - 1
            yield Gene(attributes["gene_id"], attributes.get("gene_type", ""), fields[0], start)


def read_sizes(path: Path) -> dict[str, int]:
    sizes = dict(line.split()[:2] for line in path.read_text().splitlines())
    return {name: int(sizes[name]) for name in CHROMOSOMES}


def make(arguments: argparse.Namespace) -> None:
    # Imported here because the timing does without NumPy, and the less memory this script takes
    # the less memory of the programs is hidden by it.
    from simulate_reads import write_reads

    begin = time.perf_counter()
    genes = {name: [] for name in CHROMOSOMES}
    for gene in read_genes(arguments.genes):
        if gene.chromosome in genes:
            genes[gene.chromosome].append(gene.start)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    bam = arguments.folder / "reads.bam"
    sizes = read_sizes(arguments.chrom_sizes)
    write_reads(bam, arguments.reads, arguments.in_peaks, sizes, genes, arguments.seed)
    size = bam.stat().st_size
    print(f"{arguments.reads} reads, {size} bytes, {size / arguments.reads:.1f} bytes per read")
    print(f"{time.perf_counter() - begin:.0f} s")


class Run(NamedTuple):
    seconds: float
    peak: int  # KiB


def run(command: list, folder: Path) -> Run:
    """Standard output goes to FOLDER/stdout.txt."""
    command = [str(argument) for argument in command]
    with open(folder / "stdout.txt", "w") as out, open(folder / "stderr.txt", "w+") as error:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=error)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            error.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{error.read()}")
    return Run(seconds, usage.ru_maxrss)


def write_inputs(arguments: argparse.Namespace) -> tuple[int, int]:
    """Writes marks.tsv, expression.tsv and bins.bed. Returns the number of genes of the type, and
    that of the genes in bins.bed."""
    folder = arguments.folder
    bam = (folder / "reads.bam").resolve()
    (folder / "marks.tsv").write_text(f"mark\tpath\nH3K4me3\t{bam}\n")
    header = subprocess.run(
        ["samtools", "view", "-H", bam], check=True, capture_output=True, text=True
    ).stdout
    sizes = dict(re.findall(r"^@SQ\tSN:(\S+)\tLN:(\d+)", header, re.MULTILINE))
    half = BIN * BINS // 2
    total, fitting = 0, []
    with open(folder / "expression.tsv", "w") as expression:
        expression.write("gene_id\tcount\n")
        for number, gene in enumerate(read_genes(arguments.genes)):
            expression.write(f"{gene.id}\t{number * 37 % 1000}\n")
            if gene.type == arguments.gene_type:
                total += 1
                if half <= gene.start <= int(sizes.get(gene.chromosome, 0)) - half:
                    fitting.append((gene.chromosome, gene.start))
    if not fitting:
        raise SystemExit(f"no gene of type {arguments.gene_type} on the chromosomes of {bam}")
    fitting.sort()
    count = min(arguments.bedtools_genes, len(fitting))
    with open(folder / "bins.bed", "w") as bins:
        for index in range(count):
            chromosome, start = fitting[index * len(fitting) // count]
            for left in range(start - half, start + half, BIN):
                bins.write(f"{chromosome}\t{left}\t{left + BIN}\n")
    return total, count


def measure(arguments: argparse.Namespace) -> None:
    folder = arguments.folder
    bam = folder / "reads.bam"
    total, counted = write_inputs(arguments)

    def samtools(additional: int) -> list:
        return ["samtools", "view", "-c", "-@", additional, bam]

    def epidelta(threads: int) -> list:
        command = [arguments.epidelta, "prepare", "--marks", folder / "marks.tsv"]
        command += ["--genes", arguments.genes, "--gene-type", arguments.gene_type]
        command += ["--expression", folder / "expression.tsv", "--cell-type", "bench"]
        return [*command, "--threads", threads, "--force", "-o", folder / "out.parquet"]

    multicov = f"bedtools multicov, {counted} genes"
    commands = {}
    for threads in arguments.threads:
        for additional in (threads - 1, threads):
            commands[f"samtools view -c -@ {additional}"] = samtools(additional)
        commands[f"epidelta prepare --threads {threads}"] = epidelta(threads)
    commands[multicov] = ["bedtools", "multicov", "-bams", bam, "-bed", folder / "bins.bed"]

    # Into the page cache; also counts the reads.
    run(samtools(0), folder)
    reads = int((folder / "stdout.txt").read_text())
    runs = {name: [] for name in commands}
    for _ in range(arguments.repeats):
        for name, command in commands.items():
            runs[name].append(run(command, folder))

    best = {name: min(one.seconds for one in every) for name, every in runs.items()}
    middle = {name: statistics.median(one.seconds for one in every) for name, every in runs.items()}
    peak = {name: f"{max(one.peak for one in every) / 1024:.0f}" for name, every in runs.items()}
    everything = f"the same, extrapolated to {total:,} genes"
    best[everything] = best[multicov] * total / counted
    middle[everything] = middle[multicov] * total / counted
    peak[everything] = "-"

    size = bam.stat().st_size
    print(f"{reads:,} reads, {size:,} bytes, {size / reads:.1f} bytes per read; ", end="")
    print(f"{total:,} genes of type {arguments.gene_type}.")
    print(f"Best and median of {arguments.repeats} runs in turns, wall time. bedtools multicov ran")
    print(f"on {counted} genes; its time for all {total:,} is that times {total / counted:.1f}.\n")
    ratios = [f"ratio to -@ {threads - 1}" for threads in arguments.threads]
    names = ["", "best, s", "median, s", "reads/s", *ratios, "peak, MiB"]
    print("| " + " | ".join(names) + " |")
    print("|---" + "|--:" * (len(names) - 1) + "|")
    for name, seconds in best.items():
        cells = [name, f"{seconds:.2f}", f"{middle[name]:.2f}"]
        if name == multicov:
            cells += ["-"] * (1 + len(ratios))
        else:
            cells.append(f"{reads / seconds:,.0f}")
            for threads in arguments.threads:
                cells.append(f"{seconds / best[f'samtools view -c -@ {threads - 1}']:.2f}")
        print("| " + " | ".join([*cells, peak[name]]) + " |")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeaks of {own:.0f} MiB and less are those of the script itself.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("make", help="make the reads")
    command.set_defaults(action=make)
    command.add_argument("folder", type=Path, help="where reads.bam goes")
    command.add_argument("--reads", type=int, default=30_000_000, help="default 30000000")
    command.add_argument("--genes", type=Path, required=True, help="GTF file, plain or gzip")
    command.add_argument("--chrom-sizes", type=Path, required=True, help="name and size per line")
    command.add_argument(
        "--in-peaks", type=float, default=0.3, help="part of the reads near genes (default 0.3)"
    )
    command.add_argument("--seed", type=int, default=1, help="default 1")

    command = commands.add_parser("time", help="time the programs on the reads")
    command.set_defaults(action=measure)
    command.add_argument("folder", type=Path, help="where reads.bam is and the other files go")
    command.add_argument("--genes", type=Path, required=True, help="GTF file, plain or gzip")
    command.add_argument("--epidelta", required=True, help="the program")
    command.add_argument("--gene-type", default="protein_coding", help="default protein_coding")
    command.add_argument(
        "--threads", type=int, nargs="+", default=[1, 2], help="of epidelta (default 1 2)"
    )
    command.add_argument("--repeats", type=int, default=3, help="default 3")
    command.add_argument(
        "--bedtools-genes", type=int, default=100, help="that multicov counts (default 100)"
    )

    arguments = parser.parse_args()
    arguments.action(arguments)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How fast files of reads and signal are read, by format: what preparing a cell type takes.

    cargo build --release -p epidelta-cli
    tools/planning/prepare.py target/release/epidelta

Simulates the reads of a mark around 18,460 genes, turns the BAM file into the other text formats
with bedtools, which must be in the path, and prints, per format, MB on the disk, the median seconds
of three times `epidelta prepare` on one thread less those of a file with one read, and MB per
second. CRAM and bigWig need programs that are not everywhere; what
crates/epidelta/src/dataset/prepare/cost.rs says of these is a tenth of BAM.
"""

import argparse
import gzip
import statistics
import subprocess
import tempfile
import time
from pathlib import Path


def prepare(epidelta, folder, file):
    """Seconds of preparing a cell type of one file."""
    (folder / "marks.tsv").write_text(f"mark\tpath\nH3K4me3\t{file.name}\n")
    words = [epidelta, "--quiet", "--threads", "1", "prepare", "--marks", folder / "marks.tsv",
             "--cell-type", "A", "--genes", folder / "genes.gtf", "--expression",
             folder / "counts.tsv", "--expression-column", "A", "-o", folder / "out.parquet",
             "--force"]  # fmt: skip
    if file.suffix != ".bam":
        # Text does not tell how long chromosomes are.
        words += ["--chrom-sizes", folder / "sizes.tsv"]
    started = time.monotonic()
    done = subprocess.run([str(word) for word in words], stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(f"{file} cannot be prepared")
    return time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("epidelta")
    epidelta = Path(parser.parse_args().epidelta).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "sim"
        words = [epidelta, "--quiet", "simulate", "--reads", "--genes", 18460, "-o", folder]
        subprocess.run([str(word) for word in words], check=True)
        bam = folder / "reads.bam"
        (folder / "reads" / "A_H3K4me1.bam").rename(bam)
        bed = subprocess.run(["bedtools", "bamtobed", "-i", str(bam)], capture_output=True, check=True)
        graph = subprocess.run(["bedtools", "genomecov", "-bg", "-ibam", str(bam)],
                               capture_output=True, check=True)  # fmt: skip
        (folder / "reads.bed").write_bytes(bed.stdout)
        (folder / "signal.bedGraph").write_bytes(graph.stdout)
        chromosomes = {line.split(b"\t")[0].decode() for line in bed.stdout.splitlines()}
        sizes = "".join(f"{name}\t300000000\n" for name in sorted(chromosomes))
        (folder / "sizes.tsv").write_text(sizes)
        files = [bam, folder / "reads.bed", folder / "signal.bedGraph"]
        for text in files[1:]:
            packed = text.with_name(text.name + ".gz")
            with gzip.open(packed, "wb") as out:
                out.write(text.read_bytes())
            files.append(packed)
        one_read = folder / "one.bed"
        one_read.write_bytes(bed.stdout.splitlines(keepends=True)[0])
        nothing = statistics.median(prepare(epidelta, folder, one_read) for _ in range(3))
        print("format\tmb\tseconds\tmb_per_second")
        for file in files:
            found = [prepare(epidelta, folder, file) for _ in range(3)]
            seconds = statistics.median(found) - nothing
            mb = file.stat().st_size / 1e6
            print(f"{file.name}\t{mb:.1f}\t{seconds:.2f}\t{mb / seconds:.0f}", flush=True)


if __name__ == "__main__":
    main()

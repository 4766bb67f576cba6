//! BAM, SAM, CRAM and BED reads, counted as `prepare` does.
#![no_main]

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use epidelta::{
    annotation::{AnnotationFormat, TssRule, read_genes},
    bins::{Bins, CountRule, CountedPart, ReadCounter, WindowIndex, Windows},
    genome::ChromSizes,
    input::Meter,
    signal::{Format, ReadFilter, Reading, read_alignments},
};
use epidelta_fuzz::{bgzf, choose, file, target, with_cram_checksums};

/// Windows on the contigs of the golden files, one of them over the edge.
static INDEX: LazyLock<WindowIndex> = LazyLock::new(|| {
    let genes = b"chr1\t5000\t6000\tG1\t0\t+\nchr2\t100\t200\tG2\t0\t-\n";
    let genes = read_genes(&file("genes", genes), AnnotationFormat::Bed, TssRule::Gene);
    let genes = genes.expect("two genes").genes;
    WindowIndex::new(&Windows::around(genes, Bins::default()), &ChromSizes::new())
});

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/epidelta/tests/golden/reference.fa")
}

target!(|data| {
    let Some((choice, bytes)) = choose(data) else {
        return;
    };
    // BAM and CRAM are read both as they are and with the checksums that would hide damage.
    let (format, path) = match choice % 8 {
        0 | 1 => (Format::Bam, file("reads.bam", &bgzf(bytes))),
        2 => (Format::Bam, file("reads.bam", bytes)),
        3 => (Format::Sam, file("reads.sam", bytes)),
        4 | 5 => (
            Format::Cram,
            file("reads.cram", &with_cram_checksums(bytes)),
        ),
        6 => (Format::Cram, file("reads.cram", bytes)),
        _ => (Format::Bed, file("reads.bed", bytes)),
    };
    let _ = Format::detect(&path);
    let reading = Reading {
        filter: ReadFilter::default(),
        reference: (choice & 8 == 0).then(reference),
        threads: NonZero::<usize>::MIN,
        meter: Meter::default(),
    };
    let rule = match choice & 16 {
        0 => CountRule::default(),
        _ => CountRule {
            part: CountedPart::FivePrime,
            extend: Some(200),
            shift: -75,
            ..CountRule::default()
        },
    };
    let mut counter = ReadCounter::new(&path, &INDEX, rule);
    let _ = read_alignments(&path, format, &reading, &mut |batch| counter.add(batch));
    let _ = counter.finish();
});

//! bigWig and bedGraph signal, averaged as `prepare` does.
#![no_main]

use std::{num::NonZero, sync::LazyLock};

use epidelta::{
    annotation::{AnnotationFormat, TssRule, read_genes},
    bins::{Bins, MeanSignal, Missing, WindowIndex, Windows},
    genome::ChromSizes,
    input::Meter,
    signal::{Format, ReadFilter, Reading, read_values},
};
use epidelta_fuzz::{choose, file, target};

/// Windows on the contigs of the golden files, one of them over the edge.
static INDEX: LazyLock<WindowIndex> = LazyLock::new(|| {
    let genes = b"chr1\t5000\t6000\tG1\t0\t+\nchr2\t100\t200\tG2\t0\t-\n";
    let genes = read_genes(&file("genes", genes), AnnotationFormat::Bed, TssRule::Gene);
    let genes = genes.expect("two genes").genes;
    WindowIndex::new(&Windows::around(genes, Bins::default()), &ChromSizes::new())
});

target!(|data| {
    let Some((choice, bytes)) = choose(data) else {
        return;
    };
    let (format, path) = match choice % 4 {
        0 => (Format::BedGraph, file("signal.bedGraph", bytes)),
        _ => (Format::BigWig, file("signal.bw", bytes)),
    };
    let _ = Format::detect(&path);
    let reading = Reading {
        filter: ReadFilter::default(),
        reference: None,
        threads: NonZero::<usize>::MIN,
        meter: Meter::default(),
    };
    let everywhere = |_: &str| vec![(0, i64::from(u32::MAX))];
    let windows = |contig: &str| INDEX.regions(contig);
    let mut mean = MeanSignal::new(&path, &INDEX);
    let _ = match choice & 8 {
        0 => read_values(&path, format, &reading, &everywhere, &mut |batch| {
            mean.add(batch)
        }),
        _ => read_values(&path, format, &reading, &windows, &mut |batch| {
            mean.add(batch)
        }),
    };
    let _ = mean.finish(Missing::default());
});

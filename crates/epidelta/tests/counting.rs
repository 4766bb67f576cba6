//! What must hold for any reads: none is lost or counted twice, neither their
//! order nor the number of threads matters, and the strands are mirror images.

use std::{io::Write, num::NonZero, path::Path};

use epidelta::{
    annotation::TssRule,
    annotation::{Gene, Region},
    bins::Edges,
    bins::{
        Bins, CountRule, CountedPart, MeanSignal, Missing, ReadCounter, StrandRule, WindowIndex,
        Windows,
    },
    dataset::{
        CellTypeFiles, Genes, GenesConfig, Orientation, PrepareConfig, Scale, SimulationConfig,
        Track, prepare, read_samples, simulate,
    },
    genome::{ChromSizes, Strand},
    input::Meter,
    signal::{Alignment, Batch, Contig, Format, ReadFilter, Reading, Value, read_alignments},
};
use proptest::prelude::*;

const CHROM: i64 = 5_000;

fn contigs() -> Vec<Contig> {
    vec![Contig {
        name: "chr1".into(),
        length: Some(CHROM),
    }]
}

fn count(windows: &Windows, rule: CountRule, reads: &[Alignment]) -> Vec<u32> {
    let chroms = WindowIndex::new(windows, &ChromSizes::new());
    let mut counter = ReadCounter::new(Path::new("reads"), &chroms, rule);
    let contigs = contigs();
    for items in reads.chunks(7) {
        let contigs = &contigs;
        counter.add(Batch { contigs, items }).unwrap();
    }
    counter.finish().unwrap().0
}

fn reads() -> impl Strategy<Value = Vec<Alignment>> {
    let read = (0..CHROM - 300, 1..300_i64, any::<bool>());
    let read = read.prop_map(|(start, length, reverse)| Alignment {
        contig: 0,
        start,
        end: start + length,
        strand: Some(if reverse {
            Strand::Reverse
        } else {
            Strand::Forward
        }),
    });
    prop::collection::vec(read, 1..60)
}

fn rule() -> impl Strategy<Value = CountRule> {
    let part = prop::sample::select(vec![
        CountedPart::Overlap,
        CountedPart::FivePrime,
        CountedPart::Midpoint,
    ]);
    let strand = prop::sample::select(vec![
        StrandRule::Both,
        StrandRule::Same,
        StrandRule::Opposite,
    ]);
    let extend = prop::option::of(1..400_u32);
    (part, extend, -90..90_i32, strand).prop_map(|(part, extend, shift, strand)| CountRule {
        part,
        extend,
        shift,
        strand,
    })
}

fn gene(id: usize, tss: i64, strand: Strand) -> Gene {
    Gene {
        id: format!("G{id}"),
        name: None,
        gene_type: None,
        chrom: "chr1".into(),
        tss,
        strand,
    }
}

fn bins(size: u32, upstream: u32, downstream: u32) -> Bins {
    Bins {
        size,
        upstream: upstream * size,
        downstream: downstream * size,
    }
}

/// The counts of every window, by the definition: each bin of each gene asks
/// each read.
fn by_definition(windows: &Windows, rule: CountRule, reads: &[Alignment]) -> Vec<u32> {
    let size = i64::from(windows.bins.size);
    let mut counts = Vec::new();
    for window in &windows.list {
        for bin in 0..windows.bins.count() as i64 {
            let (first, last) = (
                window.start + bin * size,
                window.start + (bin + 1) * size - 1,
            );
            let hits = reads.iter().filter(|read| {
                let forward = read.strand == Some(Strand::Forward);
                let direction = if forward { 1 } else { -1 };
                let mut five_prime = if forward { read.start } else { read.end - 1 };
                let length = (read.end - read.start).max(rule.extend.map_or(0, i64::from));
                five_prime += direction * i64::from(rule.shift);
                let at = |distance: i64| five_prime + direction * distance;
                let counted: Vec<i64> = match rule.part {
                    CountedPart::Overlap => (0..length).map(at).collect(),
                    CountedPart::FivePrime => vec![five_prime],
                    CountedPart::Midpoint => vec![at((length - 1) / 2)],
                };
                let strand = match rule.strand {
                    StrandRule::Both => true,
                    StrandRule::Same => read.strand == window.strand,
                    StrandRule::Opposite => read.strand != window.strand,
                };
                strand
                    && counted
                        .iter()
                        .any(|&base| first <= base && base <= last && (0..CHROM).contains(&base))
            });
            counts.push(hits.count() as u32);
        }
    }
    counts
}

proptest! {
    #[test]
    fn counts_are_those_of_the_definition(
        reads in reads(),
        rule in rule(),
        places in prop::collection::vec((0..CHROM, any::<bool>()), 1..8),
        (size, upstream, downstream) in (1..200_u32, 0..8_u32, 1..8_u32),
    ) {
        let strand = |reverse: bool| if reverse { Strand::Reverse } else { Strand::Forward };
        let genes = places.into_iter().enumerate();
        let genes = genes.map(|(id, (tss, reverse))| gene(id, tss, strand(reverse)));
        let windows = Windows::around(genes.collect(), bins(size, upstream, downstream));
        prop_assert_eq!(count(&windows, rule, &reads), by_definition(&windows, rule, &reads));
    }

    #[test]
    fn no_read_is_lost_or_counted_twice(reads in reads(), rule in rule()) {
        // One window over the whole chromosome and what reads may reach beyond it.
        let region = Region {
            chrom: "chr1".into(),
            start: -1_000,
            end: CHROM + 1_000,
            name: Some("all".into()),
            strand: Some(Strand::Forward),
        };
        let whole = bins(100, 0, (CHROM as u32 + 2_000) / 100);
        let (windows, _) = Windows::of_regions(Path::new("x"), vec![(1, region)], whole).unwrap();
        let point = CountRule { part: CountedPart::FivePrime, strand: StrandRule::Both, ..rule };
        let counts = count(&windows, point, &reads);
        let five_prime = |read: &&Alignment| match read.strand {
            Some(Strand::Forward) => read.start + i64::from(rule.shift),
            _ => read.end - 1 - i64::from(rule.shift),
        };
        // What is shifted over an end of the chromosome is nowhere.
        let inside = reads.iter().filter(|read| (0..CHROM).contains(&five_prime(read)));
        prop_assert_eq!(counts.iter().sum::<u32>() as usize, inside.count());
        let same = CountRule { strand: StrandRule::Same, ..rule };
        let opposite = CountRule { strand: StrandRule::Opposite, ..rule };
        let both = CountRule { strand: StrandRule::Both, ..rule };
        let [same, opposite, both] = [same, opposite, both].map(|r| count(&windows, r, &reads));
        let sum: Vec<u32> = same.iter().zip(&opposite).map(|(x, y)| x + y).collect();
        prop_assert_eq!(sum, both);
    }

    #[test]
    fn the_order_of_reads_does_not_matter(mut reads in reads(), rule in rule()) {
        let genes = vec![gene(0, 900, Strand::Forward), gene(1, 1100, Strand::Reverse)];
        let windows = Windows::around(genes, bins(50, 10, 12));
        let counts = count(&windows, rule, &reads);
        reads.reverse();
        prop_assert_eq!(&count(&windows, rule, &reads), &counts);
        reads.sort_by_key(|read| (read.start, read.end));
        prop_assert_eq!(&count(&windows, rule, &reads), &counts);
    }

    #[test]
    fn strands_are_mirror_images(reads in reads(), rule in rule(), tss in 0..CHROM) {
        // The same picture seen from the other strand: base p becomes -p.
        let mirrored: Vec<Alignment> = reads
            .iter()
            .map(|read| Alignment {
                contig: 0,
                start: CHROM - read.end,
                end: CHROM - read.start,
                strand: Some(match read.strand {
                    Some(Strand::Forward) => Strand::Reverse,
                    _ => Strand::Forward,
                }),
            })
            .collect();
        let cut = bins(70, 6, 9);
        let windows = Windows::around(vec![gene(0, tss, Strand::Forward)], cut);
        let forward = count(&windows, rule, &reads);
        let tss = CHROM - 1 - tss;
        let windows = Windows::around(vec![gene(0, tss, Strand::Reverse)], cut);
        let mut reverse = count(&windows, rule, &mirrored);
        reverse.reverse();
        prop_assert_eq!(forward, reverse);
    }

    #[test]
    fn means_are_those_of_the_definition(
        lengths in prop::collection::vec((0..40_i64, 1..60_i64, -5.0..50.0_f32), 1..60),
        (size, start) in (1..150_u32, -100..2_000_i64),
    ) {
        let mut values = Vec::new();
        let mut bases = vec![None; 10_000];
        let mut end = 0;
        for (gap, length, value) in lengths {
            let start = end + gap;
            end = start + length;
            values.push(Value { contig: 0, start, end, value });
            bases[start as usize..end as usize].fill(Some(f64::from(value)));
        }
        let region = Region {
            chrom: "chr1".into(),
            start,
            end: start + 5 * i64::from(size),
            name: Some("x".into()),
            strand: None,
        };
        let (windows, _) =
            Windows::of_regions(Path::new("x"), vec![(1, region)], bins(size, 0, 5)).unwrap();
        let chroms = WindowIndex::new(&windows, &ChromSizes::new());
        for missing in [Missing::Zero, Missing::Skip] {
            let mut mean = MeanSignal::new(Path::new("x"), &chroms);
            mean.add(Batch { contigs: &contigs(), items: &values }).unwrap();
            let found = mean.finish(missing).unwrap().0;
            for (bin, &found) in found.iter().enumerate() {
                let first = start + bin as i64 * i64::from(size);
                let inside = (first.max(0)..(first + i64::from(size)).max(0)).map(|p| bases[p as usize]);
                let data: Vec<f64> = inside.flatten().collect();
                let count = match missing {
                    Missing::Zero => f64::from(size),
                    Missing::Skip => data.len().max(1) as f64,
                };
                let expected = data.iter().sum::<f64>() / count;
                prop_assert!((f64::from(found) - expected).abs() <= 1e-5 * expected.abs().max(1.0));
            }
        }
    }
}

fn genes_of(folder: &Path, bins: Bins) -> Genes {
    Genes::read(&GenesConfig {
        path: folder.join("genes.gtf"),
        format: None,
        types: vec!["protein_coding".into()],
        tss: TssRule::Gene,
        bins,
        edges: Edges::Pad,
        chrom_sizes: None,
    })
    .unwrap()
}

#[test]
fn simulated_reads_give_the_simulated_counts_back_whatever_the_threads() {
    let config = SimulationConfig {
        genes: 60,
        bins: 40,
        ..SimulationConfig::default()
    };
    let simulated = simulate(&config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    simulated.write_reads(folder.path(), 1).unwrap();
    let counts = folder.path().join("counts.tsv");
    let samples = folder.path().join("samples.tsv");
    let cells = read_samples(&samples, Some(&counts), None).unwrap();
    let genes = genes_of(folder.path(), bins(100, 20, 20));
    let five_prime = PrepareConfig {
        count: CountRule {
            part: CountedPart::FivePrime,
            ..CountRule::default()
        },
        ..PrepareConfig::default()
    };
    for (cell, simulated) in cells.iter().zip(&simulated.cells) {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            let (prepared, summary) = pool.install(|| prepare(cell, &genes, &five_prime)).unwrap();
            assert_eq!(prepared.marks, simulated.marks);
            assert_eq!(prepared.signal, simulated.signal);
            for (prepared, simulated) in prepared.genes.iter().zip(&simulated.genes) {
                let mut simulated = simulated.clone();
                simulated.split = None;
                assert_eq!(*prepared, simulated);
            }
            let duplicates = summary.tracks.iter().map(|t| t.reads.unwrap().duplicates);
            assert!(duplicates.sum::<u64>() > 100);
        }
    }
}

/// A BED file of reads, each `start` on a strand, 10 bp long.
fn bed(path: &Path, reads: &[(i64, char)]) {
    let mut file = std::fs::File::create(path).unwrap();
    for (start, strand) in reads {
        writeln!(file, "1\t{start}\t{}\tr\t0\t{strand}", start + 10).unwrap();
    }
}

#[test]
fn replicates_are_pooled_and_the_control_is_subtracted_at_equal_depth() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(
        path("genes.bed"),
        "chr1\t1000\t2000\tG1.2\t0\t+\nchr1\t1000\t2000\tG2\t0\t-\nchr9\t5\t6\tG3\t0\t+\n",
    )
    .unwrap();
    std::fs::write(path("counts.csv"), "gene,x\nG1,7\nG2.5,8\nG4,9\n").unwrap();
    // Bins of 100 bp from 900 to 1100 around G1 (forward) and 1900 to 2100 around G2.
    bed(
        &path("r1.bed"),
        &[(905, '+'), (910, '-'), (1005, '+'), (2050, '+')],
    );
    bed(
        &path("r2.bed"),
        &[(920, '+'), (1950, '-'), (9000, '+'), (9100, '+')],
    );
    bed(&path("control.bed"), &[(930, '+'), (2010, '+')]);
    let track = |name: &str, control: Option<&str>| Track {
        mark: "mark".into(),
        path: path(name),
        control: control.map(path),
    };
    let signal = |tracks: Vec<Track>, scale: Scale, orientation: Orientation| {
        let genes = Genes::read(&GenesConfig {
            path: path("genes.bed"),
            format: None,
            types: Vec::new(),
            tss: TssRule::Gene,
            bins: bins(100, 1, 1),
            edges: Edges::Drop,
            chrom_sizes: None,
        })
        .unwrap();
        let files = CellTypeFiles {
            name: "cell".into(),
            tracks,
            expression: path("counts.csv"),
            expression_column: None,
        };
        let config = PrepareConfig {
            scale,
            orientation,
            ..PrepareConfig::default()
        };
        let (prepared, summary) = prepare(&files, &genes, &config).unwrap();
        assert_eq!(summary.without_expression, ["G3"]);
        assert_eq!(summary.without_gene, ["G4"]);
        let renamed = &summary.tracks[0].renamed;
        let bed = summary.tracks[0].reads.is_some();
        assert_eq!(*renamed == [("1".to_owned(), "chr1".to_owned())], bed);
        let expression: Vec<f64> = prepared.genes.iter().map(|g| g.expression).collect();
        assert_eq!(expression, [7.0, 8.0]);
        prepared.signal
    };
    let both = || vec![track("r1.bed", None), track("r2.bed", None)];
    let (none, cpm) = (Scale::None, Scale::Cpm);
    // 900-1000, 1000-1100 of G1; upstream of G2 is 2000-2100.
    assert_eq!(
        signal(both(), none, Orientation::Strand),
        [3.0, 1.0, 1.0, 1.0]
    );
    let one = vec![track("r1.bed", None)];
    assert_eq!(signal(one, none, Orientation::Genome), [2.0, 1.0, 0.0, 1.0]);
    // Depth 8; a read is 125,000 per million.
    let per_million = [375_000.0, 125_000.0, 125_000.0, 125_000.0];
    assert_eq!(signal(both(), cpm, Orientation::Strand), per_million);
    // The control's depth is 2: each of its reads stands for 4, and none is left.
    let control = Some("control.bed");
    let controlled = || vec![track("r1.bed", control), track("r2.bed", control)];
    assert_eq!(
        signal(controlled(), none, Orientation::Strand),
        [0.0, 1.0, 0.0, 1.0]
    );
    assert_eq!(
        signal(controlled(), cpm, Orientation::Strand),
        [0.0, 125_000.0, 0.0, 125_000.0]
    );
    // Of signal, replicates are averaged and the control is subtracted as it is.
    std::fs::write(path("s1.bedGraph"), "chr1\t900\t1100\t4\n").unwrap();
    std::fs::write(path("s2.bedGraph"), "chr1\t1000\t1050\t8\n").unwrap();
    std::fs::write(path("c.bedGraph"), "chr1\t900\t1000\t1.5\n").unwrap();
    let values = vec![
        track("s1.bedGraph", Some("c.bedGraph")),
        track("s2.bedGraph", None),
    ];
    let expected = [0.5, 4.0, 0.0, 0.0];
    assert_eq!(signal(values, none, Orientation::Strand), expected);
}

#[test]
fn meter_counts_every_byte_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bed");
    bed(&path, &[(1, '+'), (2, '-')]);
    let meter = Meter::default();
    let reading = Reading {
        filter: ReadFilter::default(),
        reference: None,
        threads: NonZero::<usize>::MIN,
        meter: meter.clone(),
    };
    let source = read_alignments(&path, Format::Bed, &reading, &mut |_| Ok(())).unwrap();
    assert_eq!(meter.bytes(), source.size);
    assert_eq!(source.reads.unwrap().depth, 2);
}

//! What is written reads back the same, and files of other programs read as they
//! are.

mod common;

use std::fmt::Write;

use epidelta::{
    dataset::{
        DeepDiffFiles, Epigenome, GeneRecord, Metadata, Orientation, Split, import_deepdiff,
        read_epigenome, write_epigenome,
    },
    evaluation::{CellPrediction, GenePrediction, Predictions},
    genome::Strand,
};
use proptest::prelude::*;

fn metadata() -> Metadata {
    Metadata {
        cell_type: "K562 \"α\"".into(),
        bin_size: 100,
        upstream: 300,
        downstream: 200,
        orientation: Orientation::Strand,
        signal_unit: "reads".into(),
        expression_unit: "TPM".into(),
        genome: None,
        provenance: Some("{}".into()),
    }
}

fn split() -> impl Strategy<Value = Option<Split>> {
    prop::sample::select(vec![
        None,
        Some(Split::Train),
        Some(Split::Valid),
        Some(Split::Test),
    ])
}

fn gene(index: usize) -> impl Strategy<Value = GeneRecord> {
    let strand = prop::sample::select(vec![None, Some(Strand::Forward), Some(Strand::Reverse)]);
    let name = prop::option::of("[A-Za-z0-9_. -]{0,8}");
    let chrom = prop::option::of("chr[0-9XYM]{1,2}");
    let tss = prop::option::of(0..3_000_000_000_i64);
    (name, chrom, tss, strand, split(), 0.0..1e12_f64).prop_map(
        move |(gene_name, chrom, tss, strand, split, expression)| GeneRecord {
            gene_id: format!("G{index}"),
            gene_name,
            chrom,
            tss,
            strand,
            split,
            expression,
        },
    )
}

fn epigenome() -> impl Strategy<Value = Epigenome> {
    (1..6_usize, 1..4_usize, 1..7_usize, any::<bool>()).prop_flat_map(
        |(genes, marks, bins, counts)| {
            let value = if counts {
                (0..=u16::MAX).prop_map(f32::from).boxed()
            } else {
                (-1e30_f32..1e30).boxed()
            };
            let records: Vec<_> = (0..genes).map(gene).collect();
            let signal = prop::collection::vec(value, genes * marks * bins);
            (records, signal).prop_map(move |(genes, signal)| Epigenome {
                metadata: metadata(),
                marks: (0..marks).map(|m| format!("mark {m}")).collect(),
                bins,
                genes,
                signal,
            })
        },
    )
}

proptest! {
    #[test]
    fn epigenomes_read_back(epigenome in epigenome()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        write_epigenome(&epigenome, &path, false).unwrap();
        prop_assert_eq!(read_epigenome(&path).unwrap(), epigenome);
    }

    #[test]
    fn predictions_read_back(
        numbers in prop::collection::vec((any::<f32>(), -1e9..1e9_f64, split()), 1..20),
        cells in 0..3,
    ) {
        let finite = |x: f32| if x.is_finite() { x } else { 0.1 };
        let genes = numbers.iter().enumerate().map(|(i, &(predicted, observed, split))| {
            let predicted = finite(predicted);
            let cell = match cells {
                0 => None,
                1 => Some(CellPrediction::Expression { observed, predicted }),
                _ => Some(CellPrediction::AboveMedian {
                    observed: observed > 0.0,
                    probability: predicted,
                }),
            };
            GenePrediction {
                gene_id: format!("G{i}"),
                split,
                observed,
                predicted,
                cells: cell.map(|cell| [cell, cell]),
            }
        });
        let predictions = Predictions { genes: genes.collect() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.tsv");
        predictions.write(&path, false).unwrap();
        prop_assert_eq!(Predictions::read(&path).unwrap(), predictions);
    }

    /// Counts come through the import unchanged; strand orientation mirrors genes
    /// on the reverse strand about the TSS and leaves the others.
    #[test]
    fn published_files_import_unchanged_and_mirrored(
        counts in (1..5_usize, 1..6_usize, 1..4_usize).prop_flat_map(|(genes, bins, marks)| {
            let gene = prop::collection::vec(
                prop::collection::vec(0..5000_u32, marks),
                bins,
            );
            prop::collection::vec((gene, any::<bool>(), 0..100_000_u32), genes)
        }),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (mut signal, mut expression, mut annotation) =
            (String::new(), String::new(), String::new());
        for (g, (bins, reverse, expressed)) in counts.iter().enumerate() {
            for (b, counts) in bins.iter().enumerate() {
                let counts: Vec<String> = counts.iter().map(u32::to_string).collect();
                writeln!(signal, "ID{g}_A_B_{},{}", b + 1, counts.join(",")).unwrap();
            }
            writeln!(expression, "ID{g},{expressed}").unwrap();
            let strand = if *reverse { "-" } else { "+" };
            writeln!(
                annotation,
                "chr1\tX\tgene\t11\t20\t.\t{strand}\t.\tgene_id \"ID{g}.1\";"
            ).unwrap();
        }
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let marks = counts[0].0[0].len();
        let mut files = DeepDiffFiles {
            cell_type: "X".into(),
            expression: write("e.csv", &expression),
            signal: vec![(Split::Train, write("s.csv", &signal))],
            marks: (0..marks).map(|m| m.to_string()).collect(),
            bin_size: 100,
            annotation: Some(write("g.gtf", &annotation)),
            orientation: Orientation::Genome,
        };
        let (genome, _) = import_deepdiff(&files).unwrap();
        files.orientation = Orientation::Strand;
        let (strand, _) = import_deepdiff(&files).unwrap();
        for (g, (bins, reverse, expressed)) in counts.iter().enumerate() {
            prop_assert_eq!(genome.genes[g].gene_name.as_deref(), Some("A_B"));
            prop_assert_eq!(genome.genes[g].expression, f64::from(*expressed));
            prop_assert_eq!(genome.genes[g].tss, Some(if *reverse { 19 } else { 10 }));
            for m in 0..marks {
                let mut expected: Vec<f32> = bins.iter().map(|b| b[m] as f32).collect();
                let row = m * bins.len()..(m + 1) * bins.len();
                prop_assert_eq!(&genome.signal_of(g)[row.clone()], &expected[..]);
                if *reverse {
                    expected.reverse();
                }
                prop_assert_eq!(&strand.signal_of(g)[row], &expected[..]);
            }
        }
    }
}

/// Expected values: pyarrow 26 (`pq.read_table`, `numpy.sum` in 64-bit).
#[test]
fn a_file_written_by_pyarrow_reads_as_it_is() {
    let Some(path) = common::shared("data/remc-pair/E012.parquet") else {
        return;
    };
    let epigenome = read_epigenome(&path).unwrap();
    assert_eq!(epigenome.genes.len(), 18_421);
    assert_eq!(epigenome.bins, 200);
    assert_eq!(epigenome.metadata.orientation, Orientation::Strand);
    let mark = |name: &str| epigenome.marks.iter().position(|m| m == name).unwrap();
    let at =
        |gene: usize, name: &str, bin: usize| epigenome.signal_of(gene)[mark(name) * 200 + bin];
    assert_eq!(at(1234, "H3K4me1", 84), 0.98);
    assert_eq!(at(18_000, "H3K36me3", 191), 0.74);
    let total: f64 = (0..18_421)
        .flat_map(|gene| &epigenome.signal_of(gene)[mark("H3K36me3") * 200..][..200])
        .map(|&v| f64::from(v))
        .sum();
    assert!(
        (total / 786_044.781_373_236_3 - 1.0).abs() < 1e-12,
        "{total}"
    );
}

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

fn metadata(bins: usize) -> Metadata {
    Metadata {
        cell_type: "K562 \"α\"".into(),
        bin_size: 100,
        upstream: 30,
        downstream: 100 * bins as u32 - 30,
        orientation: Orientation::Strand,
        signal_unit: "reads".into(),
        expression_unit: "TPM".into(),
        library_size: Some(1e6),
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
                metadata: metadata(bins),
                marks: (0..marks).map(|m| format!("mark {m}")).collect(),
                bins,
                genes,
                signal: signal.into(),
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
        classified in any::<bool>(),
        spread in any::<bool>(),
        expression in any::<bool>(),
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
                // Where the first gene has none, a later one may have some.
                spread: (spread && i > 0).then_some(predicted.abs()),
                log2_expression: (expression || cells == 1).then_some([observed; 2]),
                up: classified.then_some(observed > 0.0),
                cells: cell.map(|cell| [cell, cell]),
 of_pair: None,
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

/// What is wrong with a file that breaks the format's promises.
fn refusal(change: impl Fn(&mut Epigenome)) -> String {
    let mut epigenome = Epigenome {
        metadata: metadata(2),
        marks: vec!["X".into(), "Y".into()],
        bins: 2,
        genes: ["G0", "G1"]
            .map(|id| GeneRecord {
                gene_id: id.into(),
                gene_name: None,
                chrom: None,
                tss: None,
                strand: None,
                split: None,
                expression: 1.0,
            })
            .to_vec(),
        signal: vec![0.0; 8].into(),
    };
    change(&mut epigenome);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let message = write_epigenome(&epigenome, &path, false)
        .unwrap_err()
        .to_string();
    assert!(!path.exists(), "a refused file was written");
    message
}

#[test]
fn epigenomes_that_break_a_promise_are_refused() {
    let names = |message: String, parts: &[&str]| {
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message}");
        }
    };
    names(
        refusal(|e| e.signal[7] = f32::NAN),
        &["gene G1", "finite signal", "NaN in bin 2 of Y"],
    );
    names(
        refusal(|e| e.signal[0] = f32::INFINITY),
        &["gene G0", "inf in bin 1 of X"],
    );
    names(
        refusal(|e| e.genes[1].expression = -1.0),
        &["gene G1", "not negative", "-1"],
    );
    names(
        refusal(|e| e.genes[1].gene_id = "G0".into()),
        &["gene G0", "each gene once"],
    );
    names(refusal(|e| e.genes[0].gene_id = String::new()), &["row 1"]);
    names(
        refusal(|e| e.metadata.upstream = 31),
        &["2 bins of 100 bp", "31 bp upstream"],
    );
    names(refusal(|e| e.metadata.bin_size = 0), &["2 bins of 0 bp"]);
    names(
        refusal(|e| e.metadata.cell_type = "\u{1b}[31m".into()),
        &["cell type"],
    );
}

/// Files of other programs, each wrong in one way.
#[test]
fn foreign_files_are_refused_by_name_of_the_column() {
    use arrow_array::{
        ArrayRef, FixedSizeListArray, Float64Array, Int64Array, RecordBatch, StringArray,
        UInt16Array,
    };
    use arrow_schema::{Field, Schema};
    use std::sync::Arc;

    let list = |values: ArrayRef, length: i32| -> ArrayRef {
        let item = Arc::new(Field::new("element", values.data_type().clone(), true));
        Arc::new(FixedSizeListArray::try_new(item, length, values, None).unwrap())
    };
    let text =
        |values: [Option<&str>; 2]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let nothing = || text([None, None]);
    let sound = || -> Vec<(&str, ArrayRef)> {
        vec![
            ("gene_id", text([Some("G0"), Some("G1")])),
            ("gene_name", nothing()),
            ("chrom", nothing()),
            ("tss", Arc::new(Int64Array::from(vec![None, Some(7)]))),
            ("strand", text([Some("+"), None])),
            ("split", text([Some("train"), None])),
            ("expression", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
            ("X", list(Arc::new(UInt16Array::from(vec![1, 2, 3, 4])), 2)),
        ]
    };
    let keys = [
        ("format", "1"),
        ("cell_type", "K"),
        ("bin_size", "10"),
        ("upstream", "10"),
        ("downstream", "10"),
        ("orientation", "genome"),
        ("signal_unit", "reads"),
        ("expression_unit", "reads"),
    ];
    let read = |columns: Vec<(&str, ArrayRef)>, keys: &[(&str, &str)]| {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect();
        let footer: Vec<(String, String)> = keys
            .iter()
            .map(|(key, value)| (format!("epidelta.{key}"), (*value).to_owned()))
            .collect();
        let schema = Schema::new(fields).with_metadata(
            footer
                .into_iter()
                .collect::<std::collections::HashMap<_, _>>(),
        );
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::new(schema), arrays).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        read_epigenome(&path).map_err(|error| error.to_string())
    };
    let with = |name: &'static str, array: ArrayRef| {
        let mut columns = sound();
        match columns.iter_mut().find(|column| column.0 == name) {
            Some(column) => column.1 = array,
            None => columns.push((name, array)),
        }
        read(columns, &keys).unwrap_err()
    };

    let epigenome = read(sound(), &keys).unwrap();
    assert_eq!(epigenome.signal, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(epigenome.genes[1].tss, Some(7));

    let mut without = sound();
    without.retain(|(name, _)| *name != "strand");
    assert!(
        read(without, &keys)
            .unwrap_err()
            .contains("column \"strand\"")
    );
    let mut no_mark = sound();
    no_mark.pop();
    assert!(
        read(no_mark, &keys)
            .unwrap_err()
            .contains("at least one mark column")
    );
    let null = Arc::new(Float64Array::from(vec![Some(1.0), None]));
    assert!(with("expression", null).contains("row 2: expected a value in column \"expression\""));
    let id = text([None, Some("G1")]);
    assert!(with("gene_id", id).contains("row 1: expected a value in column \"gene_id\""));
    assert!(with("tss", nothing()).contains("column \"tss\": expected Int64"));
    assert!(with("strand", text([Some("x"), None])).contains("not a strand"));
    assert!(with("split", text([Some("dev"), None])).contains("not a split"));
    assert!(with("Y", nothing()).contains("column \"Y\": expected a mark"));
    let three = list(Arc::new(UInt16Array::from(vec![1; 6])), 3);
    assert!(with("Y", three).contains("expected 2 bins, as the other marks, found 3 bins"));
    let hole = list(
        Arc::new(UInt16Array::from(vec![Some(1), None, Some(1), Some(1)])),
        2,
    );
    assert!(with("Y", hole).contains("column \"Y\": expected a number in every bin"));
    let missing_key = read(sound(), &keys[1..]).unwrap_err();
    assert!(missing_key.contains("epidelta.format"), "{missing_key}");
    let mut newer = keys;
    newer[0].1 = "2";
    assert!(
        read(sound(), &newer)
            .unwrap_err()
            .contains("made by a newer epidelta")
    );
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

//! What is done to expression and to the order of bins before a method sees them.

use std::fs;

use epidelta::{
    dataset::{
        BinOrder, DeepDiffFiles, Epigenome, GeneRecord, LabelConfig, Metadata, Normalization,
        Orientation, Pair, Split, import_deepdiff, read_epigenome, write_epigenome,
    },
    genome::Strand,
};

/// Genes of one mark in two bins, with this expression.
fn cell_type(name: &str, unit: &str, expression: &[f64]) -> Epigenome {
    let gene = |(index, &expression): (usize, &f64)| GeneRecord {
        gene_id: format!("G{index}"),
        gene_name: None,
        chrom: None,
        tss: None,
        strand: None,
        split: None,
        expression,
    };
    Epigenome {
        metadata: Metadata {
            cell_type: name.into(),
            bin_size: 100,
            upstream: 100,
            downstream: 100,
            orientation: Orientation::Strand,
            signal_unit: "reads".into(),
            expression_unit: unit.into(),
            library_size: None,
            genome: None,
            provenance: None,
        },
        marks: vec!["X".into()],
        bins: 2,
        genes: expression.iter().enumerate().map(gene).collect(),
        signal: vec![1.0; 2 * expression.len()].into(),
    }
}

fn sized(size: f64, cell: Epigenome) -> Epigenome {
    let metadata = Metadata {
        library_size: Some(size),
        ..cell.metadata
    };
    Epigenome { metadata, ..cell }
}

/// The labels and log2 expressions of A and B of the first pair.
fn labels(cells: Vec<Epigenome>, normalization: Normalization) -> Vec<[f64; 3]> {
    let label = LabelConfig {
        normalization,
        ..LabelConfig::default()
    };
    let common = normalization.common_library_size(&cells, |_| true);
    let (pair, _) = Pair::join_all(cells, &[[0, 1]], None, label, common).unwrap();
    let genes = pair.genes.iter();
    let of = |g: &epidelta::dataset::PairedGene| {
        [g.log2_fold_change, g.log2_expression_a, g.log2_expression_b]
    };
    genes.map(of).collect()
}

fn close(found: &[[f64; 3]], expected: &[[f64; 3]]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }
}

#[test]
fn library_sizes_take_out_how_deep_a_cell_type_was_sequenced() {
    let profile = [0.0, 10.0, 90.0, 900.0];
    let deep = profile.map(|reads| 5.0 * reads);
    let cells = || {
        let [a, b] = [("A", profile), ("B", deep)];
        vec![cell_type(a.0, "reads", &a.1), cell_type(b.0, "reads", &b.1)]
    };
    // Of 1000 and 5000 reads the geometric mean is 1000 times the root of 5.
    let root = 5.0_f64.sqrt();
    let scaled = profile.map(|reads| (root * reads + 1.0).log2());
    let normalized = labels(cells(), Normalization::LibrarySize);
    close(&normalized, &scaled.map(|both| [0.0, both, both]));

    let as_they_are = labels(cells(), Normalization::None);
    let of = |reads: f64| [(reads + 1.0).log2(), (5.0 * reads + 1.0).log2()];
    close(&as_they_are, &profile.map(of).map(|[a, b]| [a - b, a, b]));
    assert!(as_they_are[3][0] < -2.3);
}

#[test]
fn the_library_is_all_that_was_measured_where_the_file_tells() {
    let cells = vec![
        sized(1000.0, cell_type("A", "reads", &[10.0, 90.0])),
        sized(4000.0, cell_type("B", "reads", &[20.0, 360.0])),
    ];
    // The geometric mean is 2000: A counts double, B half.
    let expected = [[21.0_f64, 11.0], [181.0, 181.0]];
    let expected = expected.map(|of| of.map(f64::log2));
    close(
        &labels(cells, Normalization::LibrarySize),
        &expected.map(|[a, b]| [a - b, a, b]),
    );
}

/// The size of a whole table and that of some genes are no two of a kind.
#[test]
fn library_sizes_are_of_one_kind() {
    let cells = |size: Option<f64>| {
        let a = cell_type("A", "reads", &[10.0, 90.0]);
        let b = cell_type("B", "reads", &[20.0, 180.0]);
        vec![size.map_or(a.clone(), |size| sized(size, a)), b]
    };
    assert_eq!(
        labels(cells(Some(9000.0)), Normalization::LibrarySize),
        labels(cells(None), Normalization::LibrarySize)
    );
}

#[test]
fn all_cell_types_of_a_list_are_scaled_to_the_same_size() {
    let cells = vec![
        sized(1000.0, cell_type("A", "reads", &[10.0])),
        sized(2000.0, cell_type("B", "reads", &[10.0])),
        sized(4000.0, cell_type("C", "reads", &[10.0])),
    ];
    let (a, b) = (21.0_f64.log2(), 11.0_f64.log2());
    close(&labels(cells, Normalization::LibrarySize), &[[a - b, a, b]]);
}

#[test]
fn expression_that_is_no_count_of_reads_stays() {
    let cells = |unit| {
        vec![
            sized(10.0, cell_type("A", unit, &[1.0, 9.0])),
            sized(50.0, cell_type("B", unit, &[5.0, 45.0])),
        ]
    };
    for unit in ["RPKM", "TPM", "log2 CPM"] {
        let normalized = labels(cells(unit), Normalization::LibrarySize);
        assert_eq!(
            normalized,
            labels(cells(unit), Normalization::None),
            "{unit}"
        );
    }
    assert_ne!(
        labels(cells("reads"), Normalization::LibrarySize),
        labels(cells("reads"), Normalization::None)
    );
}

#[test]
fn a_cell_type_without_any_read_is_not_scaled() {
    let cells = || {
        vec![
            cell_type("A", "reads", &[1.0, 9.0]),
            cell_type("B", "reads", &[0.0, 0.0]),
        ]
    };
    assert_eq!(
        labels(cells(), Normalization::LibrarySize),
        labels(cells(), Normalization::None)
    );
}

#[test]
fn the_file_keeps_the_library_size() {
    let folder = tempfile::tempdir().unwrap();
    let cell = cell_type("A", "reads", &[1.5, 2.0]);
    // One that takes all digits, and none.
    let sizes = [Some(12_345_678.912_345_678), Some(0.0), None];
    for (index, library_size) in sizes.into_iter().enumerate() {
        let path = folder.path().join(format!("{index}.parquet"));
        let mut written = cell.clone();
        written.metadata.library_size = library_size;
        write_epigenome(&written, &path, false).unwrap();
        let read = read_epigenome(&path).unwrap();
        assert_eq!(read, written);
    }
}

#[test]
fn an_import_counts_the_genes_without_signal_to_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("expression.csv"), "G1,7\nELSEWHERE,1000.5\nG2,2\n").unwrap();
    fs::write(
        path("train.csv"),
        "G1_N_1,3\nG1_N_2,4\nG2_N_1,5\nG2_N_2,6\n",
    )
    .unwrap();
    let (cell, _) = import_deepdiff(&DeepDiffFiles {
        cell_type: "A".into(),
        expression: path("expression.csv"),
        signal: vec![(Split::Train, path("train.csv"))],
        marks: vec!["X".into()],
        bin_size: 100,
        annotation: None,
        orientation: Orientation::Genome,
    })
    .unwrap();
    assert_eq!(cell.genes.len(), 2);
    assert_eq!(cell.metadata.library_size, Some(1009.5));
}

#[test]
fn upstream_comes_first_where_it_is_asked_for_and_does_not_already() {
    let strands = [Some(Strand::Reverse), Some(Strand::Forward), None];
    let made = |name: &str, orientation: Orientation| {
        let mut cell = cell_type(name, "reads", &[1.0, 2.0, 3.0]);
        cell.metadata.orientation = orientation;
        cell.metadata.upstream = 150;
        cell.metadata.downstream = 150;
        cell.marks = vec!["X".into(), "Y".into()];
        cell.bins = 3;
        cell.signal = (0..18).map(|value| value as f32).collect();
        for (gene, strand) in cell.genes.iter_mut().zip(strands) {
            gene.strand = strand;
        }
        cell
    };
    let seen = |orientation: Orientation, order: BinOrder| -> Vec<Vec<f32>> {
        let cells = [made("A", orientation), made("B", orientation)];
        let [a, b] = cells;
        let (pair, _) = Pair::join(a, b, LabelConfig::default()).unwrap();
        let pair = pair.oriented(order);
        (0..3)
            .map(|gene| {
                let [a, b] = pair.signal(gene);
                assert_eq!(a, b);
                a.to_vec()
            })
            .collect()
    };
    let rows = |first: [f32; 6]| {
        vec![
            first.to_vec(),
            (6..12).map(|value| value as f32).collect(),
            (12..18).map(|value| value as f32).collect(),
        ]
    };
    let as_it_is = rows([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let turned = rows([2.0, 1.0, 0.0, 5.0, 4.0, 3.0]);
    assert_eq!(seen(Orientation::Genome, BinOrder::Strand), turned);
    for (orientation, order) in [
        (Orientation::Genome, BinOrder::File),
        (Orientation::Strand, BinOrder::File),
        (Orientation::Strand, BinOrder::Strand),
    ] {
        assert_eq!(
            seen(orientation, order),
            as_it_is,
            "{orientation:?} {order:?}"
        );
    }
}

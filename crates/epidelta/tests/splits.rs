//! Which genes train, choose and test, where files could contradict each other.

use epidelta::dataset::{
    Epigenome, GeneRecord, LabelConfig, Metadata, Orientation, Pair, Split, SplitConfig,
    SplitMethod,
};

/// Genes of one mark in one bin, on these chromosomes.
fn cell_type(name: &str, chromosomes: &[Option<&str>]) -> Epigenome {
    let gene = |(index, chrom): (usize, &Option<&str>)| GeneRecord {
        gene_id: format!("G{index}"),
        gene_name: None,
        chrom: chrom.map(str::to_owned),
        tss: None,
        strand: None,
        split: None,
        expression: index as f64,
    };
    Epigenome {
        metadata: Metadata {
            cell_type: name.into(),
            bin_size: 100,
            upstream: 50,
            downstream: 50,
            orientation: Orientation::Strand,
            signal_unit: "reads".into(),
            expression_unit: "reads".into(),
            library_size: None,
            genome: None,
            provenance: None,
        },
        marks: vec!["X".into()],
        bins: 1,
        genes: chromosomes.iter().enumerate().map(gene).collect(),
        signal: vec![1.0; chromosomes.len()].into(),
    }
}

fn joined(cells: Vec<Epigenome>, pairs: &[[usize; 2]]) -> Pair {
    let label = LabelConfig::default();
    let (pair, _) = Pair::join_all(cells, pairs, None, label, None).unwrap();
    pair
}

fn by_chromosome() -> SplitConfig {
    SplitConfig {
        method: SplitMethod::Chromosome,
        ..SplitConfig::default()
    }
}

#[test]
fn chromosomes_are_known_by_either_custom() {
    let names = [Some("3"), Some("chr8"), Some("2"), Some("chrX")];
    let cells = vec![cell_type("A", &names), cell_type("B", &names)];
    let mut pair = joined(cells, &[[0, 1]]);
    by_chromosome().assign(&mut pair).unwrap();
    let splits: Vec<Split> = pair.genes.iter().map(|gene| gene.split.unwrap()).collect();
    assert_eq!(
        splits,
        [Split::Valid, Split::Test, Split::Train, Split::Train]
    );
}

#[test]
fn a_chromosome_is_not_in_two_splits_under_two_names() {
    let names = [Some("chr1"), Some("chr2"), Some("chr3")];
    let cells = vec![cell_type("A", &names), cell_type("B", &names)];
    let twice = SplitConfig {
        valid_chromosomes: vec!["1".into()],
        test_chromosomes: vec!["chr1".into()],
        ..by_chromosome()
    };
    let error = twice.assign(&mut joined(cells, &[[0, 1]]));
    let message = error.unwrap_err().to_string();
    assert!(message.contains("1 is in both"), "{message}");
}

#[test]
fn a_gene_is_on_one_chromosome_in_all_pairs() {
    let names = [Some("chr3"), Some("chr8"), Some("chr2")];
    let other = [Some("chr3"), Some("chr2"), Some("chr2")];
    let cells = |of_c: &[Option<&str>]| {
        vec![
            cell_type("A", &names),
            cell_type("B", &names),
            cell_type("C", of_c),
        ]
    };
    let pairs = [[0, 1], [2, 1]];
    by_chromosome()
        .assign(&mut joined(cells(&names), &pairs))
        .unwrap();
    let error = by_chromosome().assign(&mut joined(cells(&other), &pairs));
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("gene G1 is in split train in C and B, and in test elsewhere"),
        "{message}"
    );
}

//! Cell types of given signal.

use std::path::PathBuf;

use epidelta::{
    dataset::{Epigenome, GeneRecord, LabelConfig, Metadata, Normalization, Orientation, Pair},
    method::{Method, Preset, Settings},
    run::{DataFiles, Run, TrainingPlan, train},
};

/// A cell type with this signal, `[mark][gene][bin]`.
pub fn cell_type(name: &str, signal: &[Vec<Vec<f32>>], expression: &[f64]) -> Epigenome {
    let bins = signal[0][0].len();
    let width = u32::try_from(bins).unwrap() * 100;
    let gene = |(gene, &expression): (usize, &f64)| GeneRecord {
        gene_id: format!("G{gene}"),
        gene_name: None,
        chrom: None,
        tss: None,
        strand: None,
        split: None,
        expression,
    };
    let of_gene = |gene: usize| signal.iter().flat_map(move |mark| mark[gene].clone());
    Epigenome {
        metadata: Metadata {
            cell_type: name.into(),
            bin_size: 100,
            upstream: width / 2,
            downstream: width - width / 2,
            orientation: Orientation::Strand,
            signal_unit: "reads".into(),
            expression_unit: "reads".into(),
            library_size: None,
            genome: None,
            provenance: None,
        },
        marks: (0..signal.len()).map(|mark| format!("M{mark}")).collect(),
        bins,
        signal: (0..expression.len()).flat_map(of_gene).collect(),
        genes: expression.iter().enumerate().map(gene).collect(),
    }
}

/// A pair of cell types of this signal.
pub fn pair(names: [&str; 2], signal: [&[Vec<Vec<f32>>]; 2]) -> Pair {
    let genes = signal[0][0].len();
    let cells = [0, 1].map(|side| cell_type(names[side], signal[side], &vec![1.0; genes]));
    let label = LabelConfig {
        normalization: Normalization::None,
        ..LabelConfig::default()
    };
    let [a, b] = cells;
    Pair::join(a, b, label).unwrap().0
}

/// A run of a method on two files of cell types, with the preset tuned but for these settings.
pub fn trained(method: Method, settings: Settings, [a, b]: [PathBuf; 2], output: PathBuf) -> Run {
    let data = DataFiles::Pair { a, b, labels: None };
    let plan = TrainingPlan::new(data, method, Preset::Tuned, settings, output.clone());
    train(&plan, &mut |_| ()).unwrap();
    Run::open(&output).unwrap()
}

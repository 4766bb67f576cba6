//! The simulator's promises: reproducible, realistic, its truth known.

use std::fs::File;

use arrow_array::{cast::AsArray, types::Float64Type};
use epidelta::dataset::{Epigenome, Simulated, SimulationConfig, Split, simulate};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn simulated(genes: usize, seed: u64) -> Simulated {
    simulate(&SimulationConfig {
        genes,
        seed,
        ..SimulationConfig::default()
    })
    .unwrap()
}

/// Mean reads of a mark in bins around `centre` bp from the TSS among genes of a
/// state in cell type A.
fn mean_reads(simulated: &Simulated, state: &str, mark: &str, bp: std::ops::Range<i64>) -> f64 {
    let a = &simulated.cells[0];
    let mark = a.marks.iter().position(|m| m == mark).unwrap();
    let bin = |bp: i64| usize::try_from(bp / 100 + 100).unwrap();
    let (mut sum, mut count) = (0.0, 0.0);
    for gene in (0..a.genes.len()).filter(|&gene| simulated.states(gene)[0] == state) {
        let signal = &a.signal_of(gene)[mark * a.bins..][..a.bins];
        for &reads in &signal[bin(bp.start)..bin(bp.end)] {
            sum += f64::from(reads);
            count += 1.0;
        }
    }
    assert!(count > 0.0, "no gene in state {state}");
    sum / count
}

#[test]
fn same_seed_same_numbers_whatever_the_number_of_genes() {
    let (few, many, other) = (simulated(50, 7), simulated(80, 7), simulated(50, 8));
    assert_eq!(few, simulated(50, 7));
    assert_ne!(few.cells[0].signal, other.cells[0].signal);
    let size = few.cells[0].marks.len() * few.cells[0].bins;
    assert_eq!(few.cells[0].signal[..], many.cells[0].signal[..50 * size]);
    assert_eq!(
        few.cells[1].genes[49].expression,
        many.cells[1].genes[49].expression
    );
}

#[test]
fn states_shape_the_marks_as_in_real_chromatin() {
    let s = simulated(600, 1);
    let promoter = -500..900;
    let background = mean_reads(&s, "heterochromatin", "H3K4me3", promoter.clone());
    assert!(mean_reads(&s, "active", "H3K4me3", promoter.clone()) > 5.0 * background);
    // Gene bodies carry H3K36me3, upstream does not: the TSS is oriented.
    let body = mean_reads(&s, "active", "H3K36me3", 4000..9000);
    assert!(body > 3.0 * mean_reads(&s, "active", "H3K36me3", -9000..-4000));
    // Bivalent promoters carry both H3K4me3 and H3K27me3.
    assert!(mean_reads(&s, "bivalent", "H3K27me3", promoter.clone()) > 4.0 * background);
    assert!(mean_reads(&s, "bivalent", "H3K4me3", promoter.clone()) > 4.0 * background);
    assert!(mean_reads(&s, "heterochromatin", "H3K9me3", -5000..5000) > 3.0 * background);
}

#[test]
fn expression_follows_the_state() {
    let s = simulated(600, 1);
    let mean = |state: &str| {
        let of_state: Vec<f64> = (0..600)
            .filter(|&gene| s.states(gene)[0] == state)
            .map(|gene| (s.cells[0].genes[gene].expression + 1.0).log2())
            .collect();
        of_state.iter().sum::<f64>() / of_state.len() as f64
    };
    assert!(mean("active") > mean("weak") + 1.5);
    assert!(mean("weak") > mean("bivalent") + 1.0);
    assert!(mean("bivalent") > mean("polycomb") + 1.0);
}

#[test]
fn counts_are_overdispersed_whole_numbers() {
    let s = simulated(300, 1);
    assert!(s.cells[0].is_counts());
    // Negative binomial of shape 4: variance = mean + mean^2 / 4, here 1.15 means.
    let (mean, variance) = background_moments(&s.cells[0]);
    let ratio = variance / mean;
    assert!(
        (1.08..1.25).contains(&ratio),
        "mean {mean}, variance {variance}"
    );
}

/// Mean and variance of H3K4me3 reads 6 to 10 kb upstream, where it has no peak
/// and every gene the same mean.
fn background_moments(epigenome: &Epigenome) -> (f64, f64) {
    let mark = epigenome.marks.iter().position(|m| m == "H3K4me3").unwrap();
    let reads: Vec<f64> = (0..epigenome.genes.len())
        .flat_map(|gene| &epigenome.signal_of(gene)[mark * epigenome.bins..][..40])
        .map(|&v| f64::from(v))
        .collect();
    let mean = reads.iter().sum::<f64>() / reads.len() as f64;
    let squares = reads.iter().map(|r| (r - mean).powi(2)).sum::<f64>();
    (mean, squares / reads.len() as f64)
}

#[test]
fn splits_have_the_sizes_asked_for() {
    let s = simulated(1000, 1);
    let count = |split| {
        s.cells[0]
            .genes
            .iter()
            .filter(|g| g.split == Some(split))
            .count()
    };
    assert_eq!(Split::ALL.map(count), [600, 200, 200]);
}

#[test]
fn truth_names_the_marks_and_bins_that_differ() {
    let s = simulated(200, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.parquet");
    s.write_truth(&path, false).unwrap();
    let file = File::open(&path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    assert_eq!(batch.num_rows(), 200);
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let change = column("expected_log2_fold_change").as_primitive::<Float64Type>();
    let causal = column("causal_marks").as_string::<i32>();
    let k4me3 = column("H3K4me3").as_fixed_size_list();
    let mut switches = 0;
    for gene in 0..200 {
        let states = s.states(gene);
        let (a, b) = (states[0], states[1]);
        let carries = k4me3.value(gene);
        let bins = carries.as_boolean();
        if a == "active" && b == "polycomb" {
            switches += 1;
            assert!(change.value(gene) > 4.0);
            for mark in ["H3K4me1", "H3K4me3", "H3K27me3", "H3K36me3"] {
                assert!(causal.value(gene).contains(mark), "{}", causal.value(gene));
            }
            assert!(!causal.value(gene).contains("H3K9me3"));
            assert!(bins.value(103) && !bins.value(10), "the peak is at the TSS");
        }
        if a == b && a == "heterochromatin" {
            assert!(!causal.value(gene).contains("H3K4me3"));
            assert_eq!(bins.true_count(), 0);
        }
    }
    assert!(switches > 0, "no gene goes from active to polycomb");
}

#[test]
fn impossible_sizes_are_refused() {
    let refused = |config: SimulationConfig| simulate(&config).unwrap_err().to_string();
    let zero = SimulationConfig {
        genes: 0,
        ..SimulationConfig::default()
    };
    assert!(refused(zero).contains("--genes"));
    let none_left = SimulationConfig {
        valid: 0.6,
        test: 0.4,
        ..SimulationConfig::default()
    };
    assert!(refused(none_left).contains("no gene is left for training"));
}

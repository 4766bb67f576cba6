//! What is predicted of a gene: how its expression in two cell types becomes a label.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::epigenome::Epigenome;
use crate::error::{Error, Result};

/// Which cell type stands in the numerator of the fold change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelDirection {
    /// `log2((A + p) / (B + p))`, as the paper words it.
    AOverB,
    /// `log2((B + p) / (A + p))`, as the published code computes it.
    BOverA,
}

impl LabelDirection {
    /// The log2 fold change of the log2 expressions of A and B.
    pub fn log2_fold_change(self, a: f64, b: f64) -> f64 {
        match self {
            LabelDirection::AOverB => a - b,
            LabelDirection::BOverA => b - a,
        }
    }
}

/// What makes the expressions of two cell types comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalization {
    /// Nothing: the fold changes are those of the numbers in the files.
    #[default]
    None,
    /// Read counts are scaled so that all cell types have as many reads, the geometric mean of
    /// those that train. Other units (RPKM, TPM) are scaled already, and stay.
    LibrarySize,
}

impl Normalization {
    /// The library size that cell types are scaled to, the geometric mean of those that train;
    /// none where they are not scaled.
    pub fn common_library_size(
        self,
        cells: &[Epigenome],
        trains: impl Fn(&Epigenome) -> bool,
    ) -> Option<f64> {
        let sizes = cells.iter().zip(library_sizes(cells));
        let train: Vec<(&Epigenome, f64)> = sizes.filter(|(cell, _)| trains(cell)).collect();
        let in_reads = train.iter().all(|(cell, _)| cell.metadata.is_in_reads());
        let logs = train.iter().map(|(_, size)| size.ln());
        let mean = logs.sum::<f64>() / train.len() as f64;
        // Without any read there is nothing to scale.
        let scaled = self == Normalization::LibrarySize && in_reads && mean.is_finite();
        scaled.then(|| mean.exp())
    }
}

/// The number of reads, or the sum of the expressions, of all genes that were measured in each
/// cell type. Where a file does not tell it, those of the files' own genes, of all cell types:
/// sizes of two kinds could not be compared.
pub(super) fn library_sizes(cells: &[Epigenome]) -> Vec<f64> {
    let told: Option<Vec<f64>> = cells
        .iter()
        .map(|cell| cell.metadata.library_size)
        .collect();
    told.unwrap_or_else(|| {
        let of_genes = |cell: &Epigenome| cell.genes.iter().map(|gene| gene.expression).sum();
        cells.iter().map(of_genes).collect()
    })
}

/// What is asked of a gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Its log2 fold change.
    #[default]
    Regression,
    /// Whether it goes up (its log2 fold change is above zero) or down.
    Classification,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Regression => "regression",
            Task::Classification => "classification",
        })
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        [Task::Regression, Task::Classification]
            .into_iter()
            .find(|task| task.to_string() == text)
            .ok_or_else(|| format!("{text:?} is not a task (regression or classification)"))
    }
}

/// How expression becomes a label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelConfig {
    /// Numerator and denominator.
    pub direction: LabelDirection,
    /// `p`, added to both expressions, in their unit.
    pub pseudocount: f64,
    /// What is done to read counts first.
    pub normalization: Normalization,
    /// Fold changes, or up versus down.
    pub task: Task,
    /// The least |log2 fold change| of genes that are classified; those that change
    /// less, or not at all, are neither up nor down and are dropped.
    pub min_change: f64,
}

impl LabelConfig {
    /// What the label is, in words.
    pub fn in_words(&self) -> String {
        let direction = match self.direction {
            LabelDirection::AOverB => "A over B",
            LabelDirection::BOverA => "B over A",
        };
        format!("log2 fold change, {direction}")
    }

    /// Whether a gene of this log2 fold change goes up; none where genes are not
    /// classified, or it is neither up nor down.
    pub fn class_of(&self, log2_fold_change: f64) -> Option<bool> {
        let changes = log2_fold_change != 0.0 && log2_fold_change.abs() >= self.min_change;
        (self.task == Task::Classification && changes).then_some(log2_fold_change > 0.0)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        if !(self.pseudocount.is_finite() && self.pseudocount > 0.0) {
            return Err(Error::setting(
                "label.pseudocount",
                format!("{} is not a positive number", self.pseudocount),
                "Use 1, the default",
            ));
        }
        if !(self.min_change.is_finite() && self.min_change >= 0.0) {
            return Err(Error::setting(
                "label.min_change",
                format!("{} is out of range", self.min_change),
                "Give a log2 fold change, such as 1 for twice or half",
            ));
        }
        Ok(())
    }
}

impl Default for LabelConfig {
    fn default() -> Self {
        LabelConfig {
            direction: LabelDirection::AOverB,
            pseudocount: 1.0,
            normalization: Normalization::None,
            task: Task::Regression,
            min_change: 1.0,
        }
    }
}

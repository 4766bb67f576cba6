//! A run: one method trained on one pair, and everything about it in one folder.
//!
//! | file | content |
//! |---|---|
//! | `run.toml` | the complete resolved settings, versions, data checksums |
//! | `model.safetensors` | the weights of the best epoch |
//! | `history.tsv` | a row per epoch |
//! | `predictions.tsv` | a row per gene |
//! | `metrics.json` | the measures per split |

mod describe;
mod train;
mod trained;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{JoinSummary, Pair, read_epigenome},
    error::Result,
    evaluation::{Metrics, SplitMetrics},
    expression::read_fold_changes,
    training::Settings,
};

pub use describe::{DataFile, DataShape, LabelFile, RunDescription};
pub use train::{Event, Prepared, TrainingPlan, train};
pub use trained::Run;

/// The file by which a run folder is known.
const MARKER: &str = "run.toml";
const WEIGHTS: &str = "model.safetensors";
const HISTORY: &str = "history.tsv";
const PREDICTIONS: &str = "predictions.tsv";
const METRICS: &str = "metrics.json";

/// `metrics.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMetrics {
    /// The measures of the best epoch's model per split.
    #[serde(flatten)]
    pub best: Metrics,
    /// The epoch with the highest validation Pearson r, counted from 1.
    pub best_epoch: usize,
    /// The measures of the last epoch's model on the test genes.
    pub last_epoch: LastEpoch,
    /// Mean wall-clock seconds of an epoch, validation included.
    pub seconds_per_epoch: f64,
}

/// The model as training left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastEpoch {
    /// The number of epochs trained.
    pub epoch: usize,
    /// Its measures on the test genes.
    pub test: Option<SplitMetrics>,
}

/// A table that labels are taken from: the differential table of DESeq2, edgeR or
/// limma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTable {
    /// The table.
    pub path: PathBuf,
    /// The column with the log2 fold change; by its usual names where not given.
    pub column: Option<String>,
}

/// Reads two cell types and joins them as the settings say, without splits. The
/// labels are the ratios of the expressions, or those of a table.
///
/// # Errors
/// When a file is unusable or they do not fit together.
pub fn read_pair(
    a: &Path,
    b: &Path,
    labels: Option<&LabelTable>,
    settings: &Settings,
) -> Result<(Pair, JoinSummary)> {
    // Two independent files: read them at once.
    let (a, b) = rayon::join(|| read_epigenome(a), || read_epigenome(b));
    let (mut pair, mut summary) = Pair::join(a?, b?, settings.label)?;
    if let Some(LabelTable { path, column }) = labels {
        let table = read_fold_changes(path, column.as_deref())?;
        pair.take_labels(&table, &mut summary)?;
    }
    let pair = pair.transformed(settings.input.transform)?;
    Ok((pair, summary))
}

//! A run: one method trained on one pair, and everything about it in one folder.
//!
//! | file | content |
//! |---|---|
//! | `run.toml` | the complete resolved settings, versions, data checksums |
//! | `model.safetensors` | of networks the weights of the best epoch |
//! | `model.json` | of other methods what they learned |
//! | `history.tsv` | of networks a row per epoch |
//! | `predictions.tsv` | a row per gene |
//! | `metrics.json` | the measures per split |

mod baselines;
mod describe;
mod noise_ceiling;
mod train;
mod trained;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    dataset::{JoinSummary, Pair, read_epigenome},
    error::Result,
    evaluation::{Metrics, SplitMetrics},
    expression::read_fold_changes,
    method::Settings,
};

pub use baselines::{BaselineDifference, BaselineMetrics, BaselineSplit};
pub use describe::{DataFile, DataShape, LabelFile, RunDescription, RunHead};
pub use noise_ceiling::{Noise, NoiseCeilings};
pub use train::{Event, Prepared, TrainingPlan, train};
pub use trained::Run;

/// The file by which a run folder is known.
const MARKER: &str = "run.toml";
const HISTORY: &str = "history.tsv";
const PREDICTIONS: &str = "predictions.tsv";
const METRICS: &str = "metrics.json";

/// `metrics.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMetrics {
    /// The measures per split; of networks those of the best epoch.
    #[serde(flatten)]
    pub best: Metrics,
    /// What simple methods make of the same genes, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub baselines: BTreeMap<String, BaselineMetrics>,
    /// How high Pearson's r could be, where the noise of the labels is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_ceiling: Option<NoiseCeilings>,
    /// The epochs of methods made of networks.
    #[serde(flatten)]
    pub epochs: Option<Epochs>,
    /// What the validation genes or cross-validation chose, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<String, Value>,
    /// Wall-clock seconds of the fit.
    #[serde(default)]
    pub fit_seconds: Option<f64>,
}

/// The epochs of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epochs {
    /// The epoch with the highest validation Pearson r, counted from 1.
    pub best_epoch: PerNetwork,
    /// The measures of the last epoch's model on the test genes.
    pub last_epoch: LastEpoch,
    /// Mean wall-clock seconds of an epoch, validation included.
    pub seconds_per_epoch: f64,
}

/// A number of each network of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerNetwork {
    /// There is one.
    One(usize),
    /// There is one for A and one for B.
    Cells([usize; 2]),
}

impl PerNetwork {
    fn of(numbers: &[usize]) -> Option<Self> {
        match *numbers {
            [number] => Some(PerNetwork::One(number)),
            [a, b] => Some(PerNetwork::Cells([a, b])),
            _ => None,
        }
    }

    /// The sum over networks.
    pub fn sum(self) -> usize {
        match self {
            PerNetwork::One(number) => number,
            PerNetwork::Cells([a, b]) => a + b,
        }
    }
}

impl fmt::Display for PerNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PerNetwork::One(number) => write!(f, "{number}"),
            PerNetwork::Cells([a, b]) => write!(f, "{a} (A) and {b} (B)"),
        }
    }
}

/// The model as training left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastEpoch {
    /// The number of epochs trained.
    pub epoch: PerNetwork,
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
/// labels are the ratios of the expressions, or those of a table. The signal is that of
/// the files; [`Settings::transformed`] makes of it what the method sees.
///
/// # Errors
/// When a file is unusable, they do not fit together, or the transform is not defined
/// for their signal.
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
        pair.take_labels(&table, settings.label.direction, &mut summary)?;
    }
    pair.check_transform(settings.input.transform)?;
    Ok((pair, summary))
}

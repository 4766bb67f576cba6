//! A run: one method trained on one pair or several, and everything about it in one folder.
//!
//! | file | content |
//! |---|---|
//! | `run.toml` | the complete resolved settings, versions, data checksums |
//! | `model.safetensors` | of networks the weights of the best epoch |
//! | `model.json`, `model.postcard` | of other methods what they learned |
//! | `history.tsv` | of networks a row per epoch |
//! | `predictions.tsv` | a row per gene |
//! | `metrics.json` | the measures per split |
//! | `checkpoint/` | only while it trains: the state from which it goes on |
//!
//! `run.toml` has the checksums of the model, the history and the predictions; it and
//! `metrics.json` have their own. All are checked whenever a run is opened.

mod baselines;
mod data;
mod describe;
mod differences;
mod known_cells;
mod loaded;
mod noise_ceiling;
mod train;
mod trained;
mod unfinished;

use std::{collections::BTreeMap, fmt, io::Write, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    dataset::Mark,
    error::{Error, Result},
    evaluation::{Metrics, SplitMetrics},
    output::write_atomically,
    provenance::seal::{self, UNSEALED},
};

pub use baselines::{BaselineDifference, BaselineMetrics, BaselineSplit};
pub use data::{DataFiles, LabelTable, ReadData};
pub(crate) use data::{Joined, join_cells};
pub use describe::{DataFile, DataShape, InitialWeights, LabelFile, RunDescription, RunHead};
pub(crate) use loaded::Held;
pub use loaded::LoadedCells;
pub use noise_ceiling::{Noise, NoiseCeilings};
pub(crate) use train::check_marks;
pub use train::{CHECKPOINT_EVERY, Event, Prepared, TrainingPlan, train};
pub use trained::{Predicted, Run};

/// The file by which a run folder is known.
const MARKER: &str = "run.toml";
const HISTORY: &str = "history.tsv";
const PREDICTIONS: &str = "predictions.tsv";
const METRICS: &str = "metrics.json";
/// Before its checksum.
const METRICS_SEAL: &[u8] = br#""sha256": ""#;
/// The folder in which a run that is not finished keeps its state.
pub(crate) const CHECKPOINT: &str = "checkpoint";

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
    /// Pearson r of the validation genes where a mark is hidden, by mark, of methods made of
    /// networks: what it costs to predict without it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub valid_pearson_r_without: BTreeMap<Mark, Option<f64>>,
    /// Wall-clock seconds of the fit.
    #[serde(default)]
    pub fit_seconds: Option<f64>,
}

impl RunMetrics {
    /// Writes `metrics.json`, with its checksum.
    fn write(&self, path: &Path) -> Result<()> {
        #[derive(Serialize)]
        struct File<'m> {
            #[serde(flatten)]
            metrics: &'m RunMetrics,
            sha256: &'static str,
        }
        let file = File {
            metrics: self,
            sha256: UNSEALED,
        };
        let mut text = serde_json::to_vec_pretty(&file)
            .map_err(|error| Error::io("write", path)(error.into()))?;
        text.push(b'\n');
        seal::seal(&mut text, METRICS_SEAL);
        write_atomically(path, false, |out| out.write_all(&text))
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerNetwork {
    /// There is one.
    One(usize),
    /// There are several: those of A and B, or the members of an ensemble.
    Each(Vec<usize>),
}

impl PerNetwork {
    fn of(numbers: &[usize]) -> Option<Self> {
        match *numbers {
            [] => None,
            [number] => Some(PerNetwork::One(number)),
            _ => Some(PerNetwork::Each(numbers.to_vec())),
        }
    }

    /// The sum over networks.
    pub fn sum(&self) -> usize {
        match self {
            PerNetwork::One(number) => *number,
            PerNetwork::Each(numbers) => numbers.iter().sum(),
        }
    }
}

impl fmt::Display for PerNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PerNetwork::One(number) => write!(f, "{number}"),
            PerNetwork::Each(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
                f.write_str(&numbers.join(", "))
            }
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

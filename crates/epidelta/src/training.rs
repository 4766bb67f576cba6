//! From a pair and a network's configuration to a trained network.

mod adam;
mod checkpoint;
mod config;
mod epoch;
mod fit;
mod history;
mod keeper;
mod optimizer;
mod predict;
mod profile;
mod score;
mod state;

pub(crate) use checkpoint::RESTART;
pub use checkpoint::{Checkpoint, Checkpoints};
pub use config::{Schedule, TrainingConfig};
pub(crate) use fit::median;
pub use fit::{Fitted, Progress, Training, fit};
pub use history::{EpochRecord, History, NamedHistory, read_histories, write_histories};
pub use optimizer::{NotFinite, Optimizer, gradients};
pub(crate) use predict::cell_predictions;
pub use predict::predict;
pub use profile::Profile;

//! From a pair and settings to a trained model.

mod adam;
mod epoch;
mod fit;
mod history;
mod optimizer;
mod predict;
mod preset;
mod profile;
mod settings;

pub use fit::{Fitted, Progress, fit};
pub use history::{EpochRecord, History};
pub use optimizer::{NotFinite, Optimizer, gradients};
pub use predict::predict;
pub use preset::Preset;
pub use profile::Profile;
pub use settings::{InputConfig, Settings, TrainingConfig};

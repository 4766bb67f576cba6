//! From a pair and settings to a trained model.

mod fit;
mod history;
mod optimizer;
mod predict;
mod preset;
mod settings;

pub use fit::{Fitted, Progress, fit};
pub use history::{EpochRecord, History};
pub use optimizer::{NotFiniteGradient, Optimizer};
pub use predict::predict;
pub use preset::Preset;
pub use settings::{InputConfig, Settings, TrainingConfig};

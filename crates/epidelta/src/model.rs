//! The model family: one configurable DeepDiff, whose seven published variants
//! are seven values of [`DeepDiffConfig`].
//!
//! Level I encodes the bins of each channel and mark with a bidirectional LSTM
//! and attention over bins; level II encodes the marks likewise; heads turn the
//! result into the log2 fold change and, with auxiliary tasks, into the
//! expression of each cell type. Source: Sekhon, Singh and Qi, "DeepDiff:
//! Deep-learning for predicting Differential gene expression from histone
//! modifications", Bioinformatics 34 (2018).

mod composed;
mod config;
mod deepdiff;
mod encoder;
mod fused;
mod initialize;
mod kernel_time;
mod losses;
mod values;
mod weights;

pub use config::{Auxiliary, Channel, ContrastiveForm, DeepDiffConfig, Variant};
pub use deepdiff::{Attention, DeepDiff, Output, SignalTensors};
pub use encoder::{Encoded, GroupedEncoder, Kernel};
pub(crate) use kernel_time::kernel_time;
pub use kernel_time::{KernelTime, PassTime};
pub use losses::{ExpressionThresholds, Losses, losses};
pub(crate) use values::values;
pub use weights::{
    NamedTensor, Tensors, load_weights, named_tensors, read_tensors, save_weights, with_tensors,
};

//! The networks: one configurable DeepDiff, whose seven published variants are seven
//! values of [`DeepDiffConfig`], [`DeepChrome`], and [`Epidelta`].
//!
//! Level I encodes the bins of each channel and mark with a bidirectional LSTM
//! and attention over bins; level II encodes the marks likewise; heads turn the
//! result into the log2 fold change and, with auxiliary tasks, into the
//! expression of each cell type. Source: Sekhon, Singh and Qi, "DeepDiff:
//! Deep-learning for predicting Differential gene expression from histone
//! modifications", Bioinformatics 34 (2018).

mod composed;
mod config;
mod deep_chrome;
mod deepdiff;
mod dropout;
mod encoder;
mod epidelta;
mod fused;
mod initialize;
mod kernel_time;
mod losses;
mod network;
mod signal;
mod tensor_file;
mod values;
mod weights;

pub use config::{Auxiliary, Channel, ContrastiveForm, DeepDiffConfig, Variant};
pub use deep_chrome::{DeepChrome, DeepChromeConfig};
pub use deepdiff::{Attention, DeepDiff, Output};
pub use encoder::{Encoded, GroupedEncoder, Kernel};
pub use epidelta::{Epidelta, EpideltaConfig, Standard};
pub(crate) use kernel_time::kernel_time;
pub use kernel_time::{KernelTime, PassTime};
pub use losses::{ExpressionThresholds, Losses, losses, task_loss};
pub use network::{DataSize, Network, NetworkConfig, is_encoder};
pub use signal::SignalTensors;
pub use tensor_file::{NamedTensor, Tensors, read_tensors, write_tensors};
pub(crate) use tensor_file::{Notes, parse_tensors, serialize_tensors};
pub(crate) use values::values;
pub use weights::{NamedWeights, Visitor, WeightsFile, named_tensors, with_tensors};

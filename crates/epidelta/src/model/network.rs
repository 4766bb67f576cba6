//! A network of either family, as training and prediction see it.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use rand_chacha::ChaCha8Rng;

use super::{
    config::DeepDiffConfig,
    deep_chrome::{DeepChrome, DeepChromeConfig},
    deepdiff::{DeepDiff, Output},
    encoder::Kernel,
    epidelta::{Epidelta, EpideltaConfig},
    losses::{ExpressionThresholds, epidelta_loss, losses, task_loss},
    signal::SignalTensors,
};
use crate::{
    dataset::{Batch, Task},
    error::Result,
};

/// The size of the data that a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSize {
    /// Marks.
    pub marks: usize,
    /// Bins of each mark.
    pub bins: usize,
    /// Cell types that train.
    pub cell_types: usize,
}

/// Whether a part of a network, by the name of its field, encodes the signal; the others are
/// heads.
pub fn is_encoder(field: &str) -> bool {
    const ENCODERS: [&str; 11] = [
        "raw",
        "cell_a",
        "cell_b",
        "marks_joint",
        "marks_a",
        "marks_b",
        "convolution",
        "convolution_bias",
        "marks",
        "all_marks",
        "level_two",
    ];
    ENCODERS.contains(&field)
}

/// What a network is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkConfig {
    /// Recurrent encoders with attention.
    DeepDiff(DeepDiffConfig),
    /// A convolution.
    DeepChrome(DeepChromeConfig),
    /// Recurrent encoders with attention, antisymmetric.
    Epidelta(EpideltaConfig),
}

impl NetworkConfig {
    /// A number of weights that such a network for data of this size has at the least: that of
    /// its largest parts. Before a network is made for a file, this tells whether the file can
    /// be its own, whatever sizes a description claims.
    pub fn least_weights(&self, size: DataSize) -> u128 {
        let product = |factors: &[usize]| {
            let factors = factors.iter().map(|&factor| factor as u128);
            factors.fold(1, u128::saturating_mul)
        };
        let parts = match self {
            NetworkConfig::DeepDiff(config) => vec![product(&[
                size.marks,
                config.hidden_bins,
                config.bins_per_step,
            ])],
            NetworkConfig::DeepChrome(config) => {
                let positions = size.bins.saturating_sub(config.filter_width) / config.pool.max(1);
                let [hidden_1, hidden_2] = config.hidden;
                vec![
                    product(&[
                        config.channels.len(),
                        size.marks,
                        config.filters,
                        config.filter_width,
                    ]),
                    product(&[config.filters, positions, hidden_1]),
                    product(&[hidden_1, hidden_2]),
                ]
            }
            NetworkConfig::Epidelta(config) => {
                let summaries = config.head_windows.min(size.bins);
                let mut parts = vec![
                    product(&[size.marks, config.hidden_bins, config.bins_per_step]),
                    product(&[size.marks, summaries, config.hidden_head]),
                    product(&[size.marks, config.hidden_bins, config.hidden_head]),
                ];
                let windows = config.windows.iter();
                parts.extend(windows.map(|&windows| product(&[size.marks, windows])));
                parts
            }
        };
        parts.into_iter().fold(0, u128::saturating_add)
    }
}

/// A network and what it is made of.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there are never many")]
pub enum Network {
    /// Recurrent encoders with attention.
    DeepDiff(DeepDiffConfig, DeepDiff),
    /// A convolution.
    DeepChrome(DeepChromeConfig, DeepChrome),
    /// Recurrent encoders with attention, antisymmetric.
    Epidelta(Epidelta),
}

impl Network {
    /// A network for data of this size, its weights drawn from the seed.
    ///
    /// # Errors
    /// When the configuration's parts do not fit together or to the data.
    pub fn new(config: &NetworkConfig, size: DataSize, seed: u64, device: &Device) -> Result<Self> {
        Ok(match config {
            NetworkConfig::DeepDiff(config) => {
                let model = DeepDiff::new(config, size.marks, seed, device)?;
                Network::DeepDiff(config.clone(), model)
            }
            NetworkConfig::DeepChrome(config) => Network::DeepChrome(
                config.clone(),
                DeepChrome::new(config, [size.marks, size.bins], seed, device)?,
            ),
            NetworkConfig::Epidelta(config) => {
                Network::Epidelta(Epidelta::new(config, size, seed, device)?)
            }
        })
    }

    /// Starts the heads' biases at the targets' means. An Epidelta has scales instead.
    #[must_use]
    pub fn with_head_biases(self, label: f64, cells: Option<[f64; 2]>) -> Self {
        match self {
            Network::Epidelta(_) => self,
            Network::DeepDiff(config, model) => {
                Network::DeepDiff(config, model.with_head_biases(label, cells))
            }
            Network::DeepChrome(config, model) => {
                Network::DeepChrome(config, model.with_head_bias(label))
            }
        }
    }

    /// The network as prediction needs it, without tracking of gradients.
    #[must_use]
    pub fn valid(&self) -> Self {
        match self {
            Network::DeepDiff(config, model) => Network::DeepDiff(config.clone(), model.valid()),
            Network::DeepChrome(config, model) => {
                Network::DeepChrome(config.clone(), model.valid())
            }
            Network::Epidelta(model) => Network::Epidelta(Epidelta {
                config: model.config.clone(),
                standard: model.standard.clone(),
                layers: model.layers.valid(),
            }),
        }
    }

    /// Where the weights are.
    pub fn device(&self) -> Device {
        match self {
            Network::DeepDiff(_, model) => model.head.weight.val().device(),
            Network::DeepChrome(_, model) => model.head.weight.val().device(),
            Network::Epidelta(model) => model.layers.output.val().device(),
        }
    }

    /// Predicts a batch.
    pub fn predict(&self, signal: SignalTensors) -> Output {
        match self {
            Network::DeepDiff(config, model) => model.predict(config, signal),
            Network::DeepChrome(config, model) => {
                Output::of_label(model.forward(config, &signal, None))
            }
            Network::Epidelta(model) => model.forward(&signal, Kernel::Fused, false, None),
        }
    }

    /// Predicts a batch, with the attention of networks that have it.
    pub fn predict_with_attention(&self, signal: SignalTensors) -> Output {
        match self {
            Network::DeepDiff(config, model) => model.forward(config, signal, Kernel::Fused),
            Network::DeepChrome(..) => self.predict(signal),
            Network::Epidelta(model) => model.forward(&signal, Kernel::Fused, true, None),
        }
    }

    /// The network for gradients by its inputs: tracked, but for its own weights.
    #[must_use]
    pub fn differentiable(self) -> Self {
        match self {
            Network::DeepDiff(config, model) => {
                Network::DeepDiff(config, model.train().set_require_grad(false))
            }
            Network::DeepChrome(config, model) => {
                Network::DeepChrome(config, model.train().set_require_grad(false))
            }
            Network::Epidelta(model) => Network::Epidelta(Epidelta {
                layers: model.layers.train().set_require_grad(false),
                ..model
            }),
        }
    }

    /// Predicts a batch in training: dropout acts, its masks drawn from `generator`.
    pub fn forward_training(&self, signal: SignalTensors, generator: &mut ChaCha8Rng) -> Output {
        match self {
            Network::DeepDiff(config, model) => model.forward_training(config, signal, generator),
            Network::DeepChrome(config, model) => {
                Output::of_label(model.forward(config, &signal, Some(generator)))
            }
            Network::Epidelta(model) => {
                model.forward(&signal, Kernel::Fused, false, Some(generator))
            }
        }
    }

    /// The loss that training minimises, a tensor of one number.
    pub fn loss(
        &self,
        output: &Output,
        batch: &Batch,
        thresholds: ExpressionThresholds,
        task: Task,
    ) -> Tensor<1> {
        match self {
            Network::DeepDiff(config, _) => losses(output, batch, config, thresholds, task).total,
            Network::DeepChrome(..) => task_loss(
                output.log2_fold_change.clone(),
                &batch.log2_fold_change,
                task,
            ),
            Network::Epidelta(model) => epidelta_loss(output, batch, model, task),
        }
    }
}

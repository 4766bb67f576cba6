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
    losses::{ExpressionThresholds, losses, task_loss},
    signal::SignalTensors,
};
use crate::{
    dataset::{Batch, Task},
    error::Result,
};

/// What a network is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkConfig {
    /// Recurrent encoders with attention.
    DeepDiff(DeepDiffConfig),
    /// A convolution.
    DeepChrome(DeepChromeConfig),
}

/// A network and what it is made of.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there are never many")]
pub enum Network {
    /// Recurrent encoders with attention.
    DeepDiff(DeepDiffConfig, DeepDiff),
    /// A convolution.
    DeepChrome(DeepChromeConfig, DeepChrome),
}

impl Network {
    /// A network for data of so many marks and bins, its weights drawn from the seed.
    ///
    /// # Errors
    /// When the configuration's parts do not fit together or to the data.
    pub fn new(
        config: &NetworkConfig,
        [marks, bins]: [usize; 2],
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        Ok(match config {
            NetworkConfig::DeepDiff(config) => {
                Network::DeepDiff(config.clone(), DeepDiff::new(config, marks, seed, device)?)
            }
            NetworkConfig::DeepChrome(config) => Network::DeepChrome(
                config.clone(),
                DeepChrome::new(config, [marks, bins], seed, device)?,
            ),
        })
    }

    /// Starts the heads' biases at the targets' means.
    #[must_use]
    pub fn with_head_biases(self, label: f64, cells: Option<[f64; 2]>) -> Self {
        match self {
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
        }
    }

    /// Where the weights are.
    pub fn device(&self) -> Device {
        match self {
            Network::DeepDiff(_, model) => model.head.weight.val().device(),
            Network::DeepChrome(_, model) => model.head.weight.val().device(),
        }
    }

    /// Predicts a batch.
    pub fn predict(&self, signal: SignalTensors) -> Output {
        match self {
            Network::DeepDiff(config, model) => model.predict(config, signal),
            Network::DeepChrome(config, model) => {
                Output::of_label(model.forward(config, &signal, None))
            }
        }
    }

    /// Predicts a batch in training: dropout acts, its masks drawn from `generator`.
    pub fn forward_training(&self, signal: SignalTensors, generator: &mut ChaCha8Rng) -> Output {
        match self {
            Network::DeepDiff(config, model) => model.forward_training(config, signal, generator),
            Network::DeepChrome(config, model) => {
                Output::of_label(model.forward(config, &signal, Some(generator)))
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
        }
    }
}

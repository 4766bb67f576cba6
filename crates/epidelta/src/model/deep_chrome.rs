//! DeepChrome: a convolution over bins, pooling, and two hidden layers.
//!
//! ```text
//! c = relu(convolution(x))          [batch, filter, bin - width + 1]
//! p = max over pool neighbours of c [batch, filter, position], the rest cut off
//! h = relu(W_2 relu(W_1 dropout(p) + b_1) + b_2)
//! y = w h + b
//! ```
//! Source: Singh, Lanchantin, Robins and Qi, "DeepChrome: deep-learning for predicting
//! gene expression from histone modifications", Bioinformatics 32 (2016), section 3.1
//! and its sizes of section 4; there it classifies the genes of one cell type.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{
        Device, Tensor, activation,
        module::{conv1d, max_pool1d},
        ops::{ConvOptions, MaxPoolOptions},
    },
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    config::Channel,
    dropout::drop_out,
    initialize::{Initializer, with_bias},
    signal::SignalTensors,
};
use crate::{
    dataset::Task,
    error::{Error, Result},
};

/// The architecture of a DeepChrome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeepChromeConfig {
    /// What one network sees. Empty for two networks, one per cell type, whose
    /// predictions are subtracted.
    pub channels: Vec<Channel>,
    /// What the networks of single cell types learn: log2 expression, or whether it is
    /// above the training genes' median.
    pub cell_task: Task,
    /// Filters of the convolution.
    pub filters: usize,
    /// Width of a filter, bins.
    pub filter_width: usize,
    /// Positions that are pooled into one.
    pub pool: usize,
    /// Units of the two hidden layers.
    pub hidden: [usize; 2],
    /// Share of the pooled values that is dropped in training.
    pub dropout: f64,
    /// Whether the head's bias starts at the training targets' mean.
    pub heads_start_at_mean: bool,
}

impl DeepChromeConfig {
    /// Checks that every number is in range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        let sizes = [
            ("filters", self.filters),
            ("filter_width", self.filter_width),
            ("pool", self.pool),
            ("hidden", self.hidden[0]),
            ("hidden", self.hidden[1]),
        ];
        for (name, size) in sizes {
            if !(1..=4096).contains(&size) {
                return Err(Error::setting(
                    format!("model.{name}"),
                    format!("{size} is out of range"),
                    "Give 1 to 4096",
                ));
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::setting(
                "model.dropout",
                format!("{} is out of range", self.dropout),
                "Give a share from 0 to below 1",
            ));
        }
        Ok(())
    }

    /// Checks that something is left of so many bins.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the settings.
    pub fn check_bins(&self, bins: usize) -> Result<()> {
        self.positions(bins).map(drop)
    }

    /// Positions that are left of so many bins.
    fn positions(&self, bins: usize) -> Result<usize> {
        let positions = (bins + 1).saturating_sub(self.filter_width) / self.pool;
        if positions == 0 {
            return Err(Error::setting(
                "model.filter_width, model.pool",
                format!(
                    "a filter of {} bins and pools of {} leave nothing of {bins} bins",
                    self.filter_width, self.pool
                ),
                "Make them smaller",
            ));
        }
        Ok(positions)
    }
}

/// A DeepChrome.
#[derive(Module, Debug)]
pub struct DeepChrome {
    /// `[filter, channel * mark, width]`.
    pub convolution: Param<Tensor<3>>,
    /// `[filter]`.
    pub convolution_bias: Param<Tensor<1>>,
    /// From the pooled positions, filter by filter.
    pub linear_1: Linear,
    /// The second hidden layer.
    pub linear_2: Linear,
    /// The prediction.
    pub head: Linear,
}

impl DeepChrome {
    /// A network for data of so many marks and bins, its weights drawn from the seed,
    /// uniform in plus or minus one over the root of a unit's inputs (the default of
    /// Torch and PyTorch).
    ///
    /// # Errors
    /// When a size is out of range or the bins are too few.
    pub fn new(
        config: &DeepChromeConfig,
        [marks, bins]: [usize; 2],
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        let inputs = config.channels.len() * marks;
        let pooled = config.filters * config.positions(bins)?;
        let mut init = Initializer::new(seed, 0.0, device);
        let bound_for = |init: &mut Initializer<'_>, fan_in: usize| {
            init.set_bound(1.0 / (fan_in.max(1) as f64).sqrt());
        };
        bound_for(&mut init, inputs * config.filter_width);
        let convolution = init.uniform([config.filters, inputs, config.filter_width]);
        let convolution_bias = init.uniform([config.filters]);
        let mut linear = |fan_in: usize, units: usize| {
            bound_for(&mut init, fan_in);
            init.linear(fan_in, units)
        };
        let [hidden_1, hidden_2] = config.hidden;
        Ok(DeepChrome {
            convolution,
            convolution_bias,
            linear_1: linear(pooled, hidden_1),
            linear_2: linear(hidden_1, hidden_2),
            head: linear(hidden_2, 1),
        })
    }

    /// Predicts a batch, `[batch]`. With a generator dropout acts, as in training.
    pub fn forward(
        &self,
        config: &DeepChromeConfig,
        signal: &SignalTensors,
        dropout: Option<&mut ChaCha8Rng>,
    ) -> Tensor<1> {
        let x = signal.channels(&config.channels).swap_dims(0, 1); // [batch, input, bin]
        let convolution = conv1d(
            x,
            self.convolution.val(),
            Some(self.convolution_bias.val()),
            ConvOptions::new([1], [0], [1], 1),
        );
        let pool = config.pool;
        let pooled = max_pool1d(activation::relu(convolution), MaxPoolOptions::new([pool]));
        let [batch, filters, positions] = pooled.dims();
        let mut pooled = pooled.reshape([batch, filters * positions]);
        if let (true, Some(generator)) = (config.dropout > 0.0, dropout) {
            pooled = drop_out(pooled, config.dropout, generator);
        }
        let hidden = activation::relu(self.linear_1.forward(pooled));
        let hidden = activation::relu(self.linear_2.forward(hidden));
        self.head.forward(hidden).squeeze_dim(1)
    }

    /// Starts the head's bias at the targets' mean.
    #[must_use]
    pub fn with_head_bias(mut self, mean: f64) -> Self {
        self.head = with_bias(self.head, mean);
        self
    }
}

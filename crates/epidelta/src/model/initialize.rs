//! Initial weights, drawn from the run's seed.

use burn::{
    module::Param,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor, TensorData},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::random::{Purpose, generator};

/// Draws weights uniform in `-bound..bound`, in the order in which they are
/// asked for.
pub(super) struct Initializer<'d> {
    generator: ChaCha8Rng,
    bound: f32,
    device: &'d Device,
}

impl<'d> Initializer<'d> {
    pub(super) fn new(seed: u64, bound: f64, device: &'d Device) -> Self {
        Initializer {
            generator: generator(seed, Purpose::Weights, 0),
            bound: bound as f32,
            device,
        }
    }

    /// The bound of what is drawn from here on.
    pub(super) fn set_bound(&mut self, bound: f64) {
        self.bound = bound as f32;
    }

    pub(super) fn uniform<const D: usize>(&mut self, shape: [usize; D]) -> Param<Tensor<D>> {
        let size = shape.iter().product();
        let values: Vec<f32> = (0..size)
            .map(|_| self.bound * (2.0 * self.generator.random::<f32>() - 1.0))
            .collect();
        Param::from_data(TensorData::new(values, shape), self.device)
    }

    pub(super) fn linear(&mut self, inputs: usize, outputs: usize) -> Linear {
        let mut linear = LinearConfig::new(inputs, outputs).init(self.device);
        linear.weight = self.uniform([inputs, outputs]);
        linear.bias = Some(self.uniform([outputs]));
        linear
    }
}

/// A layer whose bias is this everywhere.
pub(super) fn with_bias(mut layer: Linear, value: f64) -> Linear {
    layer.bias = layer.bias.map(|bias| {
        bias.map(|tensor| {
            let filled = tensor.full_like(value as f32);
            if tensor.is_autodiff() {
                filled.require_grad()
            } else {
                filled
            }
        })
    });
    layer
}

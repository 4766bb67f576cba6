//! Dropout whose masks come from the run's seed.

use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Inverted dropout: what is kept is scaled up, so that prediction needs no
/// correction.
pub(super) fn drop_out<const D: usize>(
    x: Tensor<D>,
    share: f64,
    generator: &mut ChaCha8Rng,
) -> Tensor<D> {
    let kept = (1.0 / (1.0 - share)) as f32;
    let shape = x.dims();
    let mask: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            if generator.random_bool(share) {
                0.0
            } else {
                kept
            }
        })
        .collect();
    let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}

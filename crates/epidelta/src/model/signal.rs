//! What a network sees of a batch.

use burn::tensor::{Device, Tensor, TensorData};

use super::config::Channel;
use crate::dataset::Batch;

/// Bins as the recurrence steps through them, `[group, batch, bin]` to
/// `[group, batch, step, bins per step]`; what is missing to a whole last step is zero.
pub(super) fn steps(x: Tensor<3>, bins_per_step: usize) -> Tensor<4> {
    let [groups, batch, bins] = x.dims();
    let steps = bins.div_ceil(bins_per_step);
    let missing = steps * bins_per_step - bins;
    let x = match missing {
        0 => x,
        _ => {
            let zeros = Tensor::zeros([groups, batch, missing], &x.device());
            Tensor::cat(vec![x, zeros], 2)
        }
    };
    x.reshape([groups, batch, steps, bins_per_step])
}

/// The signal of a batch on a device.
#[derive(Debug, Clone)]
pub struct SignalTensors {
    /// Cell type A, `[mark, batch, bin]`.
    pub a: Tensor<3>,
    /// Cell type B, `[mark, batch, bin]`.
    pub b: Tensor<3>,
    /// Which of the cell types that trained A and B of each gene are, `[batch]`.
    pub cell_types: Vec<[Option<usize>; 2]>,
}

impl SignalTensors {
    /// Copies a batch's signal to a device.
    pub fn of(batch: &Batch, device: &Device) -> Self {
        let shape = [batch.marks, batch.len(), batch.bins];
        let tensor =
            |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), shape), device);
        SignalTensors {
            a: tensor(&batch.signal_a),
            b: tensor(&batch.signal_b),
            cell_types: batch.cell_types.clone(),
        }
    }

    /// Some channels one after another, `[channel * mark, batch, bin]`.
    pub(super) fn channels(&self, channels: &[Channel]) -> Tensor<3> {
        let views = channels.iter().map(|channel| match channel {
            Channel::A => self.a.clone(),
            Channel::B => self.b.clone(),
            Channel::Difference => self.a.clone() - self.b.clone(),
        });
        Tensor::cat(views.collect(), 0)
    }
}

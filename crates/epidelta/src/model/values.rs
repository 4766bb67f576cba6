//! The numbers of a tensor.

use burn::tensor::Tensor;

/// The numbers of a tensor of 32-bit floats, the last dimension fastest.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    match tensor.into_data().try_into_vec() {
        Ok(values) => values,
        Err(_) => unreachable!("the models' tensors are of 32-bit floats"),
    }
}

//! The encoder from plain tensor operations: slow, obvious, differentiable to
//! any order, and the reference for the fused one.

use burn::tensor::{Tensor, activation};

use super::encoder::{Encoded, GroupedEncoder};

/// Encodes `[group, batch, time, input]`; see [`GroupedEncoder`].
pub(super) fn encode(encoder: &GroupedEncoder, x: Tensor<4>, attention: bool) -> Encoded {
    let forward = run_direction(encoder, x.clone(), 0);
    let reverse = run_direction(encoder, x, 1);
    let states = Tensor::cat(vec![forward, reverse], 3); // [group, batch, time, 2 hidden]
    let context = encoder.context.val();
    let [groups, size] = context.dims();
    let scores = (states.clone() * context.reshape([groups, 1, 1, size])).sum_dim(3);
    let weights = activation::softmax(scores, 2); // [group, batch, time, 1]
    let pooled = (states * weights.clone()).sum_dim(2);
    Encoded {
        pooled: pooled.squeeze_dim(2),
        attention: attention.then(|| weights.squeeze_dim(3)),
    }
}

/// The hidden states of one direction at their input positions,
/// `[group, batch, time, hidden]`.
fn run_direction(encoder: &GroupedEncoder, x: Tensor<4>, direction: usize) -> Tensor<4> {
    let [groups, batch, time, _] = x.dims();
    let of_direction = |weights: Tensor<4>| -> Tensor<3> {
        weights.narrow(1, direction, 1).squeeze_dim(1) // [group, 4 hidden, columns]
    };
    let weight_ih = of_direction(encoder.weight_ih.val()).swap_dims(1, 2);
    let weight_hh = of_direction(encoder.weight_hh.val()).swap_dims(1, 2);
    let bias = (encoder.bias_ih.val() + encoder.bias_hh.val()).narrow(1, direction, 1);
    let hidden = weight_hh.dims()[1];

    let mut h = Tensor::<3>::zeros([groups, batch, hidden], &x.device());
    let mut c = h.clone();
    let mut states: Vec<Option<Tensor<4>>> = vec![None; time];
    let order: Vec<usize> = if direction == 0 {
        (0..time).collect()
    } else {
        (0..time).rev().collect()
    };
    for t in order {
        let x_t: Tensor<3> = x.clone().narrow(2, t, 1).squeeze_dim(2);
        let z = x_t.matmul(weight_ih.clone()) + h.matmul(weight_hh.clone()) + bias.clone();
        let gate = |index: usize| z.clone().narrow(2, index * hidden, hidden);
        let (i, f) = (activation::sigmoid(gate(0)), activation::sigmoid(gate(1)));
        let (g, o) = (gate(2).tanh(), activation::sigmoid(gate(3)));
        c = f * c + i * g;
        h = o * c.clone().tanh();
        states[t] = Some(h.clone().unsqueeze_dim(2));
    }
    Tensor::cat(states.into_iter().flatten().collect(), 2)
}

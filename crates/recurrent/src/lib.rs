//! Grouped bidirectional LSTM with attention pooling: forward and backward pass in single
//! precision, on plain slices.
//!
//! # Equations
//!
//! Each group has its own weights. One direction of its LSTM (Hochreiter and Schmidhuber, Neural
//! Computation 9, 1735, 1997, with the forget gate of Gers et al., 2000; conventions as in
//! PyTorch's `nn.LSTM`) starts from `h = c = 0` and computes at each time step
//!
//! ```text
//! [i; f; g; o] = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh
//! c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)
//! h_t = sigmoid(o) tanh(c_t)
//! ```
//!
//! The second direction reads the time steps from last to first. With `H_t` the states of both
//! directions at the same input position one after the other, a learned context vector pools them:
//!
//! ```text
//! a      = softmax over t of (H_t . context)
//! pooled = sum over t of a_t H_t
//! ```
//!
//! # Use
//!
//! [`encode`] is for inference; [`encode_for_training`] also returns a [`Tape`], whose
//! [`backward`](Tape::backward) computes the gradients. All arrays are row-major.
//!
//! ```
//! use recurrent::{Gradients, Shape, Weights, encode_for_training};
//!
//! let shape = Shape { groups: 2, batch: 3, time: 4, input: 1, hidden: 5 };
//! let (weight_ih, weight_hh) = (vec![0.1; shape.weight_ih()], vec![0.1; shape.weight_hh()]);
//! let (bias, context) = (vec![0.0; shape.bias()], vec![0.1; shape.context()]);
//! let weights = Weights {
//!     weight_ih: &weight_ih,
//!     weight_hh: &weight_hh,
//!     bias_ih: &bias,
//!     bias_hh: &bias,
//!     context: &context,
//! };
//! let x = vec![1.0; shape.inputs()];
//! let (mut pooled, mut attention) = (vec![0.0; shape.pooled()], vec![0.0; shape.attention()]);
//! let tape = encode_for_training(shape, &weights, &x, &mut pooled, &mut attention);
//!
//! // Gradients of the sum of the pooled states.
//! let mut d_weight_ih = vec![0.0; shape.weight_ih()];
//! let mut d_weight_hh = vec![0.0; shape.weight_hh()];
//! let (mut d_bias, mut d_context) = (vec![0.0; shape.bias()], vec![0.0; shape.context()]);
//! let mut gradients = Gradients {
//!     weight_ih: &mut d_weight_ih,
//!     weight_hh: &mut d_weight_hh,
//!     bias: &mut d_bias,
//!     context: &mut d_context,
//! };
//! let (d_pooled, d_attention) = (vec![1.0; pooled.len()], vec![0.0; attention.len()]);
//! tape.backward(&weights, &x, &d_pooled, &d_attention, &mut gradients, None);
//! assert!(d_weight_ih.iter().any(|&gradient| gradient != 0.0));
//! ```
//!
//! # How
//!
//! Vectors run along the hidden units. A tile of a few samples advances together through time, its
//! gates accumulating in registers while the packed recurrent weights stream from the cache; the
//! backward pass does likewise with the transposed weights, and sums the weight gradients over
//! chunks of time steps. The instruction set is chosen at run time (see [`Level`]). Groups, batch
//! tiles and directions run in parallel in the current `rayon` thread pool, divided in a way that
//! does not depend on its size: results are bit-identical for any number of threads.

#![warn(missing_docs)]
#![deny(unsafe_code)]

mod activation;
mod attention;
mod backward;
mod buffer;
mod encode;
mod forward;
mod gradients;
mod lanes;
mod level;
mod pack;
mod plan;
mod product;
mod shape;
mod tape;
mod tile;
mod weight_gradient;

pub use level::Level;
pub use shape::{Gradients, Shape, Weights};
pub use tape::Tape;

use buffer::Buffer;
use plan::Plan;
use tape::Saved;

/// Encodes inputs without keeping state for a backward pass.
///
/// From `x` (`[group, batch, time, input]`) it computes `pooled` (`[group, batch, 2 hidden]`) and
/// `attention` (`[group, batch, time]`), both overwritten.
///
/// # Panics
///
/// If a size of the shape is out of range or a slice's length does not match it.
pub fn encode(
    shape: Shape,
    weights: &Weights,
    x: &[f32],
    pooled: &mut [f32],
    attention: &mut [f32],
) {
    Level::detected().encode(shape, weights, x, pooled, attention);
}

/// Encodes inputs as [`encode`] does, with bit-identical results, and keeps the state that
/// [`Tape::backward`] needs.
///
/// # Panics
///
/// If a size of the shape is out of range or a slice's length does not match it.
pub fn encode_for_training(
    shape: Shape,
    weights: &Weights,
    x: &[f32],
    pooled: &mut [f32],
    attention: &mut [f32],
) -> Tape {
    Level::detected().encode_for_training(shape, weights, x, pooled, attention)
}

impl Level {
    /// [`encode`] with this level's instructions.
    ///
    /// # Panics
    ///
    /// If the processor lacks these instructions, a size of the shape is out of range or a slice's
    /// length does not match it.
    pub fn encode(
        self,
        shape: Shape,
        weights: &Weights,
        x: &[f32],
        pooled: &mut [f32],
        attention: &mut [f32],
    ) {
        let plan = Plan::new(self, shape);
        encode::encode(&plan, weights, x, pooled, attention, None);
    }

    /// [`encode_for_training`] with this level's instructions, which the backward pass uses too.
    ///
    /// # Panics
    ///
    /// If the processor lacks these instructions, a size of the shape is out of range or a slice's
    /// length does not match it.
    pub fn encode_for_training(
        self,
        shape: Shape,
        weights: &Weights,
        x: &[f32],
        pooled: &mut [f32],
        attention: &mut [f32],
    ) -> Tape {
        let plan = Plan::new(self, shape);
        let mut saved = Saved::new(&plan);
        encode::encode(&plan, weights, x, pooled, attention, Some(&mut saved));
        let mut kept = Buffer::take(attention.len());
        kept.copy_from_slice(attention);
        Tape {
            plan,
            saved,
            attention: kept,
        }
    }
}

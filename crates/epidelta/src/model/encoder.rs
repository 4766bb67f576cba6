//! A group of recurrent encoders with attention pooling: the building block of
//! both levels.
//!
//! For each group (its own weights), with gates `i, f, g, o` and `h_0 = c_0 = 0`:
//! ```text
//! z_t = W_ih x_t + b_ih + W_hh h_(t-1) + b_hh
//! c_t = sigmoid(z_f) c_(t-1) + sigmoid(z_i) tanh(z_g)
//! h_t = sigmoid(z_o) tanh(c_t)                          each direction
//! H_t = [h_t forward ; h_t reverse]
//! a   = softmax over t of (H_t . context)
//! pooled = sum over t of a_t H_t
//! ```
//! Source: Sekhon et al. 2018, section 2.2; LSTM as in PyTorch's `nn.LSTM`.

use burn::{
    module::{Module, Param},
    tensor::Tensor,
};

use super::{composed, fused, initialize::Initializer};

/// How the encoder is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kernel {
    /// One fused operation with a hand-written backward, on the CPU.
    #[default]
    Fused,
    /// Plain tensor operations: the reference that tests compare against.
    Composed,
}

/// Encoders of equal size, one per group.
#[derive(Module, Debug)]
pub struct GroupedEncoder {
    /// `[group, direction, 4 * hidden, input]`, gate rows in order i, f, g, o.
    pub weight_ih: Param<Tensor<4>>,
    /// `[group, direction, 4 * hidden, hidden]`.
    pub weight_hh: Param<Tensor<4>>,
    /// `[group, direction, 4 * hidden]`.
    pub bias_ih: Param<Tensor<3>>,
    /// `[group, direction, 4 * hidden]`.
    pub bias_hh: Param<Tensor<3>>,
    /// `[group, 2 * hidden]`.
    pub context: Param<Tensor<2>>,
}

/// What an encoder makes of its input.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// `[group, batch, 2 * hidden]`.
    pub pooled: Tensor<3>,
    /// Sums to 1 over time, `[group, batch, time]`; absent unless asked for.
    pub attention: Option<Tensor<3>>,
}

impl GroupedEncoder {
    pub(super) fn new(
        groups: usize,
        input: usize,
        hidden: usize,
        initializer: &mut Initializer<'_>,
    ) -> Self {
        GroupedEncoder {
            weight_ih: initializer.uniform([groups, 2, 4 * hidden, input]),
            weight_hh: initializer.uniform([groups, 2, 4 * hidden, hidden]),
            bias_ih: initializer.uniform([groups, 2, 4 * hidden]),
            bias_hh: initializer.uniform([groups, 2, 4 * hidden]),
            context: initializer.uniform([groups, 2 * hidden]),
        }
    }

    /// Encodes `[group, batch, time, input]`. The attention is computed in any case; what asking
    /// for it costs is a copy.
    pub(super) fn forward(&self, x: Tensor<4>, kernel: Kernel, attention: bool) -> Encoded {
        match kernel {
            Kernel::Fused => fused::encode(self, x, attention),
            Kernel::Composed => composed::encode(self, x, attention),
        }
    }
}

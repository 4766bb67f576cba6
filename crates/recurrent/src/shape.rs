//! Sizes of a problem, its weights and their gradients.

/// Most hidden units of a direction.
pub(crate) const MAX_HIDDEN: usize = 64;

/// Sizes of a problem. All are at least 1, and `hidden` is at most 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Independent networks of the same sizes, each with its own weights and inputs.
    pub groups: usize,
    /// Samples per group.
    pub batch: usize,
    /// Time steps.
    pub time: usize,
    /// Features per time step.
    pub input: usize,
    /// Hidden units per direction.
    pub hidden: usize,
}

impl Shape {
    /// Floats in the inputs, `[group, batch, time, input]`.
    pub fn inputs(&self) -> usize {
        self.attention() * self.input
    }

    /// Floats in the pooled states, `[group, batch, 2 hidden]`.
    pub fn pooled(&self) -> usize {
        self.groups * self.batch * 2 * self.hidden
    }

    /// Floats in the attention weights, `[group, batch, time]`.
    pub fn attention(&self) -> usize {
        self.groups * self.batch * self.time
    }

    /// Floats in the input weights, `[group, 2, 4 hidden, input]`.
    pub fn weight_ih(&self) -> usize {
        self.bias() * self.input
    }

    /// Floats in the recurrent weights, `[group, 2, 4 hidden, hidden]`.
    pub fn weight_hh(&self) -> usize {
        self.bias() * self.hidden
    }

    /// Floats in either bias, `[group, 2, 4 hidden]`.
    pub fn bias(&self) -> usize {
        self.groups * 8 * self.hidden
    }

    /// Floats in the context vectors, `[group, 2 hidden]`.
    pub fn context(&self) -> usize {
        self.groups * 2 * self.hidden
    }

    pub(crate) fn check(&self) {
        assert!(
            self.groups >= 1 && self.batch >= 1 && self.time >= 1 && self.input >= 1,
            "every size must be at least 1: {self:?}"
        );
        assert!(
            (1..=MAX_HIDDEN).contains(&self.hidden),
            "the number of hidden units must lie in 1..={MAX_HIDDEN}: {self:?}"
        );
    }
}

/// Weights of all groups; direction 0 reads forwards in time and direction 1 backwards.
///
/// The `4 hidden` rows are those of the gates input, forget, candidate, output, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// Input weights, `[group, 2, 4 hidden, input]`.
    pub weight_ih: &'a [f32],
    /// Recurrent weights, `[group, 2, 4 hidden, hidden]`.
    pub weight_hh: &'a [f32],
    /// Bias beside the input weights, `[group, 2, 4 hidden]`.
    pub bias_ih: &'a [f32],
    /// Bias beside the recurrent weights, `[group, 2, 4 hidden]`.
    pub bias_hh: &'a [f32],
    /// Context vectors of the attention, `[group, 2 hidden]`.
    pub context: &'a [f32],
}

impl Weights<'_> {
    pub(crate) fn check(&self, shape: &Shape) {
        check_length("weight_ih", self.weight_ih, shape.weight_ih());
        check_length("weight_hh", self.weight_hh, shape.weight_hh());
        check_length("bias_ih", self.bias_ih, shape.bias());
        check_length("bias_hh", self.bias_hh, shape.bias());
        check_length("context", self.context, shape.context());
    }

    /// The context vectors of one group, of the forward and the reverse direction.
    pub(crate) fn context(&self, shape: &Shape, group: usize) -> [&[f32]; 2] {
        halves(&self.context[group * 2 * shape.hidden..], shape.hidden)
    }
}

/// Gradients of a scalar with respect to the weights, all overwritten.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Input weights, `[group, 2, 4 hidden, input]`.
    pub weight_ih: &'a mut [f32],
    /// Recurrent weights, `[group, 2, 4 hidden, hidden]`.
    pub weight_hh: &'a mut [f32],
    /// Either bias: the two are added, so their gradients are equal, `[group, 2, 4 hidden]`.
    pub bias: &'a mut [f32],
    /// Context vectors of the attention, `[group, 2 hidden]`.
    pub context: &'a mut [f32],
}

impl Gradients<'_> {
    pub(crate) fn check(&self, shape: &Shape) {
        check_length("gradients.weight_ih", self.weight_ih, shape.weight_ih());
        check_length("gradients.weight_hh", self.weight_hh, shape.weight_hh());
        check_length("gradients.bias", self.bias, shape.bias());
        check_length("gradients.context", self.context, shape.context());
    }
}

/// The first `length` floats and the `length` after them.
pub(crate) fn halves(slice: &[f32], length: usize) -> [&[f32]; 2] {
    [&slice[..length], &slice[length..2 * length]]
}

#[track_caller]
pub(crate) fn check_length(name: &str, slice: &[f32], expected: usize) {
    assert!(
        slice.len() == expected,
        "`{name}` holds {} floats where the shape asks for {expected}",
        slice.len()
    );
}

//! Weights rearranged so that the kernels read them in order, a whole vector at a time.

use crate::plan::{GATES, Plan};
use crate::shape::Weights;

/// The weights of one direction of one group.
pub(crate) struct DirectionWeights<'a> {
    weight_ih: &'a [f32],
    weight_hh: &'a [f32],
    bias_ih: &'a [f32],
    bias_hh: &'a [f32],
}

impl<'a> DirectionWeights<'a> {
    /// Selects by `index = 2 group + direction`.
    pub fn new(weights: &Weights<'a>, plan: &Plan, index: usize) -> Self {
        let gates = GATES * plan.shape.hidden;
        let part = |slice: &'a [f32], columns: usize| {
            let length = gates * columns;
            &slice[index * length..][..length]
        };
        Self {
            weight_ih: part(weights.weight_ih, plan.shape.input),
            weight_hh: part(weights.weight_hh, plan.shape.hidden),
            bias_ih: part(weights.bias_ih, 1),
            bias_hh: part(weights.bias_hh, 1),
        }
    }

    /// Packs for the forward pass as `[vector, row, gate, lane]`, the rows being the hidden
    /// states, the inputs and the bias; units that only pad get zeros.
    pub fn pack_forward(&self, plan: &Plan, packed: &mut [f32]) {
        let Plan { shape, lanes, .. } = *plan;
        let row_length = GATES * lanes;
        packed.fill(0.0);
        for (vector, packed) in packed.chunks_exact_mut(plan.rows * row_length).enumerate() {
            for lane in 0..lanes.min(shape.hidden - vector * lanes) {
                for gate in 0..GATES {
                    let source = gate * shape.hidden + vector * lanes + lane;
                    let bias = self.bias_ih[source] + self.bias_hh[source];
                    let input = &self.weight_ih[source * shape.input..][..shape.input];
                    let recurrent = &self.weight_hh[source * shape.hidden..][..shape.hidden];
                    let values = recurrent.iter().chain(input).chain([&bias]);
                    for (row, &value) in values.enumerate() {
                        packed[row * row_length + gate * lanes + lane] = value;
                    }
                }
            }
        }
    }

    /// Packs for the backward pass as blocks of `[vector, gate, lane, column vector of the block]`
    /// (see [`column_blocks`]): the transposed product sums over the units' gates, and its columns
    /// are the hidden states and, if asked for, the inputs.
    pub fn pack_backward(&self, plan: &Plan, with_input: bool, packed: &mut [f32]) {
        let Plan { shape, lanes, .. } = *plan;
        packed.fill(0.0);
        let mut rest = packed;
        for (start, width) in column_blocks(backward_columns(plan, with_input)) {
            let block;
            (block, rest) = rest.split_at_mut(GATES * plan.units() * width * lanes);
            for (index, columns) in block.chunks_exact_mut(width * lanes).enumerate() {
                let (gate, lane) = (index / lanes % GATES, index % lanes);
                let unit = index / (GATES * lanes) * lanes + lane;
                if unit >= shape.hidden {
                    continue;
                }
                let source = gate * shape.hidden + unit;
                for (column, packed) in columns.chunks_exact_mut(lanes).enumerate() {
                    let column = start + column;
                    let (row, offset) = if column < plan.vectors {
                        (
                            &self.weight_hh[source * shape.hidden..][..shape.hidden],
                            column,
                        )
                    } else {
                        let row = &self.weight_ih[source * shape.input..][..shape.input];
                        (row, column - plan.vectors)
                    };
                    let row = &row[offset * lanes..];
                    let length = lanes.min(row.len());
                    packed[..length].copy_from_slice(&row[..length]);
                }
            }
        }
    }
}

/// Column vectors of the transposed weights.
pub(crate) fn backward_columns(plan: &Plan, with_input: bool) -> usize {
    plan.vectors + if with_input { plan.input_vectors } else { 0 }
}

/// Length of a direction's weights packed for the backward pass.
pub(crate) fn backward_length(plan: &Plan, with_input: bool) -> usize {
    GATES * plan.units() * backward_columns(plan, with_input) * plan.lanes
}

/// Cuts `columns` vectors into blocks of 4, 2 or 1, as `(start, width)`: as many accumulators per
/// sample as the registers allow.
pub(crate) fn column_blocks(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let width = match columns - start {
            0 => return None,
            1 => 1,
            2 | 3 => 2,
            _ => 4,
        };
        start += width;
        Some((start - width, width))
    })
}

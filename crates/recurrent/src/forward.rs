//! One direction of the recurrence over the samples of a tile.

use pulp::bytemuck::Zeroable;

use crate::activation::{sigmoid, tanh};
use crate::lanes::Lanes;
use crate::plan::{GATES, Plan, SAVED};
use crate::product::{multiply, sample_rows};
use crate::tile::TileOperation;

/// Runs one direction over a tile.
pub(crate) struct Forward<'a> {
    pub plan: &'a Plan,
    pub reverse: bool,
    /// Weights as packed by [`crate::pack::DirectionWeights::pack_forward`].
    pub weights: &'a [f32],
    /// Inputs of the tile, `[sample, time, input]`.
    pub x: &'a [f32],
    /// Receives the hidden states, `[time, sample, unit]`.
    pub hidden: &'a mut [f32],
    /// Receives gates and cell states if given, `[time, vector, sample, value, lane]`.
    pub saved: Option<&'a mut [f32]>,
    /// Scratch of [`scratch_length`].
    pub scratch: &'a mut [f32],
}

impl TileOperation for Forward<'_> {
    #[inline(always)]
    fn run<S: Lanes, const SAMPLES: usize>(self, simd: S) {
        let Plan {
            shape,
            vectors,
            rows,
            ..
        } = *self.plan;
        let weights = S::as_simd_f32s(self.weights).0.as_chunks::<GATES>().0;
        let hidden = S::as_mut_simd_f32s(self.hidden).0;
        let mut saved = self.saved.map(tile_steps_mut::<S, SAMPLES>);
        let zero = simd.splat_f32s(0.0);
        let mut cells = [S::Units::zeroed(); SAMPLES];

        // One row per sample for the step at hand, and one that it fills for the next.
        let stride = self.plan.row_stride();
        let (mut inputs, mut next_inputs) =
            self.scratch[..2 * SAMPLES * stride].split_at_mut(SAMPLES * stride);

        for step in 0..shape.time {
            let time = position(step, shape.time, self.reverse);
            complete_rows(self.plan, self.x, time, inputs);
            let current = &mut hidden[time * SAMPLES * vectors..][..SAMPLES * vectors];
            // The first hidden states are zero.
            let first = if step == 0 { shape.hidden } else { 0 };
            let before = sample_rows::<SAMPLES>(inputs, first, stride, rows - first);
            let next = S::as_mut_simd_f32s(next_inputs).0;

            for vector in 0..vectors {
                let weights = &weights[vector * rows..][first..rows];
                let upcoming: &[S::f32s] = match &saved {
                    Some(saved) if step + 1 < shape.time => {
                        let next = position(step + 1, shape.time, self.reverse);
                        saved[next * vectors + vector].as_flattened()
                    }
                    _ => &[],
                };
                let gates = multiply::<S, SAMPLES, GATES>(simd, weights, before, upcoming);
                // The cells' hyperbolic tangents wait for the gates, so these come first for all
                // samples: there is always independent work.
                let mut outputs = [zero; SAMPLES];
                let mut saved = saved
                    .as_mut()
                    .map(|saved| &mut saved[time * vectors + vector]);
                for sample in 0..SAMPLES {
                    let [input, forget, candidate, output] = gates[sample];
                    let input = sigmoid(simd, input);
                    let forget = sigmoid(simd, forget);
                    let candidate = tanh(simd, candidate);
                    let output = sigmoid(simd, output);
                    let cell = simd.multiply_add(
                        forget,
                        cells[sample][vector],
                        simd.mul_f32s(input, candidate),
                    );
                    cells[sample][vector] = cell;
                    outputs[sample] = output;
                    if let Some(saved) = &mut saved {
                        saved[sample] = [input, forget, candidate, output, cell];
                    }
                }
                for sample in 0..SAMPLES {
                    let state = simd.mul_f32s(outputs[sample], tanh(simd, cells[sample][vector]));
                    current[sample * vectors + vector] = state;
                    next[sample * (stride / S::F32_LANES) + vector] = state;
                }
            }
            std::mem::swap(&mut inputs, &mut next_inputs);
        }
    }
}

/// Appends a time step's inputs and 1, for the bias, to the hidden states of each sample, over
/// whatever their last vector stored behind them.
#[inline(always)]
pub(crate) fn complete_rows(plan: &Plan, x: &[f32], time: usize, rows: &mut [f32]) {
    let shape = plan.shape;
    for (sample, row) in rows.chunks_exact_mut(plan.row_stride()).enumerate() {
        let x = &x[(sample * shape.time + time) * shape.input..][..shape.input];
        let (inputs, one) = row[shape.hidden..].split_at_mut(shape.input);
        inputs.copy_from_slice(x);
        one[0] = 1.0;
    }
}

/// The saved values of a tile in one direction, `[time, vector]`.
#[inline(always)]
fn tile_steps_mut<S: Lanes, const SAMPLES: usize>(
    saved: &mut [f32],
) -> &mut [[[S::f32s; SAVED]; SAMPLES]] {
    let saved = S::as_mut_simd_f32s(saved).0;
    saved.as_chunks_mut().0.as_chunks_mut().0
}

/// Length of the scratch that [`Forward`] needs.
pub(crate) fn scratch_length(plan: &Plan) -> usize {
    2 * plan.tile_size() * plan.row_stride()
}

/// The time step that a direction visits as its `step`-th.
#[inline(always)]
pub(crate) fn position(step: usize, time: usize, reverse: bool) -> usize {
    if reverse { time - 1 - step } else { step }
}

//! One direction of the backpropagation through time over the samples of a tile.

use pulp::bytemuck::Zeroable;

use crate::activation::tanh;
use crate::attention::padded;
use crate::forward::{complete_rows, position};
use crate::lanes::Lanes;
use crate::pack::{backward_columns, column_blocks};
use crate::plan::{GATES, Plan, SAVED};
use crate::product::{multiply, sample_rows};
use crate::tile::TileOperation;
use crate::weight_gradient::accumulate;

/// Sample time steps between two updates of the weight gradients: enough to pay for loading and
/// storing these, few enough that the steps' gate gradients stay in the cache.
const CHUNK: usize = 48;

/// Time steps of a chunk.
pub(crate) fn chunk_steps(samples: usize) -> usize {
    CHUNK.div_ceil(samples)
}

/// Lengths of the scratch that [`Backward`] needs: gate gradients and weight-gradient inputs.
pub(crate) fn scratch_lengths(plan: &Plan) -> (usize, usize) {
    let steps = CHUNK + plan.tile_size();
    (steps * GATES * plan.units(), steps * plan.row_stride())
}

/// Runs one direction backwards over a tile.
pub(crate) struct Backward<'a> {
    pub plan: &'a Plan,
    pub reverse: bool,
    /// Weights as packed by [`crate::pack::DirectionWeights::pack_backward`].
    pub weights: &'a [f32],
    /// Inputs of the tile, `[sample, time, input]`.
    pub x: &'a [f32],
    /// Hidden states, `[time, sample, unit]`.
    pub hidden: &'a [f32],
    /// Gates and cell states, `[time, vector, sample, value, lane]`.
    pub saved: &'a [f32],
    /// Attention weights and the gradient with respect to the scores, `[sample, time]` each.
    pub attention: &'a [f32],
    pub d_scores: &'a [f32],
    /// Context vector of this direction.
    pub context: &'a [f32],
    /// Gradient with respect to the weighted sums, `[sample, 2 hidden]`.
    pub d_pooled: &'a [f32],
    /// Packed weight gradients, `[vector, row, gate, lane]`, to be added to.
    pub gradient: &'a mut [f32],
    /// Receives the gradient with respect to the inputs if given, `[sample, time, input]`.
    pub d_x: Option<&'a mut [f32]>,
    /// Scratch of [`scratch_lengths`].
    pub d_gates: &'a mut [f32],
    pub inputs: &'a mut [f32],
}

impl TileOperation for Backward<'_> {
    #[inline(always)]
    fn run<S: Lanes, const SAMPLES: usize>(mut self, simd: S) {
        let time = self.plan.shape.time;
        // Gradients with respect to the hidden and cell states travel back in time.
        let mut d_hidden = [S::Units::zeroed(); SAMPLES];
        let mut d_cell = d_hidden;
        let context = padded(simd, self.context);
        let mut d_pooled = [S::Units::zeroed(); SAMPLES];
        for (sample, d_pooled) in d_pooled.iter_mut().enumerate() {
            let hidden = self.plan.shape.hidden;
            let start = (2 * sample + usize::from(self.reverse)) * hidden;
            *d_pooled = padded(simd, &self.d_pooled[start..][..hidden]);
        }

        let chunk = chunk_steps(SAMPLES);
        let mut end = time;
        while end > 0 {
            let start = end.saturating_sub(chunk);
            for step in (start..end).rev() {
                let slot = step - start;
                self.gate_gradients(
                    simd,
                    step,
                    slot,
                    &context,
                    &d_pooled,
                    &d_hidden,
                    &mut d_cell,
                );
                self.gather_inputs::<S, SAMPLES>(simd, step, slot);
                if step > 0 || self.d_x.is_some() {
                    self.propagate(simd, step, slot, &mut d_hidden);
                }
            }
            self.weight_gradients::<S>(simd, (end - start) * SAMPLES);
            end = start;
        }
    }
}

impl Backward<'_> {
    /// Gradients with respect to the gates before their activation, and to the cell state before.
    #[inline(always)]
    #[expect(
        clippy::too_many_arguments,
        reason = "the step's state stays in registers only as locals of the caller"
    )]
    fn gate_gradients<S: Lanes, const SAMPLES: usize>(
        &mut self,
        simd: S,
        step: usize,
        slot: usize,
        context: &S::Units,
        d_pooled: &[S::Units; SAMPLES],
        d_hidden: &[S::Units; SAMPLES],
        d_cell: &mut [S::Units; SAMPLES],
    ) {
        let Plan { shape, vectors, .. } = *self.plan;
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let saved = S::as_simd_f32s(self.saved).0.as_chunks::<SAVED>().0;
        let row = vectors * SAMPLES;
        let time = position(step, shape.time, self.reverse);
        let current = &saved[time * row..][..row];
        let previous = step
            .checked_sub(1)
            .map(|step| &saved[position(step, shape.time, self.reverse) * row..][..row]);
        let d_gates = S::as_mut_simd_f32s(self.d_gates)
            .0
            .as_chunks_mut::<GATES>()
            .0;
        let d_gates = &mut d_gates[slot * row..][..row];

        for sample in 0..SAMPLES {
            let attention = simd.splat_f32s(self.attention[sample * shape.time + time]);
            let d_score = simd.splat_f32s(self.d_scores[sample * shape.time + time]);
            for vector in 0..vectors {
                let [input, forget, candidate, output, cell] = current[vector * SAMPLES + sample];
                let previous_cell =
                    previous.map_or(zero, |previous| previous[vector * SAMPLES + sample][GATES]);
                let tanh_cell = tanh(simd, cell);

                let d_hidden = d_hidden[sample][vector];
                let d_hidden = simd.multiply_add(attention, d_pooled[sample][vector], d_hidden);
                let d_hidden = simd.multiply_add(d_score, context[vector], d_hidden);
                let through_tanh = simd.mul_f32s(
                    simd.mul_f32s(d_hidden, output),
                    simd.subtract_product(one, tanh_cell, tanh_cell),
                );
                let d_new = simd.add_f32s(through_tanh, d_cell[sample][vector]);
                d_cell[sample][vector] = simd.mul_f32s(d_new, forget);

                let logistic = |gate| simd.subtract_product(gate, gate, gate);
                d_gates[sample * vectors + vector] = [
                    simd.mul_f32s(simd.mul_f32s(d_new, candidate), logistic(input)),
                    simd.mul_f32s(simd.mul_f32s(d_new, previous_cell), logistic(forget)),
                    simd.mul_f32s(
                        simd.mul_f32s(d_new, input),
                        simd.subtract_product(one, candidate, candidate),
                    ),
                    simd.mul_f32s(simd.mul_f32s(d_hidden, tanh_cell), logistic(output)),
                ];
            }
        }
    }

    /// What the packed weights were multiplied with: the hidden states before, the inputs and 1.
    /// Behind that, up to whole tiles of rows, is whatever the scratch held.
    #[inline(always)]
    fn gather_inputs<S: Lanes, const SAMPLES: usize>(&mut self, simd: S, step: usize, slot: usize) {
        let Plan { shape, vectors, .. } = *self.plan;
        let stride = self.plan.row_stride();
        let time = position(step, shape.time, self.reverse);
        let hidden = S::as_simd_f32s(self.hidden).0;
        let before = step.checked_sub(1).map(|step| {
            let time = position(step, shape.time, self.reverse);
            &hidden[time * SAMPLES * vectors..][..SAMPLES * vectors]
        });
        let rows = &mut self.inputs[slot * SAMPLES * stride..][..SAMPLES * stride];
        for (sample, row) in rows.chunks_exact_mut(stride).enumerate() {
            let states = &mut S::as_mut_simd_f32s(row).0[..vectors];
            for (vector, state) in states.iter_mut().enumerate() {
                *state = match before {
                    Some(before) => before[sample * vectors + vector],
                    None => simd.splat_f32s(0.0),
                };
            }
        }
        complete_rows(self.plan, self.x, time, rows);
    }

    /// From the gates to the hidden states before and to the inputs.
    #[inline(always)]
    fn propagate<S: Lanes, const SAMPLES: usize>(
        &mut self,
        simd: S,
        step: usize,
        slot: usize,
        d_hidden: &mut [S::Units; SAMPLES],
    ) {
        let Plan { shape, vectors, .. } = *self.plan;
        let gates = GATES * self.plan.units();
        let d_gates = &self.d_gates[slot * SAMPLES * gates..];
        let d_gates = sample_rows::<SAMPLES>(d_gates, 0, gates, gates);
        let time = position(step, shape.time, self.reverse);
        let mut weights = S::as_simd_f32s(self.weights).0;
        // While the arithmetic goes on, memory fetches what the step after the next reads.
        let saved = S::as_simd_f32s(self.saved).0;
        let row = SAVED * vectors * SAMPLES;
        let mut upcoming: &[S::f32s] = match step.checked_sub(2) {
            Some(step) => &saved[position(step, shape.time, self.reverse) * row..][..row],
            None => &[],
        };
        for (start, width) in column_blocks(backward_columns(self.plan, self.d_x.is_some())) {
            let block;
            (block, weights) = weights.split_at(gates * width);
            let upcoming = std::mem::take(&mut upcoming);
            let mut columns = [[simd.splat_f32s(0.0); SAMPLES]; 4];
            match width {
                1 => product::<S, SAMPLES, 1>(simd, block, d_gates, upcoming, &mut columns),
                2 => product::<S, SAMPLES, 2>(simd, block, d_gates, upcoming, &mut columns),
                _ => product::<S, SAMPLES, 4>(simd, block, d_gates, upcoming, &mut columns),
            }
            for (column, sums) in (start..).zip(&columns[..width]) {
                if column < vectors {
                    for (d_hidden, &sum) in d_hidden.iter_mut().zip(sums) {
                        d_hidden[column] = sum;
                    }
                } else if let Some(d_x) = &mut self.d_x {
                    let offset = (column - vectors) * S::F32_LANES;
                    for (sample, &sum) in sums.iter().enumerate() {
                        let d_x = &mut d_x[(sample * shape.time + time) * shape.input..];
                        simd.partial_store_f32s(&mut d_x[offset..shape.input], sum);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn weight_gradients<S: Lanes>(&mut self, simd: S, count: usize) {
        let plan = self.plan;
        let gradient = S::as_mut_simd_f32s(self.gradient).0.as_chunks_mut().0;
        let inputs = &self.inputs[..count * plan.row_stride()];
        let d_gates = &S::as_simd_f32s(self.d_gates).0.as_chunks().0[..count * plan.vectors];
        match S::ROWS {
            1 => accumulate::<S, 1>(simd, plan, gradient, inputs, d_gates),
            2 => accumulate::<S, 2>(simd, plan, gradient, inputs, d_gates),
            5 => accumulate::<S, 5>(simd, plan, gradient, inputs, d_gates),
            6 => accumulate::<S, 6>(simd, plan, gradient, inputs, d_gates),
            rows => unreachable!("weight-gradient tiles of {rows} rows"),
        }
    }
}

/// The transposed product for one block of column vectors.
#[inline(always)]
fn product<S: Lanes, const SAMPLES: usize, const WIDTH: usize>(
    simd: S,
    weights: &[S::f32s],
    d_gates: [&[f32]; SAMPLES],
    upcoming: &[S::f32s],
    columns: &mut [[S::f32s; SAMPLES]; 4],
) {
    let sums = multiply::<S, SAMPLES, WIDTH>(simd, weights.as_chunks().0, d_gates, upcoming);
    for (sample, sums) in sums.iter().enumerate() {
        for (column, &sum) in columns.iter_mut().zip(sums) {
            column[sample] = sum;
        }
    }
}

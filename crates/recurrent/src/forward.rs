//! One direction of the recurrence over the samples of a tile.

use crate::activation::{sigmoid, tanh};
use crate::lanes::{Lanes, MAX_VECTORS};
use crate::level::Operation;
use crate::plan::{GATES, Plan, SAVED};
use crate::product::{multiply, sample_rows};

/// Runs one direction over a tile.
pub(crate) struct Forward<'a> {
    pub plan: &'a Plan,
    pub reverse: bool,
    pub samples: usize,
    /// Weights as packed by [`crate::pack::DirectionWeights::pack_forward`].
    pub weights: &'a [f32],
    /// Inputs of the tile, `[sample, time, input]`.
    pub x: &'a [f32],
    /// Receives the hidden states, `[time, sample, unit]`.
    pub hidden: &'a mut [f32],
    /// Receives gates and cell states if given, `[time, vector, sample, value, lane]`.
    pub saved: Option<&'a mut [f32]>,
}

impl Operation for Forward<'_> {
    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        match self.samples {
            1 => self.tile::<S, 1>(simd),
            2 if S::SAMPLES >= 2 => self.tile::<S, 2>(simd),
            3 if S::SAMPLES >= 3 => self.tile::<S, 3>(simd),
            4 if S::SAMPLES >= 4 => self.tile::<S, 4>(simd),
            5 if S::SAMPLES >= 5 => self.tile::<S, 5>(simd),
            6 if S::SAMPLES >= 6 => self.tile::<S, 6>(simd),
            samples => unreachable!("a tile of {samples} samples"),
        }
    }
}

impl Forward<'_> {
    #[inline(always)]
    fn tile<S: Lanes, const SAMPLES: usize>(self, simd: S) {
        let Plan {
            shape,
            vectors,
            rows,
            ..
        } = *self.plan;
        let units = self.plan.units();
        let weights = S::as_simd_f32s(self.weights).0.as_chunks::<GATES>().0;
        let mut saved = self
            .saved
            .map(|saved| S::as_mut_simd_f32s(saved).0.as_chunks_mut::<SAVED>().0);
        let zero = simd.splat_f32s(0.0);
        let mut cells = [[zero; SAMPLES]; MAX_VECTORS];

        for step in 0..shape.time {
            let time = position(step, shape.time, self.reverse);
            let x = sample_rows::<SAMPLES>(
                self.x,
                time * shape.input,
                shape.time * shape.input,
                shape.input,
            );
            let (previous, current) =
                previous_and_current(self.hidden, SAMPLES * units, time, step, self.reverse);
            let current = S::as_mut_simd_f32s(current).0;

            for vector in 0..vectors {
                let weights = &weights[vector * rows..][..rows];
                let mut gates = [weights[0]; SAMPLES];
                multiply(simd, &mut gates, &weights[1..=shape.input], x);
                if step > 0 {
                    let hidden = sample_rows(previous, 0, units, shape.hidden);
                    multiply(simd, &mut gates, &weights[1 + shape.input..], hidden);
                }
                // The cells' hyperbolic tangents wait for the gates, so these come first for all
                // samples: there is always independent work.
                for (sample, (gates, cell)) in gates.iter_mut().zip(&mut cells[vector]).enumerate()
                {
                    // While the arithmetic goes on, memory fetches what the next step overwrites.
                    if let Some(saved) = &saved
                        && step + 1 < shape.time
                    {
                        let next = position(step + 1, shape.time, self.reverse);
                        for value in &saved[(next * vectors + vector) * SAMPLES + sample] {
                            simd.prefetch(value);
                        }
                    }
                    let [input, forget, candidate, output] = *gates;
                    let input = sigmoid(simd, input);
                    let forget = sigmoid(simd, forget);
                    let candidate = tanh(simd, candidate);
                    let output = sigmoid(simd, output);
                    *cell = simd.multiply_add(forget, *cell, simd.mul_f32s(input, candidate));
                    *gates = [input, forget, candidate, output];
                }
                for (sample, (gates, &cell)) in gates.iter().zip(&cells[vector]).enumerate() {
                    let [input, forget, candidate, output] = *gates;
                    current[sample * vectors + vector] = simd.mul_f32s(output, tanh(simd, cell));
                    if let Some(saved) = &mut saved {
                        saved[(time * vectors + vector) * SAMPLES + sample] =
                            [input, forget, candidate, output, cell];
                    }
                }
            }
        }
    }
}

/// The time step that a direction visits as its `step`-th.
#[inline(always)]
pub(crate) fn position(step: usize, time: usize, reverse: bool) -> usize {
    if reverse { time - 1 - step } else { step }
}

/// The hidden states of the step before in a direction (empty at its first step) and those of the
/// time step at hand, each `row` floats.
#[inline(always)]
fn previous_and_current(
    hidden: &mut [f32],
    row: usize,
    time: usize,
    step: usize,
    reverse: bool,
) -> (&[f32], &mut [f32]) {
    if step == 0 {
        (&[], &mut hidden[time * row..][..row])
    } else if reverse {
        let (current, previous) = hidden.split_at_mut((time + 1) * row);
        (&previous[..row], &mut current[time * row..])
    } else {
        let (previous, current) = hidden.split_at_mut(time * row);
        (&previous[(time - 1) * row..], &mut current[..row])
    }
}

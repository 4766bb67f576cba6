//! Accumulation of weight gradients as a sum of outer products.

use crate::lanes::Lanes;
use crate::plan::{GATES, Plan};

/// `gradient[vector][row][gate] += sum over n of inputs[n][row] * d_gates[n][vector][gate]`, the
/// rows being those of the packed weights.
///
/// A register tile of a few rows times the four gates of a vector runs over all `n` before it goes
/// back to memory, so the number of `n` should be large and yet all of them stay in the cache.
#[inline(always)]
pub(crate) fn accumulate<S: Lanes, const ROWS: usize>(
    simd: S,
    plan: &Plan,
    gradient: &mut [[S::f32s; GATES]],
    inputs: &[f32],
    d_gates: &[[S::f32s; GATES]],
) {
    let inputs = inputs.chunks_exact(plan.row_stride());
    let d_gates = d_gates.chunks_exact(plan.vectors);
    for (vector, gradient) in gradient.chunks_exact_mut(plan.padded_rows).enumerate() {
        for (tile, gradient) in gradient.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
            // Summing each call's terms apart from the total loses fewer bits.
            let mut sums = [[simd.splat_f32s(0.0); GATES]; ROWS];
            for (inputs, d_gates) in inputs.clone().zip(d_gates.clone()) {
                let inputs = &inputs.as_chunks::<ROWS>().0[tile];
                let d_gates = &d_gates[vector];
                for (sums, &input) in sums.iter_mut().zip(inputs) {
                    let input = simd.splat_f32s(input);
                    for (sum, &d_gate) in sums.iter_mut().zip(d_gates) {
                        *sum = simd.multiply_add(input, d_gate, *sum);
                    }
                }
            }
            for (gradient, sums) in gradient.iter_mut().zip(&sums) {
                for (gradient, &sum) in gradient.iter_mut().zip(sums) {
                    *gradient = simd.add_f32s(*gradient, sum);
                }
            }
        }
    }
}

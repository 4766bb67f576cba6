//! The matrix product that forward and backward pass spend most of their time in.

use crate::lanes::Lanes;

/// `sums[s][w] = sum over k of inputs[s][k] * weights[k][w]`, the sums staying in registers.
///
/// Meanwhile it fetches what is `upcoming`, one vector per `k`, as far as that goes.
#[inline(always)]
pub(crate) fn multiply<S: Lanes, const SAMPLES: usize, const WIDTH: usize>(
    simd: S,
    weights: &[[S::f32s; WIDTH]],
    mut inputs: [&[f32]; SAMPLES],
    upcoming: &[S::f32s],
) -> [[S::f32s; WIDTH]; SAMPLES] {
    // Equal lengths, known here, spare the bounds checks in the loop.
    for input in &mut inputs {
        *input = &input[..weights.len()];
    }
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; SAMPLES];
    for (k, weights) in weights.iter().enumerate() {
        if let Some(vector) = upcoming.get(k) {
            simd.prefetch(vector);
        }
        for (sums, input) in sums.iter_mut().zip(&inputs) {
            let input = simd.splat_f32s(input[k]);
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum = simd.multiply_add(input, weight, *sum);
            }
        }
    }
    sums
}

/// The rows of `length` floats that start at `start` and every `stride` after it, one per sample.
#[inline(always)]
pub(crate) fn sample_rows<const SAMPLES: usize>(
    slice: &[f32],
    start: usize,
    stride: usize,
    length: usize,
) -> [&[f32]; SAMPLES] {
    // A loop, as `std::array::from_fn` may stay a call.
    let mut rows: [&[f32]; SAMPLES] = [&[]; SAMPLES];
    for (sample, row) in rows.iter_mut().enumerate() {
        *row = &slice[start + sample * stride..][..length];
    }
    rows
}

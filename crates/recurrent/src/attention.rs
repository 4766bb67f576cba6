//! Attention over time and the weighted sum of the hidden states, and the gradients of both.

use crate::activation::exp_negated;
use crate::lanes::{Lanes, MAX_VECTORS};
use crate::level::Operation;
use crate::plan::Plan;
use crate::shape::halves;

/// A slice of at most [`MAX_VECTORS`] vectors, padded with zeros.
#[inline(always)]
pub(crate) fn padded<S: Lanes>(simd: S, slice: &[f32]) -> [S::f32s; MAX_VECTORS] {
    let mut vectors = [simd.splat_f32s(0.0); MAX_VECTORS];
    for (vector, slice) in vectors.iter_mut().zip(slice.chunks(S::F32_LANES)) {
        *vector = simd.partial_load_f32s(slice);
    }
    vectors
}

/// The hidden states of both directions of a tile, `[time, sample, vector]`.
struct States<'a, V> {
    directions: [&'a [V]; 2],
    samples: usize,
    vectors: usize,
}

impl<'a, V> States<'a, V> {
    /// The vectors of both directions.
    #[inline(always)]
    fn at(&self, time: usize, sample: usize) -> [&'a [V]; 2] {
        let start = (time * self.samples + sample) * self.vectors;
        self.directions
            .map(|direction| &direction[start..][..self.vectors])
    }
}

/// Inner product of both directions' states with vectors of the same layout.
#[inline(always)]
fn dot<S: Lanes>(simd: S, states: [&[S::f32s]; 2], with: &[[S::f32s; MAX_VECTORS]; 2]) -> f32 {
    let mut sum = simd.splat_f32s(0.0);
    for (states, with) in states.into_iter().zip(with) {
        for (&state, &with) in states.iter().zip(with) {
            sum = simd.multiply_add(state, with, sum);
        }
    }
    simd.reduce_sum_f32s(sum)
}

/// Adds both directions' states times a factor.
#[inline(always)]
fn add_scaled<S: Lanes>(
    simd: S,
    sums: &mut [[S::f32s; MAX_VECTORS]; 2],
    factor: f32,
    states: [&[S::f32s]; 2],
) {
    let factor = simd.splat_f32s(factor);
    for (sums, states) in sums.iter_mut().zip(states) {
        for (sum, &state) in sums.iter_mut().zip(states) {
            *sum = simd.multiply_add(factor, state, *sum);
        }
    }
}

/// Both directions' states less their centre.
#[inline(always)]
fn deviation<S: Lanes>(
    simd: S,
    states: [&[S::f32s]; 2],
    centre: &[[S::f32s; MAX_VECTORS]; 2],
) -> [[S::f32s; MAX_VECTORS]; 2] {
    let mut deviations = [[simd.splat_f32s(0.0); MAX_VECTORS]; 2];
    for ((deviations, states), centre) in deviations.iter_mut().zip(states).zip(centre) {
        for ((deviation, &state), &centre) in deviations.iter_mut().zip(states).zip(centre) {
            *deviation = simd.sub_f32s(state, centre);
        }
    }
    deviations
}

/// Scores, softmax and weighted sum of a tile.
pub(crate) struct Pool<'a> {
    pub plan: &'a Plan,
    pub samples: usize,
    pub context: [&'a [f32]; 2],
    /// Hidden states of both directions, `[time, sample, unit]`.
    pub hidden: [&'a [f32]; 2],
    /// Receives the weighted sums, `[sample, 2 hidden]`.
    pub pooled: &'a mut [f32],
    /// Receives the attention weights, `[sample, time]`.
    pub attention: &'a mut [f32],
}

impl Operation for Pool<'_> {
    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let shape = self.plan.shape;
        let context = self.context.map(|context| padded(simd, context));
        let states = States {
            directions: self.hidden.map(|hidden| S::as_simd_f32s(hidden).0),
            samples: self.samples,
            vectors: self.plan.vectors,
        };
        let attention = self.attention.chunks_exact_mut(shape.time);
        let pooled = self.pooled.chunks_exact_mut(2 * shape.hidden);
        for (sample, (attention, pooled)) in attention.zip(pooled).enumerate() {
            for (time, score) in attention.iter_mut().enumerate() {
                *score = dot(simd, states.at(time, sample), &context);
            }
            softmax(simd, attention);
            let mut sums = [[simd.splat_f32s(0.0); MAX_VECTORS]; 2];
            for (time, &weight) in attention.iter().enumerate() {
                add_scaled(simd, &mut sums, weight, states.at(time, sample));
            }
            for (pooled, sums) in pooled.chunks_exact_mut(shape.hidden).zip(&sums) {
                store(simd, pooled, sums);
            }
        }
    }
}

/// Stores as many lanes as the slice holds.
#[inline(always)]
fn store<S: Lanes>(simd: S, slice: &mut [f32], vectors: &[S::f32s]) {
    for (slice, &vector) in slice.chunks_mut(S::F32_LANES).zip(vectors) {
        simd.partial_store_f32s(slice, vector);
    }
}

#[inline(always)]
fn softmax<S: Lanes>(simd: S, scores: &mut [f32]) {
    // The maximum passes over NaN, and the subtraction below brings it back.
    let maximum = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let maximum = simd.splat_f32s(maximum);
    for scores in scores.chunks_mut(S::F32_LANES) {
        let distance = simd.sub_f32s(maximum, simd.partial_load_f32s(scores));
        simd.partial_store_f32s(scores, exp_negated(simd, distance));
    }
    let scale = 1.0 / scores.iter().sum::<f32>();
    for score in scores {
        *score *= scale;
    }
}

/// Gradients of a tile with respect to the scores and the context.
///
/// The gradient with respect to a hidden state is then `attention * d_pooled + d_score * context`,
/// which [`crate::backward`] forms on the fly.
///
/// Both gradients are differences among the states of a sample, which are often nearly equal, so
/// they are formed from the states' deviations from the weighted sum: with `c` that sum,
/// `d_score_t = a_t (H_t - c) . d_pooled`, and as the `d_score_t` of a sample add up to zero,
/// `d_context = sum over t of d_score_t (H_t - c)`.
pub(crate) struct PoolGradient<'a> {
    pub plan: &'a Plan,
    pub samples: usize,
    /// Hidden states of both directions, `[time, sample, unit]`.
    pub hidden: [&'a [f32]; 2],
    /// Attention weights, `[sample, time]`.
    pub attention: &'a [f32],
    /// Gradient with respect to the attention weights, `[sample, time]`.
    pub d_attention: &'a [f32],
    /// Gradient with respect to the weighted sums, `[sample, 2 hidden]`.
    pub d_pooled: &'a [f32],
    /// Receives the gradient with respect to the scores, `[sample, time]`.
    pub d_scores: &'a mut [f32],
    /// Gradient with respect to the context, `[2, unit]`, to be added to.
    pub d_context: &'a mut [f32],
}

impl Operation for PoolGradient<'_> {
    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Plan { shape, vectors, .. } = *self.plan;
        let states = States {
            directions: self.hidden.map(|hidden| S::as_simd_f32s(hidden).0),
            samples: self.samples,
            vectors,
        };
        let mut sums = [[simd.splat_f32s(0.0); MAX_VECTORS]; 2];
        for (sample, d_scores) in self.d_scores.chunks_exact_mut(shape.time).enumerate() {
            let steps = sample * shape.time..(sample + 1) * shape.time;
            let attention = &self.attention[steps.clone()];
            let d_attention = &self.d_attention[steps];
            let d_pooled = halves(&self.d_pooled[sample * 2 * shape.hidden..], shape.hidden);
            let d_pooled = d_pooled.map(|d_pooled| padded(simd, d_pooled));
            let mut centre = [[simd.splat_f32s(0.0); MAX_VECTORS]; 2];
            for (time, &weight) in attention.iter().enumerate() {
                add_scaled(simd, &mut centre, weight, states.at(time, sample));
            }
            let deviation = |time| deviation(simd, states.at(time, sample), &centre);
            let mut mean = 0.0;
            for (time, d_score) in d_scores.iter_mut().enumerate() {
                let deviation = deviation(time);
                let deviation = [&deviation[0][..vectors], &deviation[1][..vectors]];
                *d_score = d_attention[time] + dot(simd, deviation, &d_pooled);
                mean += attention[time] * *d_score;
            }
            for (time, d_score) in d_scores.iter_mut().enumerate() {
                *d_score = attention[time] * (*d_score - mean);
                let deviation = deviation(time);
                let deviation = [&deviation[0][..vectors], &deviation[1][..vectors]];
                add_scaled(simd, &mut sums, *d_score, deviation);
            }
        }
        let d_context = S::as_mut_simd_f32s(self.d_context).0;
        for (d_context, sums) in d_context.chunks_exact_mut(vectors).zip(&sums) {
            for (d_context, &sum) in d_context.iter_mut().zip(sums) {
                *d_context = simd.add_f32s(*d_context, sum);
            }
        }
    }
}

//! Attention over time and the weighted sum of the hidden states, and the gradients of both.

use pulp::bytemuck::Zeroable;

use crate::activation::exp_negated;
use crate::lanes::Lanes;
use crate::plan::Plan;
use crate::product::sample_rows;
use crate::shape::halves;
use crate::tile::TileOperation;

/// One value per hidden unit, padded with zeros.
#[inline(always)]
pub(crate) fn padded<S: Lanes>(simd: S, slice: &[f32]) -> S::Units {
    let mut units = S::Units::zeroed();
    for (vector, slice) in slice.chunks(S::F32_LANES).enumerate() {
        units[vector] = simd.partial_load_f32s(slice);
    }
    units
}

/// One value per hidden unit of either direction, for every sample of a tile.
type OfTile<S, const SAMPLES: usize> = [[<S as Lanes>::Units; SAMPLES]; 2];

/// The hidden states of both directions of a tile, `[time, sample, vector]`.
struct States<'a, S: Lanes> {
    directions: [&'a [S::f32s]; 2],
    vectors: usize,
}

impl<'a, S: Lanes> States<'a, S> {
    #[inline(always)]
    fn new(hidden: [&'a [f32]; 2], vectors: usize) -> Self {
        Self {
            directions: hidden.map(|hidden| S::as_simd_f32s(hidden).0),
            vectors,
        }
    }

    /// Inner products of the states' deviations from their centre with vectors of the same
    /// layout, `[sample, time]`.
    #[inline(always)]
    fn products<const SAMPLES: usize>(
        &self,
        simd: S,
        centre: &OfTile<S, SAMPLES>,
        with: &OfTile<S, SAMPLES>,
        results: &mut [f32],
    ) {
        let row = SAMPLES * self.vectors;
        let times = results.len() / SAMPLES;
        for time in 0..times {
            let [forward, reverse] = self.directions;
            let states = [&forward[time * row..][..row], &reverse[time * row..][..row]];
            for sample in 0..SAMPLES {
                let mut sum = simd.splat_f32s(0.0);
                for (direction, states) in states.iter().enumerate() {
                    let states = &states[sample * self.vectors..][..self.vectors];
                    for (vector, &state) in states.iter().enumerate() {
                        let deviation = simd.sub_f32s(state, centre[direction][sample][vector]);
                        sum = simd.multiply_add(deviation, with[direction][sample][vector], sum);
                    }
                }
                results[sample * times + time] = simd.reduce_sum_f32s(sum);
            }
        }
    }

    /// Sums over time of the states' deviations from their centre, weighted by `[sample, time]`.
    ///
    /// The sums of one vector of all samples stay in registers.
    #[inline(always)]
    fn weighted_sums<const SAMPLES: usize>(
        &self,
        simd: S,
        centre: &OfTile<S, SAMPLES>,
        weights: &[f32],
    ) -> OfTile<S, SAMPLES> {
        let times = weights.len() / SAMPLES;
        let weights = sample_rows::<SAMPLES>(weights, 0, times, times);
        let mut all = [[S::Units::zeroed(); SAMPLES]; 2];
        for (direction, states) in self.directions.into_iter().enumerate() {
            for vector in 0..self.vectors {
                let mut centres = [simd.splat_f32s(0.0); SAMPLES];
                for (value, centre) in centres.iter_mut().zip(&centre[direction]) {
                    *value = centre[vector];
                }
                let mut sums = [simd.splat_f32s(0.0); SAMPLES];
                let states = states.chunks_exact(SAMPLES * self.vectors);
                for (time, states) in states.take(times).enumerate() {
                    for sample in 0..SAMPLES {
                        let state = states[sample * self.vectors + vector];
                        let deviation = simd.sub_f32s(state, centres[sample]);
                        let weight = simd.splat_f32s(weights[sample][time]);
                        sums[sample] = simd.multiply_add(weight, deviation, sums[sample]);
                    }
                }
                for (all, sum) in all[direction].iter_mut().zip(sums) {
                    all[vector] = sum;
                }
            }
        }
        all
    }
}

/// Scores, softmax and weighted sum of a tile.
pub(crate) struct Pool<'a> {
    pub plan: &'a Plan,
    pub context: [&'a [f32]; 2],
    /// Hidden states of both directions, `[time, sample, unit]`.
    pub hidden: [&'a [f32]; 2],
    /// Receives the weighted sums, `[sample, 2 hidden]`.
    pub pooled: &'a mut [f32],
    /// Receives the attention weights, `[sample, time]`.
    pub attention: &'a mut [f32],
}

impl TileOperation for Pool<'_> {
    #[inline(always)]
    fn run<S: Lanes, const SAMPLES: usize>(self, simd: S) {
        let Plan { shape, vectors, .. } = *self.plan;
        let states = States::<S>::new(self.hidden, vectors);
        let zero = [[S::Units::zeroed(); SAMPLES]; 2];
        let [forward, reverse] = self.context;
        let context = [
            [padded(simd, forward); SAMPLES],
            [padded(simd, reverse); SAMPLES],
        ];
        states.products(simd, &zero, &context, self.attention);
        for attention in self.attention.chunks_exact_mut(shape.time) {
            softmax(simd, attention);
        }
        let sums = states.weighted_sums(simd, &zero, self.attention);
        for (sample, pooled) in self.pooled.chunks_exact_mut(2 * shape.hidden).enumerate() {
            for (direction, pooled) in pooled.chunks_exact_mut(shape.hidden).enumerate() {
                for (vector, pooled) in pooled.chunks_mut(S::F32_LANES).enumerate() {
                    simd.partial_store_f32s(pooled, sums[direction][sample][vector]);
                }
            }
        }
    }
}

#[inline(always)]
fn softmax<S: Lanes>(simd: S, scores: &mut [f32]) {
    let (vectors, rest) = S::as_simd_f32s(scores);
    let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
    for &scores in vectors {
        largest = simd.max_f32s(largest, scores);
    }
    // The maximum may pass over NaN, and the subtraction below brings it back.
    let largest = rest
        .iter()
        .copied()
        .fold(simd.reduce_max_f32s(largest), f32::max);
    let largest = simd.splat_f32s(largest);

    let (vectors, rest) = S::as_mut_simd_f32s(scores);
    let mut sum = simd.splat_f32s(0.0);
    for scores in vectors {
        *scores = exp_negated(simd, simd.sub_f32s(largest, *scores));
        sum = simd.add_f32s(sum, *scores);
    }
    let distance = simd.sub_f32s(largest, simd.partial_load_f32s(rest));
    simd.partial_store_f32s(rest, exp_negated(simd, distance));
    let sum = simd.reduce_sum_f32s(sum) + rest.iter().sum::<f32>();

    let scale = 1.0 / sum;
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

impl TileOperation for PoolGradient<'_> {
    #[inline(always)]
    fn run<S: Lanes, const SAMPLES: usize>(self, simd: S) {
        let Plan { shape, vectors, .. } = *self.plan;
        let states = States::<S>::new(self.hidden, vectors);
        let zero = [[S::Units::zeroed(); SAMPLES]; 2];
        let mut d_pooled = zero;
        for (sample, pooled) in self.d_pooled.chunks_exact(2 * shape.hidden).enumerate() {
            let [forward, reverse] = halves(pooled, shape.hidden);
            d_pooled[0][sample] = padded(simd, forward);
            d_pooled[1][sample] = padded(simd, reverse);
        }

        let centre = states.weighted_sums(simd, &zero, self.attention);
        states.products(simd, &centre, &d_pooled, self.d_scores);
        let attention = self.attention.chunks_exact(shape.time);
        let d_attention = self.d_attention.chunks_exact(shape.time);
        let d_scores = self.d_scores.chunks_exact_mut(shape.time);
        for ((d_scores, attention), d_attention) in d_scores.zip(attention).zip(d_attention) {
            let mut mean = 0.0;
            for ((d_score, &attention), &d_attention) in
                d_scores.iter_mut().zip(attention).zip(d_attention)
            {
                *d_score += d_attention;
                mean += attention * *d_score;
            }
            for (d_score, &attention) in d_scores.iter_mut().zip(attention) {
                *d_score = attention * (*d_score - mean);
            }
        }

        let sums = states.weighted_sums(simd, &centre, self.d_scores);
        let d_context = S::as_mut_simd_f32s(self.d_context).0;
        for (d_context, sums) in d_context.chunks_exact_mut(vectors).zip(&sums) {
            for sums in sums {
                for (vector, d_context) in d_context.iter_mut().enumerate() {
                    *d_context = simd.add_f32s(*d_context, sums[vector]);
                }
            }
        }
    }
}

//! Exponential, logistic function and hyperbolic tangent of a vector.

use crate::lanes::Lanes;

/// Largest magnitude whose exponential stays well inside the normal numbers.
const EXPONENT_LIMIT: f32 = 87.3;

/// `1.5 * 2^23`: adding it leaves an integer in the low bits of the significand.
const ROUND: f32 = 12_582_912.0;

/// Largest magnitude of a power of two such that it and one plus it are normal numbers and the
/// argument of [`Lanes::reciprocal`] stays in its range, with room for rounding.
const POWER_LIMIT: f32 = 125.9;

/// `exp(-x)`, relative error below 2e-7; saturates at `exp(±87.3)`; NaN stays NaN.
///
/// With `n` the integer nearest to `x / ln 2` and `u = x - n ln 2`, it is `2^-n exp(-u)`, where
/// `|u| <= ln(2) / 2` and the second factor is a polynomial.
#[inline(always)]
pub(crate) fn exp_negated<S: Lanes>(simd: S, x: S::f32s) -> S::f32s {
    /// `ln 2` in two parts; the products of the first with an integer below 128 are exact.
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    /// `exp(-u)`, of which `(exp(-u) - 1 + u) / u^2` is interpolated at the Chebyshev nodes,
    /// highest power first.
    const POLYNOMIAL: [f32; 7] = [
        1.392_64e-3,
        -8.363_353e-3,
        4.166_655_2e-2,
        -1.666_657_6e-1,
        0.5,
        -1.0,
        1.0,
    ];

    let splat = |value| simd.splat_f32s(value);
    let x = simd.clamp(x, EXPONENT_LIMIT);
    let shifted = simd.multiply_add(x, splat(-std::f32::consts::LOG2_E), splat(ROUND));
    let negated_n = simd.sub_f32s(shifted, splat(ROUND));
    let u = simd.multiply_add(negated_n, splat(LN_2_HIGH), x);
    let u = simd.multiply_add(negated_n, splat(LN_2_LOW), u);

    times_power_of_two(simd, polynomial(simd, POLYNOMIAL, u), shifted)
}

/// `1 / (1 + 2^(-scale x))`, the power saturating at `2^±125.9`; NaN stays NaN.
///
/// The power is a shorter [`exp_negated`]: the sum hides most of the polynomial's error, 1.1e-7, and
/// of that of the rounded `scale`, 1e-8 of the exponent.
#[inline(always)]
fn logistic<S: Lanes>(simd: S, x: S::f32s, scale: f32) -> S::f32s {
    /// `2^f` for `|f| <= 1/2`, such that its largest relative error is minimal (found by Lawson's
    /// iteratively reweighted least squares), highest power first.
    const POLYNOMIAL: [f32; 6] = [
        1.326_472_7e-3,
        9.671_513e-3,
        5.550_733_6e-2,
        2.402_224_2e-1,
        std::f32::consts::LN_2 - 1.8e-7,
        1.0,
    ];

    let splat = |value| simd.splat_f32s(value);
    let x = simd.clamp(x, POWER_LIMIT / scale);
    let shifted = simd.multiply_add(x, splat(-scale), splat(ROUND));
    let negated_n = simd.sub_f32s(splat(ROUND), shifted);
    let f = simd.multiply_add(x, splat(-scale), negated_n);
    let power = times_power_of_two(simd, polynomial(simd, POLYNOMIAL, f), shifted);
    simd.reciprocal(simd.add_f32s(splat(1.0), power))
}

/// A polynomial in `x`, the coefficient of the highest power first.
#[inline(always)]
fn polynomial<S: Lanes, const N: usize>(simd: S, coefficients: [f32; N], x: S::f32s) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        sum = simd.multiply_add(sum, x, simd.splat_f32s(coefficient));
    }
    sum
}

/// `x 2^n`, where `shifted` is `n + ROUND` and the result a normal number.
#[inline(always)]
fn times_power_of_two<S: Lanes>(simd: S, x: S::f32s, shifted: S::f32s) -> S::f32s {
    // Adding n to the exponent field, which starts at bit 23, multiplies by 2^n.
    let exponent = simd.wrapping_dyn_shl_u32s(
        simd.transmute_u32s_f32s(shifted),
        simd.splat_u32s(f32::MANTISSA_DIGITS - 1),
    );
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(x), exponent))
}

/// `1 / (1 + exp(-x))`, absolute error below 2e-7; NaN stays NaN.
#[inline(always)]
pub(crate) fn sigmoid<S: Lanes>(simd: S, x: S::f32s) -> S::f32s {
    logistic(simd, x, std::f32::consts::LOG2_E)
}

/// Hyperbolic tangent as `2 sigmoid(2 x) - 1`, absolute error below 2e-7; NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh<S: Lanes>(simd: S, x: S::f32s) -> S::f32s {
    let sigmoid = logistic(simd, x, 2.0 * std::f32::consts::LOG2_E);
    simd.multiply_add(sigmoid, simd.splat_f32s(2.0), simd.splat_f32s(-1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{Level, Operation};

    /// Applies the three functions to every value.
    struct Apply<'a> {
        x: &'a [f32],
        results: [&'a mut [f32]; 3],
    }

    impl Operation for Apply<'_> {
        #[inline(always)]
        fn run<S: Lanes>(self, simd: S) {
            let (x, rest) = S::as_simd_f32s(self.x);
            assert!(rest.is_empty());
            let [exponential, logistic, tangent] =
                self.results.map(|result| S::as_mut_simd_f32s(result).0);
            for (index, &x) in x.iter().enumerate() {
                exponential[index] = exp_negated(simd, x);
                logistic[index] = sigmoid(simd, x);
                tangent[index] = tanh(simd, x);
            }
        }
    }

    fn apply(level: Level, x: &[f32]) -> [Vec<f32>; 3] {
        let mut results = [(); 3].map(|()| vec![0.0; x.len()]);
        let [a, b, c] = &mut results;
        level.run(Apply {
            x,
            results: [a, b, c],
        });
        results
    }

    #[test]
    fn accurate_over_the_whole_range() {
        // Every 1021st bit pattern of either sign: zeros, subnormals, normals and the infinities.
        let mut x: Vec<f32> = (0..=0x7f80_0000_u32)
            .step_by(1021)
            .chain([0x7f80_0000])
            .flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)])
            .collect();
        // The range that matters, densely.
        x.extend((0..4_000_000).map(|step| step as f32 * 5e-5 - 100.0));
        x.resize(x.len().next_multiple_of(64), 0.0);
        for level in Level::available() {
            let [exponential, logistic, tangent] = apply(level, &x);
            let mut worst = [0.0_f64; 3];
            for (index, &x) in x.iter().enumerate() {
                let limited = f64::from(x.clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT));
                let expected = (-limited).exp();
                let error = (f64::from(exponential[index]) / expected - 1.0).abs();
                worst[0] = worst[0].max(error);
                let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
                let error = (f64::from(logistic[index]) - expected).abs();
                worst[1] = worst[1].max(error);
                let error = (f64::from(tangent[index]) - f64::from(x).tanh()).abs();
                worst[2] = worst[2].max(error);
            }
            println!("{level:?}: {worst:?}");
            assert!(
                worst.iter().all(|&worst| worst < 2e-7),
                "{level:?} {worst:?}"
            );
            // An absolute bound alone would let small values be anything.
            for (&x, &logistic) in x.iter().zip(&logistic) {
                if (-87.0..0.0).contains(&x) {
                    let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
                    let error = (f64::from(logistic) / expected - 1.0).abs();
                    assert!(error < 1e-5, "{level:?} sigmoid({x}): {logistic:e}");
                }
            }
        }
    }

    #[test]
    fn saturates_and_keeps_nan() {
        let mut x = [0.0_f32; 64];
        x[..5].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -f32::NAN]);
        for level in Level::available() {
            let [exponential, logistic, tangent] = apply(level, &x);
            for nan in [0, 4] {
                assert!(
                    exponential[nan].is_nan() && logistic[nan].is_nan() && tangent[nan].is_nan()
                );
            }
            assert!(exponential[1] < 1.3e-38 && logistic[1] == 1.0 && tangent[1] == 1.0);
            assert!(exponential[2] > 8e37 && logistic[2] < 1.3e-38 && tangent[2] == -1.0);
            assert_eq!([exponential[3], logistic[3], tangent[3]], [1.0, 0.5, 0.0]);
        }
    }
}

//! What the kernels need from an instruction set beyond [`pulp::Simd`].

use std::ops::IndexMut;

use pulp::Simd;
use pulp::bytemuck::Zeroable;

use crate::shape::MAX_HIDDEN;

/// A vector instruction set, with the sizes of the register tiles that suit it.
pub(crate) trait Lanes: Simd {
    /// The vectors of up to [`MAX_HIDDEN`] hidden units.
    type Units: Copy + Zeroable + IndexMut<usize, Output = Self::f32s>;

    /// Samples advanced together through time. Each holds four accumulators (one per gate) while
    /// the recurrent weights stream past; these, four weights and an input must fit the registers.
    const SAMPLES: usize;

    /// Rows of a weight-gradient tile; each again holds four accumulators.
    const ROWS: usize;

    /// `a * b + c`, fused where the hardware fuses it and rounded twice where it does not.
    #[inline(always)]
    fn multiply_add(self, a: Self::f32s, b: Self::f32s, c: Self::f32s) -> Self::f32s {
        self.mul_add_e_f32s(a, b, c)
    }

    /// `c - a * b`, rounded as [`Lanes::multiply_add`] is.
    #[inline(always)]
    fn subtract_product(self, c: Self::f32s, a: Self::f32s, b: Self::f32s) -> Self::f32s {
        self.negate_mul_add_e_f32s(a, b, c)
    }

    /// Asks for the cache line of a value that is soon to be read or written.
    ///
    /// The saved states of a batch exceed the caches, and the hardware's own prefetching stops at
    /// the end of each page: with 46 MB of them, this takes a quarter off the time of both passes
    /// together, if spread over the arithmetic (all at once, it waits for the memory itself).
    #[inline(always)]
    fn prefetch<T>(self, _value: &T) {}

    /// `x` limited to `[-limit, limit]`; a NaN stays NaN.
    fn clamp(self, x: Self::f32s, limit: f32) -> Self::f32s;

    /// `1 / x` for `x` in `[1, 2^126]` or NaN.
    #[inline(always)]
    fn reciprocal(self, x: Self::f32s) -> Self::f32s {
        self.div_f32s(self.splat_f32s(1.0), x)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the one intrinsic that pulp does not wrap")]
fn prefetch<T>(value: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch has no effect that a program could observe, whatever the address; this
    // one is valid besides.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V4 {
    type Units = [Self::f32s; MAX_HIDDEN / Self::F32_LANES];

    const SAMPLES: usize = 6;
    const ROWS: usize = 6;

    #[inline(always)]
    fn prefetch<T>(self, value: &T) {
        prefetch(value);
    }

    // The x86 minimum and maximum return their second operand when one of the two is NaN.
    #[inline(always)]
    fn clamp(self, x: Self::f32s, limit: f32) -> Self::f32s {
        let x = self.min_f32s(self.splat_f32s(limit), x);
        self.max_f32s(self.splat_f32s(-limit), x)
    }

    // One Newton step takes the 14 bits of the estimate to full precision, several times as fast
    // as a 512-bit division.
    #[inline(always)]
    fn reciprocal(self, x: Self::f32s) -> Self::f32s {
        let estimate: Self::f32s = pulp::cast(self.avx512f._mm512_rcp14_ps(pulp::cast(x)));
        let error = self.subtract_product(self.splat_f32s(1.0), x, estimate);
        self.multiply_add(estimate, error, estimate)
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V3 {
    type Units = [Self::f32s; MAX_HIDDEN / Self::F32_LANES];

    const SAMPLES: usize = 2;
    const ROWS: usize = 2;

    #[inline(always)]
    fn prefetch<T>(self, value: &T) {
        prefetch(value);
    }

    #[inline(always)]
    fn clamp(self, x: Self::f32s, limit: f32) -> Self::f32s {
        let x = self.min_f32s(self.splat_f32s(limit), x);
        self.max_f32s(self.splat_f32s(-limit), x)
    }
}

#[cfg(target_arch = "aarch64")]
impl Lanes for pulp::aarch64::Neon {
    type Units = [Self::f32s; MAX_HIDDEN / Self::F32_LANES];

    const SAMPLES: usize = 5;
    const ROWS: usize = 5;

    // The NEON minimum and maximum propagate NaN.
    #[inline(always)]
    fn clamp(self, x: Self::f32s, limit: f32) -> Self::f32s {
        let x = self.min_f32s(self.splat_f32s(limit), x);
        self.max_f32s(self.splat_f32s(-limit), x)
    }
}

impl Lanes for pulp::Scalar256b {
    type Units = [Self::f32s; MAX_HIDDEN / Self::F32_LANES];

    const SAMPLES: usize = 1;
    const ROWS: usize = 1;

    // `f32::mul_add` without a fused instruction is a call into the C library.
    #[inline(always)]
    fn multiply_add(self, a: Self::f32s, b: Self::f32s, c: Self::f32s) -> Self::f32s {
        self.add_f32s(self.mul_f32s(a, b), c)
    }

    #[inline(always)]
    fn subtract_product(self, c: Self::f32s, a: Self::f32s, b: Self::f32s) -> Self::f32s {
        self.sub_f32s(c, self.mul_f32s(a, b))
    }

    // `f32::clamp` keeps NaN, which `f32::min` and `f32::max` would not.
    #[inline(always)]
    fn clamp(self, x: Self::f32s, limit: f32) -> Self::f32s {
        let mut lanes: [f32; 8] = pulp::cast(x);
        for lane in &mut lanes {
            *lane = lane.clamp(-limit, limit);
        }
        pulp::cast(lanes)
    }
}

//! Choice of the instruction set at run time.

use crate::lanes::Lanes;

/// An instruction set that the kernels are compiled for.
///
/// All levels compute the same quantities; results differ between levels by rounding only, and are
/// bit-identical on one level whatever the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// x86-64 with AVX-512 (F, BW, CD, DQ, VL): 16 lanes.
    Avx512,
    /// x86-64 with AVX2 and FMA: 8 lanes.
    Avx2,
    /// 64-bit Arm: 4 lanes.
    Neon,
    /// Any processor: 8 lanes in whatever the compiler's target offers.
    Portable,
}

/// A computation that is compiled once for each instruction set.
///
/// Implementations and all that they call must be `#[inline(always)]`, or they are compiled for
/// the baseline instruction set.
pub(crate) trait Operation {
    fn run<S: Lanes>(self, simd: S);
}

/// The sizes of an instruction set's vectors and register tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub lanes: usize,
    pub samples: usize,
    pub rows: usize,
}

impl Registers {
    fn of<S: Lanes>() -> Self {
        Self {
            lanes: S::F32_LANES,
            samples: S::SAMPLES,
            rows: S::ROWS,
        }
    }
}

impl Level {
    const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable];

    /// The fastest level that this processor supports.
    pub fn detected() -> Self {
        Self::ALL
            .into_iter()
            .find(|level| level.is_available())
            .unwrap_or(Self::Portable)
    }

    /// All levels that this processor supports, fastest first.
    pub fn available() -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|level| level.is_available())
            .collect()
    }

    fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::is_available(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => pulp::aarch64::Neon::is_available(),
            Self::Portable => true,
            #[allow(
                unreachable_patterns,
                reason = "which levels exist depends on the target"
            )]
            _ => false,
        }
    }

    pub(crate) fn registers(self) -> Registers {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Registers::of::<pulp::x86::V4>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Registers::of::<pulp::x86::V3>(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => Registers::of::<pulp::aarch64::Neon>(),
            _ => Registers::of::<pulp::Scalar256b>(),
        }
    }

    /// Runs an operation with this level's instructions.
    ///
    /// # Panics
    ///
    /// If the processor lacks them.
    pub(crate) fn run(self, operation: impl Operation) {
        let missing = || -> ! { panic!("this processor does not support {self:?}") };
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                let simd = pulp::x86::V4::try_new().unwrap_or_else(|| missing());
                simd.vectorize(Run { simd, operation });
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                let simd = pulp::x86::V3::try_new().unwrap_or_else(|| missing());
                simd.vectorize(Run { simd, operation });
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => {
                let simd = pulp::aarch64::Neon::try_new().unwrap_or_else(|| missing());
                simd.vectorize(Run { simd, operation });
            }
            Self::Portable => operation.run(pulp::Scalar256b),
            #[allow(
                unreachable_patterns,
                reason = "which levels exist depends on the target"
            )]
            _ => missing(),
        }
    }
}

/// An operation bound to its instruction set, in the form `pulp` calls. A closure would do, were
/// it certain to be inlined.
struct Run<S, O> {
    simd: S,
    operation: O,
}

impl<S: Lanes, O: Operation> pulp::NullaryFnOnce for Run<S, O> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.operation.run(self.simd);
    }
}

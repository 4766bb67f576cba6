//! Operations on the samples of a tile, compiled once for each number of them.

use crate::lanes::Lanes;
use crate::level::{Level, Operation};

/// An operation that keeps values of all samples of a tile in registers.
///
/// As with [`Operation`], all that it calls must be `#[inline(always)]`.
pub(crate) trait TileOperation {
    fn run<S: Lanes, const SAMPLES: usize>(self, simd: S);
}

impl Level {
    /// Runs an operation on a tile of so many samples with this level's instructions.
    ///
    /// # Panics
    ///
    /// If the processor lacks them or its tiles hold fewer samples.
    pub(crate) fn run_tile(self, samples: usize, operation: impl TileOperation) {
        self.run(Tile { samples, operation });
    }
}

struct Tile<O> {
    samples: usize,
    operation: O,
}

impl<O: TileOperation> Operation for Tile<O> {
    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        match self.samples {
            1 => self.operation.run::<S, 1>(simd),
            2 if S::SAMPLES >= 2 => self.operation.run::<S, 2>(simd),
            3 if S::SAMPLES >= 3 => self.operation.run::<S, 3>(simd),
            4 if S::SAMPLES >= 4 => self.operation.run::<S, 4>(simd),
            5 if S::SAMPLES >= 5 => self.operation.run::<S, 5>(simd),
            6 if S::SAMPLES >= 6 => self.operation.run::<S, 6>(simd),
            samples => unreachable!("a tile of {samples} samples"),
        }
    }
}

//! How a problem is cut into tasks and padded to vectors.

use std::ops::Range;

use crate::level::{Level, Registers};
use crate::shape::Shape;

/// Gates of an LSTM cell, in PyTorch's order: input, forget, candidate, output.
pub(crate) const GATES: usize = 4;

/// Values saved per hidden unit and time step for the backward pass: the activated gates and the
/// cell state.
pub(crate) const SAVED: usize = GATES + 1;

/// Groups are cut along the batch until there are about this many backward tasks. Each has its own
/// partial weight gradients, so more tasks balance better and cost more memory.
const TASKS: usize = 64;

/// The problem's padded sizes and its division among tasks. Nothing here depends on the number of
/// threads, so neither does any result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub level: Level,
    pub shape: Shape,
    /// Lanes of a vector.
    pub lanes: usize,
    /// Vectors that cover the hidden units.
    pub vectors: usize,
    /// Vectors that cover the inputs.
    pub input_vectors: usize,
    /// Batch tiles of a group.
    pub tiles: usize,
    /// Runs of consecutive tiles of a group, each a task of the backward pass.
    pub runs: usize,
    /// Weights of one gate and unit: recurrent, input, bias.
    pub rows: usize,
    /// The same, padded to whole weight-gradient tiles. What the padding is multiplied with is
    /// arbitrary, and its gradients are never read.
    pub padded_rows: usize,
}

impl Plan {
    pub fn new(level: Level, shape: Shape) -> Self {
        shape.check();
        let Registers {
            lanes,
            samples,
            rows: tile_rows,
        } = level.registers();
        let rows = 1 + shape.input + shape.hidden;
        let tiles = shape.batch.div_ceil(samples);
        Self {
            level,
            shape,
            lanes,
            vectors: shape.hidden.div_ceil(lanes),
            input_vectors: shape.input.div_ceil(lanes),
            tiles,
            runs: tiles.min(TASKS.div_ceil(shape.groups)),
            rows,
            padded_rows: rows.next_multiple_of(tile_rows),
        }
    }

    /// Hidden units, padded to whole vectors.
    pub fn units(&self) -> usize {
        self.vectors * self.lanes
    }

    /// Length of what the weights are multiplied with, in whole vectors: the hidden states, the
    /// inputs, and 1 for the bias.
    pub fn row_stride(&self) -> usize {
        self.padded_rows
            .max(self.units())
            .next_multiple_of(self.lanes)
    }

    /// Samples of a tile; sizes of tiles differ by one at most.
    pub fn samples(&self, tile: usize) -> Range<usize> {
        let start = |tile: usize| tile * self.shape.batch / self.tiles;
        start(tile)..start(tile + 1)
    }

    /// Samples of the largest tile.
    pub fn tile_size(&self) -> usize {
        self.shape.batch.div_ceil(self.tiles)
    }

    /// Tiles of a run.
    pub fn tiles_of(&self, run: usize) -> Range<usize> {
        let start = |run: usize| run * self.tiles / self.runs;
        start(run)..start(run + 1)
    }

    /// Length of a direction's hidden states over all time steps of the largest tile.
    pub fn hidden_length(&self) -> usize {
        self.shape.time * self.tile_size() * self.units()
    }

    /// Length of a direction's saved gates and cell states of the largest tile.
    pub fn saved_length(&self) -> usize {
        self.hidden_length() * SAVED
    }

    /// Length of a direction's packed forward weights.
    pub fn forward_length(&self) -> usize {
        self.rows * GATES * self.units()
    }

    /// Length of a direction's packed weight gradients.
    pub fn gradient_length(&self) -> usize {
        self.padded_rows * GATES * self.units()
    }
}

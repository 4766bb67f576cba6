//! What a forward pass leaves for its backward pass.

use crate::buffer::Buffer;
use crate::plan::Plan;

/// State of a forward pass, from which [`Tape::backward`] computes gradients.
///
/// Its memory goes back to a pool when it is dropped. It holds six floats per hidden unit,
/// direction, time step and sample.
#[derive(Debug)]
pub struct Tape {
    pub(crate) plan: Plan,
    pub(crate) saved: Saved,
    /// Attention weights, `[group, batch, time]`.
    pub(crate) attention: Buffer,
}

/// States of all tiles, `[group, tile, direction, ...]` with a stride that fits the largest tile.
#[derive(Debug)]
pub(crate) struct Saved {
    /// Hidden states, in a tile `[time, sample, unit]`.
    hidden: Buffer,
    /// Gates and cell states, in a tile `[time, vector, sample, value, lane]`.
    cells: Buffer,
}

impl Saved {
    pub fn new(plan: &Plan) -> Self {
        let directions = plan.shape.groups * plan.tiles * 2;
        Self {
            hidden: Buffer::take(directions * plan.hidden_length()),
            cells: Buffer::take(directions * plan.saved_length()),
        }
    }

    /// Hidden states, and gates and cell states, of each tile.
    pub fn tiles_mut(&mut self, plan: &Plan) -> impl Iterator<Item = (&mut [f32], &mut [f32])> {
        let hidden = self.hidden.chunks_exact_mut(2 * plan.hidden_length());
        hidden.zip(self.cells.chunks_exact_mut(2 * plan.saved_length()))
    }

    /// Hidden states of both directions of a tile.
    pub fn hidden(&self, plan: &Plan, group: usize, tile: usize) -> [&[f32]; 2] {
        let start = 2 * (group * plan.tiles + tile);
        [start, start + 1].map(|index| part(&self.hidden, index, plan.hidden_length()))
    }

    /// Gates and cell states of both directions of a tile.
    pub fn cells(&self, plan: &Plan, group: usize, tile: usize) -> [&[f32]; 2] {
        let start = 2 * (group * plan.tiles + tile);
        [start, start + 1].map(|index| part(&self.cells, index, plan.saved_length()))
    }
}

fn part(slice: &[f32], index: usize, length: usize) -> &[f32] {
    &slice[index * length..][..length]
}

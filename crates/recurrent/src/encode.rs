//! The forward pass over all groups.

use rayon::prelude::*;

use crate::attention::Pool;
use crate::buffer::Buffer;
use crate::forward::{Forward, scratch_length};
use crate::pack::DirectionWeights;
use crate::plan::Plan;
use crate::shape::{Weights, check_length};
use crate::tape::Saved;

/// One tile of one group.
struct Task<'a> {
    group: usize,
    samples: std::ops::Range<usize>,
    pooled: &'a mut [f32],
    attention: &'a mut [f32],
    /// Where to keep hidden states, and gates and cell states, for a backward pass.
    saved: Option<(&'a mut [f32], &'a mut [f32])>,
}

/// Encodes all groups, keeping what the backward pass needs if asked to.
pub(crate) fn encode(
    plan: &Plan,
    weights: &Weights,
    x: &[f32],
    pooled: &mut [f32],
    attention: &mut [f32],
    saved: Option<&mut Saved>,
) {
    let shape = plan.shape;
    weights.check(&shape);
    check_length("x", x, shape.inputs());
    check_length("pooled", pooled, shape.pooled());
    check_length("attention", attention, shape.attention());

    let length = plan.forward_length();
    let mut packed = Buffer::take(shape.groups * 2 * length);
    packed
        .par_chunks_mut(length)
        .enumerate()
        .for_each(|(index, packed)| {
            DirectionWeights::new(weights, plan, index).pack_forward(plan, packed);
        });

    tasks(plan, pooled, attention, saved)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|task| task.run(plan, weights, x, &packed));
}

/// Divides the outputs among the tiles.
fn tasks<'a>(
    plan: &Plan,
    mut pooled: &'a mut [f32],
    mut attention: &'a mut [f32],
    saved: Option<&'a mut Saved>,
) -> Vec<Task<'a>> {
    let shape = plan.shape;
    let mut saved = saved.map(|saved| saved.tiles_mut(plan));
    let mut tasks = Vec::with_capacity(shape.groups * plan.tiles);
    for group in 0..shape.groups {
        for tile in 0..plan.tiles {
            let samples = plan.samples(tile);
            tasks.push(Task {
                group,
                pooled: take_front(&mut pooled, samples.len() * 2 * shape.hidden),
                attention: take_front(&mut attention, samples.len() * shape.time),
                samples,
                saved: saved.as_mut().and_then(Iterator::next),
            });
        }
    }
    tasks
}

/// Splits off the first `length` floats.
pub(crate) fn take_front<'a>(slice: &mut &'a mut [f32], length: usize) -> &'a mut [f32] {
    let (front, rest) = std::mem::take(slice).split_at_mut(length);
    *slice = rest;
    front
}

impl Task<'_> {
    fn run(self, plan: &Plan, weights: &Weights, x: &[f32], packed: &[f32]) {
        let shape = plan.shape;
        let samples = self.samples.len();
        let row = shape.time * shape.input;
        let x = &x[(self.group * shape.batch + self.samples.start) * row..][..samples * row];
        let length = plan.forward_length();
        let packed = &packed[self.group * 2 * length..][..2 * length];

        let mut unsaved;
        let (hidden, saved) = match self.saved {
            Some((hidden, saved)) => (hidden, Some(saved)),
            None => {
                unsaved = Buffer::take(2 * plan.hidden_length());
                (&mut unsaved[..], None)
            }
        };
        let (forward_hidden, reverse_hidden) = hidden.split_at_mut(plan.hidden_length());
        let (forward_saved, reverse_saved) = saved
            .map(|saved| saved.split_at_mut(plan.saved_length()))
            .unzip();
        let run = |reverse, hidden: &mut [f32], saved| {
            plan.level.run_tile(
                samples,
                Forward {
                    plan,
                    reverse,
                    weights: &packed[usize::from(reverse) * length..][..length],
                    x,
                    hidden,
                    saved,
                    scratch: &mut Buffer::take(scratch_length(plan)),
                },
            );
        };
        rayon::join(
            || run(false, forward_hidden, forward_saved),
            || run(true, reverse_hidden, reverse_saved),
        );
        plan.level.run_tile(
            samples,
            Pool {
                plan,
                context: weights.context(&shape, self.group),
                hidden: [forward_hidden, reverse_hidden],
                pooled: self.pooled,
                attention: self.attention,
            },
        );
    }
}

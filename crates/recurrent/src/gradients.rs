//! The backward pass over all groups.

use rayon::prelude::*;

use crate::attention::PoolGradient;
use crate::backward::{Backward, scratch_lengths};
use crate::buffer::Buffer;
use crate::encode::take_front;
use crate::pack::{DirectionWeights, backward_length};
use crate::plan::{GATES, Plan};
use crate::shape::{Gradients, Weights, check_length};
use crate::tape::Tape;

impl Tape {
    /// Computes the gradients of a scalar from those with respect to the results of the forward
    /// pass that left this tape.
    ///
    /// `weights` and `x` (`[group, batch, time, input]`) must be those of the forward pass;
    /// `d_pooled` (`[group, batch, 2 hidden]`) and `d_attention` (`[group, batch, time]`) are the
    /// gradients with respect to its results. The gradient with respect to `x` is computed only if
    /// `d_x` (laid out as `x`) is given. `gradients` and `d_x` are overwritten.
    ///
    /// # Panics
    ///
    /// If the length of a slice does not match the shape of the forward pass.
    pub fn backward(
        &self,
        weights: &Weights,
        x: &[f32],
        d_pooled: &[f32],
        d_attention: &[f32],
        gradients: &mut Gradients,
        d_x: Option<&mut [f32]>,
    ) {
        let plan = &self.plan;
        let shape = plan.shape;
        weights.check(&shape);
        gradients.check(&shape);
        check_length("x", x, shape.inputs());
        check_length("d_pooled", d_pooled, shape.pooled());
        check_length("d_attention", d_attention, shape.attention());
        if let Some(d_x) = &d_x {
            check_length("d_x", d_x, shape.inputs());
        }

        let length = backward_length(plan, d_x.is_some());
        let mut packed = Buffer::take(shape.groups * 2 * length);
        packed
            .par_chunks_mut(length)
            .enumerate()
            .for_each(|(index, packed)| {
                let weights = DirectionWeights::new(weights, plan, index);
                weights.pack_backward(plan, d_x.is_some(), packed);
            });

        let pass = Pass {
            tape: self,
            weights,
            x,
            d_pooled,
            d_attention,
            packed: &packed,
        };
        let mut partials = Buffer::take(shape.groups * plan.runs * partial_length(plan));
        // The tiles that were saved last may still be in the cache.
        tasks(plan, &mut partials, d_x)
            .into_par_iter()
            .rev()
            .with_max_len(1)
            .for_each(|task| pass.run(task));
        reduce(plan, &mut partials, gradients);
    }
}

/// Length of a task's partial gradients: both directions' packed weights, then the context.
fn partial_length(plan: &Plan) -> usize {
    2 * (plan.gradient_length() + plan.units())
}

/// One run of tiles of one group.
struct Task<'a> {
    group: usize,
    run: usize,
    partial: &'a mut [f32],
    d_x: Option<&'a mut [f32]>,
}

/// Divides partial gradients and `d_x` among the runs.
fn tasks<'a>(plan: &Plan, partials: &'a mut [f32], d_x: Option<&'a mut [f32]>) -> Vec<Task<'a>> {
    let mut rest = d_x;
    let row = plan.shape.time * plan.shape.input;
    let partials = partials.chunks_exact_mut(partial_length(plan));
    partials
        .enumerate()
        .map(|(index, partial)| {
            let (group, run) = (index / plan.runs, index % plan.runs);
            let samples: usize = plan
                .tiles_of(run)
                .map(|tile| plan.samples(tile).len())
                .sum();
            Task {
                group,
                run,
                partial,
                d_x: rest.as_mut().map(|rest| take_front(rest, samples * row)),
            }
        })
        .collect()
}

/// What all tasks read.
struct Pass<'a> {
    tape: &'a Tape,
    weights: &'a Weights<'a>,
    x: &'a [f32],
    d_pooled: &'a [f32],
    d_attention: &'a [f32],
    packed: &'a [f32],
}

impl Pass<'_> {
    fn run(&self, task: Task) {
        let plan = &self.tape.plan;
        let shape = plan.shape;
        let Task {
            group,
            run,
            partial,
            mut d_x,
        } = task;
        partial.fill(0.0);
        let (gradient, d_context) = partial.split_at_mut(2 * plan.gradient_length());
        let (forward_gradient, reverse_gradient) = gradient.split_at_mut(plan.gradient_length());
        let packed_length = backward_length(plan, d_x.is_some());
        let (d_gates_length, inputs_length) = scratch_lengths(plan);
        let input_row = shape.time * shape.input;

        for tile in plan.tiles_of(run) {
            let range = plan.samples(tile);
            let samples = range.len();
            let start = group * shape.batch + range.start;
            let part = |row: usize| start * row..(start + samples) * row;
            let hidden = self.tape.saved.hidden(plan, group, tile);
            let cells = self.tape.saved.cells(plan, group, tile);
            let attention = &self.tape.attention[part(shape.time)];
            let d_pooled = &self.d_pooled[part(2 * shape.hidden)];

            let mut d_scores = Buffer::take(samples * shape.time);
            plan.level.run_tile(
                samples,
                PoolGradient {
                    plan,
                    hidden,
                    attention,
                    d_attention: &self.d_attention[part(shape.time)],
                    d_pooled,
                    d_scores: &mut d_scores,
                    d_context,
                },
            );

            let direction = |reverse, gradient: &mut [f32], d_x| {
                let index = usize::from(reverse);
                plan.level.run_tile(
                    samples,
                    Backward {
                        plan,
                        reverse,
                        weights: &self.packed[(2 * group + index) * packed_length..]
                            [..packed_length],
                        x: &self.x[part(input_row)],
                        hidden: hidden[index],
                        saved: cells[index],
                        attention,
                        d_scores: &d_scores,
                        context: self.weights.context(&shape, group)[index],
                        d_pooled,
                        gradient,
                        d_x,
                        d_gates: &mut Buffer::take(d_gates_length),
                        inputs: &mut Buffer::take(inputs_length),
                    },
                );
            };
            let mut forward_d_x = d_x.as_mut().map(|d_x| take_front(d_x, samples * input_row));
            let mut reverse_d_x = forward_d_x.as_ref().map(|d_x| Buffer::take(d_x.len()));
            rayon::join(
                || direction(false, forward_gradient, forward_d_x.as_deref_mut()),
                || direction(true, reverse_gradient, reverse_d_x.as_deref_mut()),
            );
            if let (Some(d_x), Some(reverse)) = (forward_d_x, reverse_d_x) {
                add(d_x, &reverse);
            }
        }
    }
}

/// Adds the runs' partial gradients in their order and brings them into the layout of the weights.
fn reduce(plan: &Plan, partials: &mut [f32], gradients: &mut Gradients) {
    let Plan { shape, lanes, .. } = *plan;
    let gates = 2 * GATES * shape.hidden;
    let weight_ih = gradients.weight_ih.par_chunks_mut(gates * shape.input);
    let weight_hh = gradients.weight_hh.par_chunks_mut(gates * shape.hidden);
    let bias = gradients.bias.par_chunks_mut(gates);
    let context = gradients.context.par_chunks_mut(2 * shape.hidden);
    partials
        .par_chunks_mut(plan.runs * partial_length(plan))
        .zip(weight_ih.zip(weight_hh))
        .zip(bias.zip(context))
        .for_each(|((partials, (weight_ih, weight_hh)), (bias, context))| {
            let (total, others) = partials.split_at_mut(partial_length(plan));
            for other in others.chunks_exact(total.len()) {
                add(total, other);
            }
            let (packed, d_context) = total.split_at(2 * plan.gradient_length());
            let halves = context.chunks_exact_mut(shape.hidden);
            for (context, total) in halves.zip(d_context.chunks_exact(plan.units())) {
                context.copy_from_slice(&total[..shape.hidden]);
            }
            for (row, bias) in bias.iter_mut().enumerate() {
                let (direction, gate) = (row / (GATES * shape.hidden), row / shape.hidden % GATES);
                let unit = row % shape.hidden;
                let packed = &packed[direction * plan.gradient_length()..];
                let packed = &packed[unit / lanes * plan.padded_rows * GATES * lanes..];
                let packed = &packed[gate * lanes + unit % lanes..];
                let weight_ih = &mut weight_ih[row * shape.input..][..shape.input];
                let weight_hh = &mut weight_hh[row * shape.hidden..][..shape.hidden];
                let weights = weight_hh.iter_mut().chain(weight_ih).chain([bias]);
                for (weight, &value) in weights.zip(packed.iter().step_by(GATES * lanes)) {
                    *weight = value;
                }
            }
        });
}

fn add(total: &mut [f32], other: &[f32]) {
    for (total, other) in total.iter_mut().zip(other) {
        *total += other;
    }
}

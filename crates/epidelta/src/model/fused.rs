//! The encoder as one operation of the tensor library, computed by the
//! `recurrent` crate, with its hand-written backward pass.
//!
//! The operation returns one flat tensor, pooled states then attention, because
//! a differentiable operation has one output; it is cut in two afterwards, so
//! that gradients flow through both.

use std::{fmt, sync::Arc};

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData},
};
use recurrent::{Shape, Tape, Weights, encode_for_training};

use super::{
    encoder::{Encoded, GroupedEncoder},
    kernel_time::{KernelTime, PassTime, timed},
};

/// Encodes `[group, batch, time, input]`; see [`GroupedEncoder`].
pub(super) fn encode(encoder: &GroupedEncoder, x: Tensor<4>, attention: bool) -> Encoded {
    let [groups, batch, time, _] = x.dims();
    let [_, units] = encoder.context.val().dims();
    let flat: Tensor<1> = Tensor::from_dispatch(Dispatch::recurrent_encode(
        x.into_dispatch(),
        encoder.weight_ih.val().into_dispatch(),
        encoder.weight_hh.val().into_dispatch(),
        encoder.bias_ih.val().into_dispatch(),
        encoder.bias_hh.val().into_dispatch(),
        encoder.context.val().into_dispatch(),
    ));
    let length = groups * batch * units;
    let part = |start, length| flat.clone().narrow(0, start, length);
    Encoded {
        pooled: part(0, length).reshape([groups, batch, units]),
        attention: attention
            .then(|| part(length, groups * batch * time).reshape([groups, batch, time])),
    }
}

#[backend_extension(Flex, Autodiff)]
trait RecurrentBackend: Backend {
    /// Pooled states, then attention, flat; shapes as in [`GroupedEncoder`].
    fn recurrent_encode(
        x: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
        context: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

type HostTensor = FloatTensor<Flex>;

/// The operation's inputs in host memory, contiguous.
#[derive(Clone)]
struct Inputs {
    shape: Shape,
    x: HostTensor,
    /// weight_ih, weight_hh, bias_ih, bias_hh, context.
    weights: [HostTensor; 5],
}

impl Inputs {
    fn new(x: HostTensor, weights: [HostTensor; 5]) -> Self {
        let of_x = x.layout().shape();
        let shape = Shape {
            groups: of_x[0],
            batch: of_x[1],
            time: of_x[2],
            input: of_x[3],
            hidden: weights[4].layout().shape()[1] / 2,
        };
        Inputs {
            shape,
            x: x.to_contiguous(),
            weights: weights.map(|tensor| tensor.to_contiguous()),
        }
    }

    /// Runs one of the crate's forward passes. Returns pooled states, then
    /// attention, flat, and what else the pass gives.
    fn run<R>(
        &self,
        pass: fn(&mut KernelTime) -> &mut PassTime,
        encode: impl FnOnce(Shape, &Weights<'_>, &[f32], &mut [f32], &mut [f32]) -> R,
    ) -> (HostTensor, R) {
        let length = self.shape.pooled() + self.shape.attention();
        let mut flat = vec![0.0; length];
        let (pooled, attention) = flat.split_at_mut(self.shape.pooled());
        let (weights, x) = (self.weights(), floats(&self.x));
        let rest = timed(pass, self.shape, || {
            encode(self.shape, &weights, x, pooled, attention)
        });
        (host_tensor(flat, [length]), rest)
    }

    fn weights(&self) -> Weights<'_> {
        let [weight_ih, weight_hh, bias_ih, bias_hh, context] = &self.weights;
        Weights {
            weight_ih: floats(weight_ih),
            weight_hh: floats(weight_hh),
            bias_ih: floats(bias_ih),
            bias_hh: floats(bias_hh),
            context: floats(context),
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "`Inputs::new` makes every tensor contiguous, and this device's floats are f32"
)]
fn floats(tensor: &HostTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("a contiguous tensor of 32-bit floats")
}

fn host_tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> HostTensor {
    HostTensor::from_data(TensorData::new(values, shape))
}

impl RecurrentBackend for Flex {
    fn recurrent_encode(
        x: HostTensor,
        weight_ih: HostTensor,
        weight_hh: HostTensor,
        bias_ih: HostTensor,
        bias_hh: HostTensor,
        context: HostTensor,
    ) -> HostTensor {
        let inputs = Inputs::new(x, [weight_ih, weight_hh, bias_ih, bias_hh, context]);
        inputs.run(|time| &mut time.inference, recurrent::encode).0
    }
}

/// What the backward pass needs of the forward pass.
#[derive(Clone)]
struct Saved {
    inputs: Inputs,
    tape: Arc<Tape>,
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved")
            .field("shape", &self.inputs.shape)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct RecurrentBackward;

impl Backward<Flex, 6> for RecurrentBackward {
    type State = Saved;

    fn backward(self, ops: Ops<Saved, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Saved { inputs, tape } = ops.state;
        let shape = inputs.shape;
        let d_flat = grads.consume::<Flex>(&ops.node).to_contiguous();
        let (d_pooled, d_attention) = floats(&d_flat).split_at(shape.pooled());
        let [
            of_x,
            of_weight_ih,
            of_weight_hh,
            of_bias_ih,
            of_bias_hh,
            of_context,
        ] = ops.parents;

        let mut d_x = of_x.as_ref().map(|_| vec![0.0; shape.inputs()]);
        let mut d_weight_ih = vec![0.0; shape.weight_ih()];
        let mut d_weight_hh = vec![0.0; shape.weight_hh()];
        let mut d_bias = vec![0.0; shape.bias()];
        let mut d_context = vec![0.0; shape.context()];
        timed(
            |time| &mut time.backward,
            shape,
            || {
                tape.backward(
                    &inputs.weights(),
                    floats(&inputs.x),
                    d_pooled,
                    d_attention,
                    &mut recurrent::Gradients {
                        weight_ih: &mut d_weight_ih,
                        weight_hh: &mut d_weight_hh,
                        bias: &mut d_bias,
                        context: &mut d_context,
                    },
                    d_x.as_deref_mut(),
                );
            },
        );

        let Shape {
            groups,
            batch,
            time,
            input,
            hidden,
        } = shape;
        if let (Some(node), Some(d_x)) = (of_x, d_x) {
            let d_x = host_tensor(d_x, [groups, batch, time, input]);
            grads.register::<Flex>(node.id, d_x);
        }
        // Both biases are added to the same sum, so their gradients are equal.
        let d_bias = host_tensor(d_bias, [groups, 2, 4 * hidden]);
        let gradients = [
            (
                of_weight_ih,
                host_tensor(d_weight_ih, [groups, 2, 4 * hidden, input]),
            ),
            (
                of_weight_hh,
                host_tensor(d_weight_hh, [groups, 2, 4 * hidden, hidden]),
            ),
            (of_bias_ih, d_bias.clone()),
            (of_bias_hh, d_bias),
            (of_context, host_tensor(d_context, [groups, 2 * hidden])),
        ];
        for (node, gradient) in gradients {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

impl<C: CheckpointStrategy> RecurrentBackend for Autodiff<Flex, C> {
    fn recurrent_encode(
        x: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias_ih: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
        context: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [
            x.node(),
            weight_ih.node(),
            weight_hh.node(),
            bias_ih.node(),
            bias_hh.node(),
            context.node(),
        ];
        let weights = [weight_ih, weight_hh, bias_ih, bias_hh, context];
        let inputs = Inputs::new(
            x.primitive().clone(),
            weights.map(|tensor| tensor.primitive().clone()),
        );
        match RecurrentBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(operation) => {
                let (flat, tape) = inputs.run(|time| &mut time.forward, encode_for_training);
                let saved = Saved {
                    inputs,
                    tape: Arc::new(tape),
                };
                operation.finish(saved, flat)
            }
            OpsKind::UnTracked(operation) => {
                let [weight_ih, weight_hh, bias_ih, bias_hh, context] = inputs.weights;
                let flat = Flex::recurrent_encode(
                    inputs.x, weight_ih, weight_hh, bias_ih, bias_hh, context,
                );
                operation.finish(flat)
            }
        }
    }
}

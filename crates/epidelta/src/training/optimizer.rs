//! One step of Adam on clipped gradients.
//!
//! Gradients are scaled down together to an L2 norm over all weights, as PyTorch's
//! `clip_grad_norm_` does (burn's own clipping takes each tensor apart).

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};

use super::{
    adam::Adam,
    config::{Schedule, TrainingConfig},
};
use crate::model::{Epidelta, Network, Tensors, is_encoder, values};

/// Adam on clipped gradients.
#[derive(Debug)]
pub struct Optimizer {
    adam: Adam,
    learning_rate: f64,
    schedule: Schedule,
    /// Steps made.
    step: u64,
    /// Steps of the whole training.
    steps: u64,
    max_gradient_norm: f64,
    freeze_encoders: bool,
}

/// Steps that an optimizer has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OptimizerSteps {
    made: u64,
    adam: i32,
}

/// A quantity of a step that is not finite, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFinite(pub String);

impl Optimizer {
    /// An optimizer that has not made a step yet, of a training of at most so many.
    pub fn new(config: &TrainingConfig, steps: u64) -> Self {
        let averaged_steps = (config.averaged_share * steps as f64).round().max(1.0) as usize;
        Optimizer {
            adam: Adam::new(config.weight_decay, averaged_steps),
            learning_rate: config.learning_rate,
            schedule: config.schedule,
            step: 0,
            steps,
            max_gradient_norm: config.max_gradient_norm,
            freeze_encoders: config.freeze_encoders,
        }
    }

    /// Moves the weights against the gradients of the loss. Returns the model and
    /// the gradients' norm before clipping.
    ///
    /// # Errors
    /// When a gradient, or a weight after the step, is not finite.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        mut gradients: GradientsParams,
    ) -> Result<(M, f64), NotFinite> {
        if self.freeze_encoders {
            freeze_encoders(&mut gradients, &model);
        }
        let (norm, not_finite) = norm(&gradients, &model);
        if let Some(name) = not_finite {
            return Err(NotFinite(format!("the gradient of {name}")));
        }
        let factor = (self.max_gradient_norm / (norm + 1e-6)).min(1.0);
        let rate = self.learning_rate * self.schedule.factor(self.step, self.steps);
        self.step += 1;
        match self.adam.step(model, gradients, rate, factor as f32) {
            (model, None) => Ok((model, norm)),
            (_, Some(name)) => Err(NotFinite(format!("{name}, moved by the optimizer,"))),
        }
    }

    /// What a checkpoint keeps: steps made and, by weight, what Adam remembers.
    pub(super) fn state(&self, network: &Network) -> (OptimizerSteps, Tensors) {
        let (adam, tensors) = match network {
            Network::DeepDiff(_, model) => self.adam.state(model),
            Network::DeepChrome(_, model) => self.adam.state(model),
            Network::Epidelta(model) => self.adam.state(&model.layers),
        };
        let made = self.step;
        (OptimizerSteps { made, adam }, tensors)
    }

    /// Goes on from what [`Optimizer::state`] gave. Returns what does not fit the model.
    pub(super) fn restore(
        &mut self,
        network: &Network,
        steps: OptimizerSteps,
        tensors: Tensors,
    ) -> Vec<String> {
        self.step = steps.made;
        let (adam, steps) = (&mut self.adam, steps.adam);
        match network {
            Network::DeepDiff(_, model) => adam.restore(model, steps, tensors),
            Network::DeepChrome(_, model) => adam.restore(model, steps, tensors),
            Network::Epidelta(model) => adam.restore(&model.layers, steps, tensors),
        }
    }

    /// The model that predicts: its weights, or their running means.
    pub fn averaged<M: Module>(&self, model: M) -> M {
        self.adam.averaged(model)
    }

    /// The network that predicts, without tracking of gradients.
    pub(super) fn averaged_network(&self, network: &Network) -> Network {
        match network.valid() {
            Network::DeepDiff(config, model) => Network::DeepDiff(config, self.averaged(model)),
            Network::DeepChrome(config, model) => Network::DeepChrome(config, self.averaged(model)),
            Network::Epidelta(model) => Network::Epidelta(Epidelta {
                layers: self.averaged(model.layers),
                ..model
            }),
        }
    }
}

/// The gradient of a loss with respect to every weight.
pub fn gradients<M: Module>(loss: &Tensor<1>, model: &M) -> GradientsParams {
    GradientsParams::from_grads(loss.backward(), model)
}

/// Takes away the gradients of the encoders' weights.
fn freeze_encoders<M: Module>(gradients: &mut GradientsParams, model: &M) {
    struct Freeze<'g> {
        gradients: &'g mut GradientsParams,
        path: Vec<String>,
    }
    impl ModuleVisitor for Freeze<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.path.first().is_some_and(|field| is_encoder(field)) {
                self.gradients.remove::<D>(param.id);
            }
        }
    }
    model.visit(&mut Freeze {
        gradients,
        path: Vec::new(),
    });
}

/// The L2 norm over all weights, and the first weight whose gradient is not
/// finite, if any.
fn norm<M: Module>(gradients: &GradientsParams, model: &M) -> (f64, Option<String>) {
    struct Norm<'g> {
        gradients: &'g GradientsParams,
        path: Vec<String>,
        square: f64,
        not_finite: Option<String>,
    }
    impl ModuleVisitor for Norm<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(gradient) = self.gradients.get::<D>(param.id) else {
                return;
            };
            let square = sum_of_squares(&values(gradient));
            if !square.is_finite() && self.not_finite.is_none() {
                self.not_finite = Some(self.path.join("."));
            }
            self.square += square;
        }
    }
    let mut visitor = Norm {
        gradients,
        path: Vec::new(),
        square: 0.0,
        not_finite: None,
    };
    model.visit(&mut visitor);
    (visitor.square.sqrt(), visitor.not_finite)
}

/// In a fixed number of interleaved sums, which the compiler can keep in vectors.
fn sum_of_squares(values: &[f32]) -> f64 {
    const SUMS: usize = 8;
    let square = |value: f32| f64::from(value) * f64::from(value);
    let (chunks, rest) = values.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += square(value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().copied().map(square).sum::<f64>()
}

//! One step of Adam on clipped gradients.
//!
//! Gradients are scaled down together to an L2 norm over all weights, as PyTorch's
//! `clip_grad_norm_` does (burn's own clipping takes each tensor apart).

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    tensor::{Tensor, TensorData},
};

use super::settings::TrainingConfig;
use crate::model::DeepDiff;

/// Adam (Kingma and Ba 2015; beta 0.9 and 0.999, epsilon 1e-8) with its moments.
pub struct Optimizer {
    adam: ModuleOptimizer,
    learning_rate: f64,
    max_gradient_norm: f64,
}

/// A weight whose gradient is not finite, by its place in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFiniteGradient(pub String);

impl Optimizer {
    /// An optimizer that has not made a step yet.
    pub fn new(config: &TrainingConfig) -> Self {
        Optimizer {
            adam: AdamConfig::new().with_epsilon(1e-8).init(),
            learning_rate: config.learning_rate,
            max_gradient_norm: config.max_gradient_norm,
        }
    }

    /// Moves the weights against their gradients, those of the loss. Returns the
    /// model and the gradients' norm before clipping.
    ///
    /// # Errors
    /// When a gradient is not finite.
    pub fn step(
        &mut self,
        model: DeepDiff,
        gradients: GradientsParams,
    ) -> Result<(DeepDiff, f64), NotFiniteGradient> {
        let (norm, not_finite) = norm(&gradients, &model);
        if let Some(name) = not_finite {
            return Err(NotFiniteGradient(name));
        }
        let gradients = clip(gradients, &model, norm, self.max_gradient_norm);
        Ok((self.adam.step(self.learning_rate, model, gradients), norm))
    }
}

/// The gradient of a loss with respect to every weight.
pub fn gradients(loss: &Tensor<1>, model: &DeepDiff) -> GradientsParams {
    GradientsParams::from_grads(loss.backward(), model)
}

/// The L2 norm over all weights, and the first weight whose gradient is not
/// finite, if any.
fn norm(gradients: &GradientsParams, model: &DeepDiff) -> (f64, Option<String>) {
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
            let square = sum_of_squares(&gradient.into_data());
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
fn sum_of_squares(data: &TensorData) -> f64 {
    const SUMS: usize = 8;
    let square = |value: f32| f64::from(value) * f64::from(value);
    let Ok(values) = data.as_slice::<f32>() else {
        return data.iter::<f32>().map(square).sum();
    };
    let (chunks, rest) = values.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += square(value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().copied().map(square).sum::<f64>()
}

/// Scales gradients of the given norm so that it does not exceed the bound.
fn clip(gradients: GradientsParams, model: &DeepDiff, norm: f64, bound: f64) -> GradientsParams {
    struct Scale {
        gradients: GradientsParams,
        factor: f32,
    }
    impl ModuleVisitor for Scale {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.remove::<D>(param.id) {
                self.gradients
                    .register::<D>(param.id, gradient * self.factor);
            }
        }
    }
    let factor = bound / (norm + 1e-6);
    if factor >= 1.0 {
        return gradients;
    }
    let mut visitor = Scale {
        gradients,
        factor: factor as f32,
    };
    model.visit(&mut visitor);
    visitor.gradients
}

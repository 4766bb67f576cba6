//! One step of Adam on clipped gradients.
//!
//! Gradients are scaled down together to an L2 norm over all weights, as PyTorch's
//! `clip_grad_norm_` does (burn's own clipping takes each tensor apart).

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    tensor::Tensor,
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

    /// Moves the weights against the gradient of the loss. Returns the model and
    /// the gradient's norm before clipping.
    ///
    /// # Errors
    /// When a gradient is not finite.
    pub fn step(
        &mut self,
        model: DeepDiff,
        loss: &Tensor<1>,
    ) -> Result<(DeepDiff, f64), NotFiniteGradient> {
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let (norm, not_finite) = norm(&gradients, &model);
        if let Some(name) = not_finite {
            return Err(NotFiniteGradient(name));
        }
        let gradients = clip(gradients, &model, norm, self.max_gradient_norm);
        Ok((self.adam.step(self.learning_rate, model, gradients), norm))
    }
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
            let square: f64 = gradient
                .into_data()
                .iter::<f32>()
                .map(|g| f64::from(g) * f64::from(g))
                .sum();
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

//! Adam in one pass over weights, gradients and moments.
//!
//! burn's own takes a tensor operation, and a tensor, for each arithmetic one.

use std::collections::HashMap;

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};

use crate::model::values;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-8;

/// Adam (Kingma and Ba 2015, algorithm 1, with the order of operations of PyTorch's
/// `optim.Adam`) and its moments.
#[derive(Debug)]
pub(super) struct Adam {
    learning_rate: f64,
    /// Steps made, one count for all weights: every weight of a model has a gradient in every step.
    steps: i32,
    moments: HashMap<ParamId, Vec<Moments>>,
}

/// Running means of a weight's gradient and of its square.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    first: f32,
    second: f32,
}

impl Adam {
    /// Adam before its first step.
    pub fn new(learning_rate: f64) -> Self {
        Adam {
            learning_rate,
            steps: 0,
            moments: HashMap::new(),
        }
    }

    /// Moves every weight that has a gradient. The gradients count times `factor`.
    pub fn step<M: Module>(&mut self, model: M, gradients: GradientsParams, factor: f32) -> M {
        self.steps += 1;
        model.map(&mut Update {
            step: Step::new(self.steps, self.learning_rate, factor),
            gradients,
            moments: &mut self.moments,
        })
    }
}

/// The numbers of one step.
#[derive(Debug, Clone, Copy)]
struct Step {
    factor: f32,
    /// The learning rate over the first moment's bias correction.
    rate: f32,
    /// The root of the second moment's bias correction.
    root_correction: f32,
}

impl Step {
    fn new(steps: i32, learning_rate: f64, factor: f32) -> Self {
        let bias_correction = |beta: f64| 1.0 - beta.powi(steps);
        Step {
            factor,
            rate: (learning_rate / bias_correction(BETA_1)) as f32,
            root_correction: bias_correction(BETA_2).sqrt() as f32,
        }
    }

    fn apply(self, weights: &mut [f32], gradients: &[f32], moments: &mut [Moments]) {
        for ((weight, &gradient), moments) in weights.iter_mut().zip(gradients).zip(moments) {
            let gradient = gradient * self.factor;
            let first = moments.first + (gradient - moments.first) * (1.0 - BETA_1) as f32;
            let second =
                moments.second * BETA_2 as f32 + (1.0 - BETA_2) as f32 * gradient * gradient;
            *moments = Moments { first, second };
            *weight -= self.rate * first / (second.sqrt() / self.root_correction + EPSILON);
        }
    }
}

struct Update<'a> {
    step: Step,
    gradients: GradientsParams,
    moments: &'a mut HashMap<ParamId, Vec<Moments>>,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, weight, mapper) = param.consume();
        let (shape, device) = (weight.dims(), weight.device());
        let mut weights = values(weight);
        let moments = self.moments.entry(id).or_default();
        moments.resize(weights.len(), Moments::default());
        self.step.apply(&mut weights, &values(gradient), moments);
        let weight = Tensor::from_data(TensorData::new(weights, shape), &device).require_grad();
        Param::from_mapped_value(id, weight, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from PyTorch 2.15, `torch.optim.Adam([weights], lr=0.01)` with these
    /// gradients times 0.5.
    #[test]
    fn four_steps_equal_pytorch() {
        let mut weights = [0.5, -0.25, 1.0, 0.0, -2.0];
        let mut moments = [Moments::default(); 5];
        let gradients = [
            [1.0, -2.0, 0.0, 1e-7, 300.0],
            [0.5, 2.0, 0.0, -3e-7, -300.0],
            [-0.25, 2.0, 0.0, 1e-7, 5.0],
            [4.0, -1.0, 0.0, 2e-7, 0.0],
        ];
        for (steps, gradients) in (1..).zip(&gradients) {
            Step::new(steps, 0.01, 0.5).apply(&mut weights, gradients, &mut moments);
        }
        let expected: [f32; 5] = [
            0.468_184_65,
            -0.246_100_38,
            1.0,
            -0.003_876_044_4,
            -2.008_870_6,
        ];
        for (weight, expected) in weights.into_iter().zip(expected) {
            let difference = (weight - expected).abs();
            assert!(difference <= 2e-7 * expected.abs(), "{weight} {expected}");
        }
    }
}

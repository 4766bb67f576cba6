//! Adam in one pass over weights, gradients and moments.
//!
//! burn's own takes a tensor operation for each arithmetic one, three times the time of this.

use std::collections::HashMap;

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};

use crate::model::DeepDiff;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Adam (Kingma and Ba 2015, algorithm 1, with the order of operations of PyTorch's
/// `optim.Adam`) and its moments.
#[derive(Debug)]
pub(super) struct Adam {
    learning_rate: f64,
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
    pub fn step(&mut self, model: DeepDiff, gradients: GradientsParams, factor: f32) -> DeepDiff {
        self.steps += 1;
        let bias_correction = |beta: f32| 1.0 - f64::from(beta).powi(self.steps);
        let step = Step {
            factor,
            rate: (self.learning_rate / bias_correction(BETA_1)) as f32,
            root_correction: bias_correction(BETA_2).sqrt() as f32,
        };
        model.map(&mut Update {
            step,
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
    fn apply(self, weights: &mut [f32], gradients: &[f32], moments: &mut [Moments]) {
        for ((weight, &gradient), moments) in weights.iter_mut().zip(gradients).zip(moments) {
            let gradient = gradient * self.factor;
            let first = moments.first + (gradient - moments.first) * (1.0 - BETA_1);
            let second = moments.second * BETA_2 + gradient * gradient * (1.0 - BETA_2);
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
        let mut weights = floats(weight);
        let moments = self.moments.entry(id).or_default();
        moments.resize(weights.len(), Moments::default());
        self.step.apply(&mut weights, &floats(gradient), moments);
        let weight = Tensor::from_data(TensorData::new(weights, shape), &device).require_grad();
        Param::from_mapped_value(id, weight, mapper)
    }
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    match tensor.into_data().try_into_vec() {
        Ok(values) => values,
        Err(_) => unreachable!("weights and gradients are 32-bit floats"),
    }
}

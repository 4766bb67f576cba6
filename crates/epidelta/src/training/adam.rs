//! Adam in one pass over weights, gradients and moments.
//!
//! burn's own takes a tensor operation, and a tensor, for each arithmetic one.

use std::collections::HashMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};

use crate::model::{NamedTensor, Tensors, values};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-8;

/// Adam (Kingma and Ba 2015, algorithm 1, with the order of operations of PyTorch's
/// `optim.Adam`), its moments, and running means of the weights.
#[derive(Debug)]
pub(super) struct Adam {
    /// Weights shrink by this times the step size (PyTorch's `optim.AdamW`).
    weight_decay: f64,
    /// Steps over which weights are averaged; 1 for none.
    averaged_steps: usize,
    /// Steps made, one count for all weights: every weight of a model has a gradient in every step.
    steps: i32,
    states: HashMap<ParamId, Vec<State>>,
}

/// Running means: of a weight's gradient, of its square, and of the weight.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    first: f32,
    second: f32,
    average: f32,
}

impl Adam {
    /// Adam before its first step.
    pub fn new(weight_decay: f64, averaged_steps: usize) -> Self {
        Adam {
            weight_decay,
            averaged_steps,
            steps: 0,
            states: HashMap::new(),
        }
    }

    /// Moves every weight that has a gradient. The gradients count times `factor`. Returns the
    /// model and the first weight that is not finite any more, if any.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: GradientsParams,
        learning_rate: f64,
        factor: f32,
    ) -> (M, Option<String>) {
        self.steps += 1;
        let mut update = Update {
            step: Step::new(self.steps, learning_rate, factor, self.averaged_steps),
            shrink: (1.0 - learning_rate * self.weight_decay) as f32,
            gradients,
            states: &mut self.states,
            path: Vec::new(),
            not_finite: None,
        };
        let model = model.map(&mut update);
        (model, update.not_finite)
    }

    /// Steps made, and the running means of every weight that was moved, `[weight, 3]`: of its
    /// gradient, of the gradient's square, and of the weight.
    pub fn state<M: Module>(&self, model: &M) -> (i32, Tensors) {
        let mut save = Save {
            states: &self.states,
            path: Vec::new(),
            tensors: Tensors::new(),
        };
        model.visit(&mut save);
        (self.steps, save.tensors)
    }

    /// Goes on from what [`Adam::state`] gave. Returns what does not fit the model.
    pub fn restore<M: Module>(&mut self, model: &M, steps: i32, tensors: Tensors) -> Vec<String> {
        let mut restore = Restore {
            states: HashMap::new(),
            tensors,
            path: Vec::new(),
            problems: Vec::new(),
        };
        model.visit(&mut restore);
        let Restore {
            states,
            tensors,
            mut problems,
            ..
        } = restore;
        problems.extend(tensors.into_keys());
        (self.steps, self.states) = (steps, states);
        problems
    }

    /// The model with the running means of its weights.
    pub fn averaged<M: Module>(&self, model: M) -> M {
        if self.averaged_steps == 1 {
            return model;
        }
        model.map(&mut Averaged(&self.states))
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
    /// What the newest weight counts for in the running mean.
    newest: f32,
}

impl Step {
    fn new(steps: i32, learning_rate: f64, factor: f32, averaged_steps: usize) -> Self {
        let bias_correction = |beta: f64| 1.0 - beta.powi(steps);
        Step {
            factor,
            rate: (learning_rate / bias_correction(BETA_1)) as f32,
            root_correction: bias_correction(BETA_2).sqrt() as f32,
            // The mean of all weights so far until there are enough of them.
            newest: 1.0 / averaged_steps.min(steps as usize) as f32,
        }
    }

    fn apply(self, weights: &mut [f32], gradients: &[f32], states: &mut [State], shrink: f32) {
        for ((weight, &gradient), state) in weights.iter_mut().zip(gradients).zip(states) {
            let gradient = gradient * self.factor;
            let first = state.first + (gradient - state.first) * (1.0 - BETA_1) as f32;
            let second = state.second * BETA_2 as f32 + (1.0 - BETA_2) as f32 * gradient * gradient;
            let step = self.rate * first / (second.sqrt() / self.root_correction + EPSILON);
            *weight = *weight * shrink - step;
            let average = state.average + (*weight - state.average) * self.newest;
            *state = State {
                first,
                second,
                average,
            };
        }
    }
}

struct Update<'a> {
    step: Step,
    /// What weights that are no biases are multiplied by.
    shrink: f32,
    gradients: GradientsParams,
    states: &'a mut HashMap<ParamId, Vec<State>>,
    /// The names of the weight at hand and of what it is in.
    path: Vec<String>,
    not_finite: Option<String>,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, weight, mapper) = param.consume();
        let (shape, device) = (weight.dims(), weight.device());
        let mut weights = values(weight);
        let states = self.states.entry(id).or_default();
        states.resize(weights.len(), State::default());
        let is_bias = self.path.last().is_some_and(|name| name.contains("bias"));
        let shrink = if is_bias { 1.0 } else { self.shrink };
        let gradients = values(gradient);
        self.step.apply(&mut weights, &gradients, states, shrink);
        if self.not_finite.is_none() && !all_finite(&weights) {
            self.not_finite = Some(self.path.join("."));
        }
        let weight = Tensor::from_data(TensorData::new(weights, shape), &device).require_grad();
        Param::from_mapped_value(id, weight, mapper)
    }
}

/// Without an early return, so that the compiler can look at many at once.
fn all_finite(weights: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    let is_not = |weight: &f32| u32::from(weight.to_bits() & EXPONENT == EXPONENT);
    weights.iter().fold(0, |any, weight| any | is_not(weight)) == 0
}

struct Save<'a> {
    states: &'a HashMap<ParamId, Vec<State>>,
    path: Vec<String>,
    tensors: Tensors,
}

impl ModuleVisitor for Save<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(states) = self.states.get(&param.id) else {
            return;
        };
        let means = |state: &State| [state.first, state.second, state.average];
        let tensor = NamedTensor {
            shape: vec![states.len(), 3],
            values: states.iter().flat_map(means).collect(),
        };
        self.tensors.insert(self.path.join("."), tensor);
    }
}

struct Restore {
    states: HashMap<ParamId, Vec<State>>,
    tensors: Tensors,
    path: Vec<String>,
    problems: Vec<String>,
}

impl ModuleVisitor for Restore {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Weights that were never moved have no means.
        let Some((name, tensor)) = self.tensors.remove_entry(&self.path.join(".")) else {
            return;
        };
        let (means, rest) = tensor.values.as_chunks::<3>();
        let weights: usize = param.val().dims().iter().product();
        if means.len() != weights || !rest.is_empty() {
            self.problems.push(name);
            return;
        }
        let state = |&[first, second, average]: &[f32; 3]| State {
            first,
            second,
            average,
        };
        self.states
            .insert(param.id, means.iter().map(state).collect());
    }
}

struct Averaged<'a>(&'a HashMap<ParamId, Vec<State>>);

impl ModuleMapper for Averaged<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, weight, mapper) = param.consume();
        let Some(states) = self.0.get(&id) else {
            return Param::from_mapped_value(id, weight, mapper);
        };
        let average: Vec<f32> = states.iter().map(|state| state.average).collect();
        let data = TensorData::new(average, weight.dims());
        Param::from_mapped_value(id, Tensor::from_data(data, &weight.device()), mapper)
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
        let mut states = [State::default(); 5];
        let gradients = [
            [1.0, -2.0, 0.0, 1e-7, 300.0],
            [0.5, 2.0, 0.0, -3e-7, -300.0],
            [-0.25, 2.0, 0.0, 1e-7, 5.0],
            [4.0, -1.0, 0.0, 2e-7, 0.0],
        ];
        for (steps, gradients) in (1..).zip(&gradients) {
            Step::new(steps, 0.01, 0.5, 1).apply(&mut weights, gradients, &mut states, 1.0);
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

//! Where tests find the real data that are not part of the repository, how they name
//! gradients, and how they read golden numbers.

#![allow(dead_code, reason = "each test uses some of it")]

use std::path::PathBuf;

use burn::{
    module::{ModuleMapper, Param},
    optim::GradientsParams,
    tensor::Tensor,
};
use epidelta::{
    method::{MethodConfig, NetworkSettings, Preset, Settings},
    model::{
        DeepDiffConfig, NamedTensor, NamedWeights, Tensors, Variant, named_tensors, with_tensors,
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// The settings of a DeepDiff.
pub fn deepdiff(variant: Variant, preset: Preset) -> NetworkSettings<DeepDiffConfig> {
    match Settings::of(variant, preset).method {
        MethodConfig::DeepDiff(settings) => settings,
        other => panic!("{other:?} is no DeepDiff"),
    }
}

/// A file or folder of the shared data, or `None` (said on stderr) where
/// `EPIDELTA_SHARED` is not set. With the variable set, a missing file fails.
pub fn shared(path: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("EPIDELTA_SHARED") else {
        eprintln!("skipped: EPIDELTA_SHARED is not set, so there is no {path}");
        return None;
    };
    let path = PathBuf::from(root).join(path);
    assert!(path.exists(), "{} is missing", path.display());
    Some(path)
}

/// Puts every weight's gradient in its place.
pub struct IntoGradients(pub GradientsParams);

impl ModuleMapper for IntoGradients {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let gradient = self.0.remove::<D>(param.id).expect("a gradient");
        param.map(|_| gradient)
    }
}

/// The cases of a test in a file of golden numbers.
pub fn cases(golden: &str, test: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(golden).unwrap();
    let cases = golden[test].as_array().unwrap().clone();
    assert!(!cases.is_empty(), "no case of {test}");
    cases
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// The shape and the numbers of nested lists.
pub fn tensor(value: &Value) -> NamedTensor {
    let Some(list) = value.as_array() else {
        return NamedTensor {
            shape: Vec::new(),
            values: vec![value.as_f64().unwrap() as f32],
        };
    };
    let parts: Vec<NamedTensor> = list.iter().map(tensor).collect();
    let mut shape = vec![parts.len()];
    shape.extend(&parts[0].shape);
    NamedTensor {
        shape,
        values: parts.into_iter().flat_map(|part| part.values).collect(),
    }
}

/// Checks the gradient of a loss by each tensor of a model against its differences along a drawn
/// direction of length one.
pub fn equal_finite_differences<M: NamedWeights + Clone>(
    name: &str,
    model: &M,
    gradients: &Tensors,
    loss: impl Fn(&M) -> f64,
) {
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    let weights = named_tensors(model);
    for (tensor, gradient) in gradients {
        let mut direction: Vec<f32> = (0..gradient.values.len())
            .map(|_| generator.random_range(-1.0_f32..1.0))
            .collect();
        let length = direction.iter().map(|d| d * d).sum::<f32>().sqrt();
        direction.iter_mut().for_each(|d| *d /= length);
        let at = |step: f32| -> f64 {
            let mut moved = weights.clone();
            let values = &mut moved.get_mut(tensor).unwrap().values;
            for (value, along) in values.iter_mut().zip(&direction) {
                *value += step * along;
            }
            loss(&with_tensors(model.clone(), moved).unwrap())
        };
        // Fourth-order central differences: with 32-bit losses the step must be large, so the
        // error of the formula must be small.
        let h = 0.02_f32;
        let near = at(h) - at(-h);
        let far = at(2.0 * h) - at(-2.0 * h);
        let numeric = (8.0 * near - far) / (12.0 * f64::from(h));
        let exact: f64 = gradient
            .values
            .iter()
            .zip(&direction)
            .map(|(g, d)| f64::from(g * d))
            .sum();
        let scale = at(0.0).abs().max(1.0);
        assert!(
            (numeric - exact).abs() < 2e-3 * exact.abs() + 3e-5 * scale,
            "{name} {tensor}: {numeric} is not {exact}"
        );
    }
}

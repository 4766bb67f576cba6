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
    model::{DeepDiffConfig, Variant},
};
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

//! The Epidelta network: equal to PyTorch in outputs, attention, losses and the gradient of
//! every weight (expected values: tools/reference/epidelta_network.py), and antisymmetric to
//! the last bit.

mod common;

use std::collections::BTreeMap;

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use epidelta::{
    dataset::{Batch, Task},
    method::{Method, MethodConfig, Preset, Settings},
    model::{
        DataSize, Epidelta, EpideltaConfig, ExpressionThresholds, Kernel, Network, Output,
        SignalTensors, Tensors, named_tensors, with_tensors,
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::Value;

use common::tensor;

const KERNELS: [Kernel; 2] = [Kernel::Fused, Kernel::Composed];

#[derive(Deserialize)]
struct Golden {
    config: EpideltaConfig,
    signal_a: Value,
    signal_b: Value,
    cell_types: Vec<[Option<usize>; 2]>,
    log2_fold_change: Vec<f64>,
    log2_expression_a: Vec<f64>,
    log2_expression_b: Vec<f64>,
    weights: BTreeMap<String, Value>,
    predicted: Value,
    predicted_a: Value,
    predicted_b: Value,
    attention_bins: [Value; 2],
    attention_marks: [Value; 2],
    regression: OfTask,
    classification: OfTask,
}

#[derive(Deserialize)]
struct OfTask {
    loss: f32,
    gradients: Option<BTreeMap<String, Value>>,
}

fn golden() -> BTreeMap<String, Golden> {
    serde_json::from_str(include_str!("golden/epidelta.json")).unwrap()
}

impl Golden {
    fn batch(&self) -> Batch {
        let (a, b) = (tensor(&self.signal_a), tensor(&self.signal_b));
        let [marks, genes, bins] = a.shape[..] else {
            panic!("a signal of shape {:?}", a.shape);
        };
        Batch {
            genes: (0..genes).collect(),
            marks,
            bins,
            signal_a: a.values,
            signal_b: b.values,
            cell_types: self.cell_types.clone(),
            log2_fold_change: self.log2_fold_change.clone(),
            log2_expression_a: self.log2_expression_a.clone(),
            log2_expression_b: self.log2_expression_b.clone(),
        }
    }

    fn model(&self, device: &Device) -> Epidelta {
        let batch = self.batch();
        let size = DataSize {
            marks: batch.marks,
            bins: batch.bins,
            cell_types: 3,
        };
        let model = Epidelta::new(&self.config, size, 1, device).unwrap();
        let weights = self.weights.iter();
        let weights: Tensors = weights.map(|(n, v)| (n.clone(), tensor(v))).collect();
        with_tensors(model, weights).unwrap()
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// To 1e-5 of the largest number, or to what is nothing beside losses of the order of ten.
fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(
            error <= 1e-5 * largest + 1e-9,
            "{what}: {found} is not {expected}, beside {largest}"
        );
    }
}

fn close_tensor<const D: usize>(what: &str, found: Tensor<D>, expected: &Value) {
    let expected = tensor(expected);
    assert_eq!(found.dims()[..], expected.shape, "{what}");
    close(what, &numbers(found), &expected.values);
}

/// Without dropout.
fn forward(model: &Epidelta, batch: &Batch, kernel: Kernel) -> Output {
    let device = model.layers.output.val().device();
    model.forward(&SignalTensors::of(batch, &device), kernel, true, None)
}

fn loss(model: &Epidelta, output: &Output, batch: &Batch, task: Task) -> Tensor<1> {
    let thresholds = ExpressionThresholds::default();
    Network::Epidelta(model.clone()).loss(output, batch, thresholds, task)
}

/// The gradient of every weight under its name.
fn gradients(model: &Epidelta, loss: &Tensor<1>) -> Tensors {
    let gradients = GradientsParams::from_grads(loss.backward(), &model.layers);
    let layers = model.layers.clone();
    let mut gradients = named_tensors(&Epidelta {
        layers: layers.map(&mut common::IntoGradients(gradients)),
        ..model.clone()
    });
    gradients.retain(|name, _| !name.starts_with("standard."));
    gradients
}

#[test]
fn outputs_attention_losses_and_gradients_equal_pytorch() {
    let device = Device::flex().autodiff();
    for (name, golden) in golden() {
        let batch = golden.batch();
        for kernel in KERNELS {
            let of = |what: &str| format!("{name} {kernel:?} {what}");
            let model = golden.model(&device);
            let output = forward(&model, &batch, kernel);
            let [a, b] = output.cells.unwrap();
            let predicted = output.log2_fold_change;
            close_tensor(&of("prediction"), predicted, &golden.predicted);
            close_tensor(&of("expression in A"), a, &golden.predicted_a);
            close_tensor(&of("expression in B"), b, &golden.predicted_b);
            let bins = output.attention.bins_cells.unwrap();
            let marks = output.attention.marks_cells.unwrap();
            for side in [0, 1] {
                let expected = &golden.attention_bins[side];
                close_tensor(&of("attention over bins"), bins[side].clone(), expected);
                let expected = &golden.attention_marks[side];
                close_tensor(&of("attention over marks"), marks[side].clone(), expected);
            }

            for (task, expected) in [
                (Task::Regression, &golden.regression),
                (Task::Classification, &golden.classification),
            ] {
                let output = forward(&model, &batch, kernel);
                let loss = loss(&model, &output, &batch, task);
                close(&of("loss"), &numbers(loss.clone()), &[expected.loss]);
                let Some(expected) = &expected.gradients else {
                    continue;
                };
                let gradients = gradients(&model, &loss);
                assert!(gradients.keys().eq(expected.keys()), "{name}");
                for (weight, expected) in expected {
                    let expected = tensor(expected);
                    let found = &gradients[weight];
                    assert_eq!(found.shape, expected.shape, "{}", of(weight));
                    close(&of(weight), &found.values, &expected.values);
                }
            }
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let device = Device::flex().autodiff();
    for (name, golden) in golden() {
        let batch = golden.batch();
        for kernel in KERNELS {
            for task in [Task::Regression, Task::Classification] {
                let model = golden.model(&device);
                let of =
                    |model: &Epidelta| loss(model, &forward(model, &batch, kernel), &batch, task);
                let gradients = gradients(&model, &of(&model));
                common::equal_finite_differences(
                    &format!("{name} {kernel:?} {task}"),
                    &golden.model(&Device::flex()),
                    &gradients,
                    |model| f64::from(of(model).into_scalar::<f32>()),
                );
            }
        }
    }
}

/// A network of so many cell types, all weights drawn, those that start at zero too.
fn drawn(config: &EpideltaConfig, size: DataSize, generator: &mut ChaCha8Rng) -> Epidelta {
    let model = Epidelta::new(config, size, 1, &Device::flex()).unwrap();
    let mut weights = named_tensors(&model);
    for (name, tensor) in &mut weights {
        if !name.starts_with("standard.") {
            let values = tensor.values.iter_mut();
            values.for_each(|value| *value = generator.random_range(-0.5..0.5));
        }
    }
    weights.get_mut("standard.label").unwrap().values[0] = 2.3;
    weights.get_mut("standard.expression").unwrap().values = vec![4.1, 2.7];
    with_tensors(model, weights).unwrap()
}

#[test]
fn swapping_the_cell_types_turns_the_prediction_round_to_the_last_bit() {
    let mut generator = ChaCha8Rng::seed_from_u64(7);
    let MethodConfig::Epidelta(default) = Settings::of(Method::Epidelta, Preset::Tuned).method
    else {
        panic!("an Epidelta's settings");
    };
    let small = EpideltaConfig {
        bins_per_step: 3,
        joint_encoder: false,
        hidden_bins: 5,
        hidden_marks: 3,
        hidden_head: 7,
        windows: vec![3],
        ..default.model.clone()
    };
    let size = DataSize {
        marks: 5,
        bins: 41,
        cell_types: 3,
    };
    for config in [&default.model, &small] {
        let model = drawn(config, size, &mut generator);
        for genes in [1, 3, 64, 128] {
            let mut signal = || -> Vec<f32> {
                let numbers = 0..size.marks * genes * size.bins;
                numbers.map(|_| generator.random_range(0.0..4.0)).collect()
            };
            let (signal_a, signal_b) = (signal(), signal());
            // Every pair of cell types in turn, ones that did not train among them.
            let known = [None, Some(0), Some(1), Some(2)];
            let cell_types = (0..genes).map(|gene| [known[gene % 4], known[gene / 4 % 4]]);
            let batch = Batch {
                genes: (0..genes).collect(),
                marks: size.marks,
                bins: size.bins,
                signal_a,
                signal_b,
                cell_types: cell_types.collect(),
                log2_fold_change: vec![0.0; genes],
                log2_expression_a: vec![0.0; genes],
                log2_expression_b: vec![0.0; genes],
            };
            let swapped = Batch {
                signal_a: batch.signal_b.clone(),
                signal_b: batch.signal_a.clone(),
                cell_types: batch.cell_types.iter().map(|&[a, b]| [b, a]).collect(),
                ..batch.clone()
            };
            for kernel in KERNELS {
                let [forth, back] = [&batch, &swapped].map(|of| forward(&model, of, kernel));
                let change = numbers(forth.log2_fold_change);
                let turned = change.iter().map(|change| -change);
                let back_change = numbers(back.log2_fold_change);
                assert!(turned.eq(back_change), "{genes} genes, {kernel:?}");
                assert!(change.iter().any(|change| change.abs() > 0.1));
                let [a, b] = forth.cells.unwrap().map(numbers);
                assert_eq!(back.cells.unwrap().map(numbers), [b, a]);
            }
        }
    }
}

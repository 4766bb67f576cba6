//! DeepChrome equals PyTorch: output, losses and the gradient of every weight.
//! Expected values: tools/reference/deepchrome.py.

use std::collections::BTreeMap;

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use epidelta::{
    dataset::{Batch, Task},
    model::{
        Channel, DeepChrome, DeepChromeConfig, NamedTensor, SignalTensors, Tensors, named_tensors,
        task_loss, with_tensors,
    },
};
use serde::Deserialize;
use serde_json::Value;

use crate::common::IntoGradients;

#[derive(Deserialize)]
struct Golden {
    config: Sizes,
    input: Value,
    weights: BTreeMap<String, Value>,
    output: Value,
    regression: OfTask,
    classification: OfTask,
}

#[derive(Deserialize)]
struct Sizes {
    channels: usize,
    bins: usize,
    filters: usize,
    width: usize,
    pool: usize,
    hidden: [usize; 2],
}

#[derive(Deserialize)]
struct OfTask {
    targets: Value,
    loss: f32,
    gradients: BTreeMap<String, Value>,
}

/// The shape and the numbers of nested lists.
fn tensor(value: &Value) -> NamedTensor {
    let Some(list) = value.as_array() else {
        let number = value.as_f64().unwrap() as f32;
        return NamedTensor {
            shape: Vec::new(),
            values: vec![number],
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

fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(
            error <= 1e-5 * largest.max(1e-3),
            "{what}: {found} is not {expected}"
        );
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The input as the signal of cell type A, its channels as marks.
fn batch(golden: &Golden, labels: Vec<f64>) -> Batch {
    let NamedTensor { shape, values } = tensor(&golden.input); // [batch, channel, bin]
    let [genes, channels, bins] = shape[..] else {
        panic!("a signal of shape {shape:?}");
    };
    let of = |channel: usize, gene: usize| &values[(gene * channels + channel) * bins..][..bins];
    let by_mark = (0..channels).flat_map(|c| (0..genes).flat_map(move |g| of(c, g).to_vec()));
    Batch {
        genes: (0..genes).collect(),
        marks: channels,
        bins,
        signal_a: by_mark.collect(),
        signal_b: vec![0.0; values.len()],
        log2_expression_a: labels.clone(),
        log2_expression_b: labels.clone(),
        cell_types: Vec::new(),
        log2_fold_change: labels,
    }
}

#[test]
fn output_losses_and_gradients_equal_pytorch() {
    let golden: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("../golden/deepchrome.json")).unwrap();
    let device = Device::flex().autodiff();
    for (name, golden) in &golden {
        let config = DeepChromeConfig {
            channels: vec![Channel::A],
            cell_task: Task::Regression,
            filters: golden.config.filters,
            filter_width: golden.config.width,
            pool: golden.config.pool,
            hidden: golden.config.hidden,
            dropout: 0.5,
            heads_start_at_mean: false,
        };
        let shape = [golden.config.channels, golden.config.bins];
        let weights: Tensors = golden
            .weights
            .iter()
            .map(|(name, value)| (name.clone(), tensor(value)))
            .collect();
        let model = DeepChrome::new(&config, shape, 1, &device).unwrap();
        let model = with_tensors(model, weights).unwrap();
        for (task, of_task) in [
            (Task::Regression, &golden.regression),
            (Task::Classification, &golden.classification),
        ] {
            let targets = tensor(&of_task.targets).values;
            let batch = batch(golden, targets.into_iter().map(f64::from).collect());
            let signal = SignalTensors::of(&batch, &device);
            // Without a generator there is no dropout.
            let output = model.forward(&config, &signal, None);
            close(
                name,
                &numbers(output.clone()),
                &tensor(&golden.output).values,
            );
            let loss = task_loss(output, &batch.log2_fold_change, task);
            close(name, &numbers(loss.clone()), &[of_task.loss]);
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            let gradients = named_tensors(&model.clone().map(&mut IntoGradients(gradients)));
            assert_eq!(gradients.len(), of_task.gradients.len() - 1); // not of the input
            for (weight, gradient) in gradients {
                let expected = tensor(&of_task.gradients[&weight]);
                assert_eq!(gradient.shape, expected.shape, "{name} {weight}");
                close(
                    &format!("{name} {weight}"),
                    &gradient.values,
                    &expected.values,
                );
            }
        }
    }
}

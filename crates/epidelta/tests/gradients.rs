//! Gradients against finite differences, every tensor of a small model in every
//! configuration.

mod common;

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use epidelta::{
    dataset::{Batch, Task},
    method::Preset,
    model::{
        Auxiliary, ContrastiveForm, DeepDiff, DeepDiffConfig, ExpressionThresholds, Kernel,
        SignalTensors, Variant, losses, named_tensors,
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MARKS: usize = 2;
const BINS: usize = 7;
const GENES: usize = 4;
const THRESHOLDS: ExpressionThresholds = ExpressionThresholds { a: 3.0, b: 3.0 };

fn batch(generator: &mut ChaCha8Rng) -> Batch {
    let mut draw = |count: usize, low: f32, high: f32| -> Vec<f32> {
        (0..count)
            .map(|_| generator.random_range(low..high))
            .collect()
    };
    Batch {
        genes: (0..GENES).collect(),
        marks: MARKS,
        bins: BINS,
        signal_a: draw(MARKS * GENES * BINS, 0.0, 2.0),
        signal_b: draw(MARKS * GENES * BINS, 0.0, 2.0),
        // Both sides of the boundary between similar and dissimilar genes.
        cell_types: Vec::new(),
        log2_fold_change: vec![-3.0, -0.5, 0.7, 4.0],
        log2_expression_a: vec![1.0, 4.0, 5.0, 2.0],
        log2_expression_b: vec![5.0, 3.5, 1.0, 0.5],
    }
}

fn loss(model: &DeepDiff, config: &DeepDiffConfig, batch: &Batch, kernel: Kernel) -> Tensor<1> {
    let signal = SignalTensors::of(batch, &model.head.weight.val().device());
    let output = model.forward(config, signal, kernel);
    losses(&output, batch, config, THRESHOLDS, Task::Regression).total
}

fn configurations() -> Vec<(String, DeepDiffConfig)> {
    let mut all = Vec::new();
    for variant in Variant::ALL {
        let model = common::deepdiff(variant, Preset::Reference).model;
        let small = DeepDiffConfig {
            hidden_bins: 3,
            hidden_marks: 2,
            hidden_head: 4,
            initial_bound: 0.7,
            ..model
        };
        all.push((variant.name().to_owned(), small.clone()));
        if variant.has_auxiliary() {
            let classification = DeepDiffConfig {
                auxiliary: Auxiliary::Classification,
                ..small.clone()
            };
            all.push((format!("{variant} classification"), classification));
        }
        if variant.is_siamese() {
            let linear = DeepDiffConfig {
                contrastive_form: ContrastiveForm::Linear,
                ..small
            };
            all.push((format!("{variant} linear"), linear));
        }
    }
    all
}

#[test]
fn gradients_equal_finite_differences() {
    let device = Device::flex().autodiff();
    for (name, config) in configurations() {
        for kernel in [Kernel::Fused, Kernel::Composed] {
            let mut generator = ChaCha8Rng::seed_from_u64(3);
            let batch = batch(&mut generator);
            let model = DeepDiff::new(&config, MARKS, 5, &device).unwrap();
            let gradients = loss(&model, &config, &batch, kernel).backward();
            let gradients = GradientsParams::from_grads(gradients, &model);
            let gradients =
                named_tensors(&model.clone().map(&mut common::IntoGradients(gradients)));

            common::equal_finite_differences(
                &format!("{name} {kernel:?}"),
                &model.valid(),
                &gradients,
                |model| f64::from(loss(model, &config, &batch, kernel).into_scalar::<f32>()),
            );
        }
    }
}

//! Equality with the published PyTorch implementation (QData/DeepDiffChrome
//! 2aef9c5), run in 64-bit on a batch of ten real genes: predictions, attention,
//! losses, gradients and weights after 20 steps of Adam. The tensors lie in the
//! shared data, `data/parity`; its README tells how they were made.

mod common;

use std::path::Path;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use epidelta::{
    dataset::{Batch, Task},
    method::{NetworkSettings, Preset},
    model::{
        DeepDiff, DeepDiffConfig, ExpressionThresholds, Kernel, Output, SignalTensors, Tensors,
        Variant, WeightsFile, losses, named_tensors, read_tensors,
    },
    training::{Optimizer, gradients},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const STRESS: [(Variant, &str); 3] = [
    (Variant::RawD, "stress_raw_d"),
    (Variant::RawAux, "stress_raw_aux"),
    (Variant::AuxSiamese, "stress_aux_siamese"),
];

fn reference(variant: Variant) -> NetworkSettings<DeepDiffConfig> {
    common::deepdiff(variant, Preset::Reference)
}

fn folder_of(variant: Variant) -> String {
    variant.name().replace('-', "_")
}

/// The reference keeps signal as `[gene, bin, mark]`.
fn read_batch(parity: &Path) -> Batch {
    let tensors = read_tensors(&parity.join("batch.safetensors")).unwrap();
    let signal = |name: &str| -> Vec<f32> {
        let [genes, bins, marks] = tensors[name].shape[..] else {
            panic!("three dimensions")
        };
        let values = &tensors[name].values;
        (0..marks * genes * bins)
            .map(|i| {
                let (mark, gene, bin) = (i / (genes * bins), i / bins % genes, i % bins);
                values[(gene * bins + bin) * marks + mark]
            })
            .collect()
    };
    let targets = |name: &str| tensors[name].values.iter().map(|&y| f64::from(y)).collect();
    Batch {
        genes: (0..10).collect(),
        marks: 5,
        bins: 200,
        signal_a: signal("X_A"),
        signal_b: signal("X_B"),
        cell_types: Vec::new(),
        log2_fold_change: targets("y_diff"),
        log2_expression_a: targets("y_A"),
        log2_expression_b: targets("y_B"),
    }
}

fn load(config: &DeepDiffConfig, folder: &Path, device: &Device) -> DeepDiff {
    let model = DeepDiff::new(config, 5, 1, device).unwrap();
    let weights = WeightsFile::read(&folder.join("init.safetensors")).unwrap();
    weights.put_into(model).unwrap()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn assert_close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}: length");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= tolerance, "{what} [{i}]: {a} is not {b}");
    }
}

/// `[encoder, batch, bin]` to the reference's `[batch, encoder * bin]`.
fn by_gene(attention: Tensor<3>) -> Tensor<2> {
    let [encoders, batch, bins] = attention.dims();
    attention.swap_dims(0, 1).reshape([batch, encoders * bins])
}

fn check_forward(name: &str, output: &Output, expected: &Tensors) {
    let check = |key: &str, ours: Vec<f32>| {
        assert_close(&format!("{name} {key}"), &ours, &expected[key].values, 1e-6);
    };
    check("prediction", values(output.log2_fold_change.clone()));
    if let Some([a, b]) = output.cells.clone() {
        check("prediction_A", values(a));
        check("prediction_B", values(b));
    }
    if expected.contains_key("embedding_A") {
        let [a, b] = output.embeddings.clone().expect("embeddings");
        check("embedding_A", values(a));
        check("embedding_B", values(b));
    }
    let attention = output.attention.clone();
    // The reference reports the joint level II where there is one, else the two
    // cell-specific ones side by side; bins likewise.
    let marks = match (attention.marks_joint, attention.marks_cells.clone()) {
        (Some(joint), _) => joint,
        (None, Some(cells)) => Tensor::cat(cells.to_vec(), 1),
        (None, None) => panic!("no attention over marks"),
    };
    check("beta_hm_attention", values(marks));
    let bins = match (attention.bins_raw, attention.bins_cells.clone()) {
        (Some(raw), _) => by_gene(raw),
        (None, Some(cells)) => Tensor::cat(cells.map(by_gene).to_vec(), 1),
        (None, None) => panic!("no attention over bins"),
    };
    check("alpha_bin_attention", values(bins));
    if name.starts_with("stress") {
        return; // these sets have no intermediates
    }
    // What the reference does not report, but its intermediates hold.
    if let Some([a, b]) = attention.marks_cells {
        check("mid.hm_level_rnn_1.call0.attn", values(a));
        check("mid.hm_level_rnn_2.call0.attn", values(b));
    }
    if let Some([a, b]) = attention.bins_cells {
        let shared = expected.contains_key("mid.rnn_hms.0.call1.attn");
        for mark in 0..5 {
            let of = |cell: &Tensor<3>| values(cell.clone().narrow(0, mark, 1));
            check(&format!("mid.rnn_hms.{mark}.call0.attn"), of(&a));
            let key = if shared {
                format!("mid.rnn_hms.{mark}.call1.attn")
            } else {
                format!("mid.rnn_hms2.{mark}.call0.attn")
            };
            check(&key, of(&b));
        }
    }
}

fn check_losses_and_gradients(
    name: &str,
    config: &DeepDiffConfig,
    batch: &Batch,
    folder: &Path,
    kernel: Kernel,
) {
    let device = Device::flex().autodiff();
    let model = load(config, folder, &device);
    let expected = read_tensors(&folder.join("forward.safetensors")).unwrap();
    let output = model.forward(config, SignalTensors::of(batch, &device), kernel);
    check_forward(name, &output, &expected);

    let terms = losses(
        &output,
        batch,
        config,
        ExpressionThresholds::default(),
        Task::Regression,
    );
    let check_loss = |key: &str, loss: &Tensor<1>| {
        let (ours, theirs) = (values(loss.clone())[0], expected[key].values[0]);
        let relative = ((ours - theirs) / theirs).abs();
        assert!(relative <= 1e-4, "{name} {key}: {ours} is not {theirs}");
    };
    check_loss("loss.diff", &terms.difference);
    check_loss("loss.total", &terms.total);
    if let Some([a, b]) = &terms.auxiliary {
        check_loss("loss.aux_A", a);
        check_loss("loss.aux_B", b);
    }
    assert_eq!(
        terms.contrastive.is_some(),
        expected.contains_key("loss.contrastive"),
        "{name}: contrastive loss"
    );
    if let Some(contrastive) = &terms.contrastive {
        check_loss("loss.contrastive", contrastive);
    }

    let gradients = gradients(&terms.total, &model);
    let ours = named_tensors(&model.map(&mut common::IntoGradients(gradients)));
    let theirs = read_tensors(&folder.join("grad.safetensors")).unwrap();
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>(),
        "{name}: names of the gradients"
    );
    for (key, theirs) in &theirs {
        let ours = &ours[key];
        assert_eq!(ours.shape, theirs.shape, "{name} {key}: shape");
        let norm = |values: &mut dyn Iterator<Item = f32>| -> f64 {
            values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
        };
        let mut off = ours.values.iter().zip(&theirs.values).map(|(a, b)| a - b);
        let relative = norm(&mut off) / norm(&mut theirs.values.iter().copied()).max(1e-30);
        assert!(
            relative <= 1e-4,
            "{name} {key}: gradient off by {relative:e}"
        );
    }
}

#[test]
fn forward_losses_and_gradients_equal_the_reference() {
    let Some(parity) = common::shared("data/parity") else {
        return;
    };
    let batch = read_batch(&parity);
    let plain = Variant::ALL.map(|variant| (variant, folder_of(variant)));
    let stress = STRESS.map(|(variant, folder)| (variant, folder.to_owned()));
    for (variant, folder) in plain.into_iter().chain(stress) {
        let config = reference(variant).model;
        for kernel in [Kernel::Fused, Kernel::Composed] {
            let name = format!("{folder} {kernel:?}");
            check_losses_and_gradients(&name, &config, &batch, &parity.join(&folder), kernel);
        }
    }
}

#[test]
fn weights_after_twenty_steps_equal_the_reference() {
    let Some(parity) = common::shared("data/parity") else {
        return;
    };
    let batch = read_batch(&parity);
    let device = Device::flex().autodiff();
    for variant in Variant::ALL {
        let settings = reference(variant);
        let folder = parity.join(folder_of(variant));
        let mut model = load(&settings.model, &folder, &device);
        let mut optimizer = Optimizer::new(&settings.training, 1);
        let expected = read_tensors(&folder.join("forward.safetensors")).unwrap();
        for step in 0..20 {
            let signal = SignalTensors::of(&batch, &device);
            assert_eq!(settings.model.dropout, 0.0);
            let mut unused = ChaCha8Rng::seed_from_u64(1);
            let output = model.forward_training(&settings.model, signal, &mut unused);
            assert!(output.attention.bins_raw.is_none() && output.attention.bins_cells.is_none());
            let thresholds = ExpressionThresholds::default();
            let loss = losses(
                &output,
                &batch,
                &settings.model,
                thresholds,
                Task::Regression,
            )
            .total;
            let gradients = gradients(&loss, &model);
            let norm;
            (model, norm) = optimizer.step(model, gradients).unwrap();
            if step == 0 {
                let theirs = f64::from(expected["grad_norm_before_clip"].values[0]);
                assert!(
                    (norm / theirs - 1.0).abs() < 1e-5,
                    "{variant}: {norm} {theirs}"
                );
            }
        }
        let theirs = read_tensors(&folder.join("after20.safetensors")).unwrap();
        for (key, ours) in named_tensors(&model) {
            let name = format!("{variant} {key} after 20 steps");
            assert_close(&name, &ours.values, &theirs[&key].values, 1e-6);
        }
        let output = model.forward(
            &settings.model,
            SignalTensors::of(&batch, &device),
            Kernel::Fused,
        );
        let ours = values(output.log2_fold_change);
        let theirs = &expected["prediction_after20"].values;
        assert_close(
            &format!("{variant} prediction after 20"),
            &ours,
            theirs,
            1e-6,
        );
    }
}

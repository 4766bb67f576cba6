//! Labels, splits and the training loop's promises.

mod common;

use burn::tensor::Device;
use epidelta::{
    dataset::{
        Batch, InputTransform, LabelConfig, LabelDirection, Pair, SimulationConfig, Split,
        SplitConfig, SplitMethod, Task, shuffled, simulate,
    },
    method::Preset,
    model::{
        Attention, DeepDiff, Kernel, NetworkConfig, SignalTensors, Variant, losses, named_tensors,
    },
    training::{Optimizer, Training, fit, gradients},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn pair(genes: usize) -> Pair {
    let simulated = simulate(&SimulationConfig {
        genes,
        bins: 12,
        ..SimulationConfig::default()
    })
    .unwrap();
    let (a, b) = simulated.into_pair().unwrap();
    Pair::join(a, b, LabelConfig::default()).unwrap().0
}

#[test]
fn labels_are_log2_ratios_in_the_direction_asked_for() {
    let mut expressions = [(7.0, 1.0), (0.0, 3.0), (0.0, 0.0)].into_iter();
    let simulated = simulate(&SimulationConfig {
        genes: 3,
        bins: 4,
        valid: 0.0,
        test: 0.0,
        ..SimulationConfig::default()
    })
    .unwrap();
    let (mut a, mut b) = simulated.into_pair().unwrap();
    for (a, b) in a.genes.iter_mut().zip(&mut b.genes) {
        (a.expression, b.expression) = expressions.next().unwrap();
    }
    let labels = |direction, pseudocount| -> Vec<f64> {
        let label = LabelConfig {
            direction,
            pseudocount,
            ..LabelConfig::default()
        };
        let (pair, _) = Pair::join(a.clone(), b.clone(), label).unwrap();
        assert_eq!(pair.genes[0].log2_expression_a, (7.0 + pseudocount).log2());
        assert_eq!(pair.genes[1].log2_expression_b, (3.0 + pseudocount).log2());
        pair.genes.iter().map(|g| g.log2_fold_change).collect()
    };
    assert_eq!(labels(LabelDirection::AOverB, 1.0), [2.0, -2.0, 0.0]);
    assert_eq!(labels(LabelDirection::BOverA, 1.0), [-2.0, 2.0, 0.0]);
    let with_three = labels(LabelDirection::AOverB, 3.0);
    assert!((with_three[0] - 2.5_f64.log2()).abs() < 1e-12);
}

#[test]
fn batches_hold_what_the_pair_holds() {
    let pair = pair(20);
    let batch = Batch::gather(&pair, &[3, 17]);
    let bins = pair.bins();
    for (m, of_mark) in batch.signal_b.chunks(2 * bins).enumerate() {
        for (gene, row) in [3, 17].into_iter().zip(of_mark.chunks(bins)) {
            let expected = &pair.signal(gene)[1][m * bins..][..bins];
            assert_eq!(row, expected);
        }
    }
    assert_eq!(batch.log2_fold_change[1], pair.genes[17].log2_fold_change);
}

#[test]
fn random_splits_have_their_sizes_and_ignore_the_order_of_the_files() {
    let config = SplitConfig {
        method: SplitMethod::Random,
        valid: 10.0,
        test: 0.3,
        ..SplitConfig::default()
    };
    let mut first = pair(100);
    config.assign(&mut first).unwrap();
    let sizes = Split::ALL.map(|split| first.in_split(split).len());
    assert_eq!(sizes, [60, 10, 30]);

    let cells = pair(100).cells;
    let (mut swapped, _) =
        Pair::join_all(cells, &[[1, 0]], None, LabelConfig::default(), None).unwrap();
    swapped.genes.reverse();
    config.assign(&mut swapped).unwrap();
    for gene in 0..100 {
        assert_eq!(first.genes[gene].split, swapped.genes[99 - gene].split);
    }
    let mut other = pair(100);
    let seed = SplitConfig { seed: 2, ..config };
    seed.assign(&mut other).unwrap();
    assert_ne!(first.genes, other.genes);
}

#[test]
fn chromosomes_stay_whole() {
    let config = |valid: &str, test: &str| SplitConfig {
        method: SplitMethod::Chromosome,
        valid_chromosomes: vec![valid.into()],
        test_chromosomes: vec![test.into()],
        ..SplitConfig::default()
    };
    let mut pair = pair(66);
    config("chr2", "chr5").assign(&mut pair).unwrap();
    for gene in 0..pair.genes.len() {
        let expected = match pair.record(gene, 0).chrom.as_deref() {
            Some("chr2") => Split::Valid,
            Some("chr5") => Split::Test,
            _ => Split::Train,
        };
        assert_eq!(pair.genes[gene].split, Some(expected));
    }
    let message = |config: SplitConfig| config.assign(&mut pair.clone()).unwrap_err().to_string();
    assert!(message(config("chr2", "chrY")).contains("some of the data's: chr1, chr10"));
    assert!(message(config("chr2", "chr2")).contains("chr2 is in both"));
}

#[test]
fn transforms_are_what_they_are_called() {
    let mut signal = [0.0, 1.0, 7.0];
    InputTransform::Log1p.apply(&mut signal);
    assert_eq!(signal, [0.0, 2.0_f32.ln(), 8.0_f32.ln()]);
    let mut signal = [-2.0];
    InputTransform::Arcsinh.apply(&mut signal);
    assert!((signal[0] + 1.443_635_5).abs() < 1e-6);
    let mut negative = pair(3);
    negative.cells[0].signal[0] = -1.5;
    let refused = negative.check_transform(InputTransform::Log1p).unwrap_err();
    assert!(refused.to_string().contains("input.transform=arcsinh"));
}

#[test]
fn epochs_visit_every_gene_once_each_in_another_order() {
    let genes: Vec<usize> = (0..50).collect();
    let (first, second) = (shuffled(&genes, 1, 1), shuffled(&genes, 1, 2));
    assert_ne!(first, second);
    assert_eq!(first, shuffled(&genes, 1, 1));
    let mut sorted = second;
    sorted.sort_unstable();
    assert_eq!(sorted, genes);
}

/// No weight is left out of training, in any variant and preset.
#[test]
fn one_step_moves_every_weight() {
    let device = Device::flex().autodiff();
    let pair = pair(16);
    let batch = Batch::gather(&pair, &(0..16).collect::<Vec<_>>());
    for variant in Variant::ALL {
        for preset in Preset::ALL {
            let settings = common::deepdiff(variant, preset);
            let config = &settings.model;
            let model = DeepDiff::new(config, 5, 1, &device).unwrap();
            let model = if config.heads_start_at_mean {
                model.with_head_biases(0.3, Some([2.0, 3.0]))
            } else {
                model
            };
            let before = named_tensors(&model);
            let mut dropout = ChaCha8Rng::seed_from_u64(1);
            let signal = SignalTensors::of(&batch, &device);
            let output = model.forward_training(config, signal, &mut dropout);
            let loss = losses(
                &output,
                &batch,
                config,
                Default::default(),
                Task::Regression,
            )
            .total;
            let mut optimizer = Optimizer::new(&settings.training, 1);
            let gradients = gradients(&loss, &model);
            let after = named_tensors(&optimizer.step(model, gradients).unwrap().0);
            for (name, before) in &before {
                let moved = before.values != after[name].values;
                assert!(moved, "{variant} {preset}: {name} did not move");
            }
        }
    }
}

#[test]
fn predictions_are_the_same_with_and_without_attention() {
    let pair = pair(16);
    let batch = Batch::gather(&pair, &(0..16).collect::<Vec<_>>());
    for variant in Variant::ALL {
        let config = common::deepdiff(variant, Preset::Reference).model;
        let device = Device::flex();
        let model = DeepDiff::new(&config, 5, 1, &device).unwrap();
        let signal = SignalTensors::of(&batch, &device);
        let complete = model.forward(&config, signal.clone(), Kernel::Fused);
        let predicted = model.predict(&config, signal);
        let Attention {
            bins_raw,
            bins_cells,
            bins_all_marks,
            marks_joint,
            marks_cells,
        } = predicted.attention;
        assert!(bins_all_marks.is_none(), "{variant}");
        assert!(bins_raw.is_none() && bins_cells.is_none(), "{variant}");
        assert!(marks_joint.is_none() && marks_cells.is_none(), "{variant}");
        let complete_attention = complete.attention;
        assert!(
            complete_attention.bins_raw.is_some() || complete_attention.bins_cells.is_some(),
            "{variant}"
        );
        assert_eq!(
            predicted.log2_fold_change.into_data(),
            complete.log2_fold_change.into_data(),
            "{variant}"
        );
    }
}

#[test]
fn the_best_epoch_is_kept_and_patience_ends_training() {
    let mut pair = pair(60);
    SplitConfig::default().assign(&mut pair).unwrap();
    let mut settings = common::deepdiff(Variant::RawD, Preset::Tuned);
    settings.training.epochs = 40;
    settings.training.patience = 2;
    settings.training.learning_rate = 0.01;
    let training = Training {
        network: &NetworkConfig::DeepDiff(settings.model),
        config: &settings.training,
        task: Task::Regression,
        seed: 1,
    };
    let fitted = fit(&pair, training, None, None, &mut |_| ()).unwrap();
    let r = |epoch: usize| fitted.history.epochs[epoch - 1].valid_pearson_r;
    let epochs = fitted.history.epochs.len();
    assert!((1..=epochs).all(|epoch| r(epoch) <= r(fitted.best_epoch)));
    assert!(epochs < 40, "patience did not end the training");
    assert_eq!(epochs - fitted.best_epoch, 2);
    assert_ne!(named_tensors(&fitted.best), named_tensors(&fitted.last));
}

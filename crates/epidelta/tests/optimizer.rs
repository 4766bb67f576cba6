//! How weights are fitted: the optimizer equals PyTorch's (expected values:
//! tools/reference/adamw.py), and settings of the training do what they are called.

mod common;

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor, TensorData},
};
use epidelta::{
    dataset::{Batch, LabelConfig, Pair, SimulationConfig, SplitConfig, Task, simulate},
    method::{Method, MethodConfig, Preset, Settings},
    model::{
        DataSize, DeepChromeConfig, Epidelta, EpideltaConfig, Network, NetworkConfig,
        SignalTensors, Tensors, Variant, named_tensors,
    },
    training::{Fitted, Optimizer, Schedule, Training, TrainingConfig, fit, gradients},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    learning_rate: f64,
    weight_decay: f64,
    max_gradient_norm: f64,
    averaged_steps: usize,
    steps: u64,
    input: [[f32; 3]; 4],
    target: [[f32; 2]; 4],
    start: WeightAndBias<[[f32; 2]; 3], [f32; 2]>,
    weights: WeightAndBias<Vec<[[f32; 2]; 3]>, Vec<[f32; 2]>>,
    means: WeightAndBias<Vec<[[f32; 2]; 3]>, Vec<[f32; 2]>>,
    norms: Vec<f64>,
}

#[derive(Deserialize)]
struct WeightAndBias<W, B> {
    weight: W,
    bias: B,
}

fn reference() -> TrainingConfig {
    common::deepdiff(Variant::RawD, Preset::Reference).training
}

fn matrix<const R: usize, const C: usize>(rows: [[f32; C]; R], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.concat(), [R, C]), device)
}

fn close<const D: usize>(what: &str, found: Tensor<D>, expected: &[f32]) {
    let found: Vec<f32> = found.into_data().iter::<f32>().collect();
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(
            error < 1e-5 * expected.abs() + 2e-6,
            "{what}: {found} is not {expected}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

#[test]
fn adamw_on_a_cosine_schedule_and_averaged_weights_equal_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("golden/adamw.json")).unwrap();
    let config = TrainingConfig {
        learning_rate: golden.learning_rate,
        schedule: Schedule::Cosine,
        weight_decay: golden.weight_decay,
        averaged_share: golden.averaged_steps as f64 / golden.steps as f64,
        max_gradient_norm: golden.max_gradient_norm,
        ..reference()
    };
    let device = Device::flex().autodiff();
    let (input, target) = (
        matrix(golden.input, &device),
        matrix(golden.target, &device),
    );
    let mut model: Linear = LinearConfig::new(3, 2).init(&device);
    let weight = matrix(golden.start.weight, &device).require_grad();
    let bias = TensorData::new(golden.start.bias.to_vec(), [2]);
    let bias: Tensor<1> = Tensor::from_data(bias, &device).require_grad();
    model.weight = model.weight.map(|_| weight);
    model.bias = model.bias.map(|old| old.map(|_| bias));
    let mut optimizer = Optimizer::new(&config, golden.steps);
    for step in 0..golden.steps as usize {
        let loss = (model.forward(input.clone()) - target.clone())
            .square()
            .mean();
        let norm;
        let gradients = gradients(&loss, &model);
        (model, norm) = optimizer.step(model, gradients).unwrap();
        let expected = golden.norms[step];
        assert!((norm - expected).abs() < 1e-4 * expected, "{step}: {norm}");
        let mean = optimizer.averaged(model.valid());
        for (what, found, expected) in [
            ("weights", model.valid(), &golden.weights),
            ("mean", mean, &golden.means),
        ] {
            let what = format!("{what} after step {step}");
            close(&what, found.weight.val(), &expected.weight[step].concat());
            close(&what, found.bias.unwrap().val(), &expected.bias[step]);
        }
    }
}

/// 80 genes in three parts.
fn pair() -> Pair {
    let simulated = simulate(&SimulationConfig {
        genes: 80,
        bins: 12,
        ..SimulationConfig::default()
    })
    .unwrap();
    let (a, b) = simulated.into_pair().unwrap();
    let mut pair = Pair::join(a, b, LabelConfig::default()).unwrap().0;
    SplitConfig::default().assign(&mut pair).unwrap();
    pair
}

/// A method's network by default, but for what does not fit 12 bins.
fn network(method: &str) -> NetworkConfig {
    let method: Method = method.parse().unwrap();
    match Settings::of(method, Preset::Tuned).method {
        MethodConfig::DeepDiff(settings) => NetworkConfig::DeepDiff(settings.model),
        MethodConfig::DeepChrome(settings) => NetworkConfig::DeepChrome(DeepChromeConfig {
            filter_width: 4,
            hidden: [20, 10],
            ..settings.model
        }),
        MethodConfig::Epidelta(settings) => NetworkConfig::Epidelta(EpideltaConfig {
            windows: vec![1, 4],
            ..settings.model
        }),
        other => panic!("{other:?} is no network that sees both cell types"),
    }
}

/// A training of a few steps.
fn short() -> TrainingConfig {
    TrainingConfig {
        epochs: 2,
        learning_rate: 3e-3,
        ..reference()
    }
}

fn fitted(pair: &Pair, network: &NetworkConfig, config: &TrainingConfig) -> Fitted {
    let training = Training {
        network,
        config,
        task: Task::Regression,
        seed: 1,
    };
    fit(pair, training, None, None, &mut |_| ()).unwrap()
}

fn size(pair: &Pair) -> DataSize {
    DataSize {
        marks: pair.marks().len(),
        bins: pair.bins(),
        cell_types: pair.cells.len(),
    }
}

/// With a gradient of zero nothing but the decay moves a weight.
#[test]
fn weight_decay_shrinks_every_weight_but_biases() {
    let config = TrainingConfig {
        learning_rate: 0.1,
        weight_decay: 0.5,
        ..reference()
    };
    fn step<M: Module>(model: M, config: &TrainingConfig, loss: Tensor<1>) -> M {
        let gradients = gradients(&(loss * 0.0), &model);
        Optimizer::new(config, 1).step(model, gradients).unwrap().0
    }
    let device = Device::flex().autodiff();
    let pair = pair();
    let batch = Batch::gather(&pair, &[0, 1, 2]);
    for method in ["epidelta", "raw-aux-siamese", "deep-chrome-raw"] {
        let signal = SignalTensors::of(&batch, &device);
        let network = Network::new(&network(method), size(&pair), 1, &device).unwrap();
        let before = named_tensors(&network);
        let output = network.predict(signal);
        let loss = network.loss(&output, &batch, Default::default(), Task::Regression);
        let after = match network {
            Network::DeepDiff(made_of, model) => {
                Network::DeepDiff(made_of, step(model, &config, loss))
            }
            Network::DeepChrome(made_of, model) => {
                Network::DeepChrome(made_of, step(model, &config, loss))
            }
            Network::Epidelta(model) => Network::Epidelta(Epidelta {
                layers: step(model.layers, &config, loss),
                ..model
            }),
        };
        let after = named_tensors(&after);
        let mut biases = 0;
        for (name, before) in &before {
            let is_bias = name.contains(".bias");
            let stays = is_bias || name.starts_with("standard.");
            let factor = if stays { 1.0 } else { 0.95 };
            biases += usize::from(is_bias);
            let expected: Vec<f32> = before.values.iter().map(|value| value * factor).collect();
            assert_eq!(after[name].values, expected, "{method} {name}");
        }
        assert!(
            biases >= 4 && biases <= before.len() / 2,
            "{method}: {biases}"
        );
    }
}

#[test]
fn frozen_encoders_stay_as_they_start_while_the_heads_move() {
    let pair = pair();
    for (method, encoders) in [
        ("epidelta", &["marks.", "all_marks.", "level_two."][..]),
        ("raw", &["rnn_hms.", "hm_level_rnn_1."]),
        (
            "raw-aux-siamese",
            &[
                "rnn_hms.",
                "rnn_hmsx.",
                "hm_level_rnn_1.",
                "hm_level_rnn_2.",
                "hm_level_rnn_1x.",
            ],
        ),
        ("deep-chrome-raw", &["convolution."]),
    ] {
        let network = network(method);
        let config = TrainingConfig {
            freeze_encoders: true,
            weight_decay: 0.1,
            averaged_share: 0.2,
            ..short()
        };
        let start = Network::new(&network, size(&pair), 1, &Device::flex()).unwrap();
        let start = named_tensors(&start);
        let end = named_tensors(&fitted(&pair, &network, &config).last);
        for (name, start) in &start {
            let moved = start.values != end[name].values;
            let is_encoder = encoders.iter().any(|prefix| name.starts_with(prefix));
            assert_eq!(moved, !is_encoder, "{method} {name}");
        }
        for prefix in encoders {
            assert!(
                start.keys().any(|name| name.starts_with(prefix)),
                "{prefix}"
            );
        }
    }
}

/// An epoch's score is the mean of the last ones' Pearson r.
fn best_epoch(r: &[f64], smoothing: usize) -> usize {
    let score = |epoch: usize| {
        let recent = &r[epoch.saturating_sub(smoothing)..epoch];
        recent.iter().sum::<f64>() / recent.len() as f64
    };
    let better = |best, epoch| {
        if score(epoch) > score(best) {
            epoch
        } else {
            best
        }
    };
    (1..=r.len()).reduce(better).unwrap()
}

#[test]
fn smoothing_chooses_the_epoch_that_ends_the_best_stretch() {
    let pair = pair();
    let network = network("raw-d");
    let of = |smoothing: usize| {
        let config = TrainingConfig {
            epochs: 12,
            learning_rate: 0.05,
            smoothing,
            ..reference()
        };
        fitted(&pair, &network, &config)
    };
    let [alone, smooth] = [1, 3].map(of);
    assert_eq!(alone.history, smooth.history);
    let epochs = alone.history.epochs.iter();
    let r: Vec<f64> = epochs.map(|epoch| epoch.valid_pearson_r.unwrap()).collect();
    assert_eq!(alone.best_epoch, best_epoch(&r, 1), "{r:?}");
    assert_eq!(smooth.best_epoch, best_epoch(&r, 3), "{r:?}");
    assert_ne!(alone.best_epoch, smooth.best_epoch, "{r:?}");
    // The weights kept are those of that epoch.
    assert_ne!(named_tensors(&alone.best), named_tensors(&smooth.best));
    assert_eq!(named_tensors(&alone.last), named_tensors(&smooth.last));
}

#[test]
fn averaging_changes_what_predicts_and_not_what_trains() {
    let pair = pair();
    let network = network("raw-d");
    let of = |averaged_share| {
        let config = TrainingConfig {
            averaged_share,
            ..short()
        };
        fitted(&pair, &network, &config).history.epochs
    };
    for (alone, averaged) in of(0.0).iter().zip(of(0.3)) {
        assert_eq!(alone.train_loss, averaged.train_loss);
        assert_eq!(alone.gradient_norm, averaged.gradient_norm);
        assert_ne!(alone.valid_loss, averaged.valid_loss);
    }
}

#[test]
fn hidden_marks_are_hidden_in_both_cell_types_in_about_the_share_asked_for() {
    let pair = pair();
    let whole = {
        let mut batch = Batch::gather(&pair, &(0..80).collect::<Vec<_>>());
        let signals = batch.signal_a.iter_mut().chain(&mut batch.signal_b);
        signals.for_each(|value| *value += 1.0); // so that what is zero is hidden
        batch
    };
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let (mut rows, mut hidden) = (0, 0);
    for _ in 0..10 {
        let mut batch = whole.clone();
        batch.hide_marks(0.3, &mut generator);
        let both = [
            (&whole.signal_a, &batch.signal_a),
            (&whole.signal_b, &batch.signal_b),
        ];
        let [in_a, in_b] = both.map(|(whole, seen)| -> Vec<bool> {
            let rows = whole.chunks(pair.bins()).zip(seen.chunks(pair.bins()));
            rows.map(|(whole, seen)| {
                let is_hidden = seen.iter().all(|&value| value == 0.0);
                assert!(is_hidden || seen == whole);
                is_hidden
            })
            .collect()
        });
        assert_eq!(in_a, in_b);
        rows += in_a.len();
        hidden += in_a.iter().filter(|&&hidden| hidden).count();
        assert_eq!(batch.cell_types, whole.cell_types);
    }
    assert_eq!(rows, 10 * 5 * 80);
    // Four standard deviations of the draw.
    assert!((1085..=1315).contains(&hidden), "{hidden} of {rows}");

    let mut batch = whole.clone();
    batch.hide_cell_types(0.3, &mut generator);
    let known = batch
        .cell_types
        .iter()
        .filter(|&&of| of == [Some(0), Some(1)]);
    let unknown = batch.cell_types.iter().filter(|&&of| of == [None, None]);
    let (known, unknown) = (known.count(), unknown.count());
    assert_eq!(known + unknown, 80);
    assert!((8..=40).contains(&unknown), "{unknown} of 80");
    assert_eq!(batch.signal_a, whole.signal_a);
}

/// With hardly any step the validation loss is that of the first weights, in training with
/// hidden marks and without.
#[test]
fn training_hides_marks_and_validation_does_not() {
    let pair = pair();
    let network = network("raw");
    let of = |hidden_marks| {
        let config = TrainingConfig {
            epochs: 1,
            learning_rate: 1e-12,
            hidden_marks,
            ..reference()
        };
        fitted(&pair, &network, &config).history.epochs[0]
    };
    let (whole, hidden) = (of(0.0), of(0.6));
    assert!((whole.train_loss - hidden.train_loss).abs() > 1e-6);
    assert!((whole.valid_loss - hidden.valid_loss).abs() < 1e-9);
}

#[test]
fn what_cell_types_have_of_their_own_is_learned_unless_they_are_hidden() {
    let pair = pair();
    let network = network("epidelta");
    let of = |hidden_cell_types| -> Tensors {
        let config = TrainingConfig {
            hidden_cell_types,
            ..short()
        };
        let mut weights = named_tensors(&fitted(&pair, &network, &config).last);
        weights.retain(|name, _| name.starts_with("cell_types."));
        assert_eq!(weights.len(), 4);
        weights
    };
    let zero = |weights: &Tensors| {
        let mut values = weights.values().flat_map(|tensor| &tensor.values);
        values.all(|&value| value == 0.0)
    };
    assert!(!zero(&of(0.0)));
    // Out of 96 genes none is likely to be seen.
    let mut hidden = of(0.999_999);
    // What tells cell types apart starts at numbers of its own, and stays at them.
    let codes = hidden.remove("cell_types.input").unwrap();
    assert_eq!(codes.values, [1.0, -1.0]);
    assert!(zero(&hidden));
}

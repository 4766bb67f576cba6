//! Saliency, integrated gradients and the attention of all marks equal those of PyTorch
//! (expected values: tools/reference/attributions.py and epidelta_network.py).

use std::collections::BTreeMap;

use burn::tensor::Device;
use epidelta::{
    dataset::Pair,
    explanation::{Attribution, Baseline, attention, attributions},
    method::{FittedMethod, Preset},
    model::{
        Channel, DataSize, DeepDiff, DeepDiffConfig, Epidelta, EpideltaConfig,
        ExpressionThresholds, NamedTensor, Network, Variant, named_tensors, with_tensors,
    },
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    cells,
    common::{self, tensor},
};

/// `[mark][gene][bin]`.
type Bins = Vec<Vec<Vec<f32>>>;

#[derive(Deserialize)]
struct EpideltaGolden {
    config: EpideltaConfig,
    signal_a: Bins,
    signal_b: Bins,
    cell_types: Vec<[Option<usize>; 2]>,
    weights: BTreeMap<String, Value>,
    attention_bins: [Bins; 2],
    attention_marks: [Vec<Vec<f32>>; 2],
}

#[derive(Deserialize)]
struct Expected {
    predicted: Vec<f64>,
    predicted_equal: Vec<f64>,
    predicted_zero: Vec<f64>,
    saliency_a: Bins,
    saliency_b: Bins,
    integrated_gradients_equal_a: Bins,
    integrated_gradients_equal_b: Bins,
    integrated_gradients_zero_a: Bins,
    integrated_gradients_zero_b: Bins,
    attention_all_marks: Option<[Vec<Vec<f32>>; 2]>,
}

#[derive(Deserialize)]
struct DeepDiffGolden {
    signal_a: Bins,
    signal_b: Bins,
    weights: BTreeMap<String, Value>,
    #[serde(flatten)]
    expected: Expected,
}

#[derive(Deserialize)]
struct Golden {
    epidelta: BTreeMap<String, Expected>,
    deep_diff: DeepDiffGolden,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/attributions.json")).unwrap()
}

fn epidelta_networks() -> BTreeMap<String, EpideltaGolden> {
    serde_json::from_str(include_str!("../golden/epidelta.json")).unwrap()
}

fn method(network: Network) -> FittedMethod {
    FittedMethod::Network {
        members: vec![network],
        thresholds: ExpressionThresholds::default(),
    }
}

/// One gene's numbers, `[mark, bin]`.
fn of_gene(bins: &Bins, gene: usize) -> Vec<f32> {
    bins.iter().flat_map(|mark| mark[gene].clone()).collect()
}

/// To so much of the largest number.
fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(
            error <= tolerance * largest + 1e-6,
            "{what}: {found} is not {expected}, beside {largest}"
        );
    }
}

fn check(what: &str, found: &Attribution, expected: &Expected, gene: usize, baseline: Baseline) {
    let saliency = [&expected.saliency_a, &expected.saliency_b];
    let (integrated, predicted) = match baseline {
        Baseline::Equal => (
            [
                &expected.integrated_gradients_equal_a,
                &expected.integrated_gradients_equal_b,
            ],
            &expected.predicted_equal,
        ),
        Baseline::Zero => (
            [
                &expected.integrated_gradients_zero_a,
                &expected.integrated_gradients_zero_b,
            ],
            &expected.predicted_zero,
        ),
    };
    let near = |found: f64, expected: f64| {
        assert!(
            (found - expected).abs() < 1e-4,
            "{what}: {found} is not {expected}"
        );
    };
    near(found.predicted, expected.predicted[gene]);
    near(found.predicted_baseline, predicted[gene]);
    for side in [0, 1] {
        let of = of_gene(saliency[side], gene);
        close(
            &format!("{what} saliency"),
            &found.saliency[side],
            &of,
            1e-4,
        );
        let of = of_gene(integrated[side], gene);
        let name = format!("{what} integrated gradients");
        close(&name, &found.integrated_gradients[side], &of, 1e-3);
    }
    assert!(found.is_complete(), "{what}: {}", found.completeness_gap());
    assert_eq!(found.of_jumps, 0.0);
}

/// The pair of one gene, whose cell types the network knows or not.
fn pair_of(golden: &EpideltaGolden, gene: usize) -> Pair {
    let alone =
        |signal: &Bins| -> Bins { signal.iter().map(|mark| vec![mark[gene].clone()]).collect() };
    let name = |cell_type: Option<usize>, other: &str| {
        cell_type.map_or(other.to_owned(), |cell_type| format!("C{cell_type}"))
    };
    let [a, b] = golden.cell_types[gene];
    let (a, b) = (name(a, "unknown A"), name(b, "unknown B"));
    let signal = [alone(&golden.signal_a), alone(&golden.signal_b)];
    let mut pair = cells::pair([&a, &b], [&signal[0], &signal[1]]);
    let names = [0, 1, 2].map(|cell_type| format!("C{cell_type}"));
    pair.identify(&names, |_| true);
    pair
}

#[test]
fn attributions_and_attention_of_epidelta_equal_pytorch() {
    let expected = golden().epidelta;
    let networks = epidelta_networks();
    assert_eq!(expected.len(), networks.len());
    for (name, golden) in networks {
        let expected = &expected[&name];
        let marks = golden.signal_a.len();
        let size = DataSize {
            marks,
            bins: golden.signal_a[0][0].len(),
            cell_types: 3,
        };
        let network = Epidelta::new(&golden.config, size, 1, &Device::flex()).unwrap();
        let weights = golden.weights.iter();
        let weights = weights.map(|(n, v)| (n.clone(), tensor(v))).collect();
        let method = method(Network::Epidelta(with_tensors(network, weights).unwrap()));
        for gene in 0..golden.cell_types.len() {
            let pair = pair_of(&golden, gene);
            for baseline in [Baseline::Equal, Baseline::Zero] {
                let found = attributions(&method, &pair, &[0], baseline, &mut |_| Ok(()));
                let found = found.unwrap().unwrap();
                let what = format!("{name}, gene {gene}, {baseline}");
                check(&what, &found[0], expected, gene, baseline);
            }
            let found = attention(&method, &pair, &[0]).unwrap().remove(0);
            let joint = golden.config.joint_encoder;
            let per_side = marks + usize::from(joint);
            assert_eq!(found.encoders.len(), 2 * per_side, "{name}");
            for side in [0, 1] {
                let first = side * per_side;
                let channel = ["A", "B"][side];
                for mark in 0..marks {
                    let encoder = &found.encoders[first + mark];
                    assert_eq!(encoder.channel, channel);
                    assert_eq!(encoder.mark, format!("M{mark}"));
                    let alpha = &golden.attention_bins[side][mark][gene];
                    close(&name, found.alpha_of(0, first + mark), alpha, 1e-5);
                }
                assert_eq!(expected.attention_all_marks.is_some(), joint);
                if let Some(all_marks) = &expected.attention_all_marks {
                    assert_eq!(found.encoders[first + marks].mark, "all marks");
                    let alpha = found.alpha_of(0, first + marks);
                    close(&name, alpha, &all_marks[side][gene], 1e-5);
                }
                let beta = &found.beta_of(0)[first..][..per_side];
                close(&name, beta, &golden.attention_marks[side][gene], 1e-5);
            }
        }
    }
}

#[test]
fn attributions_of_deepdiff_equal_pytorch() {
    let golden = golden().deep_diff;
    let config = DeepDiffConfig {
        channels: vec![Channel::A, Channel::B, Channel::Difference],
        hidden_bins: 2,
        hidden_marks: 2,
        ..common::deepdiff(Variant::RawAux, Preset::Reference).model
    };
    let model = DeepDiff::new(&config, 2, 1, &Device::flex()).unwrap();
    // The numbers of the file in the shapes of the model: vectors are written as columns there.
    let shapes = named_tensors(&model);
    let weights = golden.weights.iter().map(|(name, value)| {
        let shape = shapes[name].shape.clone();
        let values = tensor(value).values;
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        (name.clone(), NamedTensor { shape, values })
    });
    let model = with_tensors(model, weights.collect()).unwrap();
    let method = method(Network::DeepDiff(config, model));
    let pair = cells::pair(["A", "B"], [&golden.signal_a, &golden.signal_b]);
    let genes: Vec<usize> = (0..pair.genes.len()).collect();
    assert_eq!(genes.len(), 3);
    for baseline in [Baseline::Equal, Baseline::Zero] {
        let found = attributions(&method, &pair, &genes, baseline, &mut |_| Ok(()));
        for (gene, found) in found.unwrap().unwrap().iter().enumerate() {
            let what = format!("gene {gene}, {baseline}");
            check(&what, found, &golden.expected, gene, baseline);
        }
    }
}

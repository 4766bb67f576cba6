//! Attention, by its names, equals that of the published PyTorch implementation.

use std::path::Path;

use burn::tensor::Device;
use epidelta::{
    explanation::{Attention, attention},
    method::{FittedMethod, Preset},
    model::{DeepDiff, ExpressionThresholds, Network, Tensors, Variant, WeightsFile, read_tensors},
};

use super::{cells, common};

/// The reference keeps signal as `[gene, bin, mark]`.
fn signal(tensors: &Tensors, name: &str) -> Vec<Vec<Vec<f32>>> {
    let [genes, bins, marks] = tensors[name].shape[..] else {
        panic!("three dimensions")
    };
    let at = |gene: usize, bin: usize, mark: usize| {
        tensors[name].values[(gene * bins + bin) * marks + mark]
    };
    (0..marks)
        .map(|mark| {
            (0..genes)
                .map(|gene| (0..bins).map(|bin| at(gene, bin, mark)).collect())
                .collect()
        })
        .collect()
}

fn attention_of(variant: Variant, parity: &Path) -> (Attention, Tensors) {
    let batch = read_tensors(&parity.join("batch.safetensors")).unwrap();
    let (a, b) = (signal(&batch, "X_A"), signal(&batch, "X_B"));
    let pair = cells::pair(["A", "B"], [&a, &b]);
    let folder = parity.join(variant.name().replace('-', "_"));
    let config = common::deepdiff(variant, Preset::Reference).model;
    let model = DeepDiff::new(&config, 5, 1, &Device::flex()).unwrap();
    let weights = WeightsFile::read(&folder.join("init.safetensors")).unwrap();
    let method = FittedMethod::Network {
        members: vec![Network::DeepDiff(config, weights.put_into(model).unwrap())],
        thresholds: ExpressionThresholds::default(),
    };
    let genes: Vec<usize> = (0..10).collect();
    let found = attention(&method, &pair, &genes).unwrap().remove(0);
    let expected = read_tensors(&folder.join("forward.safetensors")).unwrap();
    (found, expected)
}

fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-6,
            "{what}: {found} is not {expected}"
        );
    }
}

#[test]
fn attention_equals_the_reference() {
    let Some(parity) = common::shared("data/parity") else {
        return;
    };
    let with_raw = ["A", "B", "A-B"];
    let cases = [
        (Variant::RawD, &with_raw[2..], false),
        (Variant::RawC, &with_raw[..2], false),
        (Variant::Raw, &with_raw[..], false),
        (Variant::Aux, &with_raw[..0], true),
        (Variant::RawAux, &with_raw[..], true),
    ];
    for (variant, channels, auxiliary) in cases {
        let (found, expected) = attention_of(variant, &parity);
        let mut channels = channels.to_vec();
        if auxiliary {
            channels.extend(["auxiliary A", "auxiliary B"]);
        }
        let of_encoders: Vec<&str> = found.encoders.iter().map(|e| e.channel.as_str()).collect();
        let five_of_each: Vec<&str> = channels.iter().flat_map(|c| [*c; 5]).collect();
        assert_eq!(of_encoders, five_of_each, "{variant}");
        assert_eq!((found.steps, found.bins_per_step), (200, 1));

        let encoders = found.encoders.len();
        let name = format!("{variant} beta");
        close(&name, &found.beta, &expected["beta_hm_attention"].values);
        // The reference reports the raw part's bins where there is one, else those of the cells.
        let reported = &expected["alpha_bin_attention"].values;
        let of_gene = reported.len() / 10;
        for gene in 0..10 {
            let of_gene = &reported[gene * of_gene..][..of_gene];
            for (encoder, alpha) in of_gene.chunks(200).enumerate() {
                let name = format!("{variant} alpha");
                close(&name, found.alpha_of(gene, encoder), alpha);
            }
        }
        let beta_cell = found.beta_cell.as_ref();
        assert_eq!(beta_cell.is_some(), variant == Variant::RawAux, "{variant}");
        if let Some(beta_cell) = beta_cell {
            let a = &expected["mid.hm_level_rnn_1.call0.attn"].values;
            let b = &expected["mid.hm_level_rnn_2.call0.attn"].values;
            for gene in 0..10 {
                let of_gene = &beta_cell[gene * encoders..][..encoders];
                assert!(of_gene[..15].iter().all(|beta| beta.is_nan()));
                close("A's own", &of_gene[15..20], &a[gene * 5..][..5]);
                close("B's own", &of_gene[20..], &b[gene * 5..][..5]);
            }
        }
    }
}

//! Where it is known which marks matter, explanations say so.

use epidelta::{
    dataset::{Epigenome, SimulationConfig, Split, read_epigenome, simulate, write_epigenome},
    explanation::{Ablation, Agreement, ExplainConfig, Explained, Ranking, Unit, explain},
    method::{Method, MethodConfig, Preset, Settings},
    model::Variant,
    run::{DataFiles, Run},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::cells;

/// The mark that the expression goes with.
const CAUSAL: &str = "H3K36me3";

/// Gives every mark but one the signal of another gene, the same in both cell types: what it
/// tells of its gene is lost.
fn shuffle_other_marks(cells: &mut [Epigenome]) {
    let (marks, bins) = (cells[0].marks.len(), cells[0].bins);
    let genes = cells[0].genes.len();
    for mark in 0..marks {
        if cells[0].marks[mark] == CAUSAL {
            continue;
        }
        let mut from: Vec<usize> = (0..genes).collect();
        from.shuffle(&mut ChaCha8Rng::seed_from_u64(mark as u64));
        for cell in cells.iter_mut() {
            let before = cell.signal.clone();
            for (gene, &from) in from.iter().enumerate() {
                let at = |gene: usize| (gene * marks + mark) * bins;
                cell.signal[at(gene)..at(gene) + bins]
                    .copy_from_slice(&before[at(from)..at(from) + bins]);
            }
        }
    }
}

/// A run, and its folder with the data.
fn trained(method: Method, epochs: usize, ensemble: usize) -> (TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut simulated = simulate(&SimulationConfig {
        genes: 500,
        bins: 40,
        bin_size: 500,
        switching: 0.8,
        ..SimulationConfig::default()
    })
    .unwrap();
    shuffle_other_marks(&mut simulated.cells);
    for (cell, name) in simulated.cells.iter().zip(["A.parquet", "B.parquet"]) {
        write_epigenome(cell, &path(name), false).unwrap();
    }
    let mut settings = Settings::of(method, Preset::Tuned);
    match &mut settings.method {
        MethodConfig::Epidelta(network) => {
            network.training.epochs = epochs;
            network.training.ensemble = ensemble;
        }
        MethodConfig::DeepDiff(network) => {
            network.training.epochs = epochs;
            network.training.ensemble = ensemble;
        }
        other => panic!("{other:?}"),
    }
    let files = ["A.parquet", "B.parquet"].map(path);
    let run = cells::trained(method, settings, files, path("run"));
    (folder, run)
}

fn explained(method: Method, epochs: usize, ensemble: usize) -> Explained {
    let (_folder, run) = trained(method, epochs, ensemble);
    let config = ExplainConfig {
        threshold: 2.0,
        ..ExplainConfig::default()
    };
    let data = run.data().unwrap();
    explain(&run, &data, &config, &mut |_, _, _| Ok(()), &mut |_| ()).unwrap()
}

#[test]
fn a_mark_that_a_cell_type_lacks_is_in_no_ranking() {
    let (folder, run) = trained(Method::Epidelta, 4, 2);
    let path = |name: &str| folder.path().join(name);
    let whole = read_epigenome(&path("B.parquet")).unwrap();
    let lacking = "H3K4me3";
    let others: Vec<String> = whole
        .marks
        .iter()
        .filter(|m| *m != lacking)
        .cloned()
        .collect();
    write_epigenome(&whole.with_marks(&others), &path("partial.parquet"), false).unwrap();
    let data = DataFiles::Pair {
        a: path("A.parquet"),
        b: path("partial.parquet"),
        labels: None,
    };
    let config = ExplainConfig {
        perturbations: ["A:H3K4me3=zero", "A:H3K36me3=zero"]
            .map(|text| text.parse().unwrap())
            .to_vec(),
        genes: vec!["SIM1".into()],
        ..ExplainConfig::default()
    };
    let found = explain(&run, &data, &config, &mut |_, _, _| Ok(()), &mut |_| ()).unwrap();
    assert_eq!(found.join.lacking, [("B".to_owned(), lacking.to_owned())]);
    let mark = found
        .pair
        .marks()
        .iter()
        .position(|mark| mark == lacking)
        .unwrap();
    for of in &found.importance {
        assert_eq!(of.contribution.is_none(), of.mark == lacking, "{of:?}");
    }
    for of in found.ablations.iter().filter(|of| of.mark == mark) {
        assert_eq!(of.contribution(), 0.0);
    }
    let bins = found.pair.bins();
    for of in found.attributions.as_ref().unwrap() {
        let hidden = mark * bins..(mark + 1) * bins;
        for side in of.saliency.iter().chain(&of.integrated_gradients) {
            assert!(side[hidden.clone()].iter().all(|&x| x == 0.0));
        }
        assert!(of.is_complete());
    }
    // Of it nothing is predicted; of the other mark there is.
    let perturbed: Vec<usize> = found.perturbed.iter().map(|of| of.perturbation).collect();
    assert_eq!(perturbed, [1]);
    // Two seeds are compared over the four marks that are there. Four ranks without ties have
    // rho in fifths (1 - d / 10 with d even), five in tenths.
    let all = found.faithfulness.agreements.iter();
    let is = |of: &&Agreement| of.of[1] == "ablation of another seed";
    let rho = all.filter(is).map(|of| of.rho.unwrap()).next().unwrap();
    let fifths = rho.mean * 5.0 * rho.genes as f64;
    assert!((fifths - fifths.round()).abs() < 1e-6, "{fifths}");
    // Deleting all but the last fifth of the marks, the hidden one, leaves nothing.
    let marks = &found.faithfulness.curves[0];
    for curve in &marks.curves {
        assert!(curve.deletion[4].mean.abs() < 1e-5, "{curve:?}");
    }
}

#[test]
fn the_causal_mark_comes_first_and_the_others_are_noise() {
    for method in [Method::Epidelta, Method::DeepDiff(Variant::Raw)] {
        let found = explained(method, 12, 1);
        let causal = found
            .pair
            .marks()
            .iter()
            .position(|mark| mark == CAUSAL)
            .unwrap();
        let of = |ablation: Ablation| {
            let all = found.importance.iter();
            let of_kind: Vec<_> = all.filter(|of| of.ablation == ablation).collect();
            assert_eq!(of_kind.len(), 5);
            of_kind
        };
        // It moves the predictions most, whatever is done to it.
        for ablation in [
            Ablation::Equal,
            Ablation::AToB,
            Ablation::Zero,
            Ablation::Permuted,
        ] {
            let sizes = of(ablation)
                .into_iter()
                .map(|of| of.contribution.unwrap().mean);
            let sizes: Vec<f64> = sizes.collect();
            for (mark, size) in sizes.iter().enumerate() {
                assert!(
                    mark == causal || 2.0 * size < sizes[causal],
                    "{method} {ablation}: {sizes:?}"
                );
            }
        }
        // Without it Pearson r falls; without another nothing changes beyond noise.
        for (mark, of) in of(Ablation::Permuted).into_iter().enumerate() {
            let loss = of.loss.unwrap();
            let [low, high] = loss.interval;
            match mark == causal {
                true => assert!(low > 0.1, "{method}: {loss:?}"),
                false => assert!(low <= 0.0 || loss.difference < 0.02, "{method}: {loss:?}"),
            }
            assert!(high >= low);
        }
        // Integrated gradients of every gene are complete, and put it first for most genes.
        let attributions = found.attributions.as_ref().unwrap();
        let bins = found.pair.bins();
        let mut first = 0;
        for of in attributions {
            assert!(
                of.completeness_gap().abs() < 1e-3,
                "{}",
                of.completeness_gap()
            );
            let [a, b] = &of.integrated_gradients;
            let size = |mark: usize| {
                let of_mark = mark * bins..(mark + 1) * bins;
                let sum: f32 = a[of_mark.clone()].iter().chain(&b[of_mark]).sum();
                sum.abs()
            };
            first += usize::from((0..5).all(|mark| mark == causal || size(mark) < size(causal)));
        }
        assert_eq!(attributions.len(), found.choice.sample.len());
        assert!(
            10 * first > 7 * attributions.len(),
            "{method}: {first} of {}",
            attributions.len()
        );
        // Rankings that know the prediction delete it faster than any order.
        let curves = &found.faithfulness.curves;
        assert_eq!(
            curves.iter().map(|of| of.unit).collect::<Vec<_>>(),
            Unit::ALL
        );
        for of_unit in curves {
            let area = |ranking| of_unit.of(ranking).unwrap().deletion_area.mean;
            assert!(
                area(Ranking::Ablation) < area(Ranking::Random) - 0.2,
                "{method}"
            );
            assert!(area(Ranking::IntegratedGradients) < area(Ranking::Random) - 0.2);
            for curve in &of_unit.curves {
                assert_eq!(curve.areas[0].len(), of_unit.genes, "{method}");
            }
        }
    }
}

#[test]
fn ensembles_tell_whether_attention_repeats() {
    let found = explained(Method::Epidelta, 2, 2);
    let of = |what: &str, unit: &str| {
        let mut all = found.faithfulness.agreements.iter();
        let is = |of: &&Agreement| {
            of.of == [what.to_owned(), format!("{what} of another seed")] && of.unit == unit
        };
        all.find(is)
            .unwrap_or_else(|| panic!("{what} {unit}"))
            .rho
            .unwrap()
            .mean
    };
    for what in ["attention", "integrated-gradients"] {
        for unit in ["mark", "region"] {
            assert!((-1.0..=1.0).contains(&of(what, unit)));
        }
    }
    assert!(of("ablation", "mark") > 0.3);
    // Directions count the genes of all splits.
    let directions = found.directions.as_ref().unwrap();
    let observed = found.pair.genes.iter().map(|gene| gene.log2_fold_change);
    let up = observed.filter(|&change| change > 2.0).count();
    assert_eq!(directions.genes(epidelta::explanation::Direction::Up), up);
    for of in directions.of_bins() {
        let sum: f64 = of.alpha.unwrap().iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }
    let of_a: f64 = directions
        .of_marks()
        .iter()
        .filter(|of| of.encoder.channel == "A" && of.direction.name() == "all")
        .map(|of| of.beta.unwrap().mean)
        .sum();
    assert!((of_a - 1.0).abs() < 1e-5, "{of_a}");
    assert_eq!(
        found.pair.in_split(Split::Test).len(),
        found.choice.measured.len()
    );
}

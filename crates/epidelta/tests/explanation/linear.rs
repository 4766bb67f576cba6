//! Of a linear model all is known: what its signal contributes adds up.

use epidelta::{
    dataset::{
        InputTransform, Orientation, SimulationConfig, Split, read_epigenome, simulate,
        write_epigenome,
    },
    explanation::{
        Ablation, Baseline, ExplainConfig, Explained, Importance, Perturbation, Predictor, Ranking,
        Unit, ablate, attention, attributions, explain,
    },
    genome::Strand,
    method::{Method, Preset, Settings},
    run::Run,
};
use tempfile::TempDir;

use super::cells;

/// A run of ridge regression on signal as it is.
fn ridge() -> (TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let simulated = simulate(&SimulationConfig {
        genes: 150,
        bins: 40,
        bin_size: 500,
        ..SimulationConfig::default()
    })
    .unwrap();
    write_epigenome(&simulated.cells[0], &path("A.parquet"), false).unwrap();
    write_epigenome(&simulated.cells[1], &path("B.parquet"), false).unwrap();
    simulated
        .write_truth(&path("truth.parquet"), false)
        .unwrap();
    let mut settings = Settings::of(Method::Ridge, Preset::Tuned);
    settings.input.transform = InputTransform::None;
    let files = ["A.parquet", "B.parquet"].map(path);
    let run = cells::trained(Method::Ridge, settings, files, path("run"));
    (folder, run)
}

fn explained(run: &Run, config: &ExplainConfig) -> Explained {
    let data = run.data().unwrap();
    explain(run, &data, config, &mut |_, _, _| Ok(()), &mut |_| ()).unwrap()
}

#[test]
fn contributions_of_a_linear_model_add_up() {
    let (_folder, run) = ridge();
    let found = explained(&run, &ExplainConfig::default());
    let predictor = found.predictor();
    let genes = &found.choice.sample;
    assert_eq!(genes.len(), found.pair.in_split(Split::Test).len());
    let predicted = predictor.predict(genes).unwrap();
    let base = predictor
        .predict_edited(genes, |_, [a, b]| {
            for (a, b) in a.iter_mut().zip(b) {
                let mean = (*a + *b) / 2.0;
                (*a, *b) = (mean, mean);
            }
        })
        .unwrap();
    let of_marks = found.contributions(genes).unwrap();
    for (place, region) in found.regions.iter().enumerate() {
        let moved = predicted[place] - base[place];
        let of_regions: f64 = region.contributions.iter().sum();
        let of_marks: f64 = of_marks[place].iter().sum();
        assert!((of_regions - moved).abs() < 1e-4, "{of_regions} {moved}");
        assert!((of_marks - moved).abs() < 1e-4, "{of_marks} {moved}");
    }
    // Half the way of A to B and half the way of B to A make them equal: so do the sums.
    let all = ablate(&predictor, genes, &Ablation::ALL, 1, &mut |_, _| Ok(())).unwrap();
    let of = |ablation: Ablation| all.iter().filter(move |of| of.ablation == ablation);
    let both = of(Ablation::AToB).zip(of(Ablation::BToA));
    for (equal, (a_to_b, b_to_a)) in of(Ablation::Equal).zip(both) {
        assert_eq!((equal.gene, equal.mark), (a_to_b.gene, a_to_b.mark));
        let halves = (a_to_b.contribution() + b_to_a.contribution()) / 2.0;
        assert!((equal.contribution() - halves).abs() < 1e-4);
    }
    // Permutation keeps each mark's values: the mean prediction stays.
    for mark in 0..found.pair.marks().len() {
        // Each gene gets the signal of another one.
        let of_mark = || of(Ablation::Permuted).filter(move |of| of.mark == mark);
        let change: f64 = of_mark().map(|of| of.contribution()).sum();
        assert!(change.abs() < 1e-3 * genes.len() as f64, "{change}");
        assert!(of_mark().all(|of| of.contribution() != 0.0));
    }
}

#[test]
fn what_a_linear_model_lacks_is_absent_and_what_it_has_is_there() {
    let (folder, run) = ridge();
    let config = ExplainConfig {
        truth: Some(folder.path().join("truth.parquet")),
        perturbations: vec![
            "A:H3K27me3=B".parse().unwrap(),
            "B:H3K27me3=A".parse().unwrap(),
        ],
        genes: vec!["SIM7".into(), "SIMG00000003".into()],
        ..ExplainConfig::default()
    };
    let found = explained(&run, &config);
    assert!(found.directions.is_none() && found.attributions.is_none());
    let pair = &found.pair;
    assert!(attention(&found.method, pair, &[0]).is_none());
    let gradients = attributions(&found.method, pair, &[0], Baseline::Equal, &mut |_| Ok(()));
    assert!(gradients.unwrap().is_none());
    assert_eq!(found.coefficients.len() % pair.marks().len(), 0);
    assert!(found.coefficients.iter().any(|of| of.weight != 0.0));
    let rankings: Vec<Ranking> = found.faithfulness.curves[0]
        .curves
        .iter()
        .map(|curve| curve.ranking)
        .collect();
    assert_eq!(
        rankings,
        [Ranking::Ablation, Ranking::Difference, Ranking::Random]
    );
    // Ablation is no worse an order than any.
    for curves in &found.faithfulness.curves {
        let area = |ranking| curves.of(ranking).unwrap().deletion_area.mean;
        assert!(area(Ranking::Ablation) < area(Ranking::Random) - 0.05);
    }
    // Two perturbations of two genes, whose changes are those of ablation.
    assert_eq!(found.perturbed.len(), 4);
    let ids: Vec<&str> = found
        .perturbed
        .iter()
        .map(|of| pair.gene_id(of.gene))
        .collect();
    assert_eq!(
        ids,
        [
            "SIMG00000007",
            "SIMG00000003",
            "SIMG00000007",
            "SIMG00000003"
        ]
    );
    let mark = pair
        .marks()
        .iter()
        .position(|mark| mark == "H3K27me3")
        .unwrap();
    let gene = [found.perturbed[0].gene];
    let kinds = [Ablation::AToB];
    let ablated = ablate(&found.predictor(), &gene, &kinds, 1, &mut |_, _| Ok(())).unwrap();
    assert_eq!(found.perturbed[0].change(), -ablated[mark].contribution());
    // The truth is known, and beyond chance what the model goes by is true.
    let precisions = &found.faithfulness.precisions;
    assert_eq!(precisions.len(), 2 * 2);
    for of in precisions {
        let found = of.precision_at_k.unwrap().mean;
        assert!((0.0..=1.0).contains(&found) && of.by_chance > 0.0 && of.by_chance < 1.0);
        if of.unit == Unit::Region {
            assert!(found > of.by_chance + 0.1, "{of:?}");
        }
    }
}

#[test]
fn positions_limit_a_perturbation() {
    let (_folder, run) = ridge();
    let perturbations = [
        "A:H3K36me3=B",
        "A:H3K36me3@-10000..9999=B",
        "A:H3K36me3@0..9999=B",
        "A:H3K36me3@-10000..-1=B",
    ];
    let config = ExplainConfig {
        perturbations: perturbations
            .map(|text| text.parse::<Perturbation>().unwrap())
            .to_vec(),
        genes: vec!["SIM7".into()],
        ..ExplainConfig::default()
    };
    let found = explained(&run, &config);
    let changes: Vec<f64> = found.perturbed.iter().map(|of| of.change()).collect();
    assert_eq!(changes[0], changes[1]);
    assert!(
        (changes[0] - changes[2] - changes[3]).abs() < 1e-5,
        "{changes:?}"
    );
    let beyond = ExplainConfig {
        perturbations: vec!["A:H3K36me3@10000..10500=B".parse().unwrap()],
        ..config
    };
    let data = run.data().unwrap();
    let outcome = explain(&run, &data, &beyond, &mut |_, _, _| Ok(()), &mut |_| ());
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("-10000 to 10000 bp"), "{error}");
}

#[test]
fn importance_is_in_the_order_of_marks() {
    let (_folder, run) = ridge();
    let found = explained(&run, &ExplainConfig::default());
    let predictor: Predictor<'_> = found.predictor();
    let importance = Importance::of(&predictor, &found.ablations, 1);
    assert_eq!(importance, found.importance);
    let marks: Vec<&str> = importance.iter().map(|of| of.mark.as_str()).collect();
    let once = found.pair.marks().len();
    assert_eq!(marks.len(), once * Ablation::ALL.len());
    for of_kind in marks.chunks(once) {
        assert_eq!(of_kind, found.pair.marks());
    }
    let loss = |of: &Importance| of.loss.unwrap();
    for of in &importance {
        let [low, high] = loss(of).interval;
        assert!(low <= loss(of).difference && loss(of).difference <= high);
        let r = of.pearson_r.unwrap() - of.pearson_r_without.unwrap();
        assert!((r - loss(of).difference).abs() < 1e-9);
    }
}

#[test]
fn the_truth_is_turned_round_with_the_bins() {
    let (folder, run) = ridge();
    let path = |name: &str| folder.path().join(name);
    let config = ExplainConfig {
        truth: Some(path("truth.parquet")),
        ..ExplainConfig::default()
    };
    let oriented = explained(&run, &config).faithfulness.precisions;
    // The same genes with the bins along the genome: what is ranked first is as true as before.
    let along_genome = |name: &str| {
        let mut cell = read_epigenome(&path(name)).unwrap();
        cell.metadata.orientation = Orientation::Genome;
        let (size, bins) = (cell.marks.len() * cell.bins, cell.bins);
        for (gene, signal) in cell.genes.iter().zip(cell.signal.chunks_mut(size)) {
            if gene.strand == Some(Strand::Reverse) {
                signal.chunks_mut(bins).for_each(<[f32]>::reverse);
            }
        }
        let to = path(&format!("along-{name}"));
        write_epigenome(&cell, &to, false).unwrap();
        to
    };
    let files = ["A.parquet", "B.parquet"].map(along_genome);
    let mut settings = Settings::of(Method::Ridge, Preset::Tuned);
    settings.input.transform = InputTransform::None;
    let run = cells::trained(Method::Ridge, settings, files, path("along"));
    let data = run.data().unwrap();
    let found = explain(&run, &data, &config, &mut |_, _, _| Ok(()), &mut |_| ()).unwrap();
    assert!(found.strands == epidelta::explanation::Strands::Known);
    let differences = |precisions: &[epidelta::explanation::Precision]| {
        let of = |unit| {
            let is = |of: &&epidelta::explanation::Precision| {
                of.unit == unit && of.ranking == Ranking::Difference
            };
            let of = precisions.iter().find(is).unwrap();
            (of.precision_at_k.unwrap().mean, of.by_chance)
        };
        [of(Unit::Mark), of(Unit::Region)]
    };
    // The difference of the signal needs no model, so nothing but the way of the bins matters,
    // and how equal differences are ordered.
    let both = differences(&found.faithfulness.precisions).into_iter();
    for ((along, chance), (by_strand, by_chance)) in both.zip(differences(&oriented)) {
        assert!((along - by_strand).abs() < 0.03, "{along} {by_strand}");
        assert_eq!(chance, by_chance);
    }
}

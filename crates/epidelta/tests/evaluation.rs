//! Measures of predictions and their uncertainty are those of NumPy, SciPy and
//! scikit-learn: tools/reference/evaluation.py wrote the golden numbers.

mod common;

use common::{cases, number, numbers, shared};
use epidelta::{
    dataset::{LabelConfig, Pair, SimulationConfig, Split, Task, simulate},
    evaluation::{
        CountedGene, Draws, GenePrediction, Metrics, NoiseCeiling, Predictions, ReplicatedGene,
        auroc_difference, pearson_difference, pearson_r,
    },
    expression::{GeneTable, read_expression},
    run::NoiseCeilings,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn golden(test: &str) -> Vec<Value> {
    cases(include_str!("golden/evaluation.json"), test)
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance, "{found} is not {expected}");
}

fn resampling() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

fn draws(resamples: usize, generator: &mut ChaCha8Rng) -> Draws<'_> {
    Draws {
        resamples,
        ..Draws::new(None, generator)
    }
}

/// Other random numbers: the ends agree to the error of their simulation.
#[test]
fn difference_of_pearson_r_as_in_scipy() {
    for case in golden("pearson_difference") {
        let observed = numbers(&case["observed"]);
        let methods = case["methods"].as_array().unwrap();
        let seeds = |method: &Value| -> Vec<Vec<f64>> {
            method.as_array().unwrap().iter().map(numbers).collect()
        };
        let (method, other) = (seeds(&methods[0]), seeds(&methods[1]));
        let resamples = 8_000_000 / observed.len();
        let both = [&method[..], &other[..]];
        let mut generator = resampling();
        let draws = draws(resamples, &mut generator);
        let found = pearson_difference(&observed, both, draws);
        let found = found.unwrap();
        close(found.difference, number(&case["difference"]), 1e-12);
        for (found, expected) in found.interval.iter().zip(numbers(&case["interval"])) {
            close(*found, expected, 0.002);
        }
    }
}

#[test]
fn difference_of_auroc_as_in_scikit_learn() {
    for case in golden("auroc_difference") {
        let up: Vec<bool> = case["up"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v == true)
            .collect();
        let methods: Vec<Vec<f64>> = case["methods"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        let both = [&methods[0][..], &methods[1][..]];
        let found = auroc_difference(&up, both, draws(20_000, &mut resampling())).unwrap();
        close(found.difference, number(&case["difference"]), 1e-12);
        for (found, expected) in found.interval.iter().zip(numbers(&case["interval"])) {
            close(*found, expected, 0.002);
        }
    }
}

/// The case's genes, as validation genes.
fn ensemble(case: &Value) -> Predictions {
    let errors = numbers(&case["errors"]).into_iter();
    let genes = errors.zip(numbers(&case["spread"])).enumerate();
    let genes = genes.map(|(index, (error, spread))| GenePrediction {
        gene_id: format!("G{index}"),
        split: Some(Split::Valid),
        observed: error,
        predicted: 0.0,
        spread: Some(spread as f32),
        log2_expression: None,
        up: None,
        cells: None,
        of_pair: None,
    });
    Predictions {
        genes: genes.collect(),
    }
}

#[test]
fn calibration_of_the_spread_as_in_scipy() {
    for case in golden("spread") {
        let metrics = Metrics::of(&ensemble(&case), 1, None);
        let calibration = metrics.spread_calibration.unwrap();
        // SciPy's search ends within some millionths of the least cost.
        let (errors, spread) = (numbers(&case["errors"]), numbers(&case["spread"]));
        let of_gene = |(error, spread): (&f64, &f64)| {
            let variance = calibration.standard_deviation(*spread).powi(2);
            variance.ln() + error * error / variance
        };
        let cost: f64 = errors.iter().zip(&spread).map(of_gene).sum();
        assert!(
            cost <= number(&case["cost"]) + 1e-6,
            "{cost}: {calibration:?}"
        );
        close(calibration.constant, number(&case["constant"]), 1e-3);
        close(calibration.factor, number(&case["factor"]), 1e-3);
        let of_spread = metrics.valid.unwrap().spread.unwrap();
        close(
            of_spread.spearman_r.unwrap(),
            number(&case["spearman_r"]),
            1e-12,
        );
        let coverage = of_spread.coverage.unwrap();
        let nominal: Vec<f64> = coverage.iter().map(|c| c.nominal).collect();
        assert_eq!(nominal, [0.5, 0.8, 0.9, 0.95]);
        for (found, expected) in coverage.iter().zip(numbers(&case["coverage"])) {
            close(found.observed, expected, 1e-12);
        }
        for (found, expected) in of_spread
            .fifths
            .iter()
            .zip(case["fifths"].as_array().unwrap())
        {
            let expected = numbers(expected);
            close(found.spread, expected[0], 1e-12);
            close(found.absolute_error, expected[1], 1e-12);
            assert_eq!(found.genes as f64, expected[2]);
        }
    }
}

#[test]
fn a_calibration_without_spread_or_errors() {
    let mut case = golden("spread")[0].clone();
    let genes = numbers(&case["errors"]).len();
    case["spread"] = vec![0.0; genes].into();
    let calibration = Metrics::of(&ensemble(&case), 1, None)
        .spread_calibration
        .unwrap();
    let square = numbers(&case["errors"]).iter().map(|e| e * e).sum::<f64>() / genes as f64;
    close(calibration.constant, square.sqrt(), 1e-12);
    assert_eq!(calibration.factor, 0.0);
    case["errors"] = vec![0.0; genes].into();
    let metrics = Metrics::of(&ensemble(&case), 1, None);
    assert_eq!(metrics.spread_calibration, None);
    assert_eq!(metrics.valid.unwrap().spread.unwrap().coverage, None);
}

/// Where a gene in a hundred goes without a read, the formula is good to 0.04; where the
/// ceiling is above 0.9, to 0.01. The correlation of measured and noiseless labels, known
/// here, is that of one draw of the reads.
#[test]
fn the_noise_ceiling_is_the_correlation_with_noiseless_labels() {
    for case in golden("noise_ceiling") {
        let scale = number(&case["scale"]);
        let reads = case["reads"].as_array().unwrap().iter();
        let genes: Vec<CountedGene> = reads
            .map(|of_gene| {
                let reads = [&of_gene[0], &of_gene[1]].map(|n| n.as_u64().unwrap());
                let expression = reads.map(|n| scale * n as f64);
                CountedGene { expression, reads }
            })
            .collect();
        let found = NoiseCeiling::of_counts(&genes, 1.0, 1).unwrap();
        // 20 draws here, 200 there.
        close(found.half_pearson_r, number(&case["half_pearson_r"]), 0.01);
        close(found.pearson_r, number(&case["ceiling"]), 0.01);
        let tolerance = if found.pearson_r > 0.9 { 0.01 } else { 0.04 };
        close(found.pearson_r, number(&case["truth"]), tolerance);
        assert_eq!(found, NoiseCeiling::of_counts(&genes, 1.0, 1).unwrap());
        assert_ne!(found, NoiseCeiling::of_counts(&genes, 1.0, 2).unwrap());
    }
}

/// Normal noise of known size on log2 expression that is far above the pseudocount.
#[test]
fn replicates_give_the_correlation_with_noiseless_labels_too() {
    let mut draws = resampling();
    let mut normal = |sd: f64| sd * normal(&mut draws);
    for (replicates, tolerance) in [
        ([2, 2], 0.01),
        ([4, 4], 0.01),
        ([3, 3], 0.01),
        ([2, 3], 0.03),
    ] {
        let (mut genes, mut truth, mut measured) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..20_000 {
            let log2 = [10.0 + normal(0.2), 10.0 + normal(0.2)];
            let of_cell = |cell: usize, normal: &mut dyn FnMut(f64) -> f64| -> Vec<f64> {
                let values = (0..replicates[cell]).map(|_| (log2[cell] + normal(0.3)).exp2());
                values.collect()
            };
            let gene = [of_cell(0, &mut normal), of_cell(1, &mut normal)];
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            truth.push(log2[0] - log2[1]);
            measured.push((mean(&gene[0]) / mean(&gene[1])).log2());
            genes.push(ReplicatedGene { replicates: gene });
        }
        let found = NoiseCeiling::of_replicates(&genes, 1e-6, 1).unwrap();
        close(
            found.pearson_r,
            pearson_r(&truth, &measured).unwrap(),
            tolerance,
        );
    }
}

/// A standard normal number, of twelve uniform ones.
fn normal(draws: &mut impl Rng) -> f64 {
    (0..12).map(|_| draws.random::<f64>()).sum::<f64>() - 6.0
}

#[test]
fn no_ceiling_without_signal_or_data() {
    let gene = |reads: u64| CountedGene {
        expression: [reads as f64; 2],
        reads: [reads; 2],
    };
    assert_eq!(NoiseCeiling::of_counts(&[], 1.0, 1), None);
    assert_eq!(NoiseCeiling::of_counts(&[gene(9); 5], 1.0, 1), None);
    assert_eq!(NoiseCeiling::of_counts(&[gene(0); 50], 1.0, 1), None);
    // Nothing differs but by the noise, so nothing can be predicted.
    let nothing = NoiseCeiling::of_counts(&[gene(30); 5000], 1.0, 1).unwrap();
    assert!(nothing.pearson_r < 0.2, "{nothing:?}");
    let single = ReplicatedGene {
        replicates: [vec![1.0], vec![2.0, 3.0]],
    };
    assert_eq!(NoiseCeiling::of_replicates(&vec![single; 50], 1.0, 1), None);
}

/// Test genes with these reads as expression.
fn counted(reads: &[[f64; 2]]) -> Predictions {
    let genes = reads
        .iter()
        .enumerate()
        .map(|(index, [a, b])| GenePrediction {
            gene_id: format!("G{index}"),
            split: Some(Split::Test),
            observed: ((a + 1.0) / (b + 1.0)).log2(),
            predicted: 0.0,
            spread: None,
            log2_expression: Some([(a + 1.0).log2(), (b + 1.0).log2()]),
            up: None,
            cells: None,
            of_pair: None,
        });
    Predictions {
        genes: genes.collect(),
    }
}

/// Test genes of a pair with these expressions.
fn in_reads(expressions: &[[f64; 2]]) -> Pair {
    let simulated = simulate(&SimulationConfig {
        genes: expressions.len(),
        bins: 4,
        ..SimulationConfig::default()
    });
    let (mut a, mut b) = simulated.unwrap().into_pair().unwrap();
    for (gene, [of_a, of_b]) in expressions.iter().enumerate() {
        a.genes[gene].expression = *of_a;
        b.genes[gene].expression = *of_b;
    }
    let (mut pair, _) = Pair::join(a, b, LabelConfig::default()).unwrap();
    for gene in &mut pair.genes {
        gene.split = Some(Split::Test);
    }
    pair
}

fn some_reads(genes: usize) -> Vec<[f64; 2]> {
    let mut draws = resampling();
    let mut reads = || (draws.random::<f64>() * 14.0).exp2().floor();
    (0..genes).map(|_| [reads(), reads()]).collect()
}

#[test]
fn expression_in_reads_has_a_ceiling_of_its_own() {
    let label = LabelConfig::default();
    let reads = some_reads(200);
    let found = NoiseCeilings::of_pair(&in_reads(&reads), &label, 1).unwrap();
    let genes: Vec<CountedGene> = reads
        .iter()
        .map(|&expression| CountedGene {
            expression,
            reads: expression.map(|e| e as u64),
        })
        .collect();
    let expected = NoiseCeiling::of_counts(&genes, 1.0, 1);
    assert_eq!((found.test, found.valid), (expected, None));
    let fractions: Vec<[f64; 2]> = reads.iter().map(|both| both.map(|e| e / 3.0)).collect();
    assert_eq!(
        NoiseCeilings::of_pair(&in_reads(&fractions), &label, 1),
        None
    );
    let classes = LabelConfig {
        task: Task::Classification,
        ..label
    };
    assert_eq!(NoiseCeilings::of_pair(&in_reads(&reads), &classes, 1), None);
}

fn table(cell: usize, reads: &[[f64; 2]]) -> GeneTable {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rows = reads.iter().enumerate();
    let rows: String = rows
        .map(|(g, of)| format!("G{g}\t{}\n", of[cell]))
        .collect();
    std::fs::write(file.path(), format!("gene_id\tcell{cell}\n{rows}")).unwrap();
    read_expression(file.path(), None, "").unwrap()
}

#[test]
fn tables_of_reads_that_are_not_those_of_the_run() {
    let label = LabelConfig::default();
    let reads = some_reads(60);
    let predictions = counted(&reads);
    let ceiling = |reads: &[[f64; 2]], label: &LabelConfig, predictions: &Predictions| {
        let tables = [table(0, reads), table(1, reads)];
        NoiseCeilings::of_counts(predictions, label, tables.each_ref(), 1)
    };
    let found = ceiling(&reads[..50], &label, &predictions).unwrap();
    assert_eq!((found.test.unwrap().genes, found.lacking_genes), (50, 10));
    let message = |reads: &[[f64; 2]], predictions: &Predictions| {
        ceiling(reads, &label, predictions).unwrap_err().to_string()
    };
    let mut fraction = reads.clone();
    fraction[7] = [3.5, 1.0];
    let text = message(&fraction, &predictions);
    assert!(text.contains("G7") && text.contains("3.5"), "{text}");
    let mut others = reads.clone();
    others.reverse();
    let text = message(&others, &predictions);
    assert!(text.contains("do not go with the expression"), "{text}");
    let text = message(&reads[..15], &predictions);
    assert!(text.contains("too few genes"), "{text}");
    let silent = vec![[0.0, 0.0]; 60];
    let text = message(&silent, &counted(&silent));
    assert!(text.contains("do not vary"), "{text}");
    let mut renamed = predictions.clone();
    renamed
        .genes
        .iter_mut()
        .for_each(|g| g.gene_id.insert(0, 'X'));
    let text = message(&reads, &renamed);
    assert!(text.contains("\"XG0\""), "{text}");
    let mut early = predictions.clone();
    early.genes[3].log2_expression = None;
    let text = message(&reads, &early);
    assert!(text.contains("earlier version"), "{text}");
    let classes = LabelConfig {
        task: Task::Classification,
        ..label
    };
    let text = ceiling(&reads, &classes, &predictions)
        .unwrap_err()
        .to_string();
    assert!(text.contains("classified"), "{text}");
}

/// Two stem-cell-derived lineages, with the reads that their RPKM were computed from.
#[test]
fn the_ceiling_of_a_real_pair() {
    let Some(path) = shared("data/remc-expression/57epigenomes.N.pc.gz") else {
        return;
    };
    let reads = ["E012", "E013"].map(|cell| read_expression(&path, Some(cell), cell).unwrap());
    let rpkm = path.with_file_name("57epigenomes.RPKM.pc.gz");
    let rpkm = ["E012", "E013"].map(|cell| read_expression(&rpkm, Some(cell), cell).unwrap());
    let values: Vec<[f64; 2]> = (0..rpkm[0].rows.len())
        .map(|row| [rpkm[0].rows[row].1, rpkm[1].rows[row].1])
        .collect();
    let mut predictions = counted(&values);
    for (gene, (id, _)) in predictions.genes.iter_mut().zip(&rpkm[0].rows) {
        gene.gene_id.clone_from(id);
    }
    let label = LabelConfig::default();
    let found = NoiseCeilings::of_counts(&predictions, &label, reads.each_ref(), 1).unwrap();
    let ceiling = found.test.unwrap();
    // Of tens of millions of reads, counting is the least of its noise.
    assert!((0.998..0.9999).contains(&ceiling.pearson_r), "{ceiling:?}");
}

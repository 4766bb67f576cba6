//! Random forests are as good as scikit-learn's. Golden numbers: tools/reference/learners.py.

use epidelta::learner::{
    forest::{Forest, Growth},
    matrix::Matrix,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    first_row: Vec<f64>,
    first_targets: Vec<f64>,
    median: f64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    max_features: usize,
    min_leaf: usize,
    max_depth: Option<u16>,
    r2: f64,
    auroc: f64,
}

/// SplitMix64, uniform in 0..1, as in tools/reference/learners.py.
fn uniform(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Friedman #1: 50 features, five of which matter.
fn friedman(rows: usize, mut seed: u64) -> (Matrix, Vec<f64>) {
    let (mut values, mut y) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let x: Vec<f64> = (0..50).map(|_| uniform(&mut seed)).collect();
        let noise: f64 = (0..12).map(|_| uniform(&mut seed)).sum::<f64>() - 6.0;
        let curved = 10.0 * (std::f64::consts::PI * x[0] * x[1]).sin();
        y.push(curved + 20.0 * (x[2] - 0.5).powi(2) + 10.0 * x[3] + 5.0 * x[4] + noise);
        values.extend(x);
    }
    (Matrix::new(rows, 50, values).unwrap(), y)
}

fn r2(observed: &[f64], predicted: &[f64]) -> f64 {
    let mean = observed.iter().sum::<f64>() / observed.len() as f64;
    let error: f64 = observed
        .iter()
        .zip(predicted)
        .map(|(o, p)| (o - p).powi(2))
        .sum();
    1.0 - error / observed.iter().map(|o| (o - mean).powi(2)).sum::<f64>()
}

fn auroc(positive: &[bool], score: &[f64]) -> f64 {
    let of = |class| (0..score.len()).filter(move |&i| positive[i] == class);
    let pairs = of(true).flat_map(|p| of(false).map(move |n| (score[p], score[n])));
    let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), (p, n)| {
        (
            sum + f64::from(p > n) + 0.5 * f64::from(p == n),
            count + 1.0,
        )
    });
    sum / count
}

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[test]
fn as_good_as_scikit_learn() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/forest.json")).unwrap();
    let ((x, y), (x_test, y_test)) = (friedman(1000, 1), friedman(2000, 2));
    assert_eq!(x.row(0), golden.first_row);
    assert!((r2(&golden.first_targets, &y[..5]) - 1.0).abs() < 1e-12);
    let above = |y: &[f64]| y.iter().map(|&y| y > golden.median).collect::<Vec<_>>();
    for case in &golden.cases {
        let config = Growth {
            trees: 200,
            max_features: Some(case.max_features),
            min_leaf: case.min_leaf,
            max_depth: case.max_depth,
        };
        let forest = Forest::fit_regression(&x, &y, &config, &mut generator(1)).unwrap();
        let r2 = r2(&y_test, &forest.predict(&x_test).unwrap());
        let forest = Forest::fit_classes(&x, &above(&y), &config, &mut generator(1)).unwrap();
        let auroc = auroc(&above(&y_test), &forest.predict(&x_test).unwrap());
        println!(
            "{config:?}: {r2:.4} {:.4}, {auroc:.4} {:.4}",
            case.r2, case.auroc
        );
        assert!(
            (r2 - case.r2).abs() < 0.02,
            "{config:?}: {r2} is not {}",
            case.r2
        );
        assert!(
            (auroc - case.auroc).abs() < 0.01,
            "{config:?}: {auroc} is not {}",
            case.auroc
        );
    }
}

#[test]
fn the_first_trees_do_not_depend_on_those_that_follow_nor_on_threads() {
    let (x, y) = friedman(100, 1);
    let fit = |trees| {
        let config = Growth {
            trees,
            ..Growth::default()
        };
        Forest::fit_regression(&x, &y, &config, &mut generator(1)).unwrap()
    };
    let mut forest = fit(20);
    let few = fit(7).predict(&x).unwrap();
    let all = forest.predict(&x).unwrap();
    assert_ne!(few, all);
    assert_eq!(forest.predict_with(7, &x).unwrap(), few);
    assert_eq!(forest.predict_with(21, &x).unwrap(), all);
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(pool.install(|| fit(20).predict(&x)).unwrap(), all);
    }
    let bytes = postcard::to_allocvec(&forest).unwrap();
    let back: Forest = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(back.predict(&x).unwrap(), all);
    let json = serde_json::to_string(&forest).unwrap();
    let back: Forest = serde_json::from_str(&json).unwrap();
    assert_eq!(back.predict(&x).unwrap(), all);
    forest.truncate(7);
    assert_eq!((forest.trees(), forest.predict(&x).unwrap()), (7, few));
    forest.truncate(0);
    assert_eq!(forest.trees(), 1);
    assert!(
        forest
            .predict_with(0, &x)
            .unwrap()
            .iter()
            .all(|y| y.is_finite())
    );
}

#[test]
fn a_tree_of_depth_one_is_a_stump() {
    let (x, y) = friedman(100, 1);
    let config = Growth {
        trees: 1,
        max_depth: Some(1),
        ..Growth::default()
    };
    let forest = Forest::fit_regression(&x, &y, &config, &mut generator(1)).unwrap();
    let mut values = forest.predict(&x).unwrap();
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert_eq!(values.len(), 2);
}

#[test]
fn odd_data_have_a_finite_answer_or_none() {
    let fit = |rows: usize, columns: usize, values: Vec<f64>, y: &[f64]| {
        let x = Matrix::new(rows, columns, values).unwrap();
        let config = Growth {
            trees: 10,
            ..Growth::default()
        };
        Forest::fit_regression(&x, y, &config, &mut generator(1))?.predict(&x)
    };
    assert_eq!(fit(3, 1, vec![1.0, 2.0, 3.0], &[5.0; 3]).unwrap(), [5.0; 3]);
    assert_eq!(fit(1, 1, vec![1.0], &[5.0]).unwrap(), [5.0]);
    let no_spread = fit(3, 2, vec![7.0; 6], &[1.0, 2.0, 3.0]).unwrap();
    assert!(
        no_spread
            .iter()
            .all(|&y| y == no_spread[0] && (1.0..=3.0).contains(&y))
    );

    assert!(fit(0, 2, vec![], &[]).is_err());
    assert!(fit(2, 0, vec![], &[1.0, 2.0]).is_err());
    assert!(fit(2, 1, vec![1.0, 2.0], &[1.0]).is_err());
    assert!(fit(2, 1, vec![1.0, f64::NAN], &[1.0, 2.0]).is_err());
    assert!(fit(2, 1, vec![1.0, 2.0], &[1.0, f64::NAN]).is_err());
    let x = Matrix::new(2, 1, vec![1.0, 2.0]).unwrap();
    let classes = Forest::fit_classes(&x, &[true, true], &Growth::default(), &mut generator(1));
    assert_eq!(classes.unwrap().predict(&x).unwrap(), [1.0, 1.0]);
    let none = Growth::default();
    for config in [
        Growth { trees: 0, ..none },
        Growth {
            max_features: Some(0),
            ..none
        },
        Growth {
            min_leaf: 0,
            ..none
        },
    ] {
        assert!(Forest::fit_regression(&x, &[1.0, 2.0], &config, &mut generator(1)).is_err());
    }
    let forest = Forest::fit_regression(&x, &[1.0, 2.0], &none, &mut generator(1)).unwrap();
    assert!(forest.predict(&x.select_columns(&[0, 0])).is_err());
    assert!(forest.predict(&x.select_rows(&[])).unwrap().is_empty());
}

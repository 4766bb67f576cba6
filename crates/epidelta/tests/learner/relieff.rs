//! Feature weights equal scikit-rebate's and those of the paper's pseudocode. Golden
//! numbers: tools/reference/learners.py.

use epidelta::error::Result;
use epidelta::learner::{
    matrix::Matrix,
    relieff::{Formula, Relief, relief_weights},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    k: usize,
    formula: Formula,
    weights: Vec<f64>,
}

const FORMULAS: [Formula; 3] = [
    Formula::Regression,
    Formula::RankedRegression { sigma: 3.0 },
    Formula::HitsAndMisses,
];

fn weights(x: &Matrix, y: &[f64], formula: Formula, neighbours: usize) -> Result<Vec<f64>> {
    let config = Relief {
        formula,
        neighbours,
    };
    relief_weights(x, y, &config)
}

fn sample(rows: usize, columns: usize) -> (Matrix, Vec<f64>) {
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    let values = (0..rows * columns).map(|_| generator.random()).collect();
    let x = Matrix::new(rows, columns, values).unwrap();
    let y = (0..rows)
        .map(|row| x.row(row)[0] + 0.1 * generator.random::<f64>())
        .collect();
    (x, y)
}

#[test]
fn equal_to_scikit_rebate_and_to_the_paper() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/relieff.json")).unwrap();
    let x = Matrix::new(golden.x.len(), golden.x[0].len(), golden.x.concat()).unwrap();
    for case in &golden.cases {
        let found = weights(&x, &golden.y, case.formula, case.k).unwrap();
        for (found, expected) in found.iter().zip(&case.weights) {
            let difference = (found - expected).abs();
            assert!(
                difference < 1e-12,
                "{:?}, {}: {difference}",
                case.formula,
                case.k
            );
        }
    }
}

#[test]
fn same_on_any_number_of_threads() {
    // More rows than a tile and than a panel, more features than are summed at once.
    let (x, y) = sample(333, 150);
    for formula in FORMULAS {
        let expected = weights(&x, &y, formula, 10).unwrap();
        let best = (0..150).max_by(|&a, &b| expected[a].total_cmp(&expected[b]));
        assert_eq!(best, Some(0), "{formula:?}");
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            assert_eq!(
                pool.install(|| weights(&x, &y, formula, 10)).unwrap(),
                expected
            );
        }
    }
}

#[test]
fn odd_data_have_finite_weights_or_none() {
    let matrix = |rows, columns, values| Matrix::new(rows, columns, values).unwrap();
    let finite = |x: &Matrix, y: &[f64]| {
        for formula in FORMULAS {
            let weights = weights(x, y, formula, 10).unwrap();
            assert_eq!(weights.len(), x.columns());
            assert!(
                weights.iter().all(|w| w.is_finite() && w.abs() <= 1.0),
                "{weights:?}"
            );
        }
    };
    let (x, y) = sample(40, 1);
    finite(&x, &y); // one feature
    finite(&x.select_rows(&[0, 1, 2]), &y[..3]); // fewer rows than neighbours
    finite(&x.select_rows(&[0, 1]), &y[..2]);
    finite(
        &matrix(4, 1, vec![0.0, 0.0, 1.0, 1.0]),
        &[1.0, 1.0, 2.0, 2.0],
    ); // equal rows
    finite(&matrix(3, 2, vec![5.0; 6]), &[1.0, 2.0, 3.0]); // constant features

    // A constant feature is worth 0 and changes nothing else.
    let (x, y) = sample(40, 2);
    let values: Vec<f64> = (0..40)
        .flat_map(|row| [x.row(row)[0], 9.0, x.row(row)[1]])
        .collect();
    for formula in FORMULAS {
        let without = weights(&x, &y, formula, 5).unwrap();
        let with = weights(&matrix(40, 3, values.clone()), &y, formula, 5).unwrap();
        assert_eq!(with, [without[0], 0.0, without[1]]);
    }

    for formula in FORMULAS {
        let fit = |x: &Matrix, y: &[f64]| weights(x, y, formula, 10);
        assert!(fit(&matrix(3, 1, vec![1.0, 2.0, 3.0]), &[4.0; 3]).is_err());
        assert!(fit(&matrix(1, 1, vec![1.0]), &[4.0]).is_err());
        assert!(fit(&matrix(0, 1, vec![]), &[]).is_err());
        assert!(fit(&matrix(2, 0, vec![]), &[1.0, 2.0]).is_err());
        assert!(fit(&matrix(2, 1, vec![1.0, f64::NAN]), &[1.0, 2.0]).is_err());
        assert!(fit(&matrix(2, 1, vec![1.0, 2.0]), &[1.0, f64::NAN]).is_err());
        assert!(weights(&x, &y, formula, 0).is_err());
    }
    assert!(weights(&x, &y, Formula::RankedRegression { sigma: 0.0 }, 5).is_err());
}

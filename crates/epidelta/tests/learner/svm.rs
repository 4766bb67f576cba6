//! Support vector machines equal scikit-learn's. Golden numbers: tools/reference/learners.py.

use epidelta::learner::{
    matrix::Matrix,
    svm::{Svm, SvmConfig},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    positive: Vec<bool>,
    test: Vec<Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    cost: f64,
    epsilon: f64,
    gamma: Option<f64>,
    predicted: Vec<f64>,
    support_vectors: usize,
    decision: Vec<f64>,
    class_support_vectors: usize,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/svm.json")).unwrap()
}

fn matrix(rows: &[Vec<f64>]) -> Matrix {
    Matrix::new(rows.len(), rows[0].len(), rows.concat()).unwrap()
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

#[test]
fn equal_to_scikit_learn() {
    let golden = golden();
    let (x, test) = (matrix(&golden.x), matrix(&golden.test));
    for case in &golden.cases {
        let config = SvmConfig {
            cost: case.cost,
            epsilon: case.epsilon,
            gamma: case.gamma,
        };
        let svr = Svm::fit_regression(&x, &golden.y, &config).unwrap();
        let svc = Svm::fit_classes(&x, &golden.positive, &config).unwrap();
        let svr_difference = difference(&svr.predict(&test), &case.predicted);
        let svc_difference = difference(&svc.predict(&test), &case.decision);
        println!("{config:?}: {svr_difference:.1e} {svc_difference:.1e}");
        assert!(svr_difference < 1e-6, "{config:?}: {svr_difference}");
        assert!(svc_difference < 1e-6, "{config:?}: {svc_difference}");
        assert_eq!(svr.support_vectors(), case.support_vectors);
        assert_eq!(svc.support_vectors(), case.class_support_vectors);
    }
}

#[test]
fn same_on_any_number_of_threads_and_after_a_round_trip() {
    let golden = golden();
    let (x, test) = (matrix(&golden.x), matrix(&golden.test));
    let config = SvmConfig::default();
    let fitted = Svm::fit_regression(&x, &golden.y, &config).unwrap();
    let predicted = fitted.predict(&test);
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let many = pool.install(|| {
            use rayon::prelude::*;
            let fit = |_| Svm::fit_regression(&x, &golden.y, &config).unwrap();
            (0..8).into_par_iter().map(fit).collect::<Vec<_>>()
        });
        for svm in many {
            assert_eq!(svm, fitted);
            assert_eq!(pool.install(|| svm.predict(&test)), predicted);
        }
    }
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<Svm>(&json).unwrap(), fitted);
}

#[test]
fn odd_data_have_a_finite_answer_or_none() {
    let fit = |rows: usize, columns: usize, values: Vec<f64>, y: &[f64]| {
        let x = Matrix::new(rows, columns, values).unwrap();
        Svm::fit_regression(&x, y, &SvmConfig::default()).map(|svm| svm.predict(&x))
    };
    // A constant target, a constant feature, one feature, one row.
    let constant = fit(3, 1, vec![1.0, 2.0, 3.0], &[5.0; 3]).unwrap();
    assert!(
        constant.iter().all(|y| (y - 5.0).abs() <= 0.1),
        "{constant:?}"
    );
    let no_spread = fit(3, 2, vec![7.0; 6], &[1.0, 2.0, 3.0]).unwrap();
    assert!(
        no_spread.iter().all(|y| (y - 2.0).abs() < 0.2),
        "{no_spread:?}"
    );
    assert!((fit(1, 1, vec![1.0], &[5.0]).unwrap()[0] - 5.0).abs() <= 0.1);

    assert!(fit(0, 2, vec![], &[]).is_err());
    assert!(fit(2, 0, vec![], &[1.0, 2.0]).is_err());
    assert!(fit(2, 1, vec![1.0, 2.0], &[1.0]).is_err());
    assert!(fit(2, 1, vec![1.0, f64::NAN], &[1.0, 2.0]).is_err());
    assert!(fit(2, 1, vec![1.0, 2.0], &[1.0, f64::INFINITY]).is_err());
    let x = Matrix::new(2, 1, vec![1.0, 2.0]).unwrap();
    assert!(Svm::fit_classes(&x, &[true, true], &SvmConfig::default()).is_err());
    for (cost, epsilon, gamma) in [
        (0.0, 0.1, None),
        (f64::NAN, 0.1, None),
        (1.0, -0.1, None),
        (1.0, 0.1, Some(0.0)),
        (1.0, 0.1, Some(f64::INFINITY)),
    ] {
        let config = SvmConfig {
            cost,
            epsilon,
            gamma,
        };
        assert!(
            Svm::fit_regression(&x, &[1.0, 2.0], &config).is_err(),
            "{config:?}"
        );
    }
}

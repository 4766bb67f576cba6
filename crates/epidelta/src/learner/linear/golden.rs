//! The linear models against scikit-learn's: tools/reference/linear.py.

use serde::Deserialize;

use super::{Linear, lasso, logistic, ridge};
use crate::learner::matrix::Matrix;

#[derive(Deserialize)]
struct Golden {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    labels: Vec<bool>,
    new_x: Vec<Vec<f64>>,
    ridge: Vec<Fit>,
    lasso: Vec<Fit>,
    logistic: Vec<Fit>,
}

#[derive(Deserialize)]
struct Fit {
    penalty: f64,
    weights: Vec<f64>,
    intercept: f64,
    fitted: Vec<f64>,
    predictions: Vec<f64>,
}

const NAMES: [&str; 3] = ["tall", "wide", "degenerate"];

fn golden(name: &str) -> Golden {
    let path = format!(
        "{}/tests/golden/linear_{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn matrix(rows: &[Vec<f64>]) -> Matrix {
    Matrix::new(rows.len(), rows[0].len(), rows.concat()).unwrap()
}

fn penalties(fits: &[Fit]) -> Vec<f64> {
    fits.iter().map(|fit| fit.penalty).collect()
}

fn close(ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }
}

fn equal(models: &[Linear], fits: &[Fit], golden: &Golden, unique: bool) {
    assert_eq!(models.len(), fits.len());
    for (model, fit) in models.iter().zip(fits) {
        if unique {
            close(&model.weights, &fit.weights);
        }
        close(&[model.intercept], &[fit.intercept]);
        close(&model.predict(&matrix(&golden.x)).unwrap(), &fit.fitted);
        let predictions = model.predict(&matrix(&golden.new_x)).unwrap();
        close(&predictions, &fit.predictions);
    }
}

#[test]
fn ridge_equals_scikit_learn() {
    for name in NAMES {
        let g = golden(name);
        let models = ridge::path(&matrix(&g.x), &g.y, &penalties(&g.ridge)).unwrap();
        equal(&models, &g.ridge, &g, true);
    }
}

/// A path of which every fit comes to its end.
fn lasso_path(x: &Matrix, y: &[f64], alphas: &[f64], tolerance: f64) -> Vec<Linear> {
    let models = lasso::path(x, y, alphas, tolerance).unwrap();
    models.into_iter().map(Option::unwrap).collect()
}

#[test]
fn lasso_equals_scikit_learn() {
    for name in NAMES {
        let g = golden(name);
        let models = lasso_path(&matrix(&g.x), &g.y, &penalties(&g.lasso), 1e-14);
        // Which of two equal features has the weight is arbitrary.
        equal(&models, &g.lasso, &g, name != "degenerate");
    }
}

#[test]
fn logistic_regression_equals_scikit_learn() {
    for name in NAMES {
        let g = golden(name);
        let fit = |&c: &f64| logistic::fit(&matrix(&g.x), &g.labels, c).unwrap();
        let models: Vec<Linear> = penalties(&g.logistic).iter().map(fit).collect();
        equal(&models, &g.logistic, &g, true);
    }
}

#[test]
fn saved_models_read_back_exactly_and_predict_the_same_on_any_number_of_threads() {
    let g = golden("wide");
    let x = matrix(&g.x);
    let fit = || {
        let mut models = ridge::path(&x, &g.y, &[0.1, 10.0]).unwrap();
        models.extend(lasso_path(&x, &g.y, &[0.1, 0.01], 1e-10));
        models.push(logistic::fit(&x, &g.labels, 1.0).unwrap());
        models
    };
    let models = fit();
    let text = serde_json::to_string(&models).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Linear>>(&text).unwrap(), models);
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        assert_eq!(pool.build().unwrap().install(fit), models);
    }
}

#[test]
fn constant_features_have_no_weight() {
    let g = golden("degenerate");
    let x = matrix(&g.x);
    let ridge = &ridge::path(&x, &g.y, &[1.0]).unwrap()[0];
    let lasso = &lasso_path(&x, &g.y, &[0.01], 1e-10)[0];
    let logistic = &logistic::fit(&x, &g.labels, 1.0).unwrap();
    for model in [ridge, lasso, logistic] {
        assert_eq!((model.weights[2], model.scales[2]), (0.0, 1.0));
    }
    // Of equal features ridge makes equal use.
    assert!((ridge.weights[1] - ridge.weights[4]).abs() < 1e-12);
}

#[test]
fn constant_targets_and_absent_features_are_predicted_by_the_mean() {
    let g = golden("wide");
    let (x, none) = (matrix(&g.x), Matrix::new(3, 0, vec![]).unwrap());
    let constant = vec![0.1; g.y.len()];
    let mut models = ridge::path(&x, &constant, &[1e-9]).unwrap();
    models.extend(lasso_path(&x, &constant, &[1e-9], 1e-12));
    for model in models {
        assert_eq!(model.weights, [0.0; 30]);
        assert!((model.intercept - 0.1).abs() < 1e-15);
    }
    let mut models = ridge::path(&none, &[1.0, 2.0, 6.0], &[1.0]).unwrap();
    models.extend(lasso_path(&none, &[1.0, 2.0, 6.0], &[1.0], 1e-6));
    for model in models {
        close(&model.predict(&none).unwrap(), &[3.0; 3]);
    }
    let model = logistic::fit(&none, &[true, true, false], 1.0).unwrap();
    close(&[model.intercept], &[2.0f64.ln()]);
    assert!(model.predict(&x).is_err());
}

#[test]
fn extreme_penalties_stay_finite() {
    for name in NAMES {
        let g = golden(name);
        let x = matrix(&g.x);
        let mut models = ridge::path(&x, &g.y, &[1e-12, 1e300]).unwrap();
        models.extend(lasso_path(&x, &g.y, &[1e-3, 1e300], 1e-6));
        // Separable labels: the weights grow with C, but slowly.
        models.push(logistic::fit(&x, &g.labels, 1e6).unwrap());
        models.push(logistic::fit(&x, &g.labels, 1e-12).unwrap());
        let finite = |m: &Linear| m.weights.iter().all(|w| w.is_finite());
        assert!(models.iter().all(|m| finite(m) && m.intercept.is_finite()));
    }
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let g = golden("tall");
    let x = matrix(&g.x);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(ridge::path(&x, &g.y, &[1.0, bad]).is_err());
        assert!(lasso::path(&x, &g.y, &[bad], 1e-6).is_err());
        assert!(lasso::path(&x, &g.y, &[1.0], bad).is_err());
        assert!(logistic::fit(&x, &g.labels, bad).is_err());
    }
    assert!(ridge::path(&x, &g.y[1..], &[1.0]).is_err());
    assert!(logistic::fit(&x, &g.labels[1..], 1.0).is_err());
    for label in [false, true] {
        let labels = vec![label; g.labels.len()];
        let error = logistic::fit(&x, &labels, 1.0).unwrap_err();
        assert!(error.to_string().contains("one class"));
    }
}

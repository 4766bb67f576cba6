//! Boosted trees: accuracy, bit-for-bit repetition, degenerate data.

use super::*;

/// Numbers between 0 and 1 that look random.
fn uniform(i: usize) -> f64 {
    (12.9898 * (i as f64 + 1.0)).sin().abs() * 43758.5453 % 1.0
}

/// Friedman's first benchmark (Annals of Statistics 1991), with features of no
/// use and without noise: 10 sin(pi a b) + 20 (c - 1/2)^2 + 10 d + 5 e.
fn friedman(first: usize, rows: usize) -> (Matrix, Vec<f64>) {
    let values: Vec<f64> = (8 * first..8 * (first + rows)).map(uniform).collect();
    let target = values.chunks(8).map(|x| {
        let wave = (std::f64::consts::PI * x[0] * x[1]).sin();
        10.0 * wave + 20.0 * (x[2] - 0.5).powi(2) + 10.0 * x[3] + 5.0 * x[4]
    });
    let target = target.collect();
    (Matrix::new(rows, 8, values).unwrap(), target)
}

fn quick() -> BoostingConfig {
    BoostingConfig {
        trees: 300,
        patience: 10,
        learning_rate: 0.1,
        column_share: 0.5,
        l2: 5.0,
        ..BoostingConfig::default()
    }
}

fn above(target: &[f64]) -> Vec<bool> {
    target.iter().map(|y| *y > 14.0).collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn friedmans_function_and_its_threshold_are_learnt() {
    let (train, valid, test) = (friedman(0, 1500), friedman(1500, 500), friedman(2000, 500));
    let trees =
        BoostedTrees::fit_regression(&quick(), 1, (&train.0, &train.1), (&valid.0, &valid.1))
            .unwrap();
    let predicted = trees.predict(&test.0).unwrap();
    let mean = test.1.iter().sum::<f64>() / 500.0;
    let sum = |f: &dyn Fn(usize) -> f64| (0..500).map(|i| f(i).powi(2)).sum::<f64>();
    let unexplained = sum(&|i| test.1[i] - predicted[i]) / sum(&|i| test.1[i] - mean);
    assert!(unexplained < 0.06, "{unexplained} of the variance is left");

    let classes = BoostedTrees::fit_classification(
        &quick(),
        1,
        (&train.0, &above(&train.1)),
        (&valid.0, &above(&valid.1)),
    )
    .unwrap();
    let log_odds = classes.predict(&test.0).unwrap();
    let right = (log_odds.iter().zip(above(&test.1)))
        .filter(|(z, label)| (**z > 0.0) == *label)
        .count();
    assert!(right > 450, "{right} of 500 classes are right");
}

#[test]
fn trees_that_do_not_help_on_validation_rows_are_not_kept() {
    let ((train, _), (valid, _)) = (friedman(0, 1000), friedman(1000, 500));
    let noise = |first: usize, rows: usize| -> Vec<f64> {
        (first..first + rows)
            .map(|i| uniform(i + 1_000_000))
            .collect()
    };
    let (y, valid_y) = (noise(0, 1000), noise(1000, 500));
    let trees =
        BoostedTrees::fit_regression(&quick(), 1, (&train, &y), (&valid, &valid_y)).unwrap();
    assert!(trees.trees() < 30, "{} trees", trees.trees());
    let text = serde_json::to_string(&trees).unwrap();
    assert_eq!(text.matches("\"nodes\"").count(), trees.trees());
}

#[test]
fn the_same_to_the_bit_on_any_number_of_threads_and_after_saving() {
    // Enough rows for every parallel branch of the crate (16,384).
    let (train, valid) = (friedman(0, 20_000), friedman(20_000, 1000));
    for (row_share, leaves) in [(0.8, 31), (0.3, 31), (1.0, 8)] {
        let config = BoostingConfig {
            trees: 12,
            row_share,
            leaves,
            ..quick()
        };
        let fit = || {
            let (train, valid) = ((&train.0, &*train.1), (&valid.0, &*valid.1));
            let trees = BoostedTrees::fit_regression(&config, 1, train, valid).unwrap();
            (bits(&trees.predict(valid.0).unwrap()), trees)
        };
        let (expected, trees) = fit();
        let text = serde_json::to_string(&trees).unwrap();
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let (predicted, trees) = pool.build().unwrap().install(fit);
            assert!(predicted == expected, "{threads} threads");
            assert!(serde_json::to_string(&trees).unwrap() == text);
        }
        let read: BoostedTrees = serde_json::from_str(&text).unwrap();
        assert!(bits(&read.predict(&valid.0).unwrap()) == expected);
        let (train, valid) = ((&train.0, &*train.1), (&valid.0, &*valid.1));
        let other = BoostedTrees::fit_regression(&config, 2, train, valid).unwrap();
        assert!(bits(&other.predict(valid.0).unwrap()) != expected);
    }
}

#[test]
fn degenerate_data_are_fitted_or_refused() {
    let (x, y) = friedman(0, 200);
    let fit = |x: &Matrix, y: &[f64]| BoostedTrees::fit_regression(&quick(), 1, (x, y), (x, y));
    let same = |values: &[f64], y: f64| values.iter().all(|v| (v - y).abs() < 1e-6);

    let constant = fit(&x, &[0.1; 200]).unwrap();
    assert!(same(&constant.predict(&x).unwrap(), 0.1));
    let flat = Matrix::new(200, 2, vec![0.3; 400]).unwrap();
    let mean = y.iter().sum::<f64>() / 200.0;
    let predicted = fit(&flat, &y).unwrap().predict(&flat).unwrap();
    assert!(same(&predicted, predicted[0]));
    // A tree's rows are drawn: their mean is not exactly that of all.
    assert!((predicted[0] - mean).abs() < 0.5);
    let twice = x.select_columns(&[0, 0, 3, 3]);
    assert!(fit(&twice, &y).is_ok());
    // More columns than rows; one row; one column.
    let wide = Matrix::new(10, 160, x.values().to_vec()).unwrap();
    let predicted = fit(&wide, &y[..10]).unwrap().predict(&wide).unwrap();
    assert!(predicted.iter().all(|v| v.is_finite()));
    let one = x.select_rows(&[0]);
    assert!(same(
        &fit(&one, &y[..1]).unwrap().predict(&one).unwrap(),
        y[0]
    ));
    assert!(fit(&x.select_columns(&[3]), &y).is_ok());

    assert!(constant.predict(&twice).is_err());
    assert!(fit(&x, &y[1..]).is_err());
    assert!(fit(&x.select_rows(&[]), &[]).is_err());
    assert!(fit(&x.select_columns(&[]), &y).is_err());
    assert!(fit(&x, &[f64::INFINITY; 200]).is_err());
    assert!(fit(&Matrix::new(200, 1, vec![f64::NAN; 200]).unwrap(), &y).is_err());
    let one_class = [true; 200];
    let sets = ((&x, &one_class[..]), (&x, &one_class[..]));
    assert!(BoostedTrees::fit_classification(&quick(), 1, sets.0, sets.1).is_err());
}

#[test]
fn settings_out_of_range_are_named() {
    let (x, y) = friedman(0, 50);
    let config: BoostingConfig = serde_json::from_str(r#"{"row_share": 1.5}"#).unwrap();
    let result = BoostedTrees::fit_regression(&config, 1, (&x, &y), (&x, &y));
    let error = result.err().unwrap().to_string();
    assert!(error.contains("boosting.row_share"), "{error}");
}

#[test]
fn trees_that_are_used_are_there() {
    let x = Matrix::new(60, 1, (0..60).map(f64::from).collect()).unwrap();
    let y: Vec<f64> = x.values().iter().map(|x| (x / 10.0).floor()).collect();
    let config = BoostingConfig {
        trees: 5,
        ..BoostingConfig::default()
    };
    let mut fitted = BoostedTrees::fit_regression(&config, 1, (&x, &y), (&x, &y)).unwrap();
    assert!(fitted.is_sound(1));
    fitted.booster.prediction_iteration = Some(fitted.trees() + 1);
    assert!(!fitted.is_sound(1));
}

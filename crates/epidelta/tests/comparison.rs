//! The statistics of the comparison are those of SciPy and statsmodels:
//! tools/reference/comparison.py wrote the golden numbers.

mod common;

use common::{cases, number, numbers};
use epidelta::evaluation::{Draws, Ranking, holm, pearson_interval, signed_rank};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn golden(test: &str) -> Vec<Value> {
    cases(include_str!("golden/comparison.json"), test)
}

#[track_caller]
fn closes(found: &[f64], expected: &[f64], case: &Value) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (found, expected) in found.iter().zip(expected) {
        close(*found, *expected, case);
    }
}

#[track_caller]
fn close(found: f64, expected: f64, case: &Value) {
    let error = (found - expected).abs();
    assert!(
        error <= 1e-10 * expected.abs(),
        "{found} is not {expected}: {case}"
    );
}

#[test]
fn signed_rank_as_in_scipy() {
    let cases = golden("signed_rank");
    assert!(cases.len() >= 10);
    for case in cases {
        let test = signed_rank(&numbers(&case["differences"])).unwrap();
        assert_eq!(test.n as f64, number(&case["n"]), "{case}");
        close(test.statistic, number(&case["statistic"]), &case);
        close(test.p, number(&case["p"]), &case);
    }
}

#[test]
fn ranks_and_friedman_as_in_scipy() {
    for case in golden("friedman") {
        let methods = case["methods"].as_array().unwrap();
        let values = |method: &Value| numbers(method).into_iter().map(Some).collect();
        let ranking = Ranking::of(&methods.iter().map(values).collect::<Vec<_>>());
        closes(&ranking.mean_rank, &numbers(&case["mean_rank"]), &case);
        let test = ranking.friedman.unwrap();
        close(test.chi_square, number(&case["chi_square"]), &case);
        close(test.p, number(&case["p"]), &case);
    }
}

#[test]
fn holm_as_in_statsmodels() {
    for case in golden("holm") {
        let adjusted = holm(&numbers(&case["p"]));
        closes(&adjusted, &numbers(&case["adjusted"]), &case);
    }
}

/// Other random numbers: the ends of the interval agree to the error of their
/// simulation, less than 0.001 for 40 genes in 200,000 resamples, and for 400 in
/// 20,000.
#[test]
fn bootstrap_interval_as_in_scipy() {
    for case in golden("bootstrap") {
        let observed = numbers(&case["observed"]);
        let predicted = case["predicted"].as_array().unwrap();
        let predicted: Vec<Vec<f64>> = predicted.iter().map(numbers).collect();
        let (resamples, level) = (8_000_000 / observed.len(), number(&case["level"]));
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let draws = Draws {
            resamples,
            level,
            ..Draws::new(None, &mut generator)
        };
        let found = pearson_interval(&observed, &predicted, draws);
        for (found, expected) in found.unwrap().iter().zip(numbers(&case["interval"])) {
            assert!((found - expected).abs() < 0.004, "{found}, not {expected}");
        }
    }
}

//! The kernels of every level against the reference in double precision.

use proptest::prelude::*;
use recurrent::{Level, Shape};

use crate::problem::Problem;

/// Largest absolute difference.
fn largest_difference(actual: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(actual.len(), expected.len());
    let difference = |(&a, &e): (&f32, &f64)| {
        let difference = (f64::from(a) - e).abs();
        // A maximum would pass over NaN.
        if difference.is_nan() {
            f64::INFINITY
        } else {
            difference
        }
    };
    actual
        .iter()
        .zip(expected)
        .map(difference)
        .fold(0.0, f64::max)
}

/// Euclidean norm of the difference over that of what is expected.
fn relative_error(actual: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(actual.len(), expected.len());
    let square = |value: f64| value * value;
    let difference: f64 = actual
        .iter()
        .zip(expected)
        .map(|(&a, &e)| square(f64::from(a) - e))
        .sum();
    let norm: f64 = expected.iter().map(|&e| square(e)).sum();
    if norm == 0.0 {
        difference.sqrt()
    } else {
        (difference / norm).sqrt()
    }
}

fn check(shape: Shape, seed: u64) {
    let problem = Problem::random(shape, seed);
    let reference = problem.widened();
    let expected = reference.encode();
    let expected_gradients = reference.backward();
    for level in Level::available() {
        let (outputs, gradients) = problem.train(level, true);
        for (name, actual, expected) in [
            ("pooled", &outputs.pooled, &expected.pooled),
            ("attention", &outputs.attention, &expected.attention),
        ] {
            let error = largest_difference(actual, expected);
            assert!(error < 1e-6, "{level:?} {shape:?} {name}: {error:e}");
        }
        for ((name, actual), (_, expected)) in gradients
            .named()
            .into_iter()
            .zip(expected_gradients.named())
        {
            let error = relative_error(actual, expected);
            assert!(error < 1e-5, "{level:?} {shape:?} {name}: {error:e}");
        }

        assert_eq!(
            problem.encode(level),
            outputs,
            "{level:?} {shape:?}: inference"
        );
        let (_, without_x) = problem.train(level, false);
        for ((name, actual), (_, expected)) in
            without_x.named().into_iter().zip(gradients.named()).take(4)
        {
            assert_eq!(actual, expected, "{level:?} {shape:?} {name} without d_x");
        }
    }
}

#[test]
fn shapes_around_the_vector_and_tile_sizes() {
    let mut seed = 0;
    for hidden in [1, 3, 16, 17, 32, 33, 64] {
        for (groups, batch, time, input) in [
            (1, 1, 1, 1),
            (2, 2, 7, 1),
            (3, 5, 2, 2),
            (1, 13, 7, 5),
            (2, 6, 50, 1),
            (1, 3, 25, 64),
            (2, 7, 9, 17),
        ] {
            seed += 1;
            check(
                Shape {
                    groups,
                    batch,
                    time,
                    input,
                    hidden,
                },
                seed,
            );
        }
    }
}

#[test]
fn long_sequences() {
    check(
        Shape {
            groups: 3,
            batch: 10,
            time: 200,
            input: 1,
            hidden: 32,
        },
        1,
    );
    check(
        Shape {
            groups: 1,
            batch: 11,
            time: 200,
            input: 5,
            hidden: 17,
        },
        2,
    );
}

#[test]
fn many_tiles_in_a_run() {
    check(
        Shape {
            groups: 20,
            batch: 50,
            time: 3,
            input: 2,
            hidden: 9,
        },
        3,
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_shapes(
        groups in 1_usize..4,
        batch in 1_usize..14,
        time in 1_usize..30,
        input in 1_usize..40,
        hidden in 1_usize..=64,
        seed: u64,
    ) {
        check(Shape { groups, batch, time, input, hidden }, seed);
    }
}

//! Determinism, NaN and misuse.

use recurrent::{Level, Shape, encode, encode_for_training};

use crate::problem::Problem;

const SHAPE: Shape = Shape {
    groups: 3,
    batch: 29,
    time: 17,
    input: 2,
    hidden: 19,
};

#[test]
fn identical_for_any_number_of_threads() {
    let problem = Problem::random(SHAPE, 1);
    for level in Level::available() {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| problem.train(level, true))
        };
        let expected = with_threads(1);
        for threads in [2, 3] {
            assert_eq!(with_threads(threads), expected, "{level:?} {threads}");
        }
    }
}

#[test]
fn the_default_is_the_detected_level() {
    let problem = Problem::random(SHAPE, 2);
    let expected = problem.encode(Level::detected());
    assert_eq!(Level::available()[0], Level::detected());
    let mut pooled = vec![0.0; SHAPE.pooled()];
    let mut attention = vec![0.0; SHAPE.attention()];
    encode(
        SHAPE,
        &problem.weights(),
        &problem.x,
        &mut pooled,
        &mut attention,
    );
    assert_eq!(
        (&pooled, &attention),
        (&expected.pooled, &expected.attention)
    );
    pooled.fill(0.0);
    encode_for_training(
        SHAPE,
        &problem.weights(),
        &problem.x,
        &mut pooled,
        &mut attention,
    );
    assert_eq!(pooled, expected.pooled);
}

#[test]
fn nan_stays_in_its_sample_and_reaches_the_gradients() {
    let clean = Problem::random(SHAPE, 3);
    let mut problem = clean.clone();
    let (group, sample) = (1, 4);
    let row = group * SHAPE.batch + sample;
    problem.x[row * SHAPE.time * SHAPE.input + 11] = f32::NAN;
    for level in Level::available() {
        let expected = clean.encode(level).pooled;
        let (outputs, gradients) = problem.train(level, false);
        let rows = outputs.pooled.chunks(2 * SHAPE.hidden);
        for (index, (pooled, expected)) in rows.zip(expected.chunks(2 * SHAPE.hidden)).enumerate() {
            if index == row {
                assert!(pooled.iter().all(|value| value.is_nan()), "{level:?}");
            } else {
                assert_eq!(pooled, expected, "{level:?} {index}");
            }
        }
        let length = gradients.weight_hh.len() / SHAPE.groups;
        for (index, gradient) in gradients.weight_hh.chunks(length).enumerate() {
            assert_eq!(
                gradient.iter().any(|value| value.is_nan()),
                index == group,
                "{level:?}"
            );
        }
    }
}

#[test]
fn huge_inputs_saturate() {
    let mut problem = Problem::random(SHAPE, 4);
    for (index, x) in problem.x.iter_mut().enumerate() {
        *x *= [1e4, 1e20, 1e30][index % 3];
    }
    for level in Level::available() {
        let (outputs, gradients) = problem.train(level, true);
        assert!(
            outputs.pooled.iter().all(|value| value.abs() <= 1.0),
            "{level:?}"
        );
        assert!(
            outputs
                .attention
                .iter()
                .all(|value| (0.0..=1.0).contains(value)),
            "{level:?}"
        );
        for (name, gradient) in gradients.named() {
            assert!(
                gradient.iter().all(|value| value.is_finite()),
                "{level:?} {name}"
            );
        }
    }
}

#[test]
#[should_panic(expected = "`x` holds 5 floats where the shape asks for 2958")]
fn a_wrong_length_panics() {
    let problem = Problem::random(SHAPE, 5);
    let mut pooled = vec![0.0; SHAPE.pooled()];
    let mut attention = vec![0.0; SHAPE.attention()];
    encode(
        SHAPE,
        &problem.weights(),
        &problem.x[..5],
        &mut pooled,
        &mut attention,
    );
}

#[test]
#[should_panic(expected = "hidden units must lie in 1..=64")]
fn too_many_hidden_units_panic() {
    let shape = Shape {
        hidden: 65,
        ..SHAPE
    };
    encode(
        shape,
        &Problem::random(SHAPE, 6).weights(),
        &[],
        &mut [],
        &mut [],
    );
}

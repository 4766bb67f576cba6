//! The reference's own gradients against finite differences.

use recurrent::Shape;

use crate::problem::Problem;

#[test]
fn gradients_match_finite_differences() {
    let shape = Shape {
        groups: 2,
        batch: 2,
        time: 4,
        input: 3,
        hidden: 3,
    };
    let problem = Problem::random(shape, 7).widened();
    let gradients = problem.backward();

    type Array = fn(&mut Problem<f64>) -> &mut Vec<f64>;
    let arrays: [(&str, Array, &[f64]); 6] = [
        (
            "weight_ih",
            |problem| &mut problem.weight_ih,
            &gradients.weight_ih,
        ),
        (
            "weight_hh",
            |problem| &mut problem.weight_hh,
            &gradients.weight_hh,
        ),
        ("bias_ih", |problem| &mut problem.bias_ih, &gradients.bias),
        ("bias_hh", |problem| &mut problem.bias_hh, &gradients.bias),
        (
            "context",
            |problem| &mut problem.context,
            &gradients.context,
        ),
        ("x", |problem| &mut problem.x, &gradients.x),
    ];
    for (name, array, gradient) in arrays {
        for (index, &gradient) in gradient.iter().enumerate() {
            let objective = |shift: f64| {
                let mut shifted = problem.clone();
                array(&mut shifted)[index] += shift;
                shifted.objective()
            };
            let step = 1e-5;
            let difference = (objective(step) - objective(-step)) / (2.0 * step);
            assert!(
                (difference - gradient).abs() < 1e-8,
                "{name}[{index}]: {gradient} and {difference}"
            );
        }
    }
}

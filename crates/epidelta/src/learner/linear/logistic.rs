//! Logistic regression with an L2 penalty: `min C sum_i log(1 + exp(-s_i z_i)) +
//! |w|^2 / 2`, where `z = Xw + b` are the log-odds and `s` is 1 or -1.
//!
//! Newton's method (iteratively reweighted least squares): with `[X 1]`,
//! `[row, column + 1]`, and `v = (w, b)`, each step solves `H d = -g` by Cholesky,
//! `g = C [X 1]'(p - y) + (w, 0)`, `H = C [X 1]' diag(p (1 - p)) [X 1] + diag(1, .., 1, 0)`,
//! and is halved until the objective falls (Boyd and Vandenberghe, "Convex
//! Optimization", 9.5). The penalty keeps separable data finite.

use faer::{Col, Mat, Side, linalg::solvers::Solve};

use super::{
    Linear, add_gram, check_penalties,
    standardize::{Standardized, check_length},
};
use crate::{
    error::{Error, Result},
    learner::matrix::Matrix,
};

const STEPS: usize = 100;
const HALVINGS: usize = 50;
/// Rows whose weighted copy is held at a time.
const BLOCK: usize = 512;

/// Fits the model; a larger `c` penalises less.
///
/// # Errors
/// When `c` is not positive, a number is not finite, or there are not rows of both
/// classes.
pub fn fit(features: &Matrix, labels: &[bool], c: f64) -> Result<Linear> {
    check_penalties("C", &[c])?;
    check_length(labels.len(), features.rows())?;
    let standardized = Standardized::of(features)?;
    let positive = labels.iter().filter(|&&label| label).count() as f64;
    let negative = labels.len() as f64 - positive;
    if positive == 0.0 || negative == 0.0 {
        return Err(Error::data(
            "all training rows are of one class",
            "Give rows of both classes, or choose another threshold",
        ));
    }
    let problem = Problem {
        x: &standardized,
        labels,
        c,
    };
    let columns = features.columns();
    let mut v = Col::zeros(columns + 1);
    v[columns] = (positive / negative).ln();
    problem.minimize(&mut v)?;
    Ok(standardized.model(v.iter().copied().take(columns), v[columns]))
}

struct Problem<'p> {
    x: &'p Standardized,
    labels: &'p [bool],
    c: f64,
}

impl Problem<'_> {
    fn minimize(&self, v: &mut Col<f64>) -> Result<()> {
        let failed = || {
            Error::data(
                format!("logistic regression did not converge at C {}", self.c),
                "Choose a smaller C",
            )
        };
        for _ in 0..STEPS {
            let log_odds = self.log_odds(v);
            let objective = self.objective(v, &log_odds);
            let (gradient, hessian) = self.derivatives(v, &log_odds);
            let step = hessian
                .llt(Side::Lower)
                .map_err(|_| failed())?
                .solve(&gradient);
            // Twice the fall of the objective that the step promises.
            let decrement = gradient.transpose() * &step;
            // One more step squares the distance to the minimum.
            if decrement <= 1e-10 * objective {
                *v -= step;
                return Ok(());
            }
            let shortened = (0..HALVINGS).find_map(|halvings| {
                let length = 0.5f64.powi(halvings as i32);
                let new = &*v - faer::Scale(length) * &step;
                let fall = objective - self.objective(&new, &self.log_odds(&new));
                (fall >= 1e-4 * length * decrement).then_some(new)
            });
            *v = shortened.ok_or_else(failed)?;
        }
        Err(failed())
    }

    fn log_odds(&self, v: &Col<f64>) -> Vec<f64> {
        let columns = v.nrows() - 1;
        let log_odds = self.x.values() * v.get(..columns);
        log_odds.iter().map(|z| z + v[columns]).collect()
    }

    fn objective(&self, v: &Col<f64>, log_odds: &[f64]) -> f64 {
        let losses = log_odds.iter().zip(self.labels).map(|(&z, &label)| {
            // log(1 + exp(-m)) without overflow.
            let margin = if label { z } else { -z };
            (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
        });
        let columns = v.nrows() - 1;
        let penalty = v.iter().take(columns).map(|w| w * w).sum::<f64>() / 2.0;
        self.c * losses.sum::<f64>() + penalty
    }

    /// The gradient, `[column + 1]`, and the lower triangle of the Hessian.
    fn derivatives(&self, v: &Col<f64>, log_odds: &[f64]) -> (Col<f64>, Mat<f64>) {
        let x = self.x.values();
        let (rows, columns) = (x.nrows(), x.ncols());
        let odds: Vec<f64> = log_odds.iter().map(|z| (-z.abs()).exp()).collect();
        let errors = Col::from_fn(rows, |i| {
            // p - y, from the smaller of p and 1 - p, which holds more digits.
            let smaller = odds[i] / (1.0 + odds[i]);
            match (self.labels[i], log_odds[i] > 0.0) {
                (true, true) => -smaller,
                (true, false) => smaller - 1.0,
                (false, true) => 1.0 - smaller,
                (false, false) => smaller,
            }
        });
        let products = x.transpose() * &errors;
        let gradient = Col::from_fn(columns + 1, |j| match j < columns {
            true => self.c * products[j] + v[j],
            false => self.c * errors.iter().sum::<f64>(),
        });

        let mut hessian = Mat::zeros(columns + 1, columns + 1);
        for start in (0..rows).step_by(BLOCK) {
            let block = Mat::from_fn(BLOCK.min(rows - start), columns + 1, |i, j| {
                let i = start + i;
                let root = (self.c * odds[i]).sqrt() / (1.0 + odds[i]);
                if j < columns { root * x[(i, j)] } else { root }
            });
            add_gram(&mut hessian, block.as_ref());
        }
        for j in 0..columns {
            hessian[(j, j)] += 1.0;
        }
        (gradient, hessian)
    }
}

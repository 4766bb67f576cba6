//! The lasso: `min 1/(2n) |y - Xw - b|^2 + alpha |w|_1`, which sets weights of
//! little use to zero.
//!
//! Coordinate descent on the Gram matrix, `G = X'X`, `[column, column]`, keeping
//! `g = X'(y - Xw)`, `[column]`: a weight that stays as it is costs nothing, one
//! that changes costs a column of `G` (Friedman, Hastie and Tibshirani,
//! "Regularization paths for generalized linear models via coordinate descent",
//! J. Stat. Softw. 2010). Penalties are taken from the largest down, each starting
//! from the weights of the one before. A fit ends when the duality gap, which bounds
//! how far the objective is from its minimum, is small (as in scikit-learn).

use faer::{ColRef, Mat};

use super::{
    Linear, check_penalties, gram,
    standardize::{Standardized, centred},
};
use crate::{error::Result, learner::matrix::Matrix};

/// Sweeps over the weights before a fit is given up.
const SWEEPS: usize = 10_000;

/// Fits a model for each penalty, until the duality gap of the objective times `n`
/// is below `tolerance` of the target's sum of squares about its mean. 1e-6 serves
/// for predictions, 1e-12 for weights that are to be exact. A penalty so small that
/// its fit does not come to the tolerance has no model, and no smaller one has.
///
/// # Errors
/// When a penalty is not positive, there are no rows, or a number is not finite.
pub fn path(
    features: &Matrix,
    target: &[f64],
    alphas: &[f64],
    tolerance: f64,
) -> Result<Vec<Option<Linear>>> {
    check_penalties("alpha", alphas)?;
    check_penalties("tolerance", &[tolerance])?;
    let standardized = Standardized::of(features)?;
    let (target, mean) = centred(target, features.rows())?;
    let mut descent = Descent::new(&standardized, &target);

    let mut order: Vec<usize> = (0..alphas.len()).collect();
    order.sort_by(|&i, &j| alphas[j].total_cmp(&alphas[i]));
    let mut models = vec![None; alphas.len()];
    for i in order {
        if !descent.fit(alphas[i], tolerance) {
            break;
        }
        models[i] = Some(standardized.model(descent.weights.iter().copied(), mean));
    }
    Ok(models)
}

/// Coordinate descent and where it stands.
struct Descent {
    rows: f64,
    gram: Mat<f64>,
    /// `X'y`.
    correlations: Vec<f64>,
    /// `y'y`.
    sum_of_squares: f64,
    weights: Vec<f64>,
    /// `X'(y - Xw)`.
    gradient: Vec<f64>,
}

impl Descent {
    fn new(standardized: &Standardized, target: &[f64]) -> Self {
        let x = standardized.values();
        let correlations = x.transpose() * ColRef::from_slice(target);
        let correlations: Vec<f64> = correlations.iter().copied().collect();
        Descent {
            rows: x.nrows() as f64,
            gram: gram(x),
            sum_of_squares: target.iter().map(|y| y * y).sum(),
            weights: vec![0.0; x.ncols()],
            gradient: correlations.clone(),
            correlations,
        }
    }

    /// Comes to the minimum of a penalty, or says that it did not.
    fn fit(&mut self, alpha: f64, tolerance: f64) -> bool {
        let penalty = alpha * self.rows;
        for _ in 0..SWEEPS {
            self.sweep(penalty);
            if self.duality_gap(penalty) <= tolerance * self.sum_of_squares {
                // Rounding errors of the steps are not carried to the next penalty.
                self.gradient.clone_from(&self.correlations);
                for j in 0..self.weights.len() {
                    self.subtract(j, self.weights[j]);
                }
                return true;
            }
        }
        false
    }

    /// Sets each weight in turn to the minimum of the objective along it.
    fn sweep(&mut self, penalty: f64) {
        for j in 0..self.weights.len() {
            let (old, curvature) = (self.weights[j], self.gram[(j, j)]);
            if curvature == 0.0 {
                continue; // a column of zeros
            }
            let slope = self.gradient[j] + curvature * old;
            let new = slope.signum() * (slope.abs() - penalty).max(0.0) / curvature;
            self.weights[j] = new;
            self.subtract(j, new - old);
        }
    }

    /// Changes the gradient as a weight grows by `step`.
    fn subtract(&mut self, j: usize, step: f64) {
        if step != 0.0 {
            for (g, x) in self.gradient.iter_mut().zip(self.gram.col_as_slice(j)) {
                *g -= step * x;
            }
        }
    }

    /// `P(w) - D(s r)`, with the residual `r = y - Xw`, the primal
    /// `P = |r|^2 / 2 + penalty |w|_1`, the dual `D(u) = (|y|^2 - |y - u|^2) / 2` and
    /// `s` the largest number up to 1 for which `s r` is feasible: `|X' s r| <= penalty`.
    fn duality_gap(&self, penalty: f64) -> f64 {
        let dot = |values: &[f64]| -> f64 {
            let products = self.weights.iter().zip(values).map(|(w, v)| w * v);
            products.sum()
        };
        let (wq, wg) = (dot(&self.correlations), dot(&self.gradient));
        let residual_target = self.sum_of_squares - wq;
        let residual_squares = residual_target - wg;
        let scale = (penalty / largest(self.gradient.iter())).min(1.0);
        let l1: f64 = self.weights.iter().map(|w| w.abs()).sum();
        (1.0 + scale * scale) / 2.0 * residual_squares + penalty * l1 - scale * residual_target
    }
}

fn largest<'v>(values: impl Iterator<Item = &'v f64>) -> f64 {
    values.fold(0.0, |largest, value| largest.max(value.abs()))
}

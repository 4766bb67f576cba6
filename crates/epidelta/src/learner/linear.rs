//! Penalised linear models: `z = b + sum_j w_j (x_j - mean_j) / scale_j`.
//!
//! Features are standardised by the training rows, so that one penalty suits marks
//! of every depth and weights can be compared. The intercept `b` is not penalised.
//! The penalties are scaled as in scikit-learn, to which the tests compare. All
//! arithmetic is on one thread: results do not depend on the number of threads.

mod standardize;
pub mod ridge;
pub mod lasso;
pub mod logistic;
#[cfg(test)]
mod golden;

use faer::{
    Accum, Mat, MatRef, Par,
    linalg::matmul::triangular::{self, BlockStructure},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    learner::matrix::Matrix,
};

/// A fitted linear model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Weights of the standardised features, `[column]`.
    pub weights: Vec<f64>,
    /// The prediction where every feature is at its mean.
    pub intercept: f64,
    /// Means of the features over the training rows, `[column]`.
    pub means: Vec<f64>,
    /// Standard deviations of the features over the training rows, `[column]`; 1
    /// for a feature that does not vary, whose weight is 0.
    pub scales: Vec<f64>,
}

impl Linear {
    /// The prediction for each row; of a logistic model, the log-odds.
    ///
    /// # Errors
    /// When the features are not as many as in training.
    pub fn predict(&self, features: &Matrix) -> Result<Vec<f64>> {
        let columns = self.weights.len();
        if features.columns() != columns {
            return Err(Error::data(
                format!(
                    "the model reads {columns} features, the data have {}",
                    features.columns()
                ),
                "Use data with the marks and bins of the training data",
            ));
        }
        Ok((0..features.rows())
            .map(|i| self.predict_row(features.row(i)))
            .collect())
    }

    fn predict_row(&self, row: &[f64]) -> f64 {
        let terms = (row.iter().zip(&self.weights))
            .zip(self.means.iter().zip(&self.scales))
            .map(|((x, weight), (mean, scale))| weight * ((x - mean) / scale));
        self.intercept + terms.sum::<f64>()
    }
}

/// The Gram matrix of the columns, `X'X`, `[column, column]`.
fn gram(x: MatRef<'_, f64>) -> Mat<f64> {
    let columns = x.ncols();
    let mut gram = Mat::zeros(columns, columns);
    add_gram(&mut gram, x);
    for j in 0..columns {
        for i in j + 1..columns {
            gram[(j, i)] = gram[(i, j)];
        }
    }
    gram
}

/// Adds `X'X` to the lower triangle of a Gram matrix.
fn add_gram(gram: &mut Mat<f64>, x: MatRef<'_, f64>) {
    triangular::matmul(
        gram.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Add,
        x.transpose(),
        BlockStructure::Rectangular,
        x,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// Refuses penalties that are not positive numbers.
fn check_penalties(name: &str, penalties: &[f64]) -> Result<()> {
    match penalties.iter().find(|p| !(p.is_finite() && **p > 0.0)) {
        None => Ok(()),
        Some(penalty) => Err(Error::setting(
            name,
            format!("{penalty} is not a positive number"),
            "Give a number above 0",
        )),
    }
}

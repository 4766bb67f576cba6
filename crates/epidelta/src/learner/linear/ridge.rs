//! Ridge regression: `min |y - Xw - b|^2 + alpha |w|^2`.
//!
//! For standardised `X`, `[row, column]`, `b` is the mean of `y`, and from the
//! eigenvectors `U` and eigenvalues `l` of a Gram matrix every penalty's weights
//! follow at the cost of a matrix-vector product:
//!
//! - `X'X = U diag(l) U'`, `w = U diag(1 / (l + alpha)) U' X'y`, or
//! - `XX' = U diag(l) U'`, `w = X' U diag(1 / (l + alpha)) U' y`,
//!
//! whichever matrix is smaller (Hastie and Tibshirani, "Efficient quadratic
//! regularization for expression arrays", Biostatistics 2004).

use faer::{Col, ColRef, Side};

use super::{
    Linear, check_penalties, gram,
    standardize::{Standardized, centred},
};
use crate::{
    error::{Error, Result},
    learner::matrix::Matrix,
};

/// Fits a model for each penalty.
///
/// # Errors
/// When a penalty is not positive, there are no rows, or a number is not finite.
pub fn path(features: &Matrix, target: &[f64], alphas: &[f64]) -> Result<Vec<Linear>> {
    check_penalties("alpha", alphas)?;
    let standardized = Standardized::of(features)?;
    let (target, mean) = centred(target, features.rows())?;
    let (x, y) = (standardized.values(), ColRef::from_slice(&target));

    let wide = x.ncols() > x.nrows();
    let gram = gram(if wide { x.transpose() } else { x });
    let eigen = gram.self_adjoint_eigen(Side::Lower).map_err(|_| {
        Error::data(
            "the eigenvalues of the features' Gram matrix were not found",
            "Look for features of extreme values",
        )
    })?;
    let (vectors, values) = (eigen.U(), eigen.S());
    let rotated = match wide {
        true => vectors.transpose() * y,
        false => vectors.transpose() * (x.transpose() * y),
    };
    let weights = |alpha: f64| {
        let shrunk = Col::from_fn(rotated.nrows(), |i| {
            // An eigenvalue of zero may come out below it.
            rotated[i] / (values[i].max(0.0) + alpha)
        });
        let weights = vectors * shrunk;
        if wide {
            x.transpose() * weights
        } else {
            weights
        }
    };
    Ok(alphas
        .iter()
        .map(|&alpha| standardized.model(weights(alpha).iter().copied(), mean))
        .collect())
}

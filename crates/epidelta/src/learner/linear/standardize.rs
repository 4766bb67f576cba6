//! Standardised features: `(x - mean) / scale`, the scale being the standard
//! deviation (of the population, divided by `n`) over the training rows.

use faer::MatRef;

use super::Linear;
use crate::{
    error::{Error, Result},
    learner::matrix::Matrix,
};

/// The training rows' features, standardised.
pub(super) struct Standardized {
    rows: usize,
    /// `[row, column]`; a column that does not vary is 0.
    values: Vec<f64>,
    means: Vec<f64>,
    scales: Vec<f64>,
    /// Whether a column varies.
    varies: Vec<bool>,
}

impl Standardized {
    /// Standardises features by their own mean and standard deviation.
    ///
    /// # Errors
    /// When there are no rows, or a feature is not finite.
    pub fn of(features: &Matrix) -> Result<Self> {
        let (rows, columns) = (features.rows(), features.columns());
        if rows == 0 {
            return Err(Error::data(
                "there are no rows to fit a model to",
                "Give training genes",
            ));
        }
        let n = rows as f64;
        let mut means = vec![0.0; columns];
        for i in 0..rows {
            for (mean, x) in means.iter_mut().zip(features.row(i)) {
                *mean += x / n;
            }
        }
        let mut variances = vec![0.0; columns];
        for i in 0..rows {
            for ((variance, x), mean) in variances.iter_mut().zip(features.row(i)).zip(&means) {
                *variance += (x - mean).powi(2) / n;
            }
        }
        if let Some(j) = variances.iter().position(|variance| !variance.is_finite()) {
            return Err(Error::data(
                format!("feature {j} (counted from 0) is not finite, or too large to square"),
                "Remove the genes without a value, or transform the feature",
            ));
        }
        // A constant column has a variance of rounding errors only.
        let varies: Vec<bool> = variances
            .iter()
            .zip(&means)
            .map(|(variance, mean)| *variance > (1e-13 * mean).powi(2))
            .collect();
        let scales: Vec<f64> = variances
            .iter()
            .zip(&varies)
            .map(|(variance, &varies)| if varies { variance.sqrt() } else { 1.0 })
            .collect();
        let mut values = Vec::with_capacity(rows * columns);
        for i in 0..rows {
            let row = features.row(i).iter().enumerate();
            values.extend(row.map(|(j, x)| match varies[j] {
                true => (x - means[j]) / scales[j],
                false => 0.0,
            }));
        }
        Ok(Standardized {
            rows,
            values,
            means,
            scales,
            varies,
        })
    }

    /// The standardised features, `[row, column]`.
    pub fn values(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.rows, self.means.len())
    }

    /// The model of these weights, `[column]`.
    pub fn model(&self, weights: impl IntoIterator<Item = f64>, intercept: f64) -> Linear {
        // The weight of a column of zeros is zero but for rounding.
        let weights = weights.into_iter().zip(&self.varies);
        Linear {
            weights: weights.map(|(w, &v)| if v { w } else { 0.0 }).collect(),
            intercept,
            means: self.means.clone(),
            scales: self.scales.clone(),
        }
    }
}

/// A target less its mean, and the mean.
///
/// # Errors
/// When the target is not a finite number for each row.
pub(super) fn centred(target: &[f64], rows: usize) -> Result<(Vec<f64>, f64)> {
    check_length(target.len(), rows)?;
    let n = target.len() as f64;
    let mean = target.iter().map(|y| y / n).sum::<f64>();
    let centred: Vec<f64> = target.iter().map(|y| y - mean).collect();
    let sum_of_squares: f64 = centred.iter().map(|y| y * y).sum();
    if !sum_of_squares.is_finite() {
        return Err(Error::data(
            "a target is not finite, or too large to square",
            "Remove the genes without a value",
        ));
    }
    // A constant target has a spread of rounding errors only.
    match sum_of_squares > n * (1e-13 * mean).powi(2) {
        true => Ok((centred, mean)),
        false => Ok((vec![0.0; target.len()], mean)),
    }
}

/// Refuses targets that are not one per row.
pub(super) fn check_length(targets: usize, rows: usize) -> Result<()> {
    match targets == rows {
        true => Ok(()),
        false => Err(Error::data(
            format!("{targets} targets for {rows} rows of features"),
            "Give one target per row",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn population_standard_deviation_and_constant_columns() {
        let features = Matrix::new(4, 2, vec![1., 0.1, 2., 0.1, 3., 0.1, 6., 0.1]).unwrap();
        let x = Standardized::of(&features).unwrap();
        assert_eq!(x.means[0], 3.0);
        assert_eq!(x.scales, [3.5f64.sqrt(), 1.0]);
        assert!((0..4).all(|i| x.values()[(i, 1)] == 0.0));
        assert_eq!(x.model([1.0, 1e-20], 0.0).weights, [1.0, 0.0]);
        assert_eq!(centred(&[0.1; 7], 7).unwrap().0, [0.0; 7]);
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            let features = Matrix::new(3, 1, vec![0.0, bad, 1.0]).unwrap();
            assert!(Standardized::of(&features).is_err());
            assert!(centred(&[0.0, bad, 1.0], 3).is_err());
        }
        assert!(Standardized::of(&Matrix::new(0, 2, vec![]).unwrap()).is_err());
        assert!(centred(&[1.0], 2).is_err());
    }
}

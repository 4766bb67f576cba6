//! Support vector machines with a Gaussian kernel, for regression (ε-SVR) and for
//! two classes (C-SVC). A row x is predicted as
//!
//! > f(x) = Σᵢ coefficientᵢ · exp(−γ ‖x − supportᵢ‖²) + intercept,
//!
//! which for two classes is the decision value: positive towards `true`.
//!
//! The coefficients solve the dual problem of Chang and Lin, "LIBSVM: a library for
//! support vector machines" (2011), by the LIBSVM algorithm in the crate `libsvm-rs`.
//! Defaults are those of scikit-learn's `SVR` and `SVC`, and so are the results.
//! Features should be of similar spread, since one kernel width serves all.

use libsvm_rs::{
    KernelType, SvmModel, SvmNode, SvmParameter, SvmProblem, SvmType, check_parameter,
    train::svm_train,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    learner::matrix::{Matrix, check_targets},
};

/// Memory for kernel values of all fits of a thread pool, MB. It changes the time of a
/// fit, not its result.
const KERNEL_CACHES_MB: f64 = 8192.0;
/// Memory of one fit at least and at most, MB: the most holds 10,000 rows.
const KERNEL_CACHE_MB: (f64, f64) = (100.0, 400.0);

/// How a support vector machine is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SvmConfig {
    /// The weight C of errors against smoothness.
    pub cost: f64,
    /// Regression: errors up to this cost nothing, in units of the target.
    pub epsilon: f64,
    /// The kernel's γ; none for 1 / (columns · variance of all features), which
    /// scikit-learn calls "scale".
    pub gamma: Option<f64>,
}

impl Default for SvmConfig {
    fn default() -> Self {
        SvmConfig {
            cost: 1.0,
            epsilon: 0.1,
            gamma: None,
        }
    }
}

/// A fitted support vector machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Svm {
    gamma: f64,
    intercept: f64,
    /// One per support vector.
    coefficients: Vec<f64>,
    /// `[support vector, feature]`.
    support: Matrix,
}

impl Svm {
    /// Fits a target by ε-SVR.
    ///
    /// # Errors
    /// When the data are empty, of unequal length or not finite, or a setting is out
    /// of its range.
    pub fn fit_regression(features: &Matrix, target: &[f64], config: &SvmConfig) -> Result<Svm> {
        features.check_trainable(target.len())?;
        check_targets(target)?;
        let rows: Vec<usize> = (0..features.rows()).collect();
        fit(
            SvmType::EpsilonSvr,
            features,
            &rows,
            target.to_vec(),
            config,
        )
    }

    /// Fits two classes by C-SVC.
    ///
    /// # Errors
    /// As [`Svm::fit_regression`], and when all rows are of one class.
    pub fn fit_classes(features: &Matrix, positive: &[bool], config: &SvmConfig) -> Result<Svm> {
        features.check_trainable(positive.len())?;
        // LIBSVM counts the class of the first row as its positive one. As in
        // scikit-learn, that is `false`, and the sign is turned afterwards: the
        // solver then takes the same steps.
        let mut rows: Vec<usize> = (0..features.rows()).collect();
        rows.sort_by_key(|&row| positive[row]);
        let labels: Vec<f64> = rows.iter().map(|&row| f64::from(positive[row])).collect();
        if labels.first() == labels.last() {
            return Err(Error::data(
                "all rows to learn from are of one class",
                "Give rows of both classes",
            ));
        }
        let mut svm = fit(SvmType::CSvc, features, &rows, labels, config)?;
        svm.intercept = -svm.intercept;
        for coefficient in &mut svm.coefficients {
            *coefficient = -*coefficient;
        }
        Ok(svm)
    }

    /// The predicted target, or the decision value, of every row. Columns must be
    /// those fitted.
    pub fn predict(&self, features: &Matrix) -> Vec<f64> {
        (0..features.rows())
            .into_par_iter()
            .map(|row| self.predict_row(features.row(row)))
            .collect()
    }

    fn predict_row(&self, row: &[f64]) -> f64 {
        let kernel = |support: &[f64]| {
            let squares = row.iter().zip(support).map(|(a, b)| (a - b).powi(2));
            (-self.gamma * squares.sum::<f64>()).exp()
        };
        let terms = (0..self.support.rows()).zip(&self.coefficients);
        terms
            .map(|(i, coefficient)| coefficient * kernel(self.support.row(i)))
            .sum::<f64>()
            + self.intercept
    }

    /// Whether every part is there, for so many features.
    pub fn is_sound(&self, columns: usize) -> bool {
        self.support.rows() == self.coefficients.len()
            && (self.support.columns() == columns || self.coefficients.is_empty())
    }

    /// The number of support vectors.
    pub fn support_vectors(&self) -> usize {
        self.coefficients.len()
    }
}

/// Solves either problem for the given rows and their labels.
fn fit(
    svm_type: SvmType,
    features: &Matrix,
    rows: &[usize],
    labels: Vec<f64>,
    config: &SvmConfig,
) -> Result<Svm> {
    // `libsvm-rs` prints its progress unless told not to, for the whole process.
    libsvm_rs::set_quiet(true);
    let parameter = SvmParameter {
        svm_type,
        kernel_type: KernelType::Rbf,
        gamma: config.gamma.unwrap_or_else(|| scaled_gamma(features)),
        c: config.cost,
        p: config.epsilon,
        cache_size: kernel_cache(),
        ..SvmParameter::default()
    };
    check_settings(config)?;
    let nodes = |&row: &usize| -> Vec<SvmNode> {
        let node = |(index, &value)| SvmNode { index, value };
        (1..).zip(features.row(row)).map(node).collect()
    };
    let problem = SvmProblem {
        labels,
        instances: rows.iter().map(nodes).collect(),
    };
    check_parameter(&problem, &parameter)
        .map_err(|error| Error::data(error.to_string(), "Change the settings or the data"))?;
    let SvmModel {
        sv, sv_coef, rho, ..
    } = svm_train(&problem, &parameter);
    let support = sv.iter().flatten().map(|node| node.value).collect();
    Ok(Svm {
        gamma: parameter.gamma,
        intercept: -rho.first().copied().unwrap_or_default(),
        coefficients: sv_coef.into_iter().next().unwrap_or_default(),
        support: Matrix::new(sv.len(), features.columns(), support)?,
    })
}

/// The share of a fit, MB, where one runs on every thread.
fn kernel_cache() -> f64 {
    let (least, most) = KERNEL_CACHE_MB;
    (KERNEL_CACHES_MB / rayon::current_num_threads() as f64).clamp(least, most)
}

/// Checks the settings, under their names here.
fn check_settings(config: &SvmConfig) -> Result<()> {
    let SvmConfig {
        cost,
        epsilon,
        gamma,
    } = *config;
    // Written so that NaN fails too.
    let positive = |x: f64| x > 0.0 && x.is_finite();
    let bad = |name: &str, value: f64, rule: &str| {
        Err(Error::setting(
            name,
            format!("{value} is out of range"),
            rule,
        ))
    };
    if !positive(cost) {
        return bad("svm.cost", cost, "It must be above 0");
    }
    if !(epsilon >= 0.0 && epsilon.is_finite()) {
        return bad("svm.epsilon", epsilon, "It must be 0 or more");
    }
    match gamma {
        Some(gamma) if !positive(gamma) => bad("svm.gamma", gamma, "It must be above 0"),
        _ => Ok(()),
    }
}

/// scikit-learn's "scale": γ = 1 / (columns · variance of all features).
fn scaled_gamma(features: &Matrix) -> f64 {
    let values = features.values();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    match variance > 0.0 {
        true => 1.0 / (features.columns() as f64 * variance),
        false => 1.0,
    }
}

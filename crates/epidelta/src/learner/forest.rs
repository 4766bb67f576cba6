//! Random forests (Breiman 2001): the mean of many regression trees, each grown on
//! rows drawn with replacement and choosing every split among some columns drawn at
//! random. The crate `smartcore` grows the trees.
//!
//! For two classes the target is 0 or 1. The error that splits lessen, p(1 − p), is
//! then half of Gini's impurity, so the trees are those of a classifier, and the mean
//! of their leaves is scikit-learn's `predict_proba`.
//!
//! Every tree has its own seed: the first n trees are the same however many follow,
//! so that one fit tells how many trees are enough.
//!
//! A grown tree is kept as nodes of our own (`tree`), which are checked when they are
//! read: `smartcore` trusts its nodes, and follows forged ones in circles.

mod tree;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use smartcore::{
    ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters},
    linalg::basic::matrix::DenseMatrix,
};

use crate::{
    error::{Error, Result},
    learner::matrix::{Matrix, check_targets},
};

use tree::Tree;

/// A forest of one tree.
type Grown = RandomForestRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>;

/// How a forest is grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Number of trees.
    pub trees: usize,
    /// Columns among which a split is chosen; none for a third of them in regression
    /// (Breiman's; scikit-learn's default is all, which is bagging without choice)
    /// and for the square root of their number with two classes.
    pub max_features: Option<usize>,
    /// Rows that a leaf holds at least.
    pub min_leaf: usize,
    /// Splits above a leaf at most; none for no limit.
    pub max_depth: Option<u16>,
}

impl Default for Growth {
    fn default() -> Self {
        Growth {
            trees: 200,
            max_features: None,
            min_leaf: 1,
            max_depth: None,
        }
    }
}

/// A grown forest.
#[derive(Debug, Serialize, Deserialize)]
pub struct Forest {
    columns: usize,
    trees: Vec<Tree>,
}

impl Forest {
    /// Fits a target.
    ///
    /// # Errors
    /// When the data are empty, of unequal length or not finite, or a setting is out
    /// of its range.
    pub fn fit_regression(
        features: &Matrix,
        target: &[f64],
        config: &Growth,
        generator: &mut ChaCha8Rng,
    ) -> Result<Forest> {
        let third = features.columns() / 3;
        grow(features, target.to_vec(), third, config, generator)
    }

    /// Fits the probability of being positive.
    ///
    /// # Errors
    /// As [`Forest::fit_regression`].
    pub fn fit_classes(
        features: &Matrix,
        positive: &[bool],
        config: &Growth,
        generator: &mut ChaCha8Rng,
    ) -> Result<Forest> {
        let target = positive
            .iter()
            .map(|&positive| f64::from(positive))
            .collect();
        let root = features.columns().isqrt();
        grow(features, target, root, config, generator)
    }

    /// The prediction of all trees for every row.
    ///
    /// # Errors
    /// When the columns are not those fitted.
    pub fn predict(&self, features: &Matrix) -> Result<Vec<f64>> {
        self.predict_with(self.trees.len(), features)
    }

    /// The prediction of the first trees, at least one, for every row: the target, or
    /// the probability of being positive.
    ///
    /// # Errors
    /// When the columns are not those fitted.
    pub fn predict_with(&self, first_trees: usize, features: &Matrix) -> Result<Vec<f64>> {
        if features.columns() != self.columns {
            return Err(Error::data(
                format!(
                    "{} features for a forest of {}",
                    features.columns(),
                    self.columns
                ),
                "Give the features that it was fitted to",
            ));
        }
        if features.rows() == 0 {
            return Ok(Vec::new());
        }
        let first = &self.trees[..first_trees.max(1).min(self.trees.len())];
        let rows = || (0..features.rows()).map(|row| features.row(row));
        let predictions: Vec<Vec<f64>> = first
            .par_iter()
            .map(|tree| rows().map(|row| tree.predict(row)).collect())
            .collect();
        let mut sums = vec![0.0; features.rows()];
        for prediction in &predictions {
            for (sum, value) in sums.iter_mut().zip(prediction) {
                *sum += value;
            }
        }
        let trees = first.len() as f64;
        Ok(sums.into_iter().map(|sum| sum / trees).collect())
    }

    /// Keeps only the first trees, and at least one.
    pub fn truncate(&mut self, trees: usize) {
        self.trees.truncate(trees.max(1));
    }

    /// Whether there is a tree, and every tree is one on so many features, whose
    /// predictions come to their end.
    pub fn is_sound(&self, columns: usize) -> bool {
        self.columns == columns
            && !self.trees.is_empty()
            && self.trees.iter().all(|tree| tree.is_sound(columns))
    }

    /// The number of columns that it was fitted to.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }
}

/// Grows the trees side by side.
fn grow(
    features: &Matrix,
    target: Vec<f64>,
    default_features: usize,
    config: &Growth,
    generator: &mut ChaCha8Rng,
) -> Result<Forest> {
    features.check_trainable(target.len())?;
    check_targets(&target)?;
    let at_least_one = |name: &str, value: usize| match value {
        0 => Err(Error::setting(
            name,
            "0 is out of range",
            "It must be 1 or more",
        )),
        _ => Ok(()),
    };
    at_least_one("forest.trees", config.trees)?;
    at_least_one("forest.max_features", config.max_features.unwrap_or(1))?;
    at_least_one("forest.min_leaf", config.min_leaf)?;
    let columns = config.max_features.unwrap_or(default_features.max(1));
    let parameters = |seed| RandomForestRegressorParameters {
        n_trees: 1,
        m: Some(columns.min(features.columns())),
        min_samples_leaf: config.min_leaf,
        // smartcore counts levels of nodes, of which there is one more.
        max_depth: config.max_depth.map(|depth| depth.saturating_add(1)),
        seed,
        ..RandomForestRegressorParameters::default()
    };
    let x = dense(features)?;
    let seeds: Vec<u64> = (0..config.trees).map(|_| generator.random()).collect();
    let trees = seeds
        .into_par_iter()
        .map(|seed| {
            let grown = Grown::fit(&x, &target, parameters(seed)).map_err(failed)?;
            Tree::of(&grown).map_err(unknown)
        })
        .collect::<Result<_>>()?;
    Ok(Forest {
        columns: features.columns(),
        trees,
    })
}

fn dense(features: &Matrix) -> Result<DenseMatrix<f64>> {
    let values = features.values().to_vec();
    DenseMatrix::new(features.rows(), features.columns(), values, false).map_err(failed)
}

fn failed(error: smartcore::error::Failed) -> Error {
    Error::data(error.to_string(), "Check the features and the target")
}

fn unknown(error: postcard::Error) -> Error {
    Error::data(
        format!("a grown tree is not of the known form ({error})"),
        "This is a defect of epidelta: please report it",
    )
}

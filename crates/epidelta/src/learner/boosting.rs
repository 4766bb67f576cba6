//! Gradient boosted decision trees (crate `forust-ml`): the sum of many small
//! trees, each fitted to what the sum of those before leaves unexplained (Chen and
//! Guestrin, "XGBoost", KDD 2016).
//!
//! Trees are grown as long as they improve the fit to validation rows, which are
//! given apart; only those up to the best are kept. One seed and one set of data
//! give the same trees, bit for bit, whatever the number of threads.

#[cfg(test)]
mod tests;

use std::fmt;

use forust_ml::{
    GradientBooster, gradientbooster::GrowPolicy, metric::Metric, objective::ObjectiveType,
    sampler::SampleMethod,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    learner::matrix::Matrix,
};

/// How trees are grown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoostingConfig {
    /// Most trees.
    pub trees: usize,
    /// Trees without improvement on the validation rows after which to stop.
    pub patience: usize,
    /// The share of a tree's prediction that is added.
    pub learning_rate: f32,
    /// Most splits between a tree's root and a leaf.
    pub depth: usize,
    /// Most leaves of a tree; those of the largest gain are grown first.
    pub leaves: usize,
    /// Share of the rows that a tree sees.
    pub row_share: f32,
    /// Share of the columns that a tree sees.
    pub column_share: f64,
    /// L2 penalty on the values of the leaves.
    pub l2: f32,
    /// Least rows of a leaf, though no more than a twentieth of all (of a classification, four times the sum of their
    /// `p (1 - p)`, which is as much where both classes are as likely).
    pub leaf_weight: f32,
    /// Bins into which a feature's values are sorted.
    pub bins: u16,
}

impl Default for BoostingConfig {
    /// Of 15 settings tried on the Roadmap pair E012 and E013 (20 windows of 5 marks
    /// in A, B and A - B), what predicted the validation genes best, the mean of three
    /// seeds; several others are as good within the spread of the seeds. With few
    /// features a larger `column_share` is needed.
    fn default() -> Self {
        BoostingConfig {
            trees: 2000,
            patience: 50,
            learning_rate: 0.05,
            depth: 5,
            leaves: 31,
            row_share: 0.8,
            column_share: 0.15,
            l2: 20.0,
            leaf_weight: 20.0,
            bins: 255,
        }
    }
}

/// Fitted trees.
#[derive(Serialize, Deserialize)]
pub struct BoostedTrees {
    columns: usize,
    booster: GradientBooster,
}

impl fmt::Debug for BoostedTrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoostedTrees of {} trees", self.trees())
    }
}

impl BoostedTrees {
    /// Fits a number per row, minimising the squared error.
    ///
    /// # Errors
    /// When a setting is out of range, there are no rows or columns, or a number is
    /// not finite.
    pub fn fit_regression(
        config: &BoostingConfig,
        seed: u64,
        train: (&Matrix, &[f64]),
        valid: (&Matrix, &[f64]),
    ) -> Result<Self> {
        let config = &config.for_rows(train.1.len(), 1.0);
        fit(
            config,
            seed,
            (ObjectiveType::SquaredLoss, Metric::RootMeanSquaredError),
            train,
            valid,
        )
    }

    /// Fits a class per row, minimising the log loss; predictions are log-odds.
    ///
    /// # Errors
    /// As for a regression, and when all training rows are of one class.
    pub fn fit_classification(
        config: &BoostingConfig,
        seed: u64,
        train: (&Matrix, &[bool]),
        valid: (&Matrix, &[bool]),
    ) -> Result<Self> {
        let number = |labels: &[bool]| -> Vec<f64> {
            labels.iter().map(|&label| f64::from(label)).collect()
        };
        // The log-odds of one class are infinite.
        if !train.1.contains(&true) || !train.1.contains(&false) {
            return Err(Error::data(
                "all training rows are of one class",
                "Give rows of both classes, or choose another threshold",
            ));
        }
        // What a row weighs is at most a quarter.
        let config = &config.for_rows(train.1.len(), 0.25);
        fit(
            config,
            seed,
            (ObjectiveType::LogLoss, Metric::LogLoss),
            (train.0, &number(train.1)),
            (valid.0, &number(valid.1)),
        )
    }

    /// The prediction for each row; of a classification, the log-odds.
    ///
    /// # Errors
    /// When the features are not as many as in training.
    pub fn predict(&self, features: &Matrix) -> Result<Vec<f64>> {
        check_columns(features, self.columns)?;
        let values = features.column_major();
        let matrix = forust_ml::Matrix::new(&values, features.rows(), features.columns());
        Ok(self.booster.predict(&matrix, true))
    }

    /// Whether there are the trees that are used, and every tree is one, on so many
    /// features: children come after their parents, so that a prediction comes to its end.
    pub fn is_sound(&self, columns: usize) -> bool {
        let trees = self.booster.trees.iter();
        let used = self.booster.prediction_iteration.unwrap_or(0);
        self.columns == columns
            && used <= trees.len()
            && trees.map(|tree| &tree.nodes).all(|nodes| {
                let after = |i: usize, child: usize| child > i && child < nodes.len();
                let mut numbered = nodes.iter().enumerate();
                !nodes.is_empty()
                    && numbered.all(|(i, node)| {
                        let children = [node.left_child, node.right_child, node.missing_node];
                        node.is_leaf
                            || (node.split_feature < columns
                                && children.into_iter().all(|child| after(i, child)))
                    })
            })
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.booster.trees.len()
    }
}

fn fit(
    config: &BoostingConfig,
    seed: u64,
    (objective, metric): (ObjectiveType, Metric),
    train: (&Matrix, &[f64]),
    valid: (&Matrix, &[f64]),
) -> Result<BoostedTrees> {
    check_config(config)?;
    let columns = train.0.columns();
    if columns == 0 {
        return Err(Error::data("there are no features", "Give a mark"));
    }
    for (name, (features, target)) in [("training", train), ("validation", valid)] {
        check_columns(features, columns)?;
        check_rows(name, features, target)?;
    }
    let mut booster = booster(config, seed, objective, metric);
    booster.grow_policy = GrowPolicy::LossGuide;
    // At least one column: the crate rounds down.
    let smallest_share = (1.0 + 1e-9) / columns as f64;
    booster.colsample_bytree = config.column_share.max(smallest_share).min(1.0);

    let (train_values, valid_values) = (train.0.column_major(), valid.0.column_major());
    let train_matrix = forust_ml::Matrix::new(&train_values, train.0.rows(), columns);
    let valid_matrix = forust_ml::Matrix::new(&valid_values, valid.0.rows(), columns);
    let weights = vec![1.0; valid.1.len()];
    booster
        .fit_unweighted(
            &train_matrix,
            train.1,
            Some(vec![(valid_matrix, valid.1, &weights)]),
        )
        .map_err(|error| Error::data(error.to_string(), "Mend the data or the setting it names"))?;
    // Trees after the best are not used.
    booster
        .trees
        .truncate(booster.prediction_iteration.unwrap_or(config.trees));
    booster.evaluation_history = None;
    Ok(BoostedTrees { columns, booster })
}

fn booster(
    config: &BoostingConfig,
    seed: u64,
    objective: ObjectiveType,
    metric: Metric,
) -> GradientBooster {
    GradientBooster::default()
        .set_objective_type(objective)
        .set_initialize_base_score(true)
        .set_evaluation_metric(Some(metric))
        .set_early_stopping_rounds(Some(config.patience))
        .set_iterations(config.trees)
        .set_learning_rate(config.learning_rate)
        .set_max_depth(config.depth)
        .set_max_leaves(config.leaves)
        .set_sample_method(match config.row_share < 1.0 {
            true => SampleMethod::Random,
            false => SampleMethod::None,
        })
        .set_subsample(config.row_share)
        .set_l2(config.l2)
        .set_min_leaf_weight(config.leaf_weight)
        .set_nbins(config.bins)
        .set_seed(seed)
        .set_parallel(true)
}

impl BoostingConfig {
    /// With a least weight of a leaf for so many rows of at most this weight: as many as
    /// are asked for, but no more than a twentieth of them.
    fn for_rows(&self, rows: usize, weight: f32) -> Self {
        BoostingConfig {
            leaf_weight: weight * self.leaf_weight.min((rows as f32 / 20.0).max(1.0)),
            ..self.clone()
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check(&self) -> Result<()> {
        check_config(self)
    }
}

fn check_config(config: &BoostingConfig) -> Result<()> {
    let share = |share: f64| share > 0.0 && share <= 1.0;
    let checks = [
        ("trees", config.trees >= 1, "1 or more"),
        ("patience", config.patience >= 1, "1 or more"),
        (
            "learning_rate",
            share(config.learning_rate.into()),
            "a number above 0, up to 1",
        ),
        ("depth", config.depth >= 1, "1 or more"),
        ("leaves", config.leaves >= 2, "2 or more"),
        (
            "row_share",
            share(config.row_share.into()),
            "a number above 0, up to 1",
        ),
        (
            "column_share",
            share(config.column_share),
            "a number above 0, up to 1",
        ),
        ("l2", config.l2.is_finite() && config.l2 >= 0.0, "0 or more"),
        (
            "leaf_weight",
            config.leaf_weight.is_finite() && config.leaf_weight > 0.0,
            "a number above 0",
        ),
        ("bins", config.bins >= 2, "2 or more"),
    ];
    match checks.iter().find(|(_, sound, _)| !sound) {
        None => Ok(()),
        Some((name, _, range)) => Err(Error::setting(
            format!("boosting.{name}"),
            "out of range",
            format!("Give {range}"),
        )),
    }
}

fn check_columns(features: &Matrix, columns: usize) -> Result<()> {
    match features.columns() == columns {
        true => Ok(()),
        false => Err(Error::data(
            format!(
                "the model reads {columns} features, the data have {}",
                features.columns()
            ),
            "Use data with the marks and bins of the training data",
        )),
    }
}

fn check_rows(name: &str, features: &Matrix, target: &[f64]) -> Result<()> {
    let problem = if target.is_empty() {
        format!("there are no {name} rows")
    } else if target.len() != features.rows() {
        format!(
            "{} targets for {} {name} rows",
            target.len(),
            features.rows()
        )
    } else if !features
        .values()
        .iter()
        .chain(target)
        .all(|v| v.is_finite())
    {
        format!("a feature or target of the {name} rows is not finite")
    } else {
        return Ok(());
    };
    Err(Error::data(
        problem,
        "Give a finite target and finite features for each gene",
    ))
}

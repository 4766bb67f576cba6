//! Linear models of a gene's summaries, the penalty chosen by the validation genes.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Baseline, Best, Examples, FeatureConfig, Problem, features::Features, is_up, progress::Steps,
};
use crate::{
    dataset::{InputTransform, Pair},
    error::{Error, Result},
    learner::{
        linear::{Linear, lasso, logistic, ridge},
        matrix::Matrix,
    },
    model::Channel,
};

/// How near the lasso's objective comes to its minimum; enough for predictions.
const LASSO_TOLERANCE: f64 = 1e-8;

/// The penalties of a linear model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearConfig {
    /// Those that are tried, on standardised features and scaled as in scikit-learn:
    /// `alpha` of ridge and lasso, `1 / C` of logistic regression.
    pub penalties: Vec<f64>,
}

impl LinearConfig {
    /// For ridge, whose penalty weighs against the sum of the genes' errors.
    pub fn ridge() -> Self {
        Self::between(-2, 12)
    }

    /// For the lasso, whose penalty weighs against their mean.
    pub fn lasso() -> Self {
        Self::between(-8, 0)
    }

    /// For logistic regression, whose penalty weighs against their sum.
    pub fn logistic() -> Self {
        Self::between(-4, 10)
    }

    /// Powers of the root of ten.
    fn between(from: i32, to: i32) -> Self {
        let power = |half: i32| 10_f64.powf(f64::from(half) / 2.0);
        LinearConfig {
            penalties: (from..=to).map(power).collect(),
        }
    }

    /// Checks that there are penalties above zero.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check(&self) -> Result<()> {
        let in_range = |penalty: &f64| penalty.is_finite() && *penalty > 0.0;
        if self.penalties.is_empty() || !self.penalties.iter().all(in_range) {
            return Err(Error::setting(
                "linear.penalties",
                "there must be some, each above 0",
                "Give a list of numbers, such as [1.0, 10.0, 100.0]",
            ));
        }
        Ok(())
    }
}

/// A linear model and what it sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    features: Features,
    penalty: f64,
    model: Linear,
}

/// Fits ridge regression.
///
/// # Errors
/// When settings or data are unusable.
pub fn fit_ridge(
    problem: &Problem<'_>,
    features: &FeatureConfig,
    config: &LinearConfig,
) -> Result<Baseline> {
    fit(problem, features, config, |x, y| {
        let models = ridge::path(x, y, &config.penalties)?;
        Ok(models.into_iter().map(Some).collect())
    })
}

/// Fits the lasso.
///
/// # Errors
/// When settings or data are unusable.
pub fn fit_lasso(
    problem: &Problem<'_>,
    features: &FeatureConfig,
    config: &LinearConfig,
) -> Result<Baseline> {
    fit(problem, features, config, |x, y| {
        lasso::path(x, y, &config.penalties, LASSO_TOLERANCE)
    })
}

/// Fits logistic regression of up versus down.
///
/// # Errors
/// When settings or data are unusable.
pub fn fit_logistic(
    problem: &Problem<'_>,
    features: &FeatureConfig,
    config: &LinearConfig,
) -> Result<Baseline> {
    fit(problem, features, config, |x, y| {
        let up = is_up(y);
        let costs = config.penalties.iter().map(|penalty| 1.0 / penalty);
        costs
            .map(|cost| logistic::fit(x, &up, cost).map(Some))
            .collect()
    })
}

fn fit(
    problem: &Problem<'_>,
    features: &FeatureConfig,
    config: &LinearConfig,
    path: impl Fn(&Matrix, &[f64]) -> Result<Vec<Option<Linear>>>,
) -> Result<Baseline> {
    let of_features = |train: &Examples, valid: &Examples, steps: &Steps<'_>| {
        let models = path(&train.features, &train.labels)?;
        // A penalty too small for these features has no model.
        let mut chosen = Best::default();
        for (&penalty, model) in config.penalties.iter().zip(models) {
            if let Some(model) = model {
                let predicted = model.predict(&valid.features)?;
                chosen.offer(problem.score(&valid.labels, &predicted), (penalty, model));
            }
        }
        steps.done();
        match chosen.kept {
            Some((score, chosen)) => Ok((score, Some(chosen))),
            None => Ok((None, None)),
        }
    };
    let (features, chosen) = problem.best_of(features, of_features, 1)?;
    let Some((penalty, model)) = chosen else {
        return Err(Error::setting(
            "linear.penalties",
            "all are so small that no fit came to its end",
            "Give larger ones",
        ));
    };
    Ok(Baseline::Linear(LinearModel {
        features,
        penalty,
        model,
    }))
}

/// What a linear model gives a feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficient {
    /// Which signal the feature is of.
    pub channel: Channel,
    /// The mark, as an index.
    pub mark: usize,
    /// The bins that are averaged.
    pub bins: Range<usize>,
    /// The weight of the feature divided by its standard deviation: log2 fold change, or
    /// log-odds, for each.
    pub weight: f64,
}

impl LinearModel {
    /// Every feature's, of so many marks and bins.
    pub fn coefficients(&self, marks: usize, bins: usize) -> Vec<Coefficient> {
        let features = self.features.places(marks, bins);
        let weights = features.into_iter().zip(&self.model.weights);
        weights
            .map(|((channel, mark, bins), &weight)| Coefficient {
                channel,
                mark,
                bins,
                weight,
            })
            .collect()
    }

    pub(super) fn fits(&self, marks: usize, bins: usize) -> bool {
        let columns = self.features.columns(marks);
        let Linear {
            weights,
            means,
            scales,
            ..
        } = &self.model;
        self.features.fits(bins) && [weights, means, scales].iter().all(|v| v.len() == columns)
    }

    pub(super) fn predict(
        &self,
        pair: &Pair,
        transform: InputTransform,
        genes: &[usize],
    ) -> Result<Vec<f64>> {
        self.model
            .predict(&self.features.matrix(pair, transform, genes)?)
    }

    pub(super) fn choices(&self) -> Vec<(&'static str, Value)> {
        let used = self.model.weights.iter().filter(|&&weight| weight != 0.0);
        vec![
            ("windows", json!(self.features.windows)),
            ("penalty", json!(self.penalty)),
            ("features", json!(used.count())),
        ]
    }
}

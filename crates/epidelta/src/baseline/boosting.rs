//! Gradient boosted trees on a gene's summaries; the validation genes choose how many.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Baseline, Examples, FeatureConfig, Problem, features::Features, is_up, progress::Steps,
};
use crate::{
    dataset::{InputTransform, Pair, Task},
    error::Result,
    learner::boosting::BoostedTrees,
    random::{Purpose, generator},
};

pub use crate::learner::boosting::BoostingConfig;

/// Boosted trees and what they see.
#[derive(Debug, Serialize, Deserialize)]
pub struct BoostingModel {
    features: Features,
    model: BoostedTrees,
}

/// Fits boosted trees.
///
/// # Errors
/// When settings or data are unusable.
pub fn fit_boosting(
    problem: &Problem<'_>,
    features: &FeatureConfig,
    config: &BoostingConfig,
) -> Result<Baseline> {
    let seed = generator(problem.seed, Purpose::Boosting, 0).random();
    let of_features = |train: &Examples, valid: &Examples, steps: &Steps<'_>| {
        let (x, x_valid) = (&train.features, &valid.features);
        let model = match problem.task {
            Task::Regression => {
                let (y, y_valid) = (&train.labels, &valid.labels);
                BoostedTrees::fit_regression(config, seed, (x, y), (x_valid, y_valid))?
            }
            Task::Classification => {
                let (up, up_valid) = (is_up(&train.labels), is_up(&valid.labels));
                BoostedTrees::fit_classification(config, seed, (x, &up), (x_valid, &up_valid))?
            }
        };
        steps.done();
        let score = problem.score(&valid.labels, &model.predict(x_valid)?);
        Ok((score, model))
    };
    let (features, model) = problem.best_of(features, of_features, 1)?;
    Ok(Baseline::Boosting(BoostingModel { features, model }))
}

impl BoostingModel {
    pub(super) fn fits(&self, marks: usize, bins: usize) -> bool {
        self.features.fits(bins) && self.model.is_sound(self.features.columns(marks))
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
        vec![
            ("windows", json!(self.features.windows)),
            ("trees", json!(self.model.trees())),
        ]
    }
}

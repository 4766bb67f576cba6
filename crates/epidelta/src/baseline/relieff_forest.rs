//! ReliefF chooses features, a random forest learns from them; the validation genes
//! choose how many features and how many trees. Source: Li, Ching, Huang and Garmire,
//! "Using epigenomics data to predict gene expression in lung cancer", BMC
//! Bioinformatics 16 (2015), there for up versus down.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Baseline, Best, Examples, FeatureConfig, Problem, features::Features, is_up, progress::Steps,
};
use crate::{
    dataset::{InputTransform, Pair, Task},
    error::{Error, Result},
    learner::{
        forest::{Forest, Growth},
        relieff::{Formula, Relief, relief_weights},
    },
    random::{Purpose, generator},
};

/// How features are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliefConfig {
    /// How differences to neighbours become weights.
    pub formula: Formula,
    /// Near neighbours per gene.
    pub neighbours: usize,
    /// Numbers of features that are tried, those of the highest weights.
    pub features: Vec<usize>,
}

/// How a forest is grown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestConfig {
    /// Numbers of trees that are tried.
    pub trees: Vec<usize>,
    /// Genes that a leaf holds at least.
    pub min_leaf: usize,
}

impl Default for ReliefConfig {
    fn default() -> Self {
        ReliefConfig {
            formula: Formula::HitsAndMisses,
            neighbours: 10,
            features: vec![50, 70, 100],
        }
    }
}

impl Default for ForestConfig {
    fn default() -> Self {
        ForestConfig {
            trees: vec![10, 50, 100, 150, 200],
            min_leaf: 1,
        }
    }
}

impl ReliefConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check(&self) -> Result<()> {
        check_counts("relieff.features", &self.features)?;
        check_counts("relieff.neighbours", &[self.neighbours])
    }
}

impl ForestConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check(&self) -> Result<()> {
        check_counts("forest.trees", &self.trees)?;
        check_counts("forest.min_leaf", &[self.min_leaf])
    }
}

/// More trees or features than anyone needs, and fewer than fill memory by a slip.
const LARGEST: usize = 100_000;

fn check_counts(setting: &str, counts: &[usize]) -> Result<()> {
    let in_range = |count: &usize| (1..=LARGEST).contains(count);
    if counts.is_empty() || !counts.iter().all(in_range) {
        return Err(Error::setting(
            setting,
            "it is out of range",
            format!("Give numbers from 1 to {LARGEST}"),
        ));
    }
    Ok(())
}

/// A forest and the features it sees.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReliefForest {
    features: Features,
    /// Those of all features that the forest sees.
    columns: Vec<usize>,
    /// Whether the forest predicts the probability of going up.
    classifies: bool,
    forest: Forest,
}

/// Chooses features and fits a forest.
///
/// # Errors
/// When settings or data are unusable.
pub fn fit_relieff_forest(
    problem: &Problem<'_>,
    features: &FeatureConfig,
    relieff: &ReliefConfig,
    forest: &ForestConfig,
) -> Result<Baseline> {
    let of_features = |train: &Examples, valid: &Examples, steps: &Steps<'_>| {
        let order = ranked(problem, train, relieff)?;
        steps.done();
        // Forests are large: only the best so far is kept.
        let mut chosen = Best::default();
        for &count in &relieff.features {
            let columns = &order[..count.min(order.len())];
            let (score, grown) = grow(problem, [train, valid], columns, forest)?;
            chosen.offer(score, (columns.to_vec(), grown));
            steps.done();
        }
        chosen.scored("relieff.features")
    };
    let steps = 1 + relieff.features.len();
    let (features, (columns, forest)) = problem.best_of(features, of_features, steps)?;
    Ok(Baseline::ReliefForest(ReliefForest {
        features,
        columns,
        classifies: problem.task == Task::Classification,
        forest,
    }))
}

/// All columns, those of the highest weights first.
fn ranked(problem: &Problem<'_>, train: &Examples, config: &ReliefConfig) -> Result<Vec<usize>> {
    let target: Vec<f64> = match problem.task {
        Task::Regression => train.labels.clone(),
        Task::Classification => is_up(&train.labels).into_iter().map(f64::from).collect(),
    };
    let config = Relief {
        formula: config.formula,
        neighbours: config.neighbours,
    };
    let weights = relief_weights(&train.features, &target, &config)?;
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&i, &j| weights[j].total_cmp(&weights[i]));
    Ok(order)
}

/// A forest on some columns, with the best number of trees, and how good it is.
fn grow(
    problem: &Problem<'_>,
    [train, valid]: [&Examples; 2],
    columns: &[usize],
    config: &ForestConfig,
) -> Result<(Option<f64>, Forest)> {
    let x = train.features.select_columns(columns);
    let x_valid = valid.features.select_columns(columns);
    let growth = Growth {
        trees: config.trees.iter().copied().max().unwrap_or(1),
        min_leaf: config.min_leaf,
        ..Growth::default()
    };
    let mut draws = generator(problem.seed, Purpose::Forest, columns.len() as u64);
    let mut forest = match problem.task {
        Task::Regression => Forest::fit_regression(&x, &train.labels, &growth, &mut draws)?,
        Task::Classification => {
            Forest::fit_classes(&x, &is_up(&train.labels), &growth, &mut draws)?
        }
    };
    let tried = config
        .trees
        .par_iter()
        .map(|&trees| {
            let predicted = forest.predict_with(trees, &x_valid)?;
            Ok((problem.score(&valid.labels, &predicted), trees))
        })
        .collect::<Result<Vec<_>>>()?;
    let (score, trees) = Best::of(tried).scored("forest.trees")?;
    forest.truncate(trees);
    Ok((score, forest))
}

/// Genes predicted at once: all features are made, though few of them are used.
const GENES: usize = 1024;

impl ReliefForest {
    pub(super) fn fits(&self, marks: usize, bins: usize) -> bool {
        let columns = self.features.columns(marks);
        self.features.fits(bins)
            // Chosen columns are different ones; a file may claim any.
            && self.columns.len() <= columns
            && self.columns.iter().all(|&column| column < columns)
            && self.forest.is_sound(self.columns.len())
    }

    pub(super) fn predict(
        &self,
        pair: &Pair,
        transform: InputTransform,
        genes: &[usize],
    ) -> Result<Vec<f64>> {
        // A score is above zero for up, a probability above one half.
        let shift = if self.classifies { 0.5 } else { 0.0 };
        let mut scores = Vec::with_capacity(genes.len());
        for genes in genes.chunks(GENES) {
            let x = self.features.matrix(pair, transform, genes)?;
            let predicted = self.forest.predict(&x.select_columns(&self.columns))?;
            scores.extend(predicted.into_iter().map(|p| p - shift));
        }
        Ok(scores)
    }

    pub(super) fn choices(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("windows", json!(self.features.windows)),
            ("features", json!(self.columns.len())),
            ("trees", json!(self.forest.trees())),
        ]
    }
}

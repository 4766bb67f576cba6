//! Methods that are no networks: what they make of a pair's signal, which learner they
//! give it to, and how they choose by validation genes or cross-validation.

mod features;
mod folds;
mod best_bin;
mod two_layer;
mod relieff_forest;
mod linear;
mod progress;
mod boosting;

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    dataset::{InputTransform, Pair, Split, Task},
    error::{Error, Place, Result},
    evaluation::{auroc, pearson_r},
    learner::matrix::Matrix,
    output::write_atomically,
};
use features::Features;
use progress::Steps;

pub use best_bin::{BestBin, Stacking, SvrConfig, fit_best_bin};
pub use boosting::{BoostingConfig, BoostingModel, fit_boosting};
pub use features::{EVERY_BIN, FeatureConfig};
pub use linear::{Coefficient, LinearConfig, LinearModel, fit_lasso, fit_logistic, fit_ridge};
pub use relieff_forest::{ForestConfig, ReliefConfig, ReliefForest, fit_relieff_forest};
pub use two_layer::{TwoLayer, fit_two_layer};

/// What a baseline is fitted to.
pub struct Problem<'a> {
    /// The genes, with splits; the signal as in the files.
    pub pair: &'a Pair,
    /// The transform of features.
    pub transform: InputTransform,
    /// Fold changes, or up versus down.
    pub task: Task,
    /// The seed of everything random.
    pub seed: u64,
    /// Told how many of how many fits are done.
    pub report: &'a (dyn Fn(usize, usize) + Sync),
}

impl Problem<'_> {
    fn genes(&self, split: Split) -> Vec<usize> {
        self.pair.in_split(split)
    }

    /// The labels: log2 fold changes.
    fn labels(&self, genes: &[usize]) -> Vec<f64> {
        let genes = genes.iter().map(|&gene| &self.pair.genes[gene]);
        genes.map(|gene| gene.log2_fold_change).collect()
    }

    /// How good predictions for genes are: Pearson r of fold changes, or the area under
    /// the ROC curve of up versus down; none where that is undefined, as for predictions
    /// that do not vary.
    fn score(&self, labels: &[f64], predicted: &[f64]) -> Option<f64> {
        let score = match self.task {
            Task::Regression => pearson_r(labels, predicted),
            Task::Classification => auroc(&is_up(labels), predicted),
        };
        score.filter(|score| score.is_finite())
    }
}

/// Whether labels are of genes that go up.
fn is_up(labels: &[f64]) -> Vec<bool> {
    labels.iter().map(|&label| label > 0.0).collect()
}

/// The features and labels of some genes.
struct Examples {
    features: Matrix,
    labels: Vec<f64>,
}

impl Problem<'_> {
    fn examples(&self, features: &Features, split: Split) -> Result<Examples> {
        let genes = self.genes(split);
        Ok(Examples {
            features: features.matrix(self.pair, self.transform, &genes)?,
            labels: self.labels(&genes),
        })
    }

    /// Fits a model to each kind of features, given the training and the validation
    /// genes, and keeps the one of the highest score with its features.
    fn best_of<M>(
        &self,
        config: &FeatureConfig,
        fit: impl Fn(&Examples, &Examples, &Steps<'_>) -> Result<(Option<f64>, M)>,
        steps: usize,
    ) -> Result<(Features, M)> {
        let tried = config.tried(self.pair.bins());
        let steps = Steps::new(self.report, steps * tried.len());
        let mut chosen = Best::default();
        for features in tried {
            let train = self.examples(&features, Split::Train)?;
            let valid = self.examples(&features, Split::Valid)?;
            let (score, model) = fit(&train, &valid, &steps)?;
            chosen.offer(score, (features, model));
        }
        chosen.into_result("features.windows")
    }
}

/// What has the highest score so far. Of equal ones the first is kept, and one without
/// a score only as long as none has one.
struct Best<T> {
    kept: Option<(Option<f64>, T)>,
}

impl<T> Default for Best<T> {
    fn default() -> Self {
        Best { kept: None }
    }
}

impl<T> Best<T> {
    fn offer(&mut self, score: Option<f64>, candidate: T) {
        let is_better = match (&self.kept, score) {
            (None, _) => true,
            (Some((None, _)), Some(_)) => true,
            (Some((Some(highest), _)), Some(score)) => score > *highest,
            (Some(_), None) => false,
        };
        if is_better {
            self.kept = Some((score, candidate));
        }
    }

    fn of(candidates: impl IntoIterator<Item = (Option<f64>, T)>) -> Self {
        let mut best = Best::default();
        for (score, candidate) in candidates {
            best.offer(score, candidate);
        }
        best
    }

    /// What is kept, with its score.
    ///
    /// # Errors
    /// When nothing was offered: the setting's list of candidates is empty.
    fn scored(self, setting: &str) -> Result<(Option<f64>, T)> {
        let none = || Error::setting(setting, "there is nothing to choose", "Give a value");
        self.kept.ok_or_else(none)
    }

    fn into_result(self, setting: &str) -> Result<T> {
        self.scored(setting).map(|(_, candidate)| candidate)
    }
}

/// How many genes are predicted at once.
const GENES_AT_ONCE: usize = 16_384;

/// What a baseline learned.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "there are never many")]
pub enum Baseline {
    /// A support vector machine on one bin.
    BestBin(BestBin),
    /// One on the predictions of others.
    TwoLayer(TwoLayer),
    /// Chosen features and a forest.
    ReliefForest(ReliefForest),
    /// A linear model.
    Linear(LinearModel),
    /// Boosted trees.
    Boosting(BoostingModel),
}

impl Baseline {
    /// The predicted log2 fold change of genes, or a score above zero for up.
    ///
    /// # Errors
    /// When the model is not of the pair's marks and bins.
    pub fn predict(
        &self,
        pair: &Pair,
        transform: InputTransform,
        genes: &[usize],
    ) -> Result<Vec<f64>> {
        // What the models see of many pairs' genes at once would be larger than their signal.
        let parts = genes.chunks(GENES_AT_ONCE).map(|genes| match self {
            Baseline::BestBin(model) => model.predict(pair, transform, genes),
            Baseline::TwoLayer(model) => model.predict(pair, transform, genes),
            Baseline::ReliefForest(model) => model.predict(pair, transform, genes),
            Baseline::Linear(model) => model.predict(pair, transform, genes),
            Baseline::Boosting(model) => model.predict(pair, transform, genes),
        });
        Ok(parts.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Whether the model is of a method that predicts from so many marks and bins: a
    /// file may have been exchanged for another.
    pub fn fits(&self, marks: usize, bins: usize) -> bool {
        match self {
            Baseline::BestBin(model) => model.fits(marks, bins),
            Baseline::TwoLayer(model) => model.fits(marks, bins),
            Baseline::ReliefForest(model) => model.fits(marks, bins),
            Baseline::Linear(model) => model.fits(marks, bins),
            Baseline::Boosting(model) => model.fits(marks, bins),
        }
    }

    /// The weights of a linear model's features; none of other models.
    pub fn coefficients(&self, marks: usize, bins: usize) -> Vec<Coefficient> {
        match self {
            Baseline::Linear(model) => model.coefficients(marks, bins),
            _ => Vec::new(),
        }
    }

    /// What validation genes or cross-validation chose.
    pub fn choices(&self) -> BTreeMap<String, Value> {
        let choices: Vec<(&str, Value)> = match self {
            Baseline::BestBin(model) => model.choices(),
            Baseline::TwoLayer(model) => model.choices(),
            Baseline::ReliefForest(model) => model.choices(),
            Baseline::Linear(model) => model.choices(),
            Baseline::Boosting(model) => model.choices(),
        };
        let choices = choices.into_iter();
        choices
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// Writes the model: linear models and boosted trees as JSON, to be read by people
    /// and by other programs, the others in the compact format of `postcard`, since
    /// they may hold a good part of the training genes. Numbers read back exactly.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, false, |out| {
            if is_json(path) {
                serde_json::to_writer_pretty(&mut *out, self)?;
                writeln!(out)
            } else {
                let written = postcard::to_io(self, &mut *out);
                written.map(drop).map_err(std::io::Error::other)
            }
        })
    }

    /// Reads what [`Baseline::save`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let model = if is_json(path) {
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())
        } else {
            postcard::from_bytes(&bytes).map_err(|error| error.to_string())
        };
        model.map_err(|error| {
            let expected = "a model that `epidelta train` wrote";
            Error::content(path, Place::File, expected, error, "Train the run again")
        })
    }
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

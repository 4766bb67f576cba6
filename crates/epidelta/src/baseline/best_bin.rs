//! One support vector machine on the marks of one bin, the best. Source: Cheng and
//! Gerstein, "Modeling the relative relationship of transcription factor binding and
//! histone modifications to gene expression levels in mouse embryonic stem cells",
//! Nucleic Acids Research 40 (2012); a baseline of the DeepDiff paper.

use rand::seq::index;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Baseline, Best, Problem,
    features::{are_channels, bin_features, check_channels},
    folds::{folds, others},
    is_up,
    progress::Steps,
};
use crate::{
    dataset::{InputTransform, Pair, Split, Task},
    error::{Error, Result},
    learner::{
        matrix::Matrix,
        svm::{Svm, SvmConfig},
    },
    model::Channel,
    random::{Purpose, generator},
};

/// What the second layer of a two-layer machine learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stacking {
    /// Predictions of genes that the first layer's machines did not see.
    OutOfFold,
    /// Predictions of the very genes that they learned from, which flatters them.
    InSample,
}

/// How support vector machines are fitted and chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvrConfig {
    /// What a machine sees of its bin's marks.
    pub channels: Vec<Channel>,
    /// Weights of errors against smoothness that are tried.
    pub costs: Vec<f64>,
    /// Errors of fold changes up to this cost nothing, log2.
    pub epsilon: f64,
    /// Folds of cross-validation.
    pub folds: usize,
    /// Training genes, drawn at random, on which bins and costs are compared; the
    /// machines that are kept learn from all.
    pub compare_genes: usize,
    /// What a second layer learns from.
    pub stacking: Stacking,
}

impl Default for SvrConfig {
    fn default() -> Self {
        SvrConfig {
            channels: vec![Channel::Difference],
            costs: vec![0.1, 1.0, 10.0, 100.0],
            epsilon: 0.1,
            folds: 5,
            compare_genes: 1000,
            stacking: Stacking::OutOfFold,
        }
    }
}

impl SvrConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check(&self) -> Result<()> {
        check_channels("svr.channels", &self.channels)?;
        let costs = self.costs.iter();
        let checks = [
            (
                "costs",
                !self.costs.is_empty() && costs.clone().all(|c| c.is_finite() && *c > 0.0),
                "a list of numbers above 0",
            ),
            (
                "epsilon",
                self.epsilon.is_finite() && self.epsilon >= 0.0,
                "0 or more",
            ),
            ("folds", self.folds >= 2, "2 or more"),
            ("compare_genes", self.compare_genes >= 2, "2 or more"),
        ];
        match checks.iter().find(|(_, sound, _)| !sound) {
            None => Ok(()),
            Some((name, _, range)) => Err(Error::setting(
                format!("svr.{name}"),
                "it is out of range",
                format!("Give {range}"),
            )),
        }
    }

    /// Training genes on which bins and costs are compared, in order.
    pub(super) fn compared(&self, train: &[usize], seed: u64) -> Vec<usize> {
        if train.len() <= self.compare_genes {
            return train.to_vec();
        }
        let mut draws = generator(seed, Purpose::Folds, 1);
        let drawn = index::sample(&mut draws, train.len(), self.compare_genes);
        let mut genes: Vec<usize> = drawn.into_iter().map(|i| train[i]).collect();
        genes.sort_unstable();
        genes
    }
}

impl Problem<'_> {
    /// Folds of training genes; of genes that are classified as alike as can be.
    pub(super) fn folds(&self, labels: &[f64], count: usize) -> Vec<Vec<usize>> {
        let classes: Vec<bool> = match self.task {
            Task::Regression => vec![false; labels.len()],
            Task::Classification => is_up(labels),
        };
        folds(&classes, count, self.seed)
    }

    /// The features of genes at a bin.
    pub(super) fn at_bin(
        &self,
        channels: &[Channel],
        genes: &[usize],
        bin: usize,
    ) -> Result<Matrix> {
        bin_features(channels, self.pair, self.transform, genes, bin)
    }

    /// Fits a machine for the problem's task.
    pub(super) fn machine(&self, x: &Matrix, y: &[f64], cost: f64, epsilon: f64) -> Result<Svm> {
        let config = SvmConfig {
            cost,
            epsilon,
            gamma: None,
        };
        match self.task {
            Task::Regression => Svm::fit_regression(x, y, &config),
            Task::Classification => Svm::fit_classes(x, &is_up(y), &config),
        }
    }

    /// Predictions of every row by a machine that learned from the other folds.
    pub(super) fn out_of_fold(
        &self,
        x: &Matrix,
        y: &[f64],
        folds: &[Vec<usize>],
        cost: f64,
        epsilon: f64,
    ) -> Result<Vec<f64>> {
        let of_folds = folds
            .par_iter()
            .map(|fold| {
                let rest = others(x.rows(), fold);
                let labels: Vec<f64> = rest.iter().map(|&row| y[row]).collect();
                let machine = self.machine(&x.select_rows(&rest), &labels, cost, epsilon)?;
                Ok(machine.predict(&x.select_rows(fold)))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut predicted = vec![0.0; x.rows()];
        for (fold, of_fold) in folds.iter().zip(of_folds) {
            for (&row, value) in fold.iter().zip(of_fold) {
                predicted[row] = value;
            }
        }
        Ok(predicted)
    }
}

/// A support vector machine on one bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestBin {
    channels: Vec<Channel>,
    bin: usize,
    cost: f64,
    machine: Svm,
}

/// Compares all bins by cross-validation among training genes, for each cost; keeps,
/// of the best bins of each cost, the machine that predicts the validation genes best.
///
/// # Errors
/// When settings or data are unusable.
pub fn fit_best_bin(problem: &Problem<'_>, config: &SvrConfig) -> Result<Baseline> {
    let (train, valid) = (problem.genes(Split::Train), problem.genes(Split::Valid));
    let compared = config.compared(&train, problem.seed);
    let labels = problem.labels(&compared);
    let folds = problem.folds(&labels, config.folds);
    let bins = problem.pair.bins();
    let steps = Steps::new(problem.report, bins * config.costs.len() + 1);
    let at = |genes: &[usize], bin| problem.at_bin(&config.channels, genes, bin);
    // [bin, cost]
    let scores: Vec<Vec<Option<f64>>> = (0..bins)
        .into_par_iter()
        .map(|bin| {
            let x = at(&compared, bin)?;
            let of_cost = |&cost: &f64| {
                let predicted = problem.out_of_fold(&x, &labels, &folds, cost, config.epsilon)?;
                steps.done();
                Ok(problem.score(&labels, &predicted))
            };
            config.costs.iter().map(of_cost).collect::<Result<_>>()
        })
        .collect::<Result<_>>()?;
    let (y, y_valid) = (problem.labels(&train), problem.labels(&valid));
    let candidates = config
        .costs
        .par_iter()
        .enumerate()
        .map(|(index, &cost)| {
            let of_bins = scores.iter().map(|of_bin| of_bin[index]);
            let of_bins = of_bins.enumerate().map(|(bin, score)| (score, bin));
            let bin = Best::of(of_bins).into_result("svr.costs")?;
            let machine = problem.machine(&at(&train, bin)?, &y, cost, config.epsilon)?;
            let score = problem.score(&y_valid, &machine.predict(&at(&valid, bin)?));
            let channels = config.channels.clone();
            let candidate = BestBin {
                channels,
                bin,
                cost,
                machine,
            };
            Ok((score, candidate))
        })
        .collect::<Result<Vec<_>>>()?;
    steps.done();
    Ok(Baseline::BestBin(
        Best::of(candidates).into_result("svr.costs")?,
    ))
}

impl BestBin {
    pub(super) fn fits(&self, marks: usize, bins: usize) -> bool {
        self.bin < bins
            && are_channels(&self.channels)
            && self.machine.is_sound(self.channels.len() * marks)
    }

    pub(super) fn predict(
        &self,
        pair: &Pair,
        transform: InputTransform,
        genes: &[usize],
    ) -> Result<Vec<f64>> {
        let x = bin_features(&self.channels, pair, transform, genes, self.bin)?;
        Ok(self.machine.predict(&x))
    }

    pub(super) fn choices(&self) -> Vec<(&'static str, Value)> {
        vec![
            // Counted from 1, as users count.
            ("bin", json!(self.bin + 1)),
            ("cost", json!(self.cost)),
            ("support_vectors", json!(self.machine.support_vectors())),
        ]
    }
}

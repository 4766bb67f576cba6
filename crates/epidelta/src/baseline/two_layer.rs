//! A support vector machine per bin, and one on their predictions. Source: Cheng, Yan,
//! Yip et al., "A statistical framework for modeling gene expression using chromatin
//! features", Genome Biology 12 (2011); a baseline of the DeepDiff paper.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Baseline, Best, Problem, Stacking, SvrConfig,
    features::{are_channels, bin_features},
    progress::Steps,
};
use crate::{
    dataset::{InputTransform, Pair, Split},
    error::Result,
    learner::{matrix::Matrix, svm::Svm},
    model::Channel,
};

/// Machines of two layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoLayer {
    channels: Vec<Channel>,
    costs: [f64; 2],
    /// One per bin.
    first: Vec<Svm>,
    /// On the predictions of the first, `[gene, bin]`.
    second: Svm,
}

/// A first layer and what it predicts.
struct FirstLayer {
    machines: Vec<Svm>,
    /// Of the training genes, `[gene, bin]`, what the second layer learns from.
    train: Matrix,
    /// Of the validation genes.
    valid: Matrix,
}

/// Fits both layers. The cost of either is the one with which the second layer predicts
/// the validation genes best; that of the first is found with some of the training
/// genes where there are many.
///
/// # Errors
/// When settings or data are unusable.
pub fn fit_two_layer(problem: &Problem<'_>, config: &SvrConfig) -> Result<Baseline> {
    let (train, valid) = (problem.genes(Split::Train), problem.genes(Split::Valid));
    let compared = config.compared(&train, problem.seed);
    let layers = config.costs.len() + usize::from(compared.len() < train.len());
    let steps = Steps::new(problem.report, problem.pair.bins() * layers);
    let fit = |genes: &[usize], cost: f64| -> Result<(Option<f64>, TwoLayer)> {
        let first = first_layer(problem, config, cost, [genes, &valid], &steps)?;
        let (y, y_valid) = (problem.labels(genes), problem.labels(&valid));
        let seconds = config
            .costs
            .par_iter()
            .map(|&cost| {
                let machine = problem.machine(&first.train, &y, cost, config.epsilon)?;
                let score = problem.score(&y_valid, &machine.predict(&first.valid));
                Ok((score, (cost, machine)))
            })
            .collect::<Result<Vec<_>>>()?;
        let (score, (second_cost, second)) = Best::of(seconds).scored("svr.costs")?;
        let fitted = TwoLayer {
            channels: config.channels.clone(),
            costs: [cost, second_cost],
            first: first.machines,
            second,
        };
        Ok((score, fitted))
    };
    let mut chosen = Best::default();
    for &cost in &config.costs {
        let (score, fitted) = fit(&compared, cost)?;
        chosen.offer(score, fitted);
    }
    let mut chosen = chosen.into_result("svr.costs")?;
    if compared.len() < train.len() {
        chosen = fit(&train, chosen.costs[0])?.1;
    }
    Ok(Baseline::TwoLayer(chosen))
}

fn first_layer(
    problem: &Problem<'_>,
    config: &SvrConfig,
    cost: f64,
    [genes, valid]: [&[usize]; 2],
    steps: &Steps<'_>,
) -> Result<FirstLayer> {
    let y = problem.labels(genes);
    let folds = problem.folds(&y, config.folds);
    let of_bins = (0..problem.pair.bins())
        .into_par_iter()
        .map(|bin| {
            let at = |genes: &[usize]| problem.at_bin(&config.channels, genes, bin);
            let x = at(genes)?;
            let machine = problem.machine(&x, &y, cost, config.epsilon)?;
            let train = match config.stacking {
                Stacking::OutOfFold => problem.out_of_fold(&x, &y, &folds, cost, config.epsilon)?,
                Stacking::InSample => machine.predict(&x),
            };
            let valid = machine.predict(&at(valid)?);
            steps.done();
            Ok((machine, (train, valid)))
        })
        .collect::<Result<Vec<_>>>()?;
    let (machines, predicted): (Vec<Svm>, (Vec<_>, Vec<_>)) = of_bins.into_iter().unzip();
    Ok(FirstLayer {
        machines,
        train: Matrix::of_columns(genes.len(), &predicted.0)?,
        valid: Matrix::of_columns(valid.len(), &predicted.1)?,
    })
}

impl TwoLayer {
    pub(super) fn fits(&self, marks: usize, bins: usize) -> bool {
        let columns = self.channels.len() * marks;
        are_channels(&self.channels)
            && self.first.len() == bins
            && self.first.iter().all(|machine| machine.is_sound(columns))
            && self.second.is_sound(bins)
    }

    pub(super) fn predict(
        &self,
        pair: &Pair,
        transform: InputTransform,
        genes: &[usize],
    ) -> Result<Vec<f64>> {
        let first = self
            .first
            .par_iter()
            .enumerate()
            .map(|(bin, machine)| {
                let x = bin_features(&self.channels, pair, transform, genes, bin)?;
                Ok(machine.predict(&x))
            })
            .collect::<Result<Vec<_>>>()?;
        let predicted = Matrix::of_columns(genes.len(), &first)?;
        Ok(self.second.predict(&predicted))
    }

    pub(super) fn choices(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("cost_of_first_layer", json!(self.costs[0])),
            ("cost_of_second_layer", json!(self.costs[1])),
        ]
    }
}

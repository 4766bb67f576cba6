//! How much better each method of a study is than each baseline, pair by pair.

use rayon::prelude::*;
use serde::Serialize;

use super::{
    plan::StudyPlan,
    read::{Runs, TestGenes},
};
use crate::{
    evaluation::{Difference, Draws, pearson_difference},
    random::{Purpose, generator},
};

/// A method and a baseline on a pair.
#[derive(Debug, Clone, Serialize)]
pub struct PairDifference {
    /// The pair, as `A/B`.
    pub pair: String,
    /// The method.
    pub method: String,
    /// The baseline.
    pub baseline: String,
    /// Test Pearson r of the method less that of the baseline, each the mean over seeds;
    /// null where one of them is missing.
    pub difference: Option<f64>,
    /// Its 95 % bootstrap interval over the test genes, the same genes for both.
    pub interval: Option<[f64; 2]>,
}

/// Every method beside every baseline on every pair.
pub(super) fn differences(
    plan: &StudyPlan,
    runs: &Runs,
    chosen: &[Vec<usize>],
) -> Vec<PairDifference> {
    let mut cases = Vec::new();
    for pair in 0..plan.pairs.len() {
        for &baseline in &plan.baselines {
            let others = (0..plan.methods.len()).filter(|&method| method != baseline);
            cases.extend(others.map(|method| (pair, method, baseline)));
        }
    }
    cases
        .into_par_iter()
        .map(|(pair, method, baseline)| {
            let found = on_pair(plan, runs, &chosen[pair], pair, [method, baseline]);
            PairDifference {
                pair: plan.pairs[pair].name(),
                method: plan.methods[method].name.clone(),
                baseline: plan.methods[baseline].name.clone(),
                difference: found.map(|found| found.difference),
                interval: found.map(|found| found.interval),
            }
        })
        .collect()
}

fn on_pair(
    plan: &StudyPlan,
    runs: &Runs,
    chosen: &[usize],
    pair: usize,
    methods: [usize; 2],
) -> Option<Difference> {
    // All methods of a pair are tested on the same genes.
    let tests = methods.map(|method| {
        let runs = runs.of(pair, method, chosen[method]);
        let made = runs.filter(|run| run.metrics.is_ok());
        made.map(|run| &run.test).collect::<Vec<&TestGenes>>()
    });
    let observed = tests[0].first()?;
    let predicted = tests.each_ref().map(|runs| {
        let predicted = runs.iter().map(|test| test.predicted());
        predicted.collect::<Vec<Vec<f64>>>()
    });
    let mut draws = generator(plan.seeds[0], Purpose::Bootstrap, pair as u64);
    pearson_difference(
        &observed.observed,
        predicted.each_ref().map(Vec::as_slice),
        Draws::new(None, &mut draws),
    )
}

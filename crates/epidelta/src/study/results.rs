//! What a study found: every method on every pair, and the methods beside each other.

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::{
    comparisons::{AuxiliaryComparison, Comparison, auxiliary, comparisons},
    differences::{PairDifference, differences},
    execute::Outcome,
    methods::StudyMethod,
    plan::{Job, StudyPlan},
    read::{Read, Runs},
    trained_on::TrainedOn,
};
use crate::{
    evaluation::{
        Draws, Friedman, Ranking, Relative, SplitMetrics, mean, median, pearson_interval,
    },
    method::Family,
    random::{Purpose, generator},
    run::RunMetrics,
};

/// Everything that a study found.
#[derive(Debug, Clone, Serialize)]
pub struct StudyResults {
    /// The pairs, as `A/B`.
    pub pairs: Vec<String>,
    /// The methods, in the study's order.
    pub methods: Vec<MethodResults>,
    /// Whether the methods differ at all in rank (Friedman's test).
    pub friedman: Option<Friedman>,
    /// Methods beside the baselines and beside the method of the best mean rank.
    pub comparisons: Vec<Comparison>,
    /// Methods beside the baselines, pair by pair.
    pub differences: Vec<PairDifference>,
    /// Variants with cell-specific regression beside the same with classification.
    pub auxiliary: Vec<AuxiliaryComparison>,
    /// Every run, on every pair that it is tested on.
    pub runs: Vec<RunResult>,
    /// How many runs failed; one of all pairs is one.
    #[serde(skip)]
    pub failed_runs: usize,
}

/// A method over all pairs.
#[derive(Debug, Clone, Serialize)]
pub struct MethodResults {
    /// Its name in the study.
    pub name: String,
    /// The method.
    pub method: String,
    /// Its preset.
    pub preset: String,
    /// What its models are trained on.
    pub trained_on: TrainedOn,
    /// Its family.
    pub family: Family,
    /// One per pair; null where a run failed or r is undefined.
    pub pairs: Vec<Option<PairResult>>,
    /// Mean of the pairs' test Pearson r.
    pub mean_pearson_r: Option<f64>,
    /// Median of the pairs' test Pearson r.
    pub median_pearson_r: Option<f64>,
    /// Mean rank among the methods over the pairs that all have, 1 the best.
    pub mean_rank: Option<f64>,
    /// Pairs on which no method is better.
    pub best_on: usize,
    /// Its performance relative to the baselines.
    pub relative: Vec<RelativeResult>,
    /// Mean wall-clock seconds of a fit.
    #[serde(skip)]
    pub fit_seconds: Option<f64>,
    /// Wall-clock seconds of all its fits, tuning included.
    #[serde(skip)]
    pub all_seconds: f64,
}

/// A method on a pair.
#[derive(Debug, Clone, Serialize)]
pub struct PairResult {
    /// Test Pearson r, the mean over seeds.
    pub pearson_r: f64,
    /// 95 % bootstrap interval over the test genes.
    pub interval: Option<[f64; 2]>,
    /// Validation Pearson r, the mean over seeds.
    pub valid_pearson_r: Option<f64>,
    /// Test Spearman r, the mean over seeds.
    pub spearman_r: Option<f64>,
    /// Test mean squared error, the mean over seeds.
    pub mse: Option<f64>,
    /// Pearson r of training genes, where the cell types are new to the model; the mean over
    /// seeds.
    pub new_cell_types_pearson_r: Option<f64>,
    /// Test genes.
    pub genes: usize,
    /// Seeds whose runs did not fail.
    pub seeds: usize,
    /// The settings that the validation genes chose, where any were tuned.
    pub chosen: String,
}

/// Relative performance, 100 (r - r of the baseline) / r of the baseline, %.
#[derive(Debug, Clone, Serialize)]
pub struct RelativeResult {
    /// The baseline.
    pub baseline: String,
    /// One per pair.
    pub percent: Vec<Option<f64>>,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their median.
    pub median: Option<f64>,
}

/// One run, on one pair.
#[derive(Debug, Clone, Serialize)]
pub struct RunResult {
    /// The pair, as `A/B`.
    pub pair: String,
    /// The method's name in the study.
    pub method: String,
    /// The settings that were tried.
    pub tried: String,
    /// The seed.
    pub seed: u64,
    /// Whether the validation genes chose these settings.
    pub chosen: bool,
    /// Test Pearson r.
    pub test_pearson_r: Option<f64>,
    /// Validation Pearson r.
    pub valid_pearson_r: Option<f64>,
    /// Why the run failed.
    pub failure: Option<String>,
}

impl StudyResults {
    /// Reads every run of a study and compares the methods. A run that cannot be read
    /// counts as failed.
    pub fn of(plan: &StudyPlan, study: &Path, outcomes: &[Outcome]) -> Self {
        let runs = Runs::read(plan, study, outcomes);
        let chosen = chosen_candidates(plan, &runs);
        let mut methods: Vec<MethodResults> = (0..plan.methods.len())
            .map(|method| method_results(plan, &runs, &chosen, method))
            .collect();
        let r: Vec<Vec<Option<f64>>> = methods.iter().map(MethodResults::pearson_r).collect();
        // A method that failed on every pair must not cost the others their ranks.
        let ranked: Vec<usize> = (0..r.len())
            .filter(|&method| r[method].iter().any(Option::is_some))
            .collect();
        let of_ranked: Vec<Vec<Option<f64>>> = ranked.iter().map(|&m| r[m].clone()).collect();
        let ranking = Ranking::of(&of_ranked);
        for (&method, rank) in ranked.iter().zip(&ranking.mean_rank) {
            methods[method].mean_rank = Some(*rank);
        }
        for pair in 0..plan.pairs.len() {
            let highest = r.iter().filter_map(|r| r[pair]).reduce(f64::max);
            for (method, r) in methods.iter_mut().zip(&r) {
                method.best_on += usize::from(highest.is_some() && r[pair] == highest);
            }
        }
        for (method, of_method) in methods.iter_mut().zip(&r) {
            method.relative = plan
                .baselines
                .iter()
                .map(|&baseline| {
                    let relative = Relative::of(of_method, &r[baseline]);
                    RelativeResult {
                        baseline: plan.methods[baseline].name.clone(),
                        percent: relative.percent,
                        mean: relative.mean,
                        median: relative.median,
                    }
                })
                .collect();
        }
        StudyResults {
            pairs: plan.pairs.iter().map(super::StudyPair::name).collect(),
            friedman: ranking.friedman,
            comparisons: comparisons(plan, &methods, &r),
            differences: differences(plan, &runs, &chosen),
            auxiliary: auxiliary(plan, &runs, &chosen, &r),
            failed_runs: runs.failed(plan),
            runs: runs
                .all
                .iter()
                .map(|run| run_result(plan, run, &chosen))
                .collect(),
            methods,
        }
    }

    /// Pairs and methods without a Pearson r though no run failed.
    pub fn undefined(&self) -> impl Iterator<Item = (&str, &str)> {
        let chosen = self.runs.iter().filter(|run| run.chosen);
        chosen
            .filter(|run| run.failure.is_none() && run.test_pearson_r.is_none())
            .map(|run| (run.pair.as_str(), run.method.as_str()))
    }
}

impl MethodResults {
    /// Test Pearson r per pair.
    pub fn pearson_r(&self) -> Vec<Option<f64>> {
        let pairs = self.pairs.iter();
        pairs
            .map(|pair| pair.as_ref().map(|pair| pair.pearson_r))
            .collect()
    }
}

/// Per pair and method, the candidate with the highest mean validation r among those
/// that failed for the fewest seeds; of a method without any, the first. One model of all pairs
/// has one for all, by the mean over them.
fn chosen_candidates(plan: &StudyPlan, runs: &Runs) -> Vec<Vec<usize>> {
    let of = |pair: usize, method: usize| {
        let counts = match plan.methods[method].trained_on {
            TrainedOn::Pair | TrainedOn::OtherCellTypes => pair..pair + 1,
            TrainedOn::AllPairs => 0..plan.pairs.len(),
        };
        let valid = |candidate: usize| -> Vec<f64> {
            let of_candidate = counts
                .clone()
                .flat_map(|pair| runs.of(pair, method, candidate));
            let valid = of_candidate.filter_map(|run| {
                let metrics = run.metrics.as_ref().ok()?;
                metrics.best.valid.as_ref()?.pearson_r
            });
            valid.collect()
        };
        (0..plan.methods[method].candidates.len())
            .filter_map(|candidate| {
                let valid = valid(candidate);
                Some((candidate, (valid.len(), mean(&valid)?)))
            })
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .map_or(0, |(candidate, _)| candidate)
    };
    let methods = || 0..plan.methods.len();
    (0..plan.pairs.len())
        .map(|pair| methods().map(|method| of(pair, method)).collect())
        .collect()
}

fn method_results(
    plan: &StudyPlan,
    runs: &Runs,
    chosen: &[Vec<usize>],
    method: usize,
) -> MethodResults {
    let StudyMethod {
        name,
        method: of,
        preset,
        trained_on,
        candidates,
    } = &plan.methods[method];
    let pairs: Vec<Option<PairResult>> = (0..plan.pairs.len())
        .into_par_iter()
        .map(|pair| {
            let candidate = chosen[pair][method];
            let of_pair = runs.of(pair, method, candidate);
            let words = candidates[candidate].words.clone();
            pair_result(plan, of_pair, pair, words)
        })
        .collect();
    let r: Vec<f64> = pairs.iter().flatten().map(|pair| pair.pearson_r).collect();
    let seconds: Vec<f64> = runs
        .all
        .iter()
        .filter(|run| run.job.method == method)
        // A run on all pairs took its time once.
        .filter(|run| *trained_on != TrainedOn::AllPairs || run.job.pair == 0)
        .filter_map(|run| run.metrics.as_ref().ok())
        .filter_map(|metrics| metrics.fit_seconds)
        .collect();
    MethodResults {
        name: name.clone(),
        method: of.name().into(),
        preset: preset.name().into(),
        trained_on: *trained_on,
        family: of.family(),
        pairs,
        mean_pearson_r: mean_of(r.iter().copied()),
        median_pearson_r: median(r),
        mean_rank: None,
        best_on: 0,
        relative: Vec::new(),
        fit_seconds: mean_of(seconds.iter().copied()),
        all_seconds: seconds.iter().sum(),
    }
}

/// A method on a pair, from the runs of all seeds.
fn pair_result<'r>(
    plan: &StudyPlan,
    runs: impl Iterator<Item = &'r Read>,
    pair: usize,
    chosen: String,
) -> Option<PairResult> {
    let mut tests: Vec<SplitMetrics> = Vec::new();
    let mut valid = Vec::new();
    let mut new_cell_types = Vec::new();
    let mut observed: &[f64] = &[];
    let mut predicted = Vec::new();
    for run in runs {
        let Ok(metrics) = &run.metrics else { continue };
        let Some(test) = &metrics.best.test else {
            continue;
        };
        tests.push(test.clone());
        valid.extend(
            metrics
                .best
                .valid
                .as_ref()
                .and_then(|valid| valid.pearson_r),
        );
        let of_new = metrics.best.new_cell_types.as_ref();
        new_cell_types.extend(of_new.and_then(|of_new| of_new.pearson_r));
        observed = &run.test.observed;
        predicted.push(run.test.predicted());
    }
    let r: Option<Vec<f64>> = tests.iter().map(|test| test.pearson_r).collect();
    let pearson_r = mean_of(r?.into_iter())?;
    // The same genes for every method: the state depends on the pair alone.
    let mut draws = generator(plan.seeds[0], Purpose::Bootstrap, pair as u64);
    Some(PairResult {
        pearson_r,
        interval: pearson_interval(observed, &predicted, Draws::new(None, &mut draws)),
        valid_pearson_r: mean_of(valid.into_iter()),
        spearman_r: mean_of(tests.iter().filter_map(|test| test.spearman_r)),
        mse: mean_of(tests.iter().filter_map(|test| test.mse)),
        new_cell_types_pearson_r: mean_of(new_cell_types.into_iter()),
        genes: tests[0].genes,
        seeds: tests.len(),
        chosen,
    })
}

fn run_result(plan: &StudyPlan, run: &Read, chosen: &[Vec<usize>]) -> RunResult {
    let Job {
        pair,
        method,
        candidate,
        seed,
    } = run.job;
    let of = |split: fn(&RunMetrics) -> &Option<SplitMetrics>| {
        let metrics = run.metrics.as_ref().ok()?;
        split(metrics).as_ref()?.pearson_r
    };
    RunResult {
        pair: plan.pairs[pair].name(),
        method: plan.methods[method].name.clone(),
        tried: plan.methods[method].candidates[candidate].words.clone(),
        seed: plan.seeds[seed],
        chosen: chosen[pair][method] == candidate,
        test_pearson_r: of(|metrics| &metrics.best.test),
        valid_pearson_r: of(|metrics| &metrics.best.valid),
        failure: run.metrics.as_ref().err().cloned(),
    }
}

/// The mean of numbers, if there are any.
pub(super) fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    mean(&values.collect::<Vec<_>>())
}

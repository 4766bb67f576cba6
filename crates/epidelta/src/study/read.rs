//! The runs of a study, read back.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rayon::prelude::*;

use super::{
    execute::Outcome,
    plan::{Job, StudyPlan},
    trained_on::TrainedOn,
};
use crate::{
    dataset::{LabelDirection, Split},
    evaluation::{GenePrediction, Metrics, Predictions},
    run::{Run, RunMetrics},
};

/// Every run of a study, on every pair that it is tested on.
pub(super) struct Runs {
    pub all: Vec<Read>,
    /// Those of a pair, a method and a candidate, one per seed.
    places: HashMap<(usize, usize, usize), Vec<usize>>,
}

/// A run read back, as far as it is of a pair.
pub(super) struct Read {
    /// The run; of one on all pairs that of this pair.
    pub job: Job,
    pub metrics: std::result::Result<RunMetrics, String>,
    pub test: TestGenes,
}

/// Log2 fold changes, A over B, of the test genes of a pair.
#[derive(Default)]
pub(super) struct TestGenes {
    /// Those observed, which all runs on a pair share.
    pub observed: Arc<Vec<f64>>,
    predicted: Vec<f32>,
}

/// The observed fold changes of each pair that a run was read of: most runs have the same, and
/// there may be a hundred thousand runs.
type Observed = Mutex<HashMap<usize, Arc<Vec<f64>>>>;

impl TestGenes {
    /// Those predicted.
    pub fn predicted(&self) -> Vec<f64> {
        self.predicted.iter().map(|&r| f64::from(r)).collect()
    }
}

impl Runs {
    /// Reads every run. One that cannot be read counts as failed.
    pub fn read(plan: &StudyPlan, study: &Path, outcomes: &[Outcome]) -> Self {
        let observed = Observed::default();
        let all: Vec<Read> = plan
            .jobs()
            .par_iter()
            .zip(outcomes)
            .flat_map(|(&job, outcome)| Read::of(plan, study, job, outcome, &observed))
            .collect();
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, Read { job, .. }) in all.iter().enumerate() {
            let of_candidate = places.entry((job.pair, job.method, job.candidate));
            of_candidate.or_default().push(place);
        }
        Runs { all, places }
    }

    /// The runs of a candidate on a pair, one per seed.
    pub fn of(&self, pair: usize, method: usize, candidate: usize) -> impl Iterator<Item = &Read> {
        let places = self.places.get(&(pair, method, candidate));
        places.into_iter().flatten().map(|&place| &self.all[place])
    }

    /// How many runs failed; one of all pairs is one.
    pub fn failed(&self, plan: &StudyPlan) -> usize {
        let failed = self.all.iter().filter(|run| run.metrics.is_err());
        let jobs = failed.map(|run| match plan.methods[run.job.method].trained_on {
            TrainedOn::AllPairs => Job { pair: 0, ..run.job },
            TrainedOn::Pair | TrainedOn::OtherCellTypes => run.job,
        });
        jobs.collect::<BTreeSet<Job>>().len()
    }
}

impl Read {
    /// What a run says of each pair that it is tested on.
    fn of(
        plan: &StudyPlan,
        study: &Path,
        job: Job,
        outcome: &Outcome,
        observed: &Observed,
    ) -> Vec<Self> {
        let measured = match outcome {
            Outcome::Failed(reason) => Err(reason.clone()),
            Outcome::Made | Outcome::Kept => Run::open(&plan.folder(study, job))
                .and_then(|run| run.measured())
                .map_err(|error| error.in_full()),
        };
        let pairs = match plan.methods[job.method].trained_on {
            TrainedOn::Pair => return vec![Self::of_pair(plan, job, measured, observed)],
            TrainedOn::OtherCellTypes => job.pair..job.pair + 1,
            TrainedOn::AllPairs => 0..plan.pairs.len(),
        };
        pairs
            .map(|pair| {
                let job = Job { pair, ..job };
                let of_pair = measured.as_ref().map_err(Clone::clone);
                let of_pair = of_pair.and_then(|run| measured_on(plan, job, run));
                Self::of_pair(plan, job, of_pair, observed)
            })
            .collect()
    }

    fn of_pair(
        plan: &StudyPlan,
        job: Job,
        measured: std::result::Result<(RunMetrics, Predictions), String>,
        observed: &Observed,
    ) -> Self {
        let (metrics, predictions) = match measured {
            Ok((metrics, predictions)) => (Ok(metrics), predictions.genes),
            Err(reason) => (Err(reason), Vec::new()),
        };
        let of_test = predictions.iter().filter(|g| g.split == Some(Split::Test));
        let settings = &plan.methods[job.method].candidates[job.candidate].settings;
        // So that methods whose labels go the other way can be put beside each other.
        let sign = match settings.label.direction {
            LabelDirection::AOverB => 1.0,
            LabelDirection::BOverA => -1.0,
        };
        let (of_run, predicted) = of_test
            .map(|gene| (sign * gene.observed, sign as f32 * gene.predicted))
            .unzip();
        Read {
            job,
            metrics,
            test: TestGenes {
                observed: shared(of_run, job.pair, observed),
                predicted,
            },
        }
    }
}

/// The fold changes as those of an earlier run on the pair, if they are the same.
fn shared(of_run: Vec<f64>, pair: usize, observed: &Observed) -> Arc<Vec<f64>> {
    let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
    match observed.get(&pair) {
        Some(earlier) if **earlier == of_run => Arc::clone(earlier),
        _ => {
            let of_run = Arc::new(of_run);
            observed.insert(pair, Arc::clone(&of_run));
            of_run
        }
    }
}

/// What a run on many pairs measures and predicts on one of them, by the labels that models of
/// that pair alone have: those of a list are scaled to other library sizes. Where none of its
/// validation genes are of the pair, because its cell types are held out, those of the other
/// pairs count.
fn measured_on(
    plan: &StudyPlan,
    job: Job,
    (metrics, predictions): &(RunMetrics, Predictions),
) -> std::result::Result<(RunMetrics, Predictions), String> {
    let pair = &plan.pairs[job.pair];
    let direction = plan.methods[job.method].candidates[job.candidate]
        .settings
        .label
        .direction;
    let of_pair = |gene: &GenePrediction| {
        let cell_types = &gene.of_pair.as_ref()?.cell_types;
        let label = plan.labels.get(job.pair)?.get(&gene.gene_id)?;
        (*cell_types == pair.cell_types).then(|| GenePrediction {
            observed: direction.log2_fold_change(*label, 0.0),
            ..gene.clone()
        })
    };
    let of_pair = Predictions {
        genes: predictions.genes.iter().filter_map(of_pair).collect(),
    };
    if of_pair.genes.is_empty() {
        return Err(format!("the run has no prediction of {}", pair.name()));
    }
    let best = Metrics::of(&of_pair, plan.seeds[job.seed], None);
    let metrics = RunMetrics {
        best: Metrics {
            valid: best.valid.clone().or_else(|| metrics.best.valid.clone()),
            ..best
        },
        ..metrics.clone()
    };
    Ok((metrics, of_pair))
}

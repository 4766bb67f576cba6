//! The runs of a study as a table: what a workflow engine needs to make them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    CellTypeOutline, Job, StudyPlan, TrainedOn,
    cost::{Cost, DataSize},
};
use crate::{interrupt::Interrupt, provenance::sha256_of};

/// A run of a study that is to be made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedRun {
    /// Its folder within the study's, by which it is known: `runs/A_vs_B/ridge/seed-1`.
    pub run: PathBuf,
    /// The pair, as `A/B`, or `all-pairs`.
    pub pair: String,
    /// The method's name in the study.
    pub method: String,
    /// The settings that are tried.
    pub tried: String,
    /// The seed.
    pub seed: u64,
    /// A checksum of all that it is asked for but the data: when it is another one, so is the run.
    pub settings_sha256: String,
    /// The cell types that it reads.
    pub cell_types: Vec<String>,
    /// The table of labels that it reads, if it does.
    pub labels: Option<PathBuf>,
    /// Minutes that it takes on one thread of the machine that was measured, with networks of the
    /// sizes of the preset `tuned` that train as many epochs as they may. Unknown where the size of
    /// the data is.
    pub minutes: Option<f64>,
    /// Memory that it takes then, MB. Unknown where the size of the data is.
    pub memory_mb: Option<f64>,
}

/// Every run of a study, in the order of [`StudyPlan::jobs`].
pub fn planned_runs(plan: &StudyPlan, cell_types: &[CellTypeOutline]) -> Vec<PlannedRun> {
    let by_file: HashMap<&Path, &CellTypeOutline> = cell_types
        .iter()
        .map(|of| (of.file.as_path(), of))
        .collect();
    let jobs = plan.jobs().into_iter();
    jobs.map(|job| planned(plan, job, &by_file)).collect()
}

fn planned(plan: &StudyPlan, job: Job, by_file: &HashMap<&Path, &CellTypeOutline>) -> PlannedRun {
    let method = &plan.methods[job.method];
    let training = plan.training(Path::new(""), job, &Interrupt::default());
    let files = training.data.cell_files();
    let cells = files.iter().filter_map(|file| by_file.get(file.as_path()));
    let cells: Vec<&CellTypeOutline> = cells.copied().collect();
    let cost = DataSize::of(&cells, training.data.pairs()).map(|size| Cost::of(&training, &size));
    let labels = training.data.labels();
    let asked = (
        (method.method, method.preset, &training.settings),
        training.seed,
        plan.pairs_of(job),
        labels.and_then(|labels| labels.column.as_ref()),
    );
    // What is serialised are names, numbers and text, in one order.
    let asked = serde_json::to_string(&asked).unwrap_or_default();
    PlannedRun {
        settings_sha256: sha256_of(asked.as_bytes()),
        labels: labels.map(|labels| labels.path.clone()),
        run: training.output,
        pair: match method.trained_on {
            TrainedOn::AllPairs => method.trained_on.name().into(),
            TrainedOn::Pair | TrainedOn::OtherCellTypes => plan.pairs[job.pair].name(),
        },
        method: method.name.clone(),
        tried: method.candidates[job.candidate].words.clone(),
        seed: plan.seeds[job.seed],
        cell_types: cells.iter().map(|of| of.name.clone()).collect(),
        minutes: cost.map(|cost| cost.seconds / 60.0),
        memory_mb: cost.map(|cost| cost.memory_mb),
    }
}

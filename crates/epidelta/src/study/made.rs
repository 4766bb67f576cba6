//! Which runs of a study are there already.

use std::path::Path;

use rayon::prelude::*;

use super::{
    execute::Outcome,
    plan::{Job, StudyPlan},
};
use crate::{
    interrupt::Interrupt,
    run::{CHECKPOINT, DataFiles, Run, RunDescription, TrainingPlan},
};

/// Whether a run of the plan is there, whole.
pub(super) fn is_made(plan: &StudyPlan, training: &TrainingPlan) -> bool {
    // A checkpoint beside it is what a program left that was killed when all was done.
    !training.output.join(CHECKPOINT).exists() && is_there(plan, training)
}

pub(super) fn is_there(plan: &StudyPlan, training: &TrainingPlan) -> bool {
    Run::open(&training.output).is_ok_and(|run| is_of_plan(plan, training, &run.description))
}

/// The outcomes of runs that other programs have made. Those that are not there, are not
/// finished or are not of the plan count as failed.
pub fn collect(plan: &StudyPlan, study: &Path) -> Vec<Outcome> {
    let jobs = plan.jobs();
    let state = |&job: &Job| {
        let training = plan.training(study, job, &Interrupt::default());
        match missing(plan, &training) {
            None => Outcome::Kept,
            Some(problem) => Outcome::Failed(problem),
        }
    };
    jobs.par_iter().map(state).collect()
}

/// Why a run does not count as made, if it does not. Whether it is whole is found when its
/// results are read.
fn missing(plan: &StudyPlan, training: &TrainingPlan) -> Option<String> {
    match Run::describe(&training.output) {
        Err(error) => Some(error.in_full()),
        Ok(of_run) if !is_of_plan(plan, training, &of_run) => Some(match &of_run.head.epidelta {
            other if other != env!("CARGO_PKG_VERSION") => format!("epidelta {other} made it"),
            _ => "it is of other data or settings".into(),
        }),
        Ok(_) => None,
    }
}

/// Whether a run was made by this version from the same data with the same settings.
fn is_of_plan(plan: &StudyPlan, training: &TrainingPlan, description: &RunDescription) -> bool {
    let head = &description.head;
    let same = |path: &Path, sha256: &str| {
        plan.checksums
            .get(path)
            .is_some_and(|of_file| of_file == sha256)
    };
    let same_data = match &training.data {
        DataFiles::Pair { a, b, .. } => [(a, &head.a), (b, &head.b)]
            .into_iter()
            .all(|(path, file)| file.as_ref().is_some_and(|file| same(path, &file.sha256))),
        DataFiles::Pairs(list) => {
            let files = list.files.iter().zip(&head.cell_types);
            let pairs = list.pairs.iter().zip(&head.pairs);
            let name = |cell: usize| head.cell_types.get(cell).map(|file| &file.cell_type);
            list.files.len() == head.cell_types.len()
                && list.pairs.len() == head.pairs.len()
                && files
                    .into_iter()
                    .all(|(path, file)| same(path, &file.sha256))
                && pairs
                    .into_iter()
                    .all(|(pair, names)| pair.map(name) == names.each_ref().map(Some))
        }
    };
    let same_labels = match (training.data.labels(), &head.labels) {
        (None, None) => true,
        (Some(table), Some(file)) => same(&table.path, &file.sha256) && table.column == file.column,
        _ => false,
    };
    head.epidelta == env!("CARGO_PKG_VERSION")
        && head.method == training.method
        && head.preset == training.preset
        && head.seed == training.seed
        && same_data
        && same_labels
        && description.settings == training.settings
}

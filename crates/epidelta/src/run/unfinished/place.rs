//! What a run's folder may be before its training.

use std::{fs, path::Path};

use crate::{
    error::{Error, Result},
    output::is_temporary,
    run::{CHECKPOINT, MARKER, TrainingPlan},
    training::Checkpoints,
};

pub(super) const LOCK: &str = "lock";
pub(super) const RESULTS: &str = "results";
pub(super) const REPLACED: &str = "replaced";

/// Whether a folder is of a training that is not finished: whether its checkpoint has a
/// description and nothing but what one holds, or nothing of worth. Other programs call their
/// folders so, too.
pub(in crate::run) fn is_unfinished(path: &Path) -> bool {
    let checkpoint = path.join(CHECKPOINT);
    if !checkpoint.symlink_metadata().is_ok_and(|of| of.is_dir()) {
        return false;
    }
    let Ok(entries) = fs::read_dir(&checkpoint) else {
        return false;
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    let names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let is_of_worth = |name: &String| name != LOCK && !is_temporary(name);
    match names.iter().any(|name| name == MARKER) {
        true => names.iter().all(|name| is_own(name)),
        false => !names.iter().any(is_of_worth),
    }
}

/// Whether a name is one of those in a checkpoint.
pub(super) fn is_own(name: &str) -> bool {
    [MARKER, LOCK, RESULTS, REPLACED].contains(&name)
        || Checkpoints::is_state(name)
        || is_temporary(name)
}

/// Refuses an output that is taken by something that may not be replaced or gone on with.
pub(super) fn check_place(plan: &TrainingPlan) -> Result<()> {
    let path = &plan.output;
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    let is_run = path.join(MARKER).is_file();
    let is_unfinished = is_unfinished(path);
    if !(plan.resume || plan.force) {
        return match is_unfinished && !is_run {
            false => Err(Error::Exists { path: path.into() }),
            true => Err(Error::data(
                format!("{} is a training that is not finished", path.display()),
                "Go on with it with --resume, or start again with --force",
            )),
        };
    }
    let is_empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    let is_foreign = path.join(CHECKPOINT).symlink_metadata().is_ok() && !is_unfinished;
    if !is_foreign && (is_run || is_unfinished || is_empty()) {
        return Ok(());
    }
    Err(Error::data(
        format!(
            "{} is not an earlier result (a folder with {MARKER} or a {CHECKPOINT} of epidelta) \
             and is left as it is",
            path.display()
        ),
        "Choose another output path, or remove it yourself",
    ))
}

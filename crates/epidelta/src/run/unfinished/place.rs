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

/// Whether a folder is of a training that is not finished: whether its checkpoint holds nothing
/// but what one holds. Other programs call their folders so, too.
pub(in crate::run) fn is_unfinished(path: &Path) -> bool {
    let checkpoint = path.join(CHECKPOINT);
    let is_folder = checkpoint.symlink_metadata().is_ok_and(|of| of.is_dir());
    is_folder
        && fs::read_dir(checkpoint).is_ok_and(|mut entries| {
            entries.all(|entry| entry.is_ok_and(|e| is_own(&e.file_name().to_string_lossy())))
        })
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

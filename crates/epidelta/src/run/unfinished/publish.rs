//! Moving results to their places.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::place::{REPLACED, RESULTS};
use crate::{
    error::{Error, Result},
    output::{remove, rename},
    run::{CHECKPOINT, MARKER, METRICS, Run},
};

/// Moves the results to their places, and an earlier run's out of them, which are put back if
/// that fails.
pub(super) fn publish(path: &Path) -> Result<()> {
    let (results, replaced) = folders(path);
    fs::create_dir_all(&replaced).map_err(Error::io("create", &replaced))?;
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    // From the first move to the last there is no `run.toml`, and so no run of two halves.
    let earlier = Run::FILES.map(|name| (path.join(name), replaced.join(name)));
    let new = Run::FILES.map(|name| (results.join(name), path.join(name)));
    let moves = earlier.into_iter().chain(new.into_iter().rev());
    for (from, to) in moves.filter(|(from, _)| from.exists()) {
        if let Err(error) = rename(&from, &to) {
            for (from, to) in moved.iter().rev() {
                // The first error is the one to tell.
                let _ = rename(to, from);
            }
            return Err(Error::io("write", &to)(error));
        }
        moved.push((from, to));
    }
    // Names, too, must survive a machine that stops now.
    if let Ok(folder) = File::open(path) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Puts an earlier run back whose replacement was stopped between the first move and the last.
pub(super) fn put_back(path: &Path) -> Result<()> {
    let (results, replaced) = folders(path);
    if path.join(MARKER).exists() || !replaced.join(MARKER).exists() {
        return Ok(());
    }
    // The first of the new files to be moved is the last in the list: once it is gone from the
    // results, all of the earlier run has been moved, and what stands in its place is new.
    if results.exists() && !results.join(METRICS).exists() {
        for name in Run::FILES {
            let new = path.join(name);
            if new.exists() {
                fs::remove_file(&new).map_err(Error::io("remove", &new))?;
            }
        }
        // From now on what stands there is the earlier run's, should this be stopped, too.
        remove(&results).map_err(Error::io("remove", &results))?;
    }
    for name in Run::FILES.into_iter().rev() {
        let (from, to) = (replaced.join(name), path.join(name));
        if from.exists() {
            rename(&from, &to).map_err(Error::io("write", &to))?;
        }
    }
    Ok(())
}

fn folders(path: &Path) -> (PathBuf, PathBuf) {
    let checkpoint = path.join(CHECKPOINT);
    (checkpoint.join(RESULTS), checkpoint.join(REPLACED))
}

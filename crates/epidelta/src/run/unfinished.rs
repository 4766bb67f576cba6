//! A run folder while its training goes on.
//!
//! Everything lies in `checkpoint/` until the run is complete: the lock, `run.toml` without
//! checksums of results, the state of each network, and at the end the results, which are
//! then moved to their places, `run.toml` last. So a folder with a `run.toml` is a whole run,
//! and one with a `checkpoint/` alone can be gone on with, whenever the program was stopped.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{CHECKPOINT, MARKER, Run, RunDescription, TrainingPlan};
use crate::{
    error::{Error, Result},
    output::{
        Lock, check_writable, keep_current_folder, keep_inputs, remove_leftovers, rename,
        write_atomically,
    },
    training::Checkpoints,
};

const RESULTS: &str = "results";
const REPLACED: &str = "replaced";
const REMEDY: &str = "Give --force instead of --resume to start again from the beginning";

/// A run folder that is locked and not complete.
#[derive(Debug)]
pub(super) struct UnfinishedRun {
    path: PathBuf,
    /// Whether something of it was there before.
    goes_on: bool,
    _lock: Lock,
}

/// What a training begins with.
pub(super) enum Start {
    /// The run is there already.
    Finished(Run),
    /// It is to be made, or gone on with.
    Unfinished(UnfinishedRun),
}

impl UnfinishedRun {
    /// Checks before the data are read that the run's folder can be written: that what is
    /// there may be replaced or gone on with, and that no input would be replaced.
    pub fn check(plan: &TrainingPlan, inputs: &[&Path]) -> Result<()> {
        let path = &plan.output;
        check_place(plan)?;
        keep_current_folder(path)?;
        keep_inputs(path, inputs.iter().copied())?;
        check_writable(&match path.is_dir() {
            true => path.join(CHECKPOINT),
            false => path.clone(),
        })
    }

    /// Locks the folder and finds out what is there of the run that is described.
    pub fn open(plan: &TrainingPlan, description: &RunDescription) -> Result<Start> {
        let path = &plan.output;
        let checkpoint = path.join(CHECKPOINT);
        fs::create_dir_all(&checkpoint).map_err(Error::io("create", &checkpoint))?;
        let lock = Lock::take(&checkpoint.join("lock"), path).inspect_err(|_| {
            // Only what is empty, and so nobody's.
            let _ = fs::remove_dir(&checkpoint).and_then(|()| fs::remove_dir(path));
        })?;
        let mut run = UnfinishedRun {
            path: path.clone(),
            goes_on: false,
            _lock: lock,
        };
        match run.found(plan, description) {
            Ok(Some(finished)) => {
                run.discard();
                Ok(Start::Finished(finished))
            }
            Ok(None) => Ok(Start::Unfinished(run)),
            Err(error) => {
                // What was there before stays; what was made now does not.
                if !checkpoint.join(MARKER).exists() {
                    run.discard();
                }
                Err(error)
            }
        }
    }

    /// The run, if it is complete; otherwise makes the folder ready for the training.
    fn found(&mut self, plan: &TrainingPlan, description: &RunDescription) -> Result<Option<Run>> {
        let unfinished = self.checkpoint().join(MARKER);
        if plan.resume {
            let finished = match self.path.join(MARKER).exists() {
                true => Some(Run::open(&self.path)),
                false => None,
            };
            let of_finished = match finished {
                Some(Ok(run)) => match description.differences(&run.description) {
                    same if same.is_empty() => return Ok(Some(run)),
                    differences => Some(Err(other("a run", &self.path, &differences))),
                },
                other => other.map(|run| run.map(drop)),
            };
            let going_on = match unfinished.exists() {
                true => Some(self.fits(&unfinished, description)),
                false => of_finished,
            };
            match going_on {
                Some(Ok(())) => {
                    self.goes_on = true;
                    return Ok(None);
                }
                Some(Err(error)) if !plan.force => return Err(error),
                Some(Err(_)) | None => {}
            }
        } else if !plan.force && (self.path.join(MARKER).exists() || unfinished.exists()) {
            // Another program made it since it was looked for.
            return Err(Error::Exists {
                path: self.path.clone(),
            });
        }
        self.clear()?;
        let text = description.to_toml()?;
        write_atomically(&unfinished, true, |out| out.write_all(&text))?;
        Ok(None)
    }

    /// Whether the training under way is the one that is described.
    fn fits(&self, unfinished: &Path, description: &RunDescription) -> Result<()> {
        let there = RunDescription::read(unfinished, REMEDY)?;
        match description.differences(&there) {
            same if same.is_empty() => Ok(()),
            differences => Err(other("a training", &self.path, &differences)),
        }
    }

    /// Where and when the networks of the run keep their state.
    pub fn checkpoints(&self, plan: &TrainingPlan) -> Checkpoints {
        Checkpoints {
            folder: self.checkpoint(),
            every: plan.checkpoint_every,
            interrupt: plan.interrupt.clone(),
        }
    }

    /// Makes room for the results, and where one is to be written for now.
    pub fn results(&self) -> Result<impl Fn(&str) -> PathBuf + use<>> {
        let results = self.checkpoint().join(RESULTS);
        let _ = fs::remove_dir_all(&results);
        fs::create_dir_all(&results).map_err(Error::io("create", &results))?;
        Ok(move |name: &str| results.join(name))
    }

    /// Moves the results to their places; an earlier run's are put back if that fails.
    pub fn publish(self) -> Result<()> {
        let (results, replaced) = (
            self.checkpoint().join(RESULTS),
            self.checkpoint().join(REPLACED),
        );
        fs::create_dir_all(&replaced).map_err(Error::io("create", &replaced))?;
        let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
        // From the first move to the last there is no `run.toml`, and so no run of two halves.
        let earlier = Run::FILES.map(|name| (self.path.join(name), replaced.join(name)));
        let new = Run::FILES.map(|name| (results.join(name), self.path.join(name)));
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
        if let Ok(folder) = File::open(&self.path) {
            let _ = folder.sync_all();
        }
        self.discard();
        Ok(())
    }

    /// Removes what is kept of a training that failed, so that nothing is left of it; what was
    /// there before is left, since the failure may be of this time alone.
    pub fn fail(self) {
        if !self.goes_on {
            self.discard();
        }
    }

    /// Removes what is kept of the training, and the folder if there is nothing else in it.
    fn discard(&self) {
        // What stays is no run's, and the next training removes it.
        let _ = fs::remove_dir_all(self.checkpoint());
        let _ = fs::remove_dir(&self.path);
    }

    /// Removes everything of an earlier training but the lock.
    fn clear(&self) -> Result<()> {
        let checkpoint = self.checkpoint();
        remove_leftovers(&checkpoint)?;
        let entries = fs::read_dir(&checkpoint).map_err(Error::io("read", &checkpoint))?;
        for entry in entries {
            let path = entry.map_err(Error::io("read", &checkpoint))?.path();
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false if path.ends_with("lock") => continue,
                false => fs::remove_file(&path),
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }
}

/// Refuses an output that is taken by something that may not be replaced or gone on with.
fn check_place(plan: &TrainingPlan) -> Result<()> {
    let path = &plan.output;
    let Ok(found) = path.symlink_metadata() else {
        return Ok(());
    };
    let is_run = found.is_dir() && path.join(MARKER).is_file();
    let is_unfinished = found.is_dir() && path.join(CHECKPOINT).is_dir();
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
    if is_run || is_unfinished || (found.is_dir() && is_empty()) {
        return Ok(());
    }
    Err(Error::data(
        format!(
            "{} is not an earlier result (a folder with {MARKER} or {CHECKPOINT}) and is left as \
             it is",
            path.display()
        ),
        "Choose another output path, or remove it yourself",
    ))
}

/// The error for a run or a training of other settings or data.
fn other(what: &str, path: &Path, differences: &[String]) -> Error {
    Error::Many {
        what: format!(
            "{} holds {what} of other settings or data, with which --resume does not go on: \
             choose another output path, or give --force instead to replace it",
            path.display()
        ),
        problems: differences.to_vec(),
    }
}

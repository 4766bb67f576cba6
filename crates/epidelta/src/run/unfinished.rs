//! A run folder while its training goes on.
//!
//! Everything lies in `checkpoint/` until the run is complete: the lock, `run.toml` without
//! checksums of results, the state of each network, and at the end the results, which are
//! then moved to their places, `run.toml` last. So a folder with a `run.toml` is a whole run,
//! and one with a `checkpoint/` alone can be gone on with, whenever the program was stopped.

mod place;
mod publish;

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{CHECKPOINT, MARKER, Run, RunDescription, TrainingPlan};
use crate::{
    error::{Error, Result},
    output::{
        Lock, check_writable, keep_current_folder, keep_inputs, remove, remove_leftovers,
        write_atomically,
    },
    provenance::sha256,
    training::{Checkpoints, RESTART},
};

pub(super) use place::is_unfinished;
use place::{LOCK, RESULTS, check_place, is_own};

/// A run folder that is locked and not complete.
#[derive(Debug)]
pub(super) struct UnfinishedRun {
    path: PathBuf,
    /// Whether something of it was there before.
    goes_on: bool,
    lock: Arc<Lock>,
}

/// What a training begins with.
pub(super) enum Start {
    /// The run is there already.
    Finished(Box<Run>),
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
        let mut run = UnfinishedRun {
            path: path.clone(),
            goes_on: false,
            lock: Arc::new(lock(path)?),
        };
        remove_leftovers(&run.checkpoint())?;
        publish::put_back(path)?;
        match run.found(plan, description) {
            Ok(Some(finished)) => {
                match run.description() {
                    Some(other) if !description.differences(&other).is_empty() => tracing::warn!(
                        "{} holds a training of other settings or data, too, which is not finished",
                        run.checkpoint().display()
                    ),
                    _ => run.discard(),
                }
                Ok(Start::Finished(Box::new(finished)))
            }
            Ok(None) => Ok(Start::Unfinished(run)),
            Err(error) => {
                // What was there before stays; what was made now does not.
                if !run.checkpoint().join(MARKER).exists() {
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
                true => Some(self.fits(plan, description)),
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

    /// Whether the training under way is the one that is described, and undamaged.
    fn fits(&self, plan: &TrainingPlan, description: &RunDescription) -> Result<()> {
        let there = RunDescription::read(&self.checkpoint().join(MARKER), RESTART)?;
        match description.differences(&there) {
            same if same.is_empty() => self.checkpoints(plan)?.check(),
            differences => Err(other("a training", &self.path, &differences)),
        }
    }

    /// The description of the training under way, if there is one.
    fn description(&self) -> Option<RunDescription> {
        RunDescription::read(&self.checkpoint().join(MARKER), RESTART).ok()
    }

    /// Where and when the networks of the run keep their state.
    pub fn checkpoints(&self, plan: &TrainingPlan) -> Result<Checkpoints> {
        Ok(Checkpoints {
            training: sha256(&self.checkpoint().join(MARKER))?,
            folder: self.checkpoint(),
            lock: Some(Arc::clone(&self.lock)),
            every: plan.checkpoint_every,
            interrupt: plan.interrupt.clone(),
        })
    }

    /// Makes room for the results, and tells where one is to be written for now.
    pub fn results(&self) -> Result<impl Fn(&str) -> PathBuf + use<>> {
        let results = self.checkpoint().join(RESULTS);
        if results.exists() {
            remove(&results).map_err(Error::io("remove", &results))?;
        }
        self.lock.check(&self.path)?;
        fs::create_dir(&results).map_err(Error::io("create", &results))?;
        Ok(move |name: &str| results.join(name))
    }

    /// Moves the results to their places; an earlier run's are put back if that fails.
    pub fn publish(self) -> Result<()> {
        self.lock.check(&self.path)?;
        publish::publish(&self.path)?;
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
    fn discard(self) {
        if self.lock.check(&self.path).is_err() {
            // It was moved away, and what is there now is another training's.
            return;
        }
        // What cannot be removed is no run's, and the next training removes it. The lock goes
        // last, and is closed before its folder goes: a file that is open would keep that on NFS.
        let _ = self.clear();
        let checkpoint = self.checkpoint();
        let _ = fs::remove_file(checkpoint.join(LOCK));
        let UnfinishedRun { path, lock, .. } = self;
        drop(lock);
        let _ = fs::remove_dir(checkpoint).and_then(|()| fs::remove_dir(path));
    }

    /// Removes everything of a training but the lock. The description goes last: by it the rest
    /// is known.
    fn clear(&self) -> Result<()> {
        let checkpoint = self.checkpoint();
        let entries = fs::read_dir(&checkpoint).map_err(Error::io("read", &checkpoint))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| {
            let name = path.file_name().unwrap_or_default();
            name != LOCK && is_own(&name.to_string_lossy())
        });
        paths.sort_by_key(|path| path.ends_with(MARKER));
        for path in paths {
            match remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", path)(error));
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

/// Makes and locks a run's folder.
fn lock(path: &Path) -> Result<Lock> {
    const TRIES: usize = 100;
    let checkpoint = path.join(CHECKPOINT);
    for _ in 0..TRIES {
        fs::create_dir_all(&checkpoint).map_err(Error::io("create", &checkpoint))?;
        match Lock::take(&checkpoint.join(LOCK), path) {
            // Another program has just removed the folder.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                // Only what is empty, and so nobody's.
                let _ = fs::remove_dir(&checkpoint).and_then(|()| fs::remove_dir(path));
                return Err(error);
            }
            Ok(lock) => return Ok(lock),
        }
    }
    Err(Error::data(
        format!("{} cannot be locked", checkpoint.display()),
        "Choose another output path",
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

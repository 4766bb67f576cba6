//! Checkpoints: the state of a training in a file, from which it goes on with the same
//! numbers as if it had never stopped.
//!
//! The file is safetensors: the weights (`weights.` and their names), those of the best epoch
//! (`best.`), what Adam remembers of each (`adam.`, `[weight, 3]`) and the predictions of the
//! epoch under way (`predicted`). Beside them stand `state`, JSON, and `sha256`, the checksum
//! of the file.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    history::History, optimizer::OptimizerSteps, profile::Profile, score::Score, state::State,
};
use crate::{
    error::{Error, Place, Result},
    interrupt::Interrupt,
    model::{
        NamedTensor, Network, Notes, Tensors, named_tensors, parse_tensors, serialize_tensors,
        with_tensors,
    },
    output::{Lock, write_into_folder},
    provenance::seal::{self, UNSEALED},
};

/// Where the networks of a method keep their state while they are trained, and when.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// The folder, which exists.
    pub folder: PathBuf,
    /// The lock of the folder, which must be in its place whenever a state is written.
    pub lock: Option<Arc<Lock>>,
    /// What tells this training from others: a state is gone on with only if it was kept under
    /// the same.
    pub training: String,
    /// How often within an epoch; after each epoch besides.
    pub every: Duration,
    /// What asks for a stop.
    pub interrupt: Interrupt,
}

impl Checkpoints {
    const PREFIX: &str = "network-";
    const SUFFIX: &str = ".safetensors";

    /// Whether a file of this name is the state of a network.
    pub(crate) fn is_state(name: &str) -> bool {
        name.starts_with(Self::PREFIX) && name.ends_with(Self::SUFFIX)
    }

    /// Checks that all states that are there are of this training and as they were written.
    pub(crate) fn check(&self) -> Result<()> {
        let mut index = 0;
        while self.of_network(index).read()?.is_some() {
            index += 1;
        }
        Ok(())
    }

    /// That of one network, counted from 0.
    pub fn of_network(&self, index: usize) -> Checkpoint {
        let number = index + 1;
        let name = format!("{}{number}{}", Self::PREFIX, Self::SUFFIX);
        Checkpoint {
            path: self.folder.join(name),
            lock: self.lock.clone(),
            training: format!("{}, network {number}", self.training),
            every: self.every,
            interrupt: self.interrupt.clone(),
        }
    }
}

/// Where a training keeps its state, and when.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub(super) path: PathBuf,
    lock: Option<Arc<Lock>>,
    training: String,
    pub(super) every: Duration,
    pub(super) interrupt: Interrupt,
}

/// Version of the file's format.
const FORMAT: u32 = 1;
/// Before the checksum.
const SEAL: &[u8] = br#""sha256":""#;
/// What to do where there is something that cannot be gone on with.
pub(crate) const RESTART: &str =
    "Give --force instead of --resume to start again from the beginning";

const WEIGHTS: &str = "weights.";
const BEST: &str = "best.";
const ADAM: &str = "adam.";
const PREDICTED: &str = "predicted";

/// What a checkpoint holds beside tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notebook {
    format: u32,
    training: String,
    history: History,
    best_epoch: Option<usize>,
    loss_sum: f64,
    gradient_norm: f64,
    steps: OptimizerSteps,
    profile: Profile,
}

/// A checkpoint read back.
pub(super) struct Snapshot {
    path: PathBuf,
    notebook: Notebook,
    tensors: Tensors,
}

impl Checkpoint {
    /// Reads the file, if it is there.
    pub(super) fn read(&self) -> Result<Option<Snapshot>> {
        let (path, training) = (&self.path, &self.training);
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Error::io("read", path))?,
        };
        seal::check(path, seal::is_whole(&bytes, SEAL), RESTART)?;
        let (tensors, notes) = parse_tensors(&bytes, path)?;
        let unusable = |found: String| {
            let expected = format!("the state of this training, format {FORMAT}");
            Error::content(path, Place::File, expected, found, RESTART)
        };
        let text = notes.get("state").map_or("", String::as_str);
        let notebook: Notebook =
            serde_json::from_str(text).map_err(|error| unusable(error.to_string()))?;
        if notebook.format != FORMAT {
            return Err(unusable(format!("format {}", notebook.format)));
        }
        if notebook.training != *training {
            return Err(unusable("that of another".into()));
        }
        Ok(Some(Snapshot {
            path: path.into(),
            notebook,
            tensors,
        }))
    }

    /// Writes the file, in place of an earlier one.
    pub(super) fn write(&self, network: &Network, state: &State, profile: Profile) -> Result<()> {
        if let (Some(lock), Some(folder)) = (&self.lock, self.path.parent()) {
            lock.check(folder)?;
        }
        let failed = |error: &dyn std::fmt::Display| {
            Error::io("write", &self.path)(io::Error::other(error.to_string()))
        };
        let (steps, adam) = state.optimizer.state(network);
        let mut tensors: Tensors = prefixed(WEIGHTS, named_tensors(network)).collect();
        tensors.extend(prefixed(ADAM, adam));
        if let Some((_, best)) = &state.best {
            tensors.extend(prefixed(BEST, named_tensors(best)));
        }
        let predicted = NamedTensor {
            shape: vec![state.pass.predicted.len()],
            values: state.pass.predicted.clone(),
        };
        tensors.insert(PREDICTED.into(), predicted);
        let notebook = Notebook {
            format: FORMAT,
            training: self.training.clone(),
            history: state.history.clone(),
            best_epoch: state.best.as_ref().map(|(score, _)| score.epoch),
            loss_sum: state.pass.loss_sum,
            gradient_norm: state.pass.gradient_norm,
            steps,
            profile,
        };
        let text = serde_json::to_string(&notebook).map_err(|e| failed(&e))?;
        let notes = Notes::from([
            ("sha256".to_owned(), UNSEALED.to_owned()),
            ("state".to_owned(), text),
        ]);
        let mut bytes = serialize_tensors(&tensors, Some(notes)).map_err(|e| failed(&e))?;
        seal::seal(&mut bytes, SEAL);
        // A folder that was moved away just now is not made again.
        write_into_folder(&self.path, true, |out| out.write_all(&bytes))
    }
}

impl Snapshot {
    /// Puts everything in its place. `network` and `state` are those of a training that begins.
    pub fn restore(
        self,
        network: Network,
        state: &mut State,
        smoothing: usize,
    ) -> Result<(Network, Profile)> {
        let Snapshot {
            path,
            notebook,
            mut tensors,
        } = self;
        let misfit = |problems: Vec<String>| {
            let expected = "a checkpoint of this training";
            Error::content(&path, Place::File, expected, problems.join("; "), RESTART)
        };
        let network = with_tensors(network, take(&mut tensors, WEIGHTS)).map_err(misfit)?;
        let adam = take(&mut tensors, ADAM);
        let problems = state.optimizer.restore(&network, notebook.steps, adam);
        if !problems.is_empty() {
            return Err(misfit(problems));
        }
        let best = take(&mut tensors, BEST);
        state.best = match notebook.best_epoch {
            None => None,
            Some(epoch) => {
                let until = notebook.history.epochs.get(..epoch);
                let until = until.filter(|until| !until.is_empty());
                let until = until.ok_or_else(|| misfit(vec![format!("best epoch {epoch}")]))?;
                let history = History {
                    epochs: until.to_vec(),
                };
                let template = state.optimizer.averaged_network(&network);
                let best = with_tensors(template, best).map_err(misfit)?;
                Some((Score::of(&history, smoothing), best))
            }
        };
        let predicted = tensors.remove(PREDICTED);
        state.pass.predicted = predicted.map_or(Vec::new(), |tensor| tensor.values);
        state.pass.loss_sum = notebook.loss_sum;
        state.pass.gradient_norm = notebook.gradient_norm;
        state.history = notebook.history;
        Ok((network, notebook.profile))
    }
}

fn prefixed(prefix: &str, tensors: Tensors) -> impl Iterator<Item = (String, NamedTensor)> {
    let tensors = tensors.into_iter();
    tensors.map(move |(name, tensor)| (format!("{prefix}{name}"), tensor))
}

/// Takes out the tensors whose names begin so, without that.
fn take(tensors: &mut Tensors, prefix: &str) -> Tensors {
    let names: Vec<String> = tensors
        .keys()
        .filter(|name| name.starts_with(prefix))
        .cloned()
        .collect();
    names
        .into_iter()
        .filter_map(|name| Some((name[prefix.len()..].to_owned(), tensors.remove(&name)?)))
        .collect()
}

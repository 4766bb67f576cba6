//! When a training keeps its state.

use std::time::{Duration, Instant};

use super::{checkpoint::Checkpoint, profile::Stopwatch, state::State};
use crate::{
    error::{Error, Result},
    interrupt::Heeding,
    model::Network,
};

/// Keeps the state of a training when it is time for it, and stops it when that is asked for.
pub(super) struct Keeper<'c> {
    checkpoint: Option<&'c Checkpoint>,
    _heeding: Option<Heeding>,
    kept: Instant,
    cost: Duration,
}

impl<'c> Keeper<'c> {
    /// Epochs that are shorter than this many times what a checkpoint costs share one, so that
    /// checkpoints take less than 2 % of the time.
    const WORTH: u32 = 50;

    pub fn new(checkpoint: Option<&'c Checkpoint>) -> Self {
        Keeper {
            checkpoint,
            _heeding: checkpoint.map(|checkpoint| checkpoint.interrupt.heed()),
            kept: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    pub fn after_batch(&mut self, network: &Network, state: &State, at: &Stopwatch) -> Result<()> {
        let every = self.checkpoint.map(|checkpoint| checkpoint.every);
        let is_due = every.is_some_and(|every| self.kept.elapsed() >= every);
        self.keep_if(is_due, network, state, at)
    }

    pub fn after_epoch(&mut self, network: &Network, state: &State, at: &Stopwatch) -> Result<()> {
        let is_due = self.kept.elapsed() >= Self::WORTH * self.cost;
        self.keep_if(is_due, network, state, at)
    }

    /// Keeps the state that the training ends with, from which nothing has to be trained again.
    pub fn keep(&mut self, network: &Network, state: &State, at: &Stopwatch) -> Result<()> {
        let Some(checkpoint) = self.checkpoint else {
            return Ok(());
        };
        let started = Instant::now();
        checkpoint.write(network, state, at.profile())?;
        self.kept = Instant::now();
        self.cost = self.kept - started;
        tracing::debug!(
            "kept the state in {} in {:.1} ms",
            checkpoint.path.display(),
            1e3 * self.cost.as_secs_f64()
        );
        Ok(())
    }

    fn keep_if(
        &mut self,
        is_due: bool,
        network: &Network,
        state: &State,
        at: &Stopwatch,
    ) -> Result<()> {
        let checkpoint = self.checkpoint;
        let is_asked = checkpoint.is_some_and(|of| of.interrupt.is_requested());
        if is_due || is_asked {
            self.keep(network, state, at)?;
        }
        match is_asked {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }
}

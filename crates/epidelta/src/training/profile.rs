//! Where the time of a training goes.

use std::{
    ops::Add,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::model::{KernelTime, kernel_time};

/// Wall-clock time of a training by what it was spent on.
///
/// Batches are gathered beside the steps where there is an idle thread, and otherwise in what is
/// left of the total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Forward passes of training.
    pub forward: Duration,
    /// The losses.
    pub losses: Duration,
    /// Backward passes.
    pub backward: Duration,
    /// The gradients' norm, clipping and Adam.
    pub optimizer: Duration,
    /// Validation after each epoch.
    pub validation: Duration,
    /// All epochs, what is not listed above included.
    pub total: Duration,
    /// What of all this was spent in the recurrent kernel.
    pub kernel: KernelTime,
}

impl Add for Profile {
    type Output = Profile;

    fn add(self, other: Profile) -> Profile {
        Profile {
            forward: self.forward + other.forward,
            losses: self.losses + other.losses,
            backward: self.backward + other.backward,
            optimizer: self.optimizer + other.optimizer,
            validation: self.validation + other.validation,
            total: self.total + other.total,
            kernel: self.kernel + other.kernel,
        }
    }
}

/// Measures a training from start to end.
pub(super) struct Stopwatch {
    started: Instant,
    kernel_before: KernelTime,
    /// What was measured before the start, and the parts since.
    profile: Profile,
}

impl Stopwatch {
    /// Goes on from what was measured of the training before it was interrupted.
    pub fn start(before: Profile) -> Self {
        Stopwatch {
            started: Instant::now(),
            kernel_before: kernel_time(),
            profile: before,
        }
    }

    /// Does something and adds its time to a part of the profile.
    pub fn time<R>(
        &mut self,
        part: fn(&mut Profile) -> &mut Duration,
        work: impl FnOnce() -> R,
    ) -> R {
        let started = Instant::now();
        let result = work();
        *part(&mut self.profile) += started.elapsed();
        result
    }

    /// Everything so far.
    pub fn profile(&self) -> Profile {
        Profile {
            total: self.profile.total + self.started.elapsed(),
            kernel: self.profile.kernel + (kernel_time() - self.kernel_before),
            ..self.profile
        }
    }
}

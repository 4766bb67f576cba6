//! How long the recurrent kernel ran, for profiles.

use std::{
    cell::Cell,
    ops::{Add, Sub},
    time::{Duration, Instant},
};

use recurrent::Shape;
use serde::{Deserialize, Serialize};

/// Time spent in the recurrent kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelTime {
    /// Forward passes that keep nothing for a backward pass.
    pub inference: PassTime,
    /// Forward passes of training.
    pub forward: PassTime,
    /// Backward passes.
    pub backward: PassTime,
}

/// Time spent in one kind of pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassTime {
    /// Wall-clock time.
    pub duration: Duration,
    /// Time steps computed: of every sample, in both directions, of every encoder.
    pub steps: u64,
}

impl PassTime {
    /// Nanoseconds per time step; 0 where there was none.
    pub fn nanoseconds_per_step(&self) -> f64 {
        self.duration.as_nanos() as f64 / self.steps.max(1) as f64
    }
}

impl Sub for PassTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        PassTime {
            duration: self.duration - earlier.duration,
            steps: self.steps - earlier.steps,
        }
    }
}

impl Add for PassTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        PassTime {
            duration: self.duration + other.duration,
            steps: self.steps + other.steps,
        }
    }
}

impl Add for KernelTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        KernelTime {
            inference: self.inference + other.inference,
            forward: self.forward + other.forward,
            backward: self.backward + other.backward,
        }
    }
}

impl Sub for KernelTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        KernelTime {
            inference: self.inference - earlier.inference,
            forward: self.forward - earlier.forward,
            backward: self.backward - earlier.backward,
        }
    }
}

thread_local! {
    // The tensor library calls the kernel and passes nothing on but tensors. It does so on the
    // thread that asks for a result. (A thread of a pool that waits may take up work of another
    // training in the same pool; the times of the two then overlap.)
    static TIME: Cell<KernelTime> = Cell::default();
}

/// The time that this thread has spent in the kernel so far.
pub(crate) fn kernel_time() -> KernelTime {
    TIME.get()
}

/// Runs a pass of the kernel and adds its time to this thread's.
pub(super) fn timed<R>(
    pass: fn(&mut KernelTime) -> &mut PassTime,
    shape: Shape,
    run: impl FnOnce() -> R,
) -> R {
    let started = Instant::now();
    let result = run();
    let mut time = TIME.get();
    let pass = pass(&mut time);
    pass.duration += started.elapsed();
    pass.steps += 2 * shape.attention() as u64;
    TIME.set(time);
    result
}

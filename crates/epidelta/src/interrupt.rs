//! Stopping on request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

/// A request to stop, which a program sets when it is told to and trainings heed after
/// each batch. Clones are the same request.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    requested: AtomicBool,
    begun: AtomicBool,
    heeding: AtomicUsize,
}

impl Interrupt {
    /// Asks for a stop.
    pub fn request(&self) {
        self.0.requested.store(true, SeqCst);
    }

    /// Whether a stop was asked for.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(SeqCst)
    }

    /// Tells that there is something now with which could be gone on.
    pub fn begin(&self) {
        self.0.begun.store(true, SeqCst);
    }

    /// Whether there is something with which could be gone on.
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(SeqCst)
    }

    /// Whether something is at work that will save its state and stop by itself.
    pub fn is_heeded(&self) -> bool {
        self.0.heeding.load(SeqCst) > 0
    }

    /// Tells, for as long as what is returned lives, that a stop is heeded.
    pub(crate) fn heed(&self) -> Heeding {
        self.0.heeding.fetch_add(1, SeqCst);
        Heeding(self.clone())
    }
}

/// See [`Interrupt::heed`].
#[derive(Debug)]
pub(crate) struct Heeding(Interrupt);

impl Drop for Heeding {
    fn drop(&mut self) {
        self.0.0.heeding.fetch_sub(1, SeqCst);
    }
}

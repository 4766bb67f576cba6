//! Counting of fits that run side by side.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells how many of a number of fits are done.
pub(super) struct Steps<'a> {
    report: &'a (dyn Fn(usize, usize) + Sync),
    all: usize,
    done: AtomicUsize,
}

impl<'a> Steps<'a> {
    pub fn new(report: &'a (dyn Fn(usize, usize) + Sync), all: usize) -> Self {
        report(0, all);
        Steps {
            report,
            all,
            done: AtomicUsize::new(0),
        }
    }

    /// One more is done.
    pub fn done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.report)(done, self.all);
    }
}

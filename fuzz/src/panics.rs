//! Which panics are findings.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook},
    sync::{Mutex, PoisonError},
};

/// What the last panic said.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Made ready once, before the first input.
///
/// libFuzzer's bindings abort at any panic. The decoders of bigWig, CRAM and Parquet panic on
/// damaged files, which epidelta's readers catch on purpose and turn into an error, so panics
/// are let pass here; one that leaves the library is still a finding, by [`watched`].
///
/// One thread computes: it is faster for small files, and inputs behave the same each time.
pub fn prepare() {
    set_hook(Box::new(|panic| {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .expect("the first thread pool");
}

/// Does something with epidelta. A panic that leaves it is told and passed on, at which
/// libFuzzer's bindings abort: a finding.
pub fn watched<T>(with_epidelta: impl FnOnce() -> T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(with_epidelta)) {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        eprintln!("a panic left epidelta: {last}");
        resume_unwind(panic);
    }
}

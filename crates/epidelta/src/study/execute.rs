//! The runs of a study, several at once.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    made::{is_made, is_there},
    plan::{Job, StudyPlan},
};
use crate::{
    error::{Error, Result},
    interrupt::Interrupt,
    output::remove_leftovers,
    run::{Event, Held, LoadedCells, TrainingPlan, train},
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was made now.
    Made,
    /// It was there, of the same data and settings.
    Kept,
    /// It failed, for this reason.
    Failed(String),
}

/// What a study tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum StudyEvent<'a> {
    /// A run begins.
    Started(Job),
    /// A run goes on.
    Running {
        /// The run.
        job: Job,
        /// What its training tells.
        event: Event<'a>,
    },
    /// A run ended.
    Ended {
        /// The run.
        job: Job,
        /// How.
        outcome: &'a Outcome,
        /// How many ended so far.
        done: usize,
    },
}

/// How many runs go at once, and with how many threads each.
#[derive(Debug, Clone, Copy)]
pub struct Workers {
    /// Runs at once.
    pub runs: usize,
    /// Threads of each.
    pub threads: usize,
}

/// Makes every run of a study that is not in its folder already; a run that fails does
/// not keep the others from being made, and one that was interrupted is gone on with. The outcomes are in the order of
/// [`StudyPlan::jobs`].
///
/// # Errors
/// When leftovers of an interrupted study cannot be removed or threads not be started;
/// [`Error::Interrupted`] when the interrupt is requested.
pub fn execute(
    plan: &StudyPlan,
    study: &Path,
    workers: Workers,
    interrupt: &Interrupt,
    report: &(dyn Fn(StudyEvent<'_>) + Sync),
) -> Result<Vec<Outcome>> {
    let jobs = plan.jobs();
    remove_leftovers(study)?;
    for job in &jobs {
        if let Some(parent) = plan.folder(study, *job).parent() {
            remove_leftovers(parent)?;
        }
    }
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let outcomes = Mutex::new(vec![None; jobs.len()]);
    let loaded = LoadedCells::default();
    let work = || -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(workers.threads.max(1))
            .stack_size(STACK_BYTES)
            .build()
            .map_err(|error| {
                let problem = format!("threads cannot be started: {error}");
                Error::data(problem, "Give a smaller --threads")
            })?;
        // The cell types of a worker's last run: its next one mostly is of the same.
        let mut held = Held::default();
        loop {
            if interrupt.is_requested() {
                return Err(Error::Interrupted);
            }
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(&job) = jobs.get(index) else {
                return Ok(());
            };
            report(StudyEvent::Started(job));
            let training = TrainingPlan {
                loaded: loaded.clone(),
                ..plan.training(study, job, interrupt)
            };
            let event = |event: Event<'_>| report(StudyEvent::Running { job, event });
            let outcome = pool.install(|| match is_made(plan, &training) {
                true => Ok(Outcome::Kept),
                false => {
                    held = loaded.hold(&training.data.cell_files());
                    make(plan, &training, &event)
                }
            })?;
            report(StudyEvent::Ended {
                job,
                outcome: &outcome,
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
            });
            if let Ok(mut outcomes) = outcomes.lock() {
                outcomes[index] = Some(outcome);
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers.runs.max(1))
            .map(|_| scope.spawn(work))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| {
                Err(Error::data(
                    "a worker of the study stopped",
                    "This is a defect of epidelta; please report it",
                ))
            })
        })
    })?;
    let outcomes = outcomes.into_inner().unwrap_or_default();
    let missing = || Outcome::Failed("it was not made".into());
    Ok(outcomes
        .into_iter()
        .map(|o| o.unwrap_or_else(missing))
        .collect())
}

/// As much as a program's main thread usually has.
const STACK_BYTES: usize = 8 << 20;

fn make(
    plan: &StudyPlan,
    training: &TrainingPlan,
    report: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Outcome> {
    // A defect in one method must not cost the other runs.
    let trained = catch_unwind(AssertUnwindSafe(|| {
        if let Some(parent) = training.output.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        train(training, &mut |event| report(event))
    }));
    Ok(match trained {
        Ok(Err(Error::Interrupted)) => return Err(Error::Interrupted),
        Ok(Ok(_)) if !is_there(plan, training) => Outcome::Failed(
            "its data changed while the study ran; run it again with --resume".into(),
        ),
        Ok(Ok(_)) => Outcome::Made,
        Ok(Err(error)) => Outcome::Failed(error.in_full()),
        Err(_) => Outcome::Failed("a defect of epidelta; please report it".into()),
    })
}

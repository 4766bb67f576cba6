//! The progress of a study: runs done, and what fails as it does.

use std::{io::Write, sync::Mutex, time::Instant};

use epidelta::study::{Job, Outcome, StudyEvent, StudyPlan, TrainedOn};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Reporter, minutes};

/// The progress of one study.
pub struct StudyProgress<'p> {
    reporter: Reporter,
    plan: &'p StudyPlan,
    bar: ProgressBar,
    started: Instant,
    all: usize,
    /// Runs that took time, of which the rest can be told.
    made: Mutex<usize>,
}

impl Reporter {
    /// A study begins.
    pub fn study(self, plan: &StudyPlan) -> StudyProgress<'_> {
        let all = plan.jobs().len();
        let target = if self.quiet || !self.terminal {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(all as u64), target);
        let template = "{msg}\n{wide_bar} {pos} of {len} runs  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        StudyProgress {
            reporter: self,
            plan,
            bar,
            started: Instant::now(),
            all,
            made: Mutex::new(0),
        }
    }
}

impl StudyProgress<'_> {
    /// Shows what happened.
    pub fn on(&self, event: StudyEvent<'_>) {
        match event {
            StudyEvent::Started(job) => self.bar.set_message(self.in_words(job)),
            StudyEvent::Ended { job, outcome, done } => {
                self.bar.set_position(done as u64);
                let words = self.in_words(job);
                if let Outcome::Failed(reason) = outcome {
                    self.bar
                        .suspend(|| tracing::warn!("{words} failed: {reason}"));
                }
                if *outcome != Outcome::Kept {
                    self.tell(&words, done);
                }
            }
        }
    }

    fn in_words(&self, job: Job) -> String {
        let method = &self.plan.methods[job.method];
        let pair = match method.trained_on {
            TrainedOn::AllPairs => "all pairs".into(),
            TrainedOn::Pair | TrainedOn::OtherCellTypes => self.plan.pairs[job.pair].name(),
        };
        let tried = &method.candidates[job.candidate].words;
        let seed = self.plan.seeds[job.seed];
        match tried.is_empty() {
            true => format!("{pair}, {}, seed {seed}", method.name),
            false => format!("{pair}, {} ({tried}), seed {seed}", method.name),
        }
    }

    /// A line, where there is no bar.
    fn tell(&self, run: &str, done: usize) {
        if self.reporter.quiet || self.reporter.terminal {
            return;
        }
        let Ok(mut made) = self.made.lock() else {
            return;
        };
        *made += 1;
        let of_each = self.started.elapsed().div_f64(*made as f64);
        let left = of_each.mul_f64(self.all.saturating_sub(done) as f64);
        // A log that cannot be written must not end the study.
        let _ = writeln!(
            std::io::stderr(),
            "{done} of {} runs, {} left: {run}",
            self.all,
            minutes(left)
        );
    }
}

impl Drop for StudyProgress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! Progress of long work: on a terminal a bar with rate and remaining time,
//! elsewhere plain lines (one per epoch of a training, one every ten seconds of
//! reading), nothing with `--quiet`.

mod course;
mod explaining;
mod reading;
mod study;

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use course::Course;
use epidelta::{method, run::TrainingPlan, training};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where progress goes.
#[derive(Debug, Clone, Copy)]
pub struct Reporter {
    quiet: bool,
    terminal: bool,
}

/// Between two lines of progress, where there is no bar.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The progress of one training.
pub struct TrainingProgress {
    reporter: Reporter,
    bar: ProgressBar,
    started: Instant,
    course: Course,
    best: Option<(usize, f64)>,
    /// Epochs of the network that an earlier training made.
    made_before: usize,
    told: Option<Instant>,
}

impl Reporter {
    /// Bars only where stderr is a terminal.
    pub fn new(quiet: bool) -> Self {
        Reporter {
            quiet,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A training of so many genes begins.
    pub fn training(self, train_genes: usize, plan: &TrainingPlan) -> TrainingProgress {
        let course = Course::new(train_genes, plan);
        let length = (train_genes as u64).saturating_mul(course.epochs as u64);
        let target = if self.quiet || !self.terminal {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let template = "{msg}\n{wide_bar} {percent} %  {per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key(
                "per_sec",
                |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                    let _ = write!(out, "{:.0} genes/s", state.per_sec());
                },
            ));
        }
        TrainingProgress {
            reporter: self,
            bar,
            started: Instant::now(),
            course,
            best: None,
            made_before: 0,
            told: None,
        }
    }
}

impl TrainingProgress {
    /// Shows what happened.
    pub fn on(&mut self, progress: method::Progress<'_>) {
        if self.course.on(progress) {
            self.best = None;
            self.made_before = 0;
            self.started = Instant::now();
        }
        match progress {
            method::Progress::Network { progress, .. } => self.on_network(progress),
            method::Progress::Fits { done, all } => self.on_fits(done, all),
        }
    }

    fn on_network(&mut self, progress: training::Progress<'_>) {
        match progress {
            training::Progress::Batch { epoch, genes } => {
                let done = (epoch as u64 - 1).saturating_mul(self.course.train_genes as u64);
                self.bar.set_position(done.saturating_add(genes as u64));
            }
            training::Progress::Resumed {
                history,
                best_epoch,
            } => {
                let made = history.epochs.len();
                self.bar
                    .suspend(|| tracing::info!("going on after epoch {made}"));
                self.bar
                    .set_position((made as u64).saturating_mul(self.course.train_genes as u64));
                self.bar.reset_eta();
                self.made_before = made;
                self.best = best_epoch.and_then(|epoch| {
                    let r = history.epochs.get(epoch - 1)?.valid_pearson_r?;
                    Some((epoch, r))
                });
            }
            training::Progress::Epoch { record, best } => {
                let r = record.valid_pearson_r;
                if best {
                    self.best = r.map(|r| (record.epoch, r));
                }
                let r = r.map_or("undefined".into(), |r| format!("{r:.4}"));
                let best = self.best.map_or(String::new(), |(epoch, r)| {
                    format!(", best {r:.4} in epoch {epoch}")
                });
                let network = self.course.network();
                let message = format!(
                    "{network}epoch {}/{}: train loss {:.4}, valid loss {:.4}, valid Pearson r \
                     {r}{best}",
                    record.epoch, self.course.epochs, record.train_loss, record.valid_loss
                );
                if !self.reporter.quiet && !self.reporter.terminal {
                    let elapsed = self.started.elapsed();
                    let made = (record.epoch - self.made_before) as f64;
                    let rate = made * self.course.train_genes as f64 / elapsed.as_secs_f64();
                    let left = elapsed.mul_f64((self.course.epochs - record.epoch) as f64 / made);
                    // A log that cannot be written must not end the training.
                    let _ = writeln!(
                        std::io::stderr(),
                        "{message}; {rate:.0} genes/s, {} left",
                        minutes(left)
                    );
                }
                self.bar.set_message(message);
            }
        }
    }

    /// Fits that are done side by side.
    fn on_fits(&mut self, done: usize, all: usize) {
        if self.bar.length() != Some(all as u64) {
            self.bar.set_length(all as u64);
            let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} fits  {eta} left");
            if let Ok(style) = style {
                self.bar.set_style(style);
            }
        }
        self.bar.set_position(done as u64);
        let last = self.told.unwrap_or(self.started);
        let due = last.elapsed() >= BETWEEN_LINES && done > 0;
        if due && !self.reporter.quiet && !self.reporter.terminal {
            self.told = Some(Instant::now());
            let left = self
                .started
                .elapsed()
                .mul_f64((all - done) as f64 / done as f64);
            let _ = writeln!(
                std::io::stderr(),
                "{done} of {all} fits, {} left",
                minutes(left)
            );
        }
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A duration as one would say it.
fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

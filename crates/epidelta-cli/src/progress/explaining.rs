//! Progress of explaining a run.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use epidelta::explanation::Step;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{BETWEEN_LINES, Reporter, minutes};

/// The progress, shown until it is dropped.
pub struct ExplainingProgress {
    reporter: Reporter,
    bar: ProgressBar,
    what: &'static str,
    /// When the present step began, and when a line was last written.
    started: Instant,
    told: Instant,
}

impl Reporter {
    /// An explanation begins.
    pub fn explaining(self) -> ExplainingProgress {
        let target = match self.quiet || !self.terminal {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let template = "{msg}\n{wide_bar} {percent} %  {per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        ExplainingProgress {
            reporter: self,
            bar,
            what: "",
            started: Instant::now(),
            told: Instant::now(),
        }
    }
}

impl ExplainingProgress {
    /// Shows what is being done.
    pub fn on(&mut self, step: Step) {
        if self.what != step.what {
            self.what = step.what;
            self.started = Instant::now();
            self.bar.reset();
            self.bar.set_message(step.what);
        }
        self.bar.set_length(step.total as u64);
        self.bar.set_position(step.done as u64);
        let plain = !self.reporter.quiet && !self.reporter.terminal;
        if plain && step.done > 0 && self.told.elapsed() >= BETWEEN_LINES {
            self.told = Instant::now();
            let elapsed = self.started.elapsed();
            let rate = step.done as f64 / elapsed.as_secs_f64().max(1e-9);
            let rest = step.total.saturating_sub(step.done) as f64 / rate;
            let left = Duration::try_from_secs_f64(rest).unwrap_or_default();
            // A log that cannot be written must not end the work.
            let _ = writeln!(
                std::io::stderr(),
                "{}: {} of {}; {rate:.0}/s, {} left",
                step.what,
                step.done,
                step.total,
                minutes(left)
            );
        }
    }
}

impl Drop for ExplainingProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! Progress of reading large files.

use std::{
    io::Write,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use epidelta::input::Meter;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Reporter, minutes};

/// How often the bar is drawn, and a plain line written.
const DRAW: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(10);

/// The progress of reading files, shown until it is dropped.
pub struct ReadingProgress {
    bar: ProgressBar,
    /// Dropped to end the thread that draws.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reporter {
    /// So many bytes are going to be read and counted by the meter.
    pub fn reading(self, bytes: u64, meter: &Meter) -> ReadingProgress {
        let hidden = self.quiet || !self.terminal;
        let target = match hidden {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        let template = "{msg}\n{wide_bar} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let (running, ended) = channel::<()>();
        let (drawn, meter) = (bar.clone(), meter.clone());
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            let mut next_line = LINE;
            while ended.recv_timeout(DRAW) == Err(RecvTimeoutError::Timeout) {
                drawn.set_position(meter.bytes());
                if hidden && !self.quiet && started.elapsed() >= next_line {
                    next_line += LINE;
                    write_line(meter.bytes(), bytes, started.elapsed());
                }
            }
        });
        ReadingProgress {
            bar,
            running: Some(running),
            thread: Some(thread),
        }
    }
}

fn write_line(read: u64, total: u64, elapsed: Duration) {
    let rate = read as f64 / elapsed.as_secs_f64();
    let left = Duration::try_from_secs_f64(total.saturating_sub(read) as f64 / rate.max(1.0));
    // A log that cannot be written must not end the work.
    let _ = writeln!(
        std::io::stderr(),
        "read {} of {}; {}/s, {} left",
        HumanBytes(read),
        HumanBytes(total),
        HumanBytes(rate as u64),
        minutes(left.unwrap_or_default())
    );
}

impl ReadingProgress {
    /// Writes lines without the bar between them.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Shows what is being read.
    pub fn say(&self, message: String) {
        self.bar.set_message(message);
    }
}

impl Drop for ReadingProgress {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            // The thread only draws; that it failed is no reason to fail.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

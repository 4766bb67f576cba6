//! The progress of a study: a line for each run that goes on, runs done with the time that is
//! left, and what fails as it does.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use epidelta::{
    interrupt::Interrupt,
    run::Event,
    study::{Job, Outcome, PlannedRun, StudyEvent, StudyPlan, TrainedOn},
};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Course, Reporter, minutes};

/// Between two reports of all runs that go on, where there is no terminal.
const BETWEEN_REPORTS: Duration = Duration::from_secs(60);

/// The progress of one study.
pub struct StudyProgress<'p> {
    reporter: Reporter,
    plan: &'p StudyPlan,
    lines: MultiProgress,
    total: ProgressBar,
    work: Mutex<Work>,
}

/// What is done and what is left of it, weighed by what the plan says that each run takes.
struct Work {
    started: Instant,
    reported: Instant,
    weights: BTreeMap<Job, f64>,
    running: BTreeMap<Job, Running>,
    runs: usize,
    ended: usize,
    /// Minutes of the plan that were worked off now, and that are left.
    made: f64,
    left: f64,
}

struct Running {
    line: ProgressBar,
    course: Option<Course>,
}

impl Reporter {
    /// A study begins. The planned runs tell how long each takes beside the others.
    pub fn study<'p>(self, plan: &'p StudyPlan, planned: &[PlannedRun]) -> StudyProgress<'p> {
        let target = match self.quiet || !self.terminal {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let lines = MultiProgress::with_draw_target(target);
        let jobs = plan.jobs();
        let total = lines.add(ProgressBar::new(jobs.len() as u64));
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} runs  {msg}") {
            total.set_style(style);
        }
        let weight = |run: &PlannedRun| run.minutes.unwrap_or(1.0).max(1e-3);
        let weights: BTreeMap<Job, f64> = jobs
            .iter()
            .copied()
            .zip(planned.iter().map(weight))
            .collect();
        StudyProgress {
            reporter: self,
            plan,
            lines,
            total,
            work: Mutex::new(Work {
                started: Instant::now(),
                reported: Instant::now(),
                left: weights.values().sum(),
                weights,
                running: BTreeMap::new(),
                runs: jobs.len(),
                ended: 0,
                made: 0.0,
            }),
        }
    }
}

impl StudyProgress<'_> {
    /// Shows what happened.
    pub fn on(&self, event: StudyEvent<'_>) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            StudyEvent::Started(job) => {
                let line = self
                    .lines
                    .insert_before(&self.total, ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("{msg}") {
                    line.set_style(style);
                }
                line.set_message(self.in_words(job));
                work.running.insert(job, Running { line, course: None });
            }
            StudyEvent::Running { job, event } => {
                let Some(running) = work.running.get_mut(&job) else {
                    return;
                };
                match event {
                    Event::Prepared(prepared) => {
                        let training = self.plan.training("".as_ref(), job, &Interrupt::default());
                        running.course = Some(Course::new(prepared.genes[0], &training));
                    }
                    Event::Training(progress) => {
                        if let Some(course) = &mut running.course {
                            course.on(progress);
                        }
                    }
                    Event::Finished | Event::Trained(_) => {}
                }
                let words = running.in_words(&self.in_words(job));
                running.line.set_message(words);
                self.total.set_message(work.left_in_words());
                self.report(&mut work);
            }
            StudyEvent::Ended { job, outcome, done } => {
                if let Some(running) = work.running.remove(&job) {
                    running.line.finish_and_clear();
                    self.lines.remove(&running.line);
                }
                work.end(job, *outcome == Outcome::Kept, done);
                self.total.set_position(done as u64);
                self.total.set_message(work.left_in_words());
                let words = self.in_words(job);
                if let Outcome::Failed(reason) = outcome {
                    self.lines
                        .suspend(|| tracing::warn!("{words} failed: {reason}"));
                }
                if *outcome != Outcome::Kept {
                    let left = work.left_in_words();
                    self.say(&format!("{done} of {} runs, {left}: {words}", work.runs));
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

    /// From time to time a line for every run that goes on, where there is no terminal.
    fn report(&self, work: &mut Work) {
        if work.reported.elapsed() < BETWEEN_REPORTS {
            return;
        }
        work.reported = Instant::now();
        for (&job, running) in &work.running {
            self.say(&running.in_words(&self.in_words(job)));
        }
        let (ended, runs, left) = (work.ended, work.runs, work.left_in_words());
        self.say(&format!("{ended} of {runs} runs, {left}"));
    }

    /// A line, where there is no terminal.
    fn say(&self, line: &str) {
        if !self.reporter.quiet && !self.reporter.terminal {
            // A log that cannot be written must not end the study.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

impl Running {
    fn in_words(&self, run: &str) -> String {
        let Some(course) = &self.course else {
            return format!("{run}: reading");
        };
        let left = match course.left() {
            Some(left) => format!(", {} left", minutes(left)),
            None => String::new(),
        };
        format!("{run}: {}{left}", course.stage())
    }
}

impl Work {
    fn end(&mut self, job: Job, kept: bool, done: usize) {
        let weight = self.weights.get(&job).copied().unwrap_or(0.0);
        self.ended = self.ended.max(done);
        self.left -= weight;
        if !kept {
            self.made += weight;
            self.reported = Instant::now();
        }
    }

    /// The time that is left, at the speed so far.
    fn left_in_words(&self) -> String {
        let in_work = |share: fn(&Course) -> f64| -> f64 {
            let shares = self.running.iter().map(|(job, running)| {
                let share = running.course.as_ref().map_or(0.0, share);
                share * self.weights.get(job).copied().unwrap_or(0.0)
            });
            shares.sum()
        };
        let made = self.made + in_work(Course::made);
        let left = (self.left - in_work(Course::share)).max(0.0);
        let seconds = self.started.elapsed().as_secs_f64() * left / made;
        match Duration::try_from_secs_f64(seconds) {
            Ok(left) if made > 0.0 => format!("{} left", minutes(left)),
            _ => "time left not known yet".into(),
        }
    }
}

impl Drop for StudyProgress<'_> {
    fn drop(&mut self) {
        self.total.finish_and_clear();
    }
}

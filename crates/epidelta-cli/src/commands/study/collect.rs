//! `epidelta study collect`

use anyhow::{Result, bail};
use epidelta::{
    output::keep_inputs,
    study::{MARKER, RunResult, StudyConfig, StudyResults, collect},
};

use super::{
    checked,
    folder::{is_study, lock_and_describe},
    in_words, write,
};
use crate::arguments::CollectStudy;

/// So many runs that are missing are named.
const MOST_NAMED: usize = 20;

pub fn run(command: &CollectStudy) -> Result<()> {
    let config = StudyConfig::read(&command.study)?;
    let folder = &command.output;
    let inputs: Vec<_> = config.files().chain([&*command.study]).collect();
    keep_inputs(folder, inputs)?;
    if !is_study(folder) {
        bail!(
            "{} is no study (it has no {MARKER}): make its runs with `epidelta study run`",
            folder.display()
        );
    }
    let plan = checked(&config, &command.study)?;
    tracing::info!("{}", in_words(&plan));
    let outcomes = collect(&plan, folder);
    let results = StudyResults::of(&plan, folder, &outcomes);
    if results.failed_runs > 0 && !command.partial {
        bail!("{}", missing(&results));
    }
    let _lock = lock_and_describe(folder, &command.study)?;
    write(&results, folder)
}

fn missing(results: &StudyResults) -> String {
    let failed = results.runs.iter().filter(|run| run.failure.is_some());
    let in_words = |run: &RunResult| {
        let failure = run.failure.as_deref().unwrap_or_default();
        let tried = match run.tried.is_empty() {
            true => String::new(),
            false => format!(" ({})", run.tried),
        };
        format!(
            "- {}, {}{tried}, seed {}: {failure}",
            run.pair, run.method, run.seed
        )
    };
    let mut lines: Vec<String> = failed.clone().take(MOST_NAMED).map(in_words).collect();
    let others = failed.count().saturating_sub(MOST_NAMED);
    if others > 0 {
        lines.push(format!("- and {others} more"));
    }
    format!(
        "{} runs are missing or cannot be used; nothing was written. Make them, or give --partial \
         for tables of the others:\n{}",
        results.failed_runs,
        lines.join("\n")
    )
}

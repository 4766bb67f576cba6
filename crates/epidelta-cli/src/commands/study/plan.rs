//! `epidelta study plan`

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use epidelta::{
    dataset::read_samples,
    output::{check_file, keep_inputs, write_atomically},
    study::{CellTypeOutline, PlannedRun, StudyConfig, StudyOutline, planned_runs},
};
use serde::Serialize;

use super::{checked, in_words};
use crate::arguments::{PlanFormat, PlanStudy};

/// A plan as JSON.
#[derive(Serialize)]
struct Plan<'p> {
    epidelta: &'static str,
    cell_types: &'p [CellTypeOutline],
    runs: &'p [PlannedRun],
}

pub fn run(command: &PlanStudy) -> Result<()> {
    let config = StudyConfig::read(&command.study)?;
    let samples = match &command.samples {
        None => Ok(Vec::new()),
        Some(sheet) => read_samples(sheet, command.expression.as_deref(), None),
    };
    if let Some(output) = &command.output {
        let given = [&command.samples, &command.expression]
            .into_iter()
            .flatten();
        let of_samples = samples.iter().flatten();
        let inputs: Vec<&Path> = of_samples
            .flat_map(|sample| sample.files().into_iter().chain([&*sample.expression]))
            .chain(given.map(PathBuf::as_path))
            .chain(config.files())
            .chain([&*command.study])
            .collect();
        check_file(output, command.force)?;
        keep_inputs(output, inputs)?;
    }
    let is_quick = command.quick || command.samples.is_some() || command.genes.is_some();
    if !is_quick {
        checked(&config, &command.study)?;
    }
    let outline = StudyOutline::new(&config, samples, command.genes, command.bins)
        .with_context(|| format!("cannot use {}", command.study.display()))?;
    for warning in &outline.warnings {
        tracing::warn!("{warning}");
    }
    let runs = planned_runs(&outline.plan, &outline.cell_types);
    let text = match command.format {
        PlanFormat::Tsv => tsv(&runs),
        PlanFormat::Json => {
            let plan = Plan {
                epidelta: env!("CARGO_PKG_VERSION"),
                cell_types: &outline.cell_types,
                runs: &runs,
            };
            serde_json::to_string_pretty(&plan)? + "\n"
        }
    };
    match &command.output {
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
        Some(output) => {
            write_atomically(output, command.force, |out| out.write_all(text.as_bytes()))?;
        }
    }
    let cost = cost_in_words(&runs);
    tracing::info!("{}{cost}", in_words(&outline.plan));
    Ok(())
}

/// What all runs take together.
fn cost_in_words(runs: &[PlannedRun]) -> String {
    let minutes: Option<f64> = runs.iter().map(|run| run.minutes).sum();
    let memory = runs.iter().filter_map(|run| run.memory_mb).reduce(f64::max);
    match (minutes, memory) {
        (Some(minutes), Some(memory)) => format!(
            "; {:.1} hours on one core, and {memory:.0} MB each at most",
            minutes / 60.0
        ),
        _ => "; what they take is known once the cell types are prepared, or with --genes and \
              --bins"
            .into(),
    }
}

/// The runs as a table.
fn tsv(runs: &[PlannedRun]) -> String {
    let number = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "NA".into(),
    };
    let mut text = String::from("run\tpair\tmethod\ttried\tseed\tcell_types\tminutes\tmemory_mb\n");
    for run in runs {
        let fields = [
            run.run.display().to_string(),
            run.pair.clone(),
            run.method.clone(),
            run.tried.clone(),
            run.seed.to_string(),
            run.cell_types.join(","),
            number(run.minutes, 3),
            number(run.memory_mb, 0),
        ];
        text += &fields.join("\t");
        text.push('\n');
    }
    text
}

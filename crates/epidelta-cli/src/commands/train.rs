//! `epidelta train`

use std::io::Write;

use anyhow::{Context, Result};
use epidelta::{
    model::Variant,
    run::{Event, Prepared, RunMetrics, TrainingPlan, train},
    training::{Preset, Settings},
};
use toml::{Table, Value};

use crate::{
    arguments::Train,
    display::{list_dropped, metrics_table},
    progress::Reporter,
};

/// Keys of a run.toml that say what was run rather than how; as a configuration
/// they count only where the command line is silent.
const OF_THE_RUN: [&str; 9] = [
    "format",
    "epidelta",
    "method",
    "preset",
    "seed",
    "weights_sha256",
    "a",
    "b",
    "data",
];

pub fn run(command: &Train, seed: Option<u64>, reporter: &Reporter) -> Result<()> {
    let plan = plan(command, seed)?;
    let metrics = fit_and_write(&plan, reporter)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", metrics_table(&metrics.best))?;
    writeln!(
        out,
        "best epoch {} of {}, {:.2} s per epoch; wrote {}",
        metrics.best_epoch,
        metrics.last_epoch.epoch,
        metrics.seconds_per_epoch,
        plan.output.display()
    )?;
    Ok(())
}

/// Trains with progress on the terminal.
pub fn fit_and_write(plan: &TrainingPlan, reporter: &Reporter) -> Result<RunMetrics> {
    let mut bar = None;
    let metrics = train(plan, &mut |event| match event {
        Event::Prepared(prepared) => {
            announce(plan, prepared);
            let epochs = plan.settings.training.epochs;
            bar = Some(reporter.training(prepared.genes[0], epochs));
        }
        Event::Training(progress) => {
            if let Some(bar) = &mut bar {
                bar.on(progress);
            }
        }
    })?;
    Ok(metrics)
}

fn announce(plan: &TrainingPlan, prepared: &Prepared) {
    let join = &prepared.join;
    let [a, b] = &prepared.cell_types;
    let [train, valid, test] = prepared.genes;
    tracing::info!(
        "{} ({}) on A = {a}, B = {b}: {} genes in both; train {train}, valid {valid}, test {test}",
        plan.method,
        plan.preset,
        join.joined
    );
    list_dropped(join);
}

fn plan(command: &Train, seed: Option<u64>) -> Result<TrainingPlan> {
    let config = match &command.config {
        None => Table::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(text.parse::<Table>()?))
            .with_context(|| format!("cannot read {}", path.display()))?,
    };
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let parsed = |key: &str| text(key).map(str::parse::<Variant>);
    let method = command.method.map_or_else(
        || parsed("method").unwrap_or(Ok(Variant::RawAuxSiamese)),
        Ok,
    );
    let method = method.map_err(anyhow::Error::msg)?;
    let preset = command
        .preset
        .map_or_else(|| text("preset").map_or(Ok(Preset::Tuned), str::parse), Ok)
        .map_err(anyhow::Error::msg)?;
    let seed_in_file = config.get("seed").and_then(Value::as_integer);
    let seed = seed
        .or(seed_in_file.and_then(|seed| u64::try_from(seed).ok()))
        .unwrap_or(1);

    let mut changes = config;
    changes.retain(|key, _| key != "median_log2_expression" && !OF_THE_RUN.contains(&key));
    let mut settings = Settings::of(method, preset)
        .with_table(&changes)
        .with_context(|| match &command.config {
            Some(path) => format!("cannot use {}", path.display()),
            None => "cannot use the settings".into(),
        })?;
    for assignment in &command.set {
        settings = settings
            .with_assignment(assignment)
            .with_context(|| format!("cannot use --set {assignment}"))?;
    }
    Ok(TrainingPlan {
        a: command.a.clone(),
        b: command.b.clone(),
        method,
        preset,
        settings,
        seed,
        initial_weights: command.init.clone(),
        output: command.output.clone(),
        force: command.force,
    })
}

//! `epidelta train`

use std::{fmt::Display, io::Write, path::Path};

use anyhow::{Context, Result, bail};
use epidelta::{
    model::Variant,
    run::{Event, Prepared, RunMetrics, TrainingPlan, train},
    training::{Preset, Profile, Settings},
};
use serde::Deserialize;
use toml::Table;

use crate::{
    arguments::Train,
    display::{list_dropped, metrics_table, profile_table},
    progress::Reporter,
};

/// Keys of a run.toml that say what was made rather than how; a configuration may
/// have them, and they do not count.
const OF_THE_RUN: [&str; 8] = [
    "format",
    "epidelta",
    "weights_sha256",
    "predictions_sha256",
    "a",
    "b",
    "data",
    "median_log2_expression",
];

pub fn run(command: &Train, seed: Option<u64>, reporter: &Reporter) -> Result<()> {
    let plan = plan(command, seed)?;
    let Trained {
        metrics,
        profile,
        train_genes,
    } = fit_and_write(&plan, reporter)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}",
        metrics_table(&metrics.best, &plan.label_in_words())
    )?;
    if command.profile {
        writeln!(out, "\n{}\n", profile_table(&profile))?;
    }
    writeln!(
        out,
        "best epoch {} of {}, {:.2} s per epoch ({:.0} genes/s); wrote {}",
        metrics.best_epoch,
        metrics.last_epoch.epoch,
        metrics.seconds_per_epoch,
        train_genes as f64 / metrics.seconds_per_epoch,
        plan.output.display()
    )?;
    Ok(())
}

/// A training as it ended.
pub struct Trained {
    pub metrics: RunMetrics,
    pub profile: Profile,
    pub train_genes: usize,
}

/// Trains with progress on the terminal.
pub fn fit_and_write(plan: &TrainingPlan, reporter: &Reporter) -> Result<Trained> {
    let mut bar = None;
    let mut profile = Profile::default();
    let mut train_genes = 0;
    let metrics = train(plan, &mut |event| match event {
        Event::Prepared(prepared) => {
            announce(plan, prepared);
            train_genes = prepared.genes[0];
            let epochs = plan.settings.training.epochs;
            bar = Some(reporter.training(train_genes, epochs));
        }
        Event::Training(progress) => {
            if let Some(bar) = &mut bar {
                bar.on(progress);
            }
        }
        Event::Trained(of_training) => profile = *of_training,
    })?;
    Ok(Trained {
        metrics,
        profile,
        train_genes,
    })
}

fn announce(plan: &TrainingPlan, prepared: &Prepared) {
    let join = &prepared.join;
    let [a, b] = &prepared.cell_types;
    let [train, valid, test] = prepared.genes;
    let settings = &plan.settings;
    tracing::info!(
        "{} ({}) on A = {a}, B = {b}; label: {}; {} genes in both: \
         train {train}, valid {valid}, test {test} (split: {})",
        plan.method,
        plan.preset,
        plan.label_in_words(),
        join.joined,
        settings.split.in_words(prepared.split_in_files)
    );
    list_dropped(join);
    if !prepared.labels_vary {
        tracing::warn!("the labels do not vary: are A and B the same?");
    }
    if !plan.method.describes(&settings.model) {
        tracing::warn!(
            "the settings make another model than {} is: see [model] in run.toml",
            plan.method
        );
    }
}

/// The command line's choices over the configuration file's over the defaults.
fn plan(command: &Train, seed: Option<u64>) -> Result<TrainingPlan> {
    let config = match &command.config {
        None => Configuration::default(),
        Some(path) => {
            Configuration::read(path).with_context(|| format!("cannot use {}", path.display()))?
        }
    };
    let method = agreed("--method", command.method, config.method)?;
    let method = method.unwrap_or(Variant::RawAuxSiamese);
    let preset = agreed("--preset", command.preset, config.preset)?.unwrap_or(Preset::Tuned);
    let mut settings = Settings::of(method, preset)
        .with_table(&config.settings)
        .with_context(|| match &command.config {
            Some(path) => format!("cannot use {}", path.display()),
            None => "cannot use the settings".into(),
        })?;
    if config.labels && command.labels.labels.is_none() {
        bail!(
            "the configuration file is of a run with a table of labels. Give the table with \
             --labels, or take [labels] out of the file"
        );
    }
    for assignment in &command.set {
        settings = settings
            .with_assignment(assignment)
            .with_context(|| format!("cannot use --set {assignment}"))?;
    }
    Ok(TrainingPlan {
        a: command.a.clone(),
        b: command.b.clone(),
        labels: command.labels.table(),
        method,
        preset,
        settings,
        seed: seed.or(config.seed).unwrap_or(1),
        initial_weights: command.init.clone(),
        output: command.output.clone(),
        force: command.force,
    })
}

/// A configuration file: some settings, and perhaps the method, preset and seed
/// that they were made for.
#[derive(Debug, Default, Deserialize)]
struct Configuration {
    method: Option<Variant>,
    preset: Option<Preset>,
    seed: Option<u64>,
    /// Whether the run's labels came from a table.
    #[serde(skip)]
    labels: bool,
    #[serde(flatten)]
    settings: Table,
}

impl Configuration {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let mut config: Configuration = toml::from_str(&text)?;
        config.labels = config.settings.remove("labels").is_some();
        config.settings.retain(|key, _| !OF_THE_RUN.contains(&key));
        Ok(config)
    }
}

/// The value of the command line or of the configuration file, which must not
/// contradict each other: the file's settings are those of its method.
fn agreed<T: PartialEq + Display>(
    option: &str,
    given: Option<T>,
    in_file: Option<T>,
) -> Result<Option<T>> {
    match (given, in_file) {
        (Some(given), Some(in_file)) if given != in_file => bail!(
            "{option} {given} contradicts the configuration file, whose settings are those of \
             {in_file}. Leave one of them out, or change settings with --set"
        ),
        (given, in_file) => Ok(given.or(in_file)),
    }
}

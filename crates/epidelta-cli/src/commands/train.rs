//! `epidelta train`

use std::{fmt::Display, io::Write, path::Path};

use anyhow::{Context, Result, bail};
use epidelta::{
    evaluation::SplitMetrics,
    interrupt::Interrupt,
    method::{Method, MethodConfig, Preset, Settings},
    run::{
        CHECKPOINT_EVERY, DataFiles, Event, Prepared, RunDescription, RunMetrics, TrainingPlan,
        train,
    },
    training::Profile,
};
use serde::Deserialize;
use toml::Table;

use crate::{
    arguments::Train,
    display::{baseline_lines, list_dropped, metrics_table, profile_table},
    progress::Reporter,
};

pub fn run(
    command: &Train,
    seed: Option<u64>,
    reporter: &Reporter,
    interrupt: Interrupt,
) -> Result<()> {
    let plan = plan(command, seed, interrupt)?;
    let Trained {
        metrics,
        profile,
        train_genes,
    } = fit_and_write(&plan, reporter)?;
    let undefined =
        |metrics: &Option<SplitMetrics>| metrics.as_ref().is_some_and(|of| of.pearson_r.is_none());
    if undefined(&metrics.best.valid) {
        tracing::warn!(
            "the predictions or the labels of the validation genes do not vary: nothing was \
             chosen by them"
        );
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}",
        metrics_table(&metrics.best, &plan.label_in_words())
    )?;
    for line in baseline_lines(plan.method.name(), &metrics.baselines) {
        writeln!(out, "{line}")?;
    }
    if let (true, Some(profile)) = (command.profile, profile) {
        writeln!(out, "\n{}\n", profile_table(&profile))?;
    }
    let made = match &metrics.epochs {
        // How many genes trained a run that was there before is not asked again.
        Some(epochs) if train_genes == 0 => {
            format!(
                "best epoch {} of {}",
                epochs.best_epoch, epochs.last_epoch.epoch
            )
        }
        Some(epochs) => format!(
            "best epoch {} of {}, {:.2} s per epoch ({:.0} genes/s)",
            epochs.best_epoch,
            epochs.last_epoch.epoch,
            epochs.seconds_per_epoch,
            train_genes as f64 / epochs.seconds_per_epoch,
        ),
        None => {
            let choices = metrics.choices.iter();
            let chosen: Vec<String> = choices
                .map(|(name, value)| format!("{} {value}", name.replace('_', " ")))
                .collect();
            let seconds = metrics.fit_seconds.unwrap_or(0.0);
            format!("chose {}; {seconds:.1} s", chosen.join(", "))
        }
    };
    writeln!(out, "{made}; wrote {}", plan.output.display())?;
    Ok(())
}

/// A training as it ended.
pub struct Trained {
    pub metrics: RunMetrics,
    /// Of methods made of networks.
    pub profile: Option<Profile>,
    pub train_genes: usize,
}

/// Trains with progress on the terminal.
pub fn fit_and_write(plan: &TrainingPlan, reporter: &Reporter) -> Result<Trained> {
    let mut bar = None;
    let mut profile = None;
    let mut train_genes = 0;
    let metrics = train(plan, &mut |event| match event {
        Event::Prepared(prepared) => {
            announce(plan, prepared);
            train_genes = prepared.genes[0];
            bar = Some(reporter.training(train_genes, plan));
        }
        Event::Finished => {
            tracing::info!(
                "{} is there, of these data and settings: nothing is left to be done",
                plan.output.display()
            );
        }
        Event::Training(progress) => {
            if let Some(bar) = &mut bar {
                bar.on(progress);
            }
        }
        Event::Trained(of_training) => profile = Some(*of_training),
    })?;
    Ok(Trained {
        metrics,
        profile,
        train_genes,
    })
}

fn announce(plan: &TrainingPlan, prepared: &Prepared) {
    let join = &prepared.join;
    let on = match &prepared.pairs[..] {
        [[a, b]] => format!("A = {a}, B = {b}"),
        pairs => format!("{} pairs of cell types", pairs.len()),
    };
    let [train, valid, test] = prepared.genes;
    let settings = &plan.settings;
    let split = &settings.split;
    let holds_out_cells = !(split.valid_cell_types.is_empty() && split.test_cell_types.is_empty());
    tracing::info!(
        "{} ({}) on {on}; label: {}; {} genes in both: \
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
    if join.neither_up_nor_down > 0 {
        tracing::info!(
            "{} genes whose |log2 fold change| is below {} are neither up nor down and left out",
            join.neither_up_nor_down,
            settings.label.min_change
        );
    }
    let knows_cell_types = match &settings.method {
        MethodConfig::Epidelta(of) => of.model.cell_types && of.training.hidden_cell_types == 0.0,
        _ => false,
    };
    if holds_out_cells && knows_cell_types {
        tracing::warn!(
            "the network never trains for cell types that it does not know; let it with --set \
             training.hidden_cell_types=0.2"
        );
    }
    if !is_as_named(plan.method, &settings.method) {
        tracing::warn!(
            "the settings make another model than {} is: see [model] in run.toml",
            plan.method
        );
    }
}

/// Whether a variant's model has its parts still.
fn is_as_named(method: Method, config: &MethodConfig) -> bool {
    match (method, config) {
        (Method::DeepDiff(variant), MethodConfig::DeepDiff(settings)) => {
            variant.describes(&settings.model)
        }
        _ => true,
    }
}

/// The command line's choices over the configuration file's over the defaults.
fn plan(command: &Train, seed: Option<u64>, interrupt: Interrupt) -> Result<TrainingPlan> {
    let config = match &command.config {
        None => Configuration::default(),
        Some(path) => {
            Configuration::read(path).with_context(|| format!("cannot use {}", path.display()))?
        }
    };
    let method = agreed("--method", command.method, config.method)?;
    let method = method.unwrap_or(Method::Epidelta);
    let preset = agreed("--preset", command.preset, config.preset)?.unwrap_or(Preset::Tuned);
    // A run.toml has all settings; those that its version did not have yet are as they were
    // before there were settings for them.
    let of_run = Settings::from_table(method, config.settings.clone()).ok();
    let data = command.data.required()?;
    let defaults = match &data {
        DataFiles::Pairs(list) => Settings::of(method, preset).for_pairs(list.pairs.len()),
        DataFiles::Pair { .. } => Settings::of(method, preset),
    };
    let mut settings = match of_run.filter(|_| config.is_run) {
        Some(settings) => settings,
        None => defaults
            .with_table(method, &config.settings)
            .with_context(|| match &command.config {
                Some(path) => format!("cannot use {}", path.display()),
                None => "cannot use the settings".into(),
            })?,
    };
    if config.labels && data.labels().is_none() {
        bail!(
            "the configuration file is of a run with a table of labels. Give the table with \
             --labels, or take [labels] out of the file"
        );
    }
    if let Some(task) = command.task {
        settings.label.task = task;
    }
    for (given, setting) in [
        (
            &command.test_cell_types,
            &mut settings.split.test_cell_types,
        ),
        (
            &command.valid_cell_types,
            &mut settings.split.valid_cell_types,
        ),
    ] {
        if !given.is_empty() {
            setting.clone_from(given);
        }
    }
    if let Some(members) = command.ensemble {
        settings = settings
            .with_assignment(method, &format!("training.ensemble={members}"))
            .with_context(|| format!("{method} cannot be made an ensemble"))?;
    }
    for assignment in &command.set {
        settings = settings
            .with_assignment(method, assignment)
            .with_context(|| format!("cannot use --set {assignment}"))?;
    }
    Ok(TrainingPlan {
        seed: seed.or(config.seed).unwrap_or(1),
        initial_weights: command.init.clone(),
        force: command.force,
        resume: command.resume,
        checkpoint_every: command.checkpoint_minutes.unwrap_or(CHECKPOINT_EVERY),
        interrupt,
        ..TrainingPlan::new(data, method, preset, settings, command.output.clone())
    })
}

/// A configuration file: some settings, and perhaps the method, preset and seed
/// that they were made for.
#[derive(Debug, Default, Deserialize)]
struct Configuration {
    method: Option<Method>,
    preset: Option<Preset>,
    seed: Option<u64>,
    /// Whether the run's labels came from a table.
    #[serde(skip)]
    labels: bool,
    /// Whether it is the description of a run.
    #[serde(skip)]
    is_run: bool,
    #[serde(flatten)]
    settings: Table,
}

impl Configuration {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let mut config: Configuration = toml::from_str(&text)?;
        config.labels = config.settings.remove("labels").is_some();
        config.is_run = config.settings.contains_key("format");
        // What was made does not say how.
        config
            .settings
            .retain(|key, _| !RunDescription::is_of_the_run(key));
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

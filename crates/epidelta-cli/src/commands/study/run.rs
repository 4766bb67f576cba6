//! `epidelta study run`

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use epidelta::{
    error::Error,
    interrupt::Interrupt,
    output::keep_inputs,
    study::{StudyConfig, StudyPlan},
};

use super::folder::share_folder;
use crate::{arguments::RunOfStudy, commands::train::fit_and_write, progress::Reporter};

pub fn run(command: &RunOfStudy, reporter: &Reporter, interrupt: Interrupt) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    if let Some(other) = command
        .planned_by
        .as_ref()
        .filter(|other| *other != version)
    {
        bail!(
            "the study was planned by epidelta {other}, and this is {version}: its runs would not \
             go together. Give all machines the same epidelta, or plan again"
        );
    }
    let config = StudyConfig::read(&command.study)?;
    let folder = &command.output;
    let inputs: Vec<&Path> = config.files().chain([&*command.study]).collect();
    keep_inputs(folder, inputs)?;
    let plan = StudyPlan::described(&config)
        .with_context(|| format!("cannot use {}", command.study.display()))?;
    let Some(job) = plan.job(&command.run) else {
        bail!(
            "{} has no run {}: `epidelta study plan` lists them",
            command.study.display(),
            command.run.display()
        );
    };
    share_folder(folder)?;
    let training = plan.training(folder, job, &interrupt);
    if let Some(parent) = training.output.parent() {
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    }
    let trained = fit_and_write(&training, reporter)?;
    let r = |of: &Option<epidelta::evaluation::SplitMetrics>| {
        let r = of.as_ref().and_then(|of| of.pearson_r);
        r.map_or("undefined".into(), |r| format!("{r:.4}"))
    };
    let best = &trained.metrics.best;
    tracing::info!(
        "Pearson r {} of the validation and {} of the test genes; wrote {}",
        r(&best.valid),
        r(&best.test),
        training.output.display()
    );
    Ok(())
}

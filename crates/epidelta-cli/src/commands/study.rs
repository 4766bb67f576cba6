//! `epidelta study`

mod collect;
mod folder;
mod packing;
mod plan;
mod run;

use std::{io::Write, path::Path};

use anyhow::{Context, Result, bail};
use epidelta::{
    interrupt::Interrupt,
    output::{OutputFolder, keep_inputs},
    report::write_study_figures,
    study::{
        MARKER, StudyConfig, StudyOutline, StudyPlan, StudyResults, execute, planned_runs,
        write_checksums,
    },
};

use crate::{
    arguments::{Study, StudyPart, WholeStudy},
    display::{study_auxiliary_table, study_table},
    progress::Reporter,
};
use folder::{is_study, open_folder};
use packing::workers;

pub fn run(
    command: &Study,
    seed: Option<u64>,
    reporter: &Reporter,
    interrupt: Interrupt,
) -> Result<()> {
    if seed.is_some() {
        bail!("the seeds of a study stand in its description: seeds = [1]");
    }
    match (&command.part, &command.whole) {
        (Some(StudyPart::Plan(command)), _) => plan::run(command),
        (Some(StudyPart::Run(command)), _) => run::run(command, reporter, interrupt),
        (Some(StudyPart::Collect(command)), _) => collect::run(command),
        (None, Some(command)) => whole(command, reporter, &interrupt),
        // The parser of the command line has made sure that there is one.
        (None, None) => bail!("give the description of a study"),
    }
}

/// The whole study on this machine.
fn whole(command: &WholeStudy, reporter: &Reporter, interrupt: &Interrupt) -> Result<()> {
    let config = StudyConfig::read(&command.study)?;
    let folder = &command.output;
    let inputs: Vec<&Path> = config.files().chain([command.study.as_path()]).collect();
    keep_inputs(folder, inputs.iter().copied())?;
    if command.resume && folder.exists() && !is_study(folder) {
        bail!(
            "{} has no {MARKER}, by which a study is known. If it is one, make an empty file of \
             that name in it; otherwise choose another folder",
            folder.display()
        );
    }
    if !(command.resume && is_study(folder)) {
        OutputFolder::check(folder, command.force, MARKER, &inputs)?;
    }
    let plan = checked(&config, &command.study)?;
    let outline = StudyOutline::new(&config, Ok(Vec::new()), None, None)?;
    let planned = planned_runs(&plan, &outline.cell_types);
    let _lock = open_folder(command, folder)?;
    interrupt.begin();
    let workers = workers(command.jobs, &planned);
    tracing::info!("{}; {} at once", in_words(&plan), workers.runs);
    let progress = reporter.study(&plan, &planned);
    let outcomes = execute(&plan, folder, workers, interrupt, &|event| {
        progress.on(event);
    })?;
    drop(progress);
    let results = StudyResults::of(&plan, folder, &outcomes);
    write(&results, folder)?;
    match results.failed_runs {
        0 => Ok(()),
        failed => bail!(
            "{failed} of {} runs failed: see the column failure of {}. What could be mended can \
             be run with --resume",
            outcomes.len(),
            folder.join("runs.tsv").display()
        ),
    }
}

/// A study with all of its files.
fn checked(config: &StudyConfig, path: &Path) -> Result<StudyPlan> {
    let plan = StudyPlan::new(config).with_context(|| format!("cannot use {}", path.display()))?;
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    Ok(plan)
}

fn in_words(plan: &StudyPlan) -> String {
    format!(
        "{} runs: {} pairs, {} methods, {} seed{}",
        plan.jobs().len(),
        plan.pairs.len(),
        plan.methods.len(),
        plan.seeds.len(),
        if plan.seeds.len() == 1 { "" } else { "s" },
    )
}

/// Writes and shows what the runs of a study come to.
fn write(results: &StudyResults, folder: &Path) -> Result<()> {
    results.write(folder)?;
    for (pair, method) in results.undefined() {
        tracing::warn!(
            "{pair}, {method}: Pearson r of the test genes is undefined, for the predictions or \
             the labels do not vary"
        );
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", study_table(results))?;
    if !results.auxiliary.is_empty() {
        writeln!(out, "\n{}", study_auxiliary_table(results))?;
    }
    write_study_figures(results, folder)?;
    write_checksums(folder)?;
    writeln!(out, "\nwrote {}", folder.display())?;
    Ok(())
}

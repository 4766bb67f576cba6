//! `epidelta study`

use std::{fs, io::Write, path::Path};

use anyhow::{Context, Result, bail};
use epidelta::{
    interrupt::Interrupt,
    output::{Lock, OutputFolder, keep_inputs, write_atomically},
    report::write_study_figures,
    study::{
        DESCRIPTION, MARKER, StudyConfig, StudyPlan, StudyResults, Workers, execute,
        write_checksums,
    },
};

use crate::{
    arguments::Study,
    display::{study_auxiliary_table, study_table},
    progress::Reporter,
};

pub fn run(
    command: &Study,
    seed: Option<u64>,
    reporter: &Reporter,
    interrupt: &Interrupt,
) -> Result<()> {
    if seed.is_some() {
        bail!("the seeds of a study stand in its description: seeds = [1]");
    }
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
    let plan = StudyPlan::new(&config)
        .with_context(|| format!("cannot use {}", command.study.display()))?;
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    let _lock = open_folder(command, folder)?;
    interrupt.begin();
    let workers = workers(command, plan.jobs().len());
    tracing::info!(
        "{} runs: {} pairs, {} methods, {} seed{}; {} at once",
        plan.jobs().len(),
        plan.pairs.len(),
        plan.methods.len(),
        plan.seeds.len(),
        if plan.seeds.len() == 1 { "" } else { "s" },
        workers.runs
    );
    let progress = reporter.study(&plan);
    let outcomes = execute(&plan, folder, workers, interrupt, &|event| {
        progress.on(event);
    })?;
    drop(progress);
    let results = StudyResults::of(&plan, folder, &outcomes);
    results.write(folder)?;
    for (pair, method) in results.undefined() {
        tracing::warn!(
            "{pair}, {method}: Pearson r of the test genes is undefined, for the predictions or \
             the labels do not vary"
        );
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", study_table(&results))?;
    if !results.auxiliary.is_empty() {
        writeln!(out, "\n{}", study_auxiliary_table(&results))?;
    }
    write_study_figures(&results, folder)?;
    write_checksums(folder)?;
    writeln!(out, "\nwrote {}", folder.display())?;
    let failed = results.failed_runs;
    if failed > 0 {
        bail!(
            "{failed} of {} runs failed: see the column failure of {}. What could be mended can \
             be run with --resume",
            outcomes.len(),
            folder.join("runs.tsv").display()
        );
    }
    Ok(())
}

fn is_study(folder: &Path) -> bool {
    folder.join(MARKER).is_file()
}

/// Makes the study's folder, or takes the one that is there, writes the description into
/// it and locks it against another program that would do the same.
fn open_folder(command: &Study, folder: &Path) -> Result<Lock> {
    if !(command.resume && is_study(folder)) {
        // One that runs is not to be replaced under its hands.
        let _earlier = match is_study(folder) {
            true => Some(Lock::take(&folder.join(MARKER), folder)?),
            false => None,
        };
        let new = OutputFolder::create(folder, command.force, MARKER)?;
        write_atomically(&new.file(MARKER), false, |_| Ok(()))?;
        new.publish()?;
    }
    let lock = Lock::take(&folder.join(MARKER), folder)?;
    let text = fs::read(&command.study)
        .with_context(|| format!("cannot read {}", command.study.display()))?;
    write_atomically(&folder.join(DESCRIPTION), true, |out| out.write_all(&text))?;
    Ok(lock)
}

/// The threads, divided among runs at once.
fn workers(command: &Study, jobs: usize) -> Workers {
    let threads = rayon::current_num_threads();
    let runs = command.parallel.map_or(threads, usize::from);
    let runs = runs.min(jobs).max(1);
    Workers {
        runs,
        threads: (threads / runs).max(1),
    }
}

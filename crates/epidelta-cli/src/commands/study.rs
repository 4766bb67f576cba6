//! `epidelta study`

use std::{fs, io::Write, path::Path};

use anyhow::{Context, Result, bail};
use epidelta::{
    output::{OutputFolder, keep_inputs, write_atomically},
    report::write_study_figures,
    study::{MARKER, StudyConfig, StudyPlan, StudyResults, Workers, execute},
};

use crate::{
    arguments::Study,
    display::{study_auxiliary_table, study_table},
    progress::Reporter,
};

pub fn run(command: &Study, reporter: &Reporter) -> Result<()> {
    let config = StudyConfig::read(&command.study)?;
    let folder = &command.output;
    let files = config.cell_types.values();
    keep_inputs(
        folder,
        files
            .map(|path| path.as_path())
            .chain([command.study.as_path()]),
    )?;
    if !(command.resume && is_study(folder)) {
        OutputFolder::check(folder, command.force, MARKER, &[])?;
    }
    let plan = StudyPlan::new(&config)
        .with_context(|| format!("cannot use {}", command.study.display()))?;
    open_folder(command, folder)?;
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
    let outcomes = execute(&plan, folder, workers, &|event| progress.on(event))?;
    drop(progress);
    let results = StudyResults::of(&plan, folder, &outcomes)?;
    results.write(folder)?;
    write_study_figures(&results, folder)?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", study_table(&results))?;
    if !results.auxiliary.is_empty() {
        writeln!(out, "\n{}", study_auxiliary_table(&results))?;
    }
    writeln!(out, "\nwrote {}", folder.display())?;
    let failed = results.failures().count();
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

/// Makes the study's folder, or takes the one that is there, and writes the description
/// into it.
fn open_folder(command: &Study, folder: &Path) -> Result<()> {
    if !(command.resume && is_study(folder)) {
        OutputFolder::create(folder, command.force, MARKER)?.publish()?;
    }
    let text = fs::read(&command.study)
        .with_context(|| format!("cannot read {}", command.study.display()))?;
    write_atomically(&folder.join(MARKER), true, |out| out.write_all(&text))?;
    Ok(())
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

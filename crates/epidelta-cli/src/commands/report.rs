//! `epidelta report`

use std::{io::Write, path::PathBuf};

use anyhow::{Result, bail};
use epidelta::{
    evaluation::Metrics,
    explanation::{Explained, Step, explain},
    output::{check_file, check_writable, keep_inputs, write_atomically},
    report::{GeneAttention, Report as Made, RunReport, is_study, study_page, write_figures},
    run::{DataFiles, LabelFile, Run},
};

use crate::{arguments::Report, display::list_dropped, progress::Reporter};

pub fn run(command: &Report, seed: u64, reporter: &Reporter) -> Result<()> {
    check_file(&command.output, command.force)?;
    check_writable(&command.output)?;
    if !command.folder.exists() {
        bail!("there is no {}", command.folder.display());
    }
    let made = match is_study(&command.folder) {
        true => of_study(command)?,
        false => of_run(command, seed, reporter)?,
    };
    if let Some(folder) = &command.figures {
        write_figures(&made.figures, folder)?;
    }
    write_atomically(&command.output, command.force, |out| {
        out.write_all(made.html.as_bytes())
    })?;
    let size = made.html.len() as f64 / 1e6;
    let mut out = std::io::stdout().lock();
    writeln!(out, "wrote {} ({size:.1} MB)", command.output.display())?;
    Ok(())
}

fn of_study(command: &Report) -> Result<Made> {
    keep_inputs(&command.output, [command.folder.as_path()])?;
    if command.data.files()?.is_some() || command.figures.is_some() {
        bail!(
            "--a, --b, --pairs and --figures are for the report of a run; {} is a study, whose \
             figures lie in it",
            command.folder.display()
        );
    }
    Ok(Made {
        html: study_page(&command.folder)?,
        figures: Vec::new(),
    })
}

fn of_run(command: &Report, seed: u64, reporter: &Reporter) -> Result<Made> {
    let run = Run::open(&command.folder)?;
    let given = command.data.files()?;
    let is_of_training = given.is_none();
    let data = match given {
        Some(data) => data,
        None => run.data()?,
    };
    let of_run = Run::FILES.map(|name| run.path.join(name));
    let of_data = data.paths();
    let inputs = of_run.iter().chain(&of_data).map(PathBuf::as_path);
    keep_inputs(&command.output, inputs)?;

    let config = command.options.config(seed);
    let mut progress = reporter.explaining();
    let mut attention = GeneAttention::default();
    let explained = explain(
        &run,
        &data,
        &config,
        &mut |pair, strands, part| {
            attention.add(pair, strands, part);
            Ok(())
        },
        &mut |step| progress.on(step),
    )?;
    progress.on(Step {
        what: "the page",
        done: 0,
        total: 1,
    });
    let made = page(&run, &data, is_of_training, &explained, &attention)?;
    drop(progress);
    list_dropped(&explained.join);
    Ok(made)
}

fn page(
    run: &Run,
    data: &DataFiles,
    is_of_training: bool,
    explained: &Explained,
    attention: &GeneAttention,
) -> Result<Made> {
    let settings = &run.description.settings;
    let genes: Vec<usize> = (0..explained.pair.genes.len()).collect();
    let predictions = explained
        .method
        .predict(&explained.pair, &genes, &settings.label)?;
    let (metrics, of_training) = match is_of_training {
        true => {
            let of_training = run.metrics()?;
            (of_training.best.clone(), Some(of_training))
        }
        false => {
            let seed = run.description.head.seed;
            (Metrics::of(&predictions, seed, None), None)
        }
    };
    let label = match data.labels() {
        Some(table) => LabelFile::in_words(&table.path),
        None => settings.label.in_words(),
    };
    let report = RunReport {
        run,
        explained,
        attention,
        predictions: &predictions,
        metrics,
        of_training,
        label,
    };
    Ok(report.report()?)
}

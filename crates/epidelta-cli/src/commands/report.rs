//! `epidelta report`

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use epidelta::{
    evaluation::Metrics,
    explanation::{Explained, Step, explain},
    output::{check_file, check_writable, keep_inputs, write_atomically},
    report::{GeneAttention, Report as Made, RunReport, is_study, study_page, write_figures},
    run::{DataFiles, LabelFile, Run},
};

use crate::{arguments::Report, display::list_dropped, progress::Reporter};

/// A page larger than this is told of, bytes.
const LARGE: usize = 20_000_000;

pub fn run(command: &Report, seed: u64, reporter: &Reporter) -> Result<()> {
    check_file(&command.output, command.force)?;
    check_writable(&command.output)?;
    if !command.folder.exists() {
        bail!("there is no {}", command.folder.display());
    }
    if let Some(folder) = &command.figures {
        check_figures(folder, command.force)?;
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

/// Refuses a folder for figures in which something is, unless it may be replaced.
fn check_figures(folder: &Path, force: bool) -> Result<()> {
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    let may_replace = force && folder.is_dir();
    if !(is_free || may_replace) {
        bail!(
            "{} is there already. Choose another folder for the figures, or give --force to replace \
             those in it",
            folder.display()
        );
    }
    Ok(check_writable(&folder.join("figure.svg"))?)
}

fn of_study(command: &Report) -> Result<Made> {
    keep_inputs(&command.output, [command.folder.as_path()])?;
    let options = &command.options;
    let asks = !options.genes.is_empty() || options.truth.is_some() || !options.compare.is_empty();
    if command.data.files()?.is_some() || command.figures.is_some() || asks {
        bail!(
            "--a, --b, --pairs, --genes, --truth, --compare and --figures are for the report of a \
             run; {} is a study, whose figures lie in it",
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
    let data = match command.data.files()? {
        Some(data) => data,
        None => run.data()?,
    };
    let of_run = Run::FILES.map(|name| run.path.join(name));
    let of_data = data.paths();
    let options = &command.options;
    let others = options.truth.iter().chain(&options.compare);
    let inputs = of_run.iter().chain(&of_data).chain(others);
    keep_inputs(&command.output, inputs.map(PathBuf::as_path))?;

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
    let made = page(&run, &data, &explained, &attention)?;
    if made.html.len() > LARGE {
        tracing::warn!(
            "the page has {:.0} MB: explain fewer pairs for a smaller one",
            made.html.len() as f64 / 1e6
        );
    }
    drop(progress);
    list_dropped(&explained.join);
    Ok(made)
}

/// Whether the data are those that the run was trained on, wherever they lie now.
fn is_of_training(run: &Run, data: &DataFiles, explained: &Explained) -> bool {
    let head = &run.description.head;
    let trained = [&head.a, &head.b]
        .into_iter()
        .flatten()
        .chain(&head.cell_types);
    let same_files = trained
        .map(|file| &file.sha256)
        .eq(explained.files.iter().map(|file| &file.sha256));
    let labels = |table: &Option<LabelFile>| {
        let table = table.as_ref();
        table.map(|table| (table.sha256.clone(), table.column.clone()))
    };
    let same_labels = labels(&head.labels) == labels(&explained.labels);
    let same_pairs = match data {
        DataFiles::Pair { .. } => head.pairs.is_empty(),
        DataFiles::Pairs(_) => head.pairs == explained.pair.names(),
    };
    same_files && same_labels && same_pairs
}

fn page(
    run: &Run,
    data: &DataFiles,
    explained: &Explained,
    attention: &GeneAttention,
) -> Result<Made> {
    let settings = &run.description.settings;
    let genes: Vec<usize> = (0..explained.pair.genes.len()).collect();
    let predictions = explained
        .method
        .predict(&explained.pair, &genes, &settings.label)?;
    let (metrics, of_training) = match is_of_training(run, data, explained) {
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

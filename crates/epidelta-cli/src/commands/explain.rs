//! `epidelta explain`

use std::{
    collections::HashSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use comfy_table::Table;
use epidelta::{
    dataset::Task,
    explanation::{
        ALL_MARKS, Ablation, Attention, AttentionTable, Direction, ExplainConfig, Explained,
        Importance, MarkAttention, Step, attention, explain, write_attributions, write_tables,
    },
    output::{OutputFolder, write_atomically},
    report::{GenePage, explanation_figures},
    run::{DataFile, Run},
};
use serde::Serialize;

use crate::{
    arguments::Explain,
    display::{list_dropped, table},
    progress::Reporter,
};

/// Letters of the name of a gene's figure.
const LONGEST_NAME: usize = 100;

/// The file by which the folder of an explanation is known.
const MARKER: &str = "explain.toml";

/// `explain.toml`: what was explained, on what.
#[derive(Serialize)]
struct Description {
    format: u32,
    epidelta: &'static str,
    run: PathBuf,
    method: String,
    weights_sha256: String,
    threshold: f64,
    sample: usize,
    seed: u64,
    baseline: String,
    genes: Vec<String>,
    set: Vec<String>,
    compare: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<PathBuf>,
    data: Vec<DataFile>,
}

pub fn run(command: &Explain, seed: u64, reporter: &Reporter) -> Result<()> {
    let run = Run::open(&command.run)?;
    let data = match command.data.files()? {
        Some(data) => data,
        None => run.data()?,
    };
    let config = ExplainConfig {
        perturbations: command.set.clone(),
        baseline: command.baseline,
        ..command.options.config(seed)
    };
    config.check()?;
    let of_data = data.paths();
    let truth = config.truth.iter().map(PathBuf::as_path);
    let others = config.other_seeds.iter().map(PathBuf::as_path);
    let inputs: Vec<&Path> = [command.run.as_path()]
        .into_iter()
        .chain(of_data.iter().map(PathBuf::as_path))
        .chain(truth)
        .chain(others)
        .collect();
    OutputFolder::check(&command.output, command.force, MARKER, &inputs)?;
    let folder = OutputFolder::create(&command.output, command.force, MARKER)?;

    let mut attention_table = AttentionTable::new(&folder.file("attention.parquet"));
    let mut progress = reporter.explaining();
    let explained = explain(
        &run,
        &data,
        &config,
        &mut |pair, _, part| attention_table.write(pair, part),
        &mut |step| progress.on(step),
    )?;
    progress.on(Step {
        what: "figures and tables",
        done: 0,
        total: 1,
    });
    attention_table.close()?;
    write_tables(&explained, &config, |name| folder.file(name))?;
    if let Some(attributions) = &explained.attributions {
        let path = folder.file("attribution.parquet");
        write_attributions(&explained.pair, attributions, config.baseline, &path)?;
    }
    let top = folder.file("");
    for figure in explanation_figures(&explained) {
        figure.write(&top)?;
    }
    write_gene_pages(&run, &explained, &folder.file("genes"))?;
    describe(&run, &config, &explained, &folder.file(MARKER))?;
    folder.publish()?;
    drop(progress);

    list_dropped(&explained.join);
    warn(&explained, &config);
    let mut out = std::io::stdout().lock();
    if command.json {
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&explained.faithfulness)?
        )?;
        return Ok(());
    }
    print(&mut out, &explained, &config)?;
    writeln!(out, "\nwrote {}", command.output.display())?;
    Ok(())
}

/// A figure for each gene that was asked for.
fn write_gene_pages(run: &Run, explained: &Explained, folder: &Path) -> Result<()> {
    let named = &explained.choice.named;
    if named.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let predicted = explained.predictor().predict(named)?;
    let contributions = explained.contributions(named)?;
    let of_networks = attention(&explained.method, &explained.pair, named);
    let attention = of_networks.and_then(Attention::mean);
    let settings = &run.description.settings;
    let mut taken = HashSet::new();
    for (place, &gene) in named.iter().enumerate() {
        let page = GenePage {
            name: &file_name(explained, gene, &mut taken),
            classifies: settings.label.task == Task::Classification,
            explained,
            transform: settings.transform_of_bins(),
            gene,
            predicted: predicted[place],
            contributions: &contributions[place],
            attention: attention.as_ref().map(|attention| (attention, place)),
        };
        page.figure().write(folder)?;
    }
    Ok(())
}

/// A name for the figure of a gene that is a file name, and not that of another gene.
fn file_name(explained: &Explained, gene: usize, taken: &mut HashSet<String>) -> String {
    let pair = &explained.pair;
    let mut name = pair.gene_id(gene).to_owned();
    if pair.is_of_several() {
        name = format!("{name}_{}", pair.cell_types(gene).join("_"));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .take(LONGEST_NAME)
        .collect();
    let mut free = plain.clone();
    let mut number = 2;
    while !taken.insert(free.to_lowercase()) {
        free = format!("{plain}-{number}");
        number += 1;
    }
    free
}

fn describe(run: &Run, config: &ExplainConfig, explained: &Explained, path: &Path) -> Result<()> {
    let absolute = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let head = &run.description.head;
    let description = Description {
        format: 1,
        epidelta: env!("CARGO_PKG_VERSION"),
        run: absolute(&run.path),
        method: head.method.to_string(),
        weights_sha256: head.weights_sha256.clone(),
        threshold: config.threshold,
        sample: config.sample,
        seed: config.seed,
        baseline: config.baseline.to_string(),
        genes: config.genes.clone(),
        set: config
            .perturbations
            .iter()
            .map(ToString::to_string)
            .collect(),
        compare: config.other_seeds.iter().map(absolute).collect(),
        truth: config.truth.as_ref().map(absolute),
        data: explained.files.clone(),
    };
    let text = toml::to_string(&description).context("the options cannot be written as TOML")?;
    Ok(write_atomically(path, false, |out| {
        out.write_all(text.as_bytes())
    })?)
}

/// What the user should know before reading the figures.
fn warn(explained: &Explained, config: &ExplainConfig) {
    let directions = explained.directions.as_ref();
    if let Some(shortage) = directions.and_then(|directions| directions.shortage()) {
        tracing::warn!("there is {shortage}");
    }
    if directions.is_none() {
        tracing::warn!("this method has no attention: what it learned is told by ablation");
    }
    for (index, perturbation) in config.perturbations.iter().enumerate() {
        if !explained
            .perturbed
            .iter()
            .any(|of| of.perturbation == index)
        {
            tracing::warn!(
                "{perturbation} is predicted of no gene: a cell type lacks the mark, which is \
                 hidden in both"
            );
        }
    }
    let incomplete = explained.incomplete();
    if incomplete > 0 {
        tracing::warn!(
            "integrated gradients of {incomplete} genes do not sum to the difference of their \
             predictions (see completeness_gap): the prediction has kinks along the way"
        );
    }
}

fn print(out: &mut impl Write, explained: &Explained, config: &ExplainConfig) -> Result<()> {
    let genes = explained.choice.measured.len();
    let genes = match explained.pair.is_of_several() {
        true => format!("{genes} genes in pairs"),
        false => format!("{genes} genes"),
    };
    writeln!(
        out,
        "What predictions of {genes} lose without a mark (mean size of the change of a prediction \
         where it is made equal in both cell types, and what Pearson r loses where it is taken from \
         another gene):\n"
    )?;
    writeln!(out, "{}", marks_table(explained))?;
    if !explained.perturbed.is_empty() {
        writeln!(out, "\nWhere signal is set to something else:\n")?;
        writeln!(out, "{}", perturbation_table(explained, config))?;
    }
    writeln!(out, "\nCan it be believed?\n")?;
    writeln!(out, "{}\n", explained.faithfulness.verdict)?;
    for sentence in &explained.faithfulness.findings {
        writeln!(out, "- {sentence}")?;
    }
    Ok(())
}

fn marks_table(explained: &Explained) -> Table {
    let header = [
        "mark",
        "size of change",
        "95 %",
        "loss of r",
        "95 %",
        "attention",
    ];
    let has_attention = explained.directions.is_some();
    let shown = if has_attention { 6 } else { 5 };
    let mut rows = table(&header[..shown]);
    let all = explained.directions.as_ref();
    let all = all.map(|directions| directions.of_marks());
    // The share of all attention, over channels and genes.
    let attention_to = |mark: &str| {
        let of_all = || {
            all.iter()
                .flatten()
                .filter(|of| of.direction == Direction::All)
        };
        let sum = |of: &mut dyn Iterator<Item = &MarkAttention>| -> f64 {
            of.filter_map(|of| of.beta).map(|beta| beta.mean).sum()
        };
        let known = of_all().any(|of| of.encoder.mark == mark);
        let of_mark = sum(&mut of_all().filter(|of| of.encoder.mark == mark));
        known.then(|| format!("{:.1} %", 100.0 * of_mark / sum(&mut of_all())))
    };
    let find = |mark: &str, ablation: Ablation| {
        let is = |of: &&Importance| of.mark == mark && of.ablation == ablation;
        explained.importance.iter().find(is)
    };
    for mark in explained.pair.marks() {
        let size = find(mark, Ablation::Equal).and_then(|of| of.contribution);
        let loss = find(mark, Ablation::Permuted).and_then(|of| of.loss);
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "undefined".into());
        let interval = |[low, high]: [f64; 2]| format!("{low:.3} to {high:.3}");
        let mut row = vec![
            mark.clone(),
            or_none(size.map(|mean| format!("{:.3}", mean.mean))),
            or_none(size.and_then(|mean| mean.interval).map(interval)),
            or_none(loss.map(|loss| format!("{:.3}", loss.difference))),
            or_none(loss.map(|loss| interval(loss.interval))),
        ];
        row.extend(attention_to(mark));
        rows.add_row(row);
    }
    // What no mark has to itself.
    if let Some(attention) = attention_to(ALL_MARKS) {
        let empty = vec![String::new(); header.len() - 2];
        rows.add_row([vec![ALL_MARKS.into()], empty, vec![attention]].concat());
    }
    rows
}

/// Rows of a table of perturbations on the terminal.
const SHOWN: usize = 20;

fn perturbation_table(explained: &Explained, config: &ExplainConfig) -> Table {
    let mut rows = table(&["gene", "perturbation", "predicted", "perturbed", "change"]);
    let mut found: Vec<_> = explained.perturbed.iter().collect();
    found.sort_by(|x, y| y.change().abs().total_cmp(&x.change().abs()));
    for of in found.iter().take(SHOWN) {
        rows.add_row([
            explained.pair.gene_name(of.gene).to_owned(),
            config.perturbations[of.perturbation].to_string(),
            format!("{:+.3}", of.predicted),
            format!("{:+.3}", of.perturbed),
            format!("{:+.3}", of.change()),
        ]);
    }
    if found.len() > SHOWN {
        rows.add_row([format!(
            "... {} more in perturbations.tsv",
            found.len() - SHOWN
        )]);
    }
    rows
}

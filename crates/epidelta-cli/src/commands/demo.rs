//! `epidelta demo`: the main job end to end on simulated data.

use std::{collections::HashMap, io::Write};

use anyhow::Result;
use epidelta::{
    dataset::{Simulated, SimulationConfig, Split},
    evaluation::Predictions,
    model::Variant,
    run::{Run, RunMetrics, TrainingPlan},
    training::{Preset, Settings},
};

use crate::{
    arguments::Demo,
    commands::{simulate::simulate_into, train::fit_and_write},
    display::{metrics_table, table},
    progress::Reporter,
};

const GENES: usize = 1200;
const EPOCHS: usize = 12;
const METHOD: Variant = Variant::RawAuxSiamese;
const SHOWN: usize = 5;

pub fn run(command: &Demo, seed: u64, reporter: &Reporter) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let config = SimulationConfig {
        genes: GENES,
        seed,
        ..SimulationConfig::default()
    };
    let folder = &command.output;
    let simulated = simulate_into(folder, command.force, &config, false)?;
    writeln!(
        out,
        "Two simulated cell types, A and B: {GENES} genes, {} histone marks, \
         {} bins of {} bp around each TSS.\n\
         Training DeepDiff ({METHOD}) to predict each gene's log2 fold change, A over B.",
        simulated.a.marks.len(),
        config.bins,
        config.bin_size
    )?;
    let mut settings = Settings::of(METHOD, Preset::Tuned);
    settings.training.epochs = EPOCHS;
    let plan = TrainingPlan {
        a: folder.join("A.parquet"),
        b: folder.join("B.parquet"),
        labels: None,
        method: METHOD,
        preset: Preset::Tuned,
        settings,
        seed,
        initial_weights: None,
        output: folder.join("run"),
        force: false,
    };
    let metrics = fit_and_write(&plan, reporter)?.metrics;
    let predictions = Run::open(&plan.output)?.predictions()?;
    print_findings(
        &mut out,
        &metrics,
        &predictions,
        &simulated,
        &plan.label_in_words(),
    )?;
    let folder = folder.display();
    writeln!(
        out,
        "\nAll files are in {folder}/. To look at them:\n  \
         epidelta inspect {folder}/A.parquet\n  \
         epidelta evaluate --run {folder}/run --json"
    )?;
    Ok(())
}

fn print_findings(
    out: &mut impl Write,
    metrics: &RunMetrics,
    predictions: &Predictions,
    simulated: &Simulated,
    label: &str,
) -> Result<()> {
    writeln!(out, "\n{}", metrics_table(&metrics.best, label))?;
    let rows: HashMap<&str, usize> = simulated
        .a
        .genes
        .iter()
        .enumerate()
        .map(|(row, gene)| (gene.gene_id.as_str(), row))
        .collect();
    let mut test: Vec<_> = predictions
        .genes
        .iter()
        .filter(|gene| gene.split == Some(Split::Test))
        .collect();
    test.sort_by(|x, y| y.predicted.abs().total_cmp(&x.predicted.abs()));
    writeln!(
        out,
        "\nThe test genes predicted to change most (log2 fold change, A over B), \
         beside what was simulated:"
    )?;
    let mut genes = table(&["gene", "state in A", "state in B", "predicted", "observed"]);
    for gene in test.iter().take(SHOWN) {
        let [a, b] = rows
            .get(gene.gene_id.as_str())
            .map_or(["", ""], |&row| simulated.states(row));
        genes.add_row([
            gene.gene_id.clone(),
            a.to_owned(),
            b.to_owned(),
            format!("{:+.2}", gene.predicted),
            format!("{:+.2}", gene.observed),
        ]);
    }
    writeln!(out, "{genes}")?;
    Ok(())
}

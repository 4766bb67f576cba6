//! `epidelta demo`: the main job end to end on simulated data.

use std::io::Write;

use anyhow::Result;
use epidelta::{
    dataset::{SimulationConfig, Split, simulate},
    evaluation::Predictions,
    model::Variant,
    output::OutputFolder,
    run::{RunMetrics, TrainingPlan},
    training::{Preset, Settings},
};

use crate::{
    arguments::Demo,
    commands::{simulate::write, train::fit_and_write},
    display::{metrics_table, table},
    progress::Reporter,
};

const GENES: usize = 1200;
const EPOCHS: usize = 12;
const METHOD: Variant = Variant::RawAuxSiamese;
const SHOWN: usize = 5;

pub fn run(command: &Demo, seed: u64, reporter: &Reporter) -> Result<()> {
    let folder = OutputFolder::create(&command.output, command.force)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Two simulated cell types, A and B: {GENES} genes, five histone marks, \
         200 bins of 100 bp around each TSS."
    )?;
    let simulated = simulate(&SimulationConfig {
        genes: GENES,
        seed,
        ..SimulationConfig::default()
    })?;
    write(&simulated, &|name| folder.file(name))?;

    let mut settings = Settings::of(METHOD, Preset::Tuned);
    settings.training.epochs = EPOCHS;
    writeln!(
        out,
        "Training DeepDiff ({METHOD}) to predict each gene's log2 fold change, A over B."
    )?;
    let plan = TrainingPlan {
        a: folder.file("A.parquet"),
        b: folder.file("B.parquet"),
        method: METHOD,
        preset: Preset::Tuned,
        settings,
        seed,
        initial_weights: None,
        output: folder.file("run"),
        force: false,
    };
    let metrics = fit_and_write(&plan, reporter)?;
    let predictions = Predictions::read(&folder.file("run").join("predictions.tsv"))?;
    folder.publish()?;
    print_findings(&mut out, &metrics, &predictions)?;
    let output = command.output.display();
    writeln!(
        out,
        "\nAll files are in {output}/. Next, with your own data:\n  \
         epidelta inspect {output}/A.parquet\n  \
         epidelta evaluate --run {output}/run --json\n  \
         epidelta train --a A.parquet --b B.parquet -o run/"
    )?;
    Ok(())
}

fn print_findings(
    out: &mut impl Write,
    metrics: &RunMetrics,
    predictions: &Predictions,
) -> Result<()> {
    writeln!(out, "\n{}", metrics_table(&metrics.best))?;
    let mut test: Vec<_> = predictions
        .genes
        .iter()
        .filter(|gene| gene.split == Some(Split::Test))
        .collect();
    test.sort_by(|x, y| y.predicted.abs().total_cmp(&x.predicted.abs()));
    writeln!(
        out,
        "\nThe test genes predicted to change most (log2 fold change, A over B):"
    )?;
    let mut genes = table(&["gene", "predicted", "observed"]);
    for gene in test.iter().take(SHOWN) {
        genes.add_row([
            gene.gene_id.clone(),
            format!("{:+.2}", gene.predicted),
            format!("{:+.2}", gene.observed),
        ]);
    }
    writeln!(out, "{genes}")?;
    Ok(())
}

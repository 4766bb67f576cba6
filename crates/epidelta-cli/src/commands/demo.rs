//! `epidelta demo`: the main job end to end, from reads to predictions, on
//! simulated data.

use std::{collections::HashMap, io::Write, path::Path};

use anyhow::Result;
use epidelta::{
    dataset::{
        Genes, GenesConfig, PrepareConfig, Simulated, SimulationConfig, Split, read_epigenome,
        read_samples,
    },
    evaluation::Predictions,
    interrupt::Interrupt,
    method::{Method, Preset, Settings},
    report::write_profile_figure,
    run::{DataFiles, Run, RunMetrics, TrainingPlan},
};

use crate::{
    arguments::Demo,
    commands::{prepare::prepare_into, simulate::simulate_into, train::fit_and_write},
    display::{metrics_table, table},
    progress::Reporter,
};

const GENES: usize = 1200;
const METHOD: Method = Method::Epidelta;
const SHOWN: usize = 5;

pub fn run(command: &Demo, seed: u64, reporter: &Reporter, interrupt: Interrupt) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let config = SimulationConfig {
        genes: GENES,
        seed,
        ..SimulationConfig::default()
    };
    let folder = &command.output;
    let simulated = simulate_into(folder, command.force, &config, true)?;
    writeln!(
        out,
        "Two simulated cell types, A and B: reads of {} histone marks, and the expression of \
         {GENES} genes.\n\
         Counting the reads in {} bins of {} bp around each TSS.",
        simulated.cells[0].marks.len(),
        config.bins,
        config.bin_size
    )?;
    prepare_cells(folder)?;
    writeln!(
        out,
        "Training {METHOD} to predict each gene's log2 fold change, A over B."
    )?;
    let data = DataFiles::Pair {
        a: folder.join("cells/A.parquet"),
        b: folder.join("cells/B.parquet"),
        labels: None,
    };
    let preset = Preset::Tuned;
    let settings = Settings::of(METHOD, preset);
    let plan = TrainingPlan {
        seed,
        interrupt,
        ..TrainingPlan::new(data, METHOD, preset, settings, folder.join("run"))
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
        "\nAll files are in {folder}/: the reads and what was counted, in A.svg the marks around \
         the TSS.\nTo look at them:\n  \
         epidelta inspect {folder}/cells/A.parquet\n  \
         epidelta evaluate --run {folder}/run --json\n  \
         epidelta report {folder}/run -o {folder}/report.html"
    )?;
    Ok(())
}

/// As `epidelta prepare --samples` and `inspect --plot`.
fn prepare_cells(folder: &Path) -> Result<()> {
    let genes = Genes::read(&GenesConfig::of(folder.join("genes.gtf")))?;
    let counts = folder.join("counts.tsv");
    for cell in read_samples(&folder.join("samples.tsv"), Some(&counts), None)? {
        let file = folder.join(format!("cells/{}.parquet", cell.name));
        prepare_into(&cell, &genes, &PrepareConfig::default(), &file)?;
        let figure = folder.join(format!("{}.svg", cell.name));
        write_profile_figure(&read_epigenome(&file)?, &figure, false)?;
    }
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
    let rows: HashMap<&str, usize> = simulated.cells[0]
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
        let row = rows.get(gene.gene_id.as_str());
        let states = row.map_or(Vec::new(), |&row| simulated.states(row));
        let state = |cell: usize| states.get(cell).copied().unwrap_or("").to_owned();
        genes.add_row([
            gene.gene_id.clone(),
            state(0),
            state(1),
            format!("{:+.2}", gene.predicted),
            format!("{:+.2}", gene.observed),
        ]);
    }
    writeln!(out, "{genes}")?;
    Ok(())
}

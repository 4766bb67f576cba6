//! `epidelta evaluate`

use std::io::Write;

use anyhow::{Result, bail};
use epidelta::{
    evaluation::Metrics,
    expression::{GeneTable, read_expression},
    run::{DataFiles, LabelFile, NoiseCeilings, Run, RunMetrics},
};
use serde::Serialize;

use crate::{
    arguments::{Evaluate, NoiseTables},
    commands::predict::predict,
    display::{baseline_lines, evaluation_details, list_dropped, metrics_table},
};

/// Measures of a run's method on other data.
#[derive(Serialize)]
struct OfOtherData {
    #[serde(flatten)]
    metrics: Metrics,
    #[serde(skip_serializing_if = "Option::is_none")]
    noise_ceiling: Option<NoiseCeilings>,
}

pub fn run(command: &Evaluate) -> Result<()> {
    let run = Run::open(&command.run)?;
    let method = run.description.head.method.name();
    let mut baselines = Vec::new();
    let data = command.data.files()?;
    let (json, metrics, ceilings) = match &data {
        Some(data) => {
            let predicted = predict(&run, data)?;
            list_dropped(&predicted.join);
            let seed = run.description.head.seed;
            let calibration = run.written_metrics()?.best.spread_calibration;
            let measured = OfOtherData {
                metrics: Metrics::of(&predicted.predictions, seed, calibration),
                noise_ceiling: predicted.noise_ceiling,
            };
            let json = serde_json::to_string_pretty(&measured)?;
            (json, measured.metrics, measured.noise_ceiling)
        }
        None => {
            let metrics = with_ceiling(&run, &command.noise)?;
            baselines = baseline_lines(method, &metrics.baselines);
            let json = serde_json::to_string_pretty(&metrics)?;
            (json, metrics.best, metrics.noise_ceiling)
        }
    };
    let label = match data.as_ref().map(DataFiles::labels) {
        Some(Some(table)) => LabelFile::in_words(&table.path),
        Some(None) => run.description.settings.label.in_words(),
        None => run.description.label_in_words(),
    };
    let mut out = std::io::stdout().lock();
    if command.json {
        writeln!(out, "{json}")?;
        return Ok(());
    }
    writeln!(out, "{}", metrics_table(&metrics, &label))?;
    if let Some(details) = evaluation_details(&metrics, ceilings.as_ref()) {
        writeln!(out, "\n{details}")?;
    }
    for line in baselines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The measures of a run, with the noise ceiling that tables give.
fn with_ceiling(run: &Run, noise: &NoiseTables) -> Result<RunMetrics> {
    let (mut metrics, predictions) = run.measured()?;
    if noise.counts.is_none() && noise.replicates.is_none() {
        return Ok(metrics);
    }
    let head = &run.description.head;
    let label = &run.description.settings.label;
    if head.labels.is_some() {
        bail!(
            "the labels of the run are of a table, whose noise is not that of the expression: \
             there is no noise ceiling of them"
        );
    }
    let [Some(a), Some(b)] = [&head.a, &head.b] else {
        bail!("a noise ceiling from tables is that of one pair, and the run is on several");
    };
    let cells = [&a.cell_type, &b.cell_type];
    if let Some(path) = &noise.counts {
        let columns = [&noise.counts_column_a, &noise.counts_column_b];
        let read = |cell: usize| read_expression(path, columns[cell].as_deref(), cells[cell]);
        let tables = [read(0)?, read(1)?];
        if tables[0].column == tables[1].column {
            bail!(
                "A and B would have the reads of one column, {:?}: name the columns with \
                 --counts-column-a and --counts-column-b",
                tables[0].column
            );
        }
        let tables = tables.each_ref();
        let ceilings = NoiseCeilings::of_counts(&predictions, label, tables, head.seed)?;
        metrics.noise_ceiling = Some(ceilings);
    }
    if let Some(path) = &noise.replicates {
        let columns = [&noise.replicates_a, &noise.replicates_b];
        let mut all: Vec<&String> = columns.into_iter().flatten().collect();
        all.sort();
        if let Some(twice) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("the replicate {:?} stands twice", twice[0]);
        }
        let read = |columns: &[String]| -> Result<Vec<GeneTable>> {
            let tables = columns
                .iter()
                .map(|column| read_expression(path, Some(column), ""));
            Ok(tables.collect::<epidelta::error::Result<_>>()?)
        };
        let replicates = [read(columns[0])?, read(columns[1])?];
        let replicates = replicates.each_ref().map(Vec::as_slice);
        let ceilings = NoiseCeilings::of_replicates(&predictions, label, replicates, head.seed)?;
        metrics.noise_ceiling = Some(ceilings);
    }
    let ceilings = metrics.noise_ceiling.iter();
    let lacking: usize = ceilings.map(|ceilings| ceilings.lacking_genes).sum();
    if lacking > 0 {
        tracing::warn!("the table lacks {lacking} genes; the noise ceiling is that of the others");
    }
    Ok(metrics)
}

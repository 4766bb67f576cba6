//! `epidelta evaluate`

use std::io::Write;

use anyhow::Result;
use epidelta::{
    evaluation::Metrics,
    run::{DataFiles, LabelFile, Run},
};

use crate::{
    arguments::Evaluate,
    commands::predict::predict,
    display::{list_dropped, metrics_table},
};

pub fn run(command: &Evaluate) -> Result<()> {
    let run = Run::open(&command.run)?;
    let data = command.data.files();
    let (json, metrics) = match &data {
        Some(data) => {
            let (predictions, join) = predict(&run, data)?;
            list_dropped(&join);
            let metrics = Metrics::of(&predictions);
            (serde_json::to_string_pretty(&metrics)?, metrics)
        }
        None => {
            let metrics = run.metrics()?;
            (serde_json::to_string_pretty(&metrics)?, metrics.best)
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
    } else {
        writeln!(out, "{}", metrics_table(&metrics, &label))?;
    }
    Ok(())
}

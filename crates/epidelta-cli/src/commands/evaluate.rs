//! `epidelta evaluate`

use std::io::Write;

use anyhow::{Result, bail};
use epidelta::{
    evaluation::Metrics,
    run::{LabelFile, Run},
};

use crate::{
    arguments::Evaluate,
    commands::predict::predict,
    display::{list_dropped, metrics_table},
};

pub fn run(command: &Evaluate) -> Result<()> {
    if command.labels.labels.is_some() && command.a.is_none() {
        bail!("--labels needs the data that it labels: give --a and --b too");
    }
    let run = Run::open(&command.run)?;
    let (json, metrics) = match (&command.a, &command.b) {
        (Some(a), Some(b)) => {
            let (predictions, join) = predict(&run, a, b, &command.labels)?;
            list_dropped(&join);
            let metrics = Metrics::of(&predictions);
            (serde_json::to_string_pretty(&metrics)?, metrics)
        }
        _ => {
            let metrics = run.metrics()?;
            (serde_json::to_string_pretty(&metrics)?, metrics.best)
        }
    };
    let label = match command.labels.table() {
        Some(table) => LabelFile::in_words(&table.path),
        None if command.a.is_some() => run.description.settings.label.in_words(),
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

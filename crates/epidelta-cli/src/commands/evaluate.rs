//! `epidelta evaluate`

use std::io::Write;

use anyhow::Result;
use epidelta::{evaluation::Metrics, run::Run};

use crate::{
    arguments::Evaluate,
    display::{list_dropped, metrics_table},
};

pub fn run(command: &Evaluate) -> Result<()> {
    let run = Run::open(&command.run)?;
    let (json, metrics) = match (&command.a, &command.b) {
        (Some(a), Some(b)) => {
            let (predictions, join) = run.predict(a, b)?;
            list_dropped(&join);
            let metrics = Metrics::of(&predictions);
            (serde_json::to_string_pretty(&metrics)?, metrics)
        }
        _ => {
            let metrics = run.metrics()?;
            (serde_json::to_string_pretty(&metrics)?, metrics.best)
        }
    };
    let mut out = std::io::stdout().lock();
    if command.json {
        writeln!(out, "{json}")?;
    } else {
        writeln!(
            out,
            "{}",
            metrics_table(&metrics, run.description.settings.label)
        )?;
    }
    Ok(())
}

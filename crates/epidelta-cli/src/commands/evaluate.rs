//! `epidelta evaluate`

use std::io::Write;

use anyhow::Result;
use epidelta::{evaluation::Metrics, run::Run};

use crate::{arguments::Evaluate, display::metrics_table};

pub fn run(command: &Evaluate) -> Result<()> {
    let run = Run::open(&command.run)?;
    let predictions = match (&command.a, &command.b) {
        (Some(a), Some(b)) => run.predict(a, b)?.0,
        _ => run.predictions()?,
    };
    let metrics = Metrics::of(&predictions);
    let mut out = std::io::stdout().lock();
    if command.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&metrics)?)?;
    } else {
        writeln!(out, "{}", metrics_table(&metrics))?;
    }
    Ok(())
}

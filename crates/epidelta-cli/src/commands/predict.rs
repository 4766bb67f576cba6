//! `epidelta predict`

use anyhow::Result;
use epidelta::{output::check_free, run::Run};

use crate::{arguments::Predict, display::list_dropped};

pub fn run(command: &Predict) -> Result<()> {
    check_free(&command.output, command.force)?;
    let run = Run::open(&command.run)?;
    let (predictions, join) = run.predict(&command.a, &command.b)?;
    list_dropped(&join);
    predictions.write(&command.output, command.force)?;
    tracing::info!(
        "wrote {}: {} genes",
        command.output.display(),
        predictions.genes.len()
    );
    Ok(())
}

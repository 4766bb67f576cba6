//! `epidelta predict`

use std::path::PathBuf;

use anyhow::Result;
use epidelta::{
    output::{check_file, keep_inputs},
    run::Run,
};

use crate::{arguments::Predict, display::list_dropped};

pub fn run(command: &Predict) -> Result<()> {
    check_file(&command.output, command.force)?;
    let of_run = Run::FILES.map(|name| command.run.join(name));
    let inputs = [&command.a, &command.b].into_iter().chain(&of_run);
    keep_inputs(&command.output, inputs.map(PathBuf::as_path))?;
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

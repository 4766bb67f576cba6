//! `epidelta predict`

use std::path::PathBuf;

use anyhow::Result;
use epidelta::{
    dataset::JoinSummary,
    evaluation::Predictions,
    output::{check_file, keep_inputs},
    run::{DataFiles, LabelFile, Run},
};

use crate::{arguments::Predict, display::list_dropped};

pub fn run(command: &Predict) -> Result<()> {
    check_file(&command.output, command.force)?;
    let of_run = Run::FILES.map(|name| command.run.join(name));
    let data = command.data.required()?;
    let inputs = of_run.iter().map(PathBuf::as_path).chain(data.paths());
    keep_inputs(&command.output, inputs)?;
    let run = Run::open(&command.run)?;
    let (predictions, join) = predict(&run, &data)?;
    list_dropped(&join);
    predictions.write(&command.output, command.force)?;
    tracing::info!(
        "wrote {}: {} genes",
        command.output.display(),
        predictions.genes.len()
    );
    Ok(())
}

/// Predicts with a run, and warns where what is observed is not what it learned.
pub fn predict(run: &Run, data: &DataFiles) -> Result<(Predictions, JoinSummary)> {
    let table = data.labels();
    if run.description.head.labels.is_some() != table.is_some() {
        tracing::warn!(
            "the run was trained on {}; what is observed here is {}",
            run.description.label_in_words(),
            match table {
                Some(table) => LabelFile::in_words(&table.path),
                None => run.description.settings.label.in_words(),
            }
        );
    }
    Ok(run.predict(data)?)
}

//! `epidelta predict`

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::Result;
use epidelta::{
    dataset::JoinSummary,
    output::{check_file, keep_inputs},
    run::{DataFiles, LabelFile, Predicted, Run},
};

use crate::{arguments::Predict, display::list_dropped};

pub fn run(command: &Predict) -> Result<()> {
    check_file(&command.output, command.force)?;
    let of_run = Run::FILES.map(|name| command.run.join(name));
    let data = command.data.required()?;
    let of_data = data.paths();
    let inputs = of_run.iter().chain(&of_data);
    keep_inputs(&command.output, inputs.map(PathBuf::as_path))?;
    let run = Run::open(&command.run)?;
    let Predicted {
        predictions, join, ..
    } = predict(&run, &data)?;
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
pub fn predict(run: &Run, data: &DataFiles) -> Result<Predicted> {
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
    let predicted = run.predict(data)?;
    if !predicted.join.lacking.is_empty() {
        tell_cost_of_lacking_marks(run, &predicted.join)?;
    }
    Ok(predicted)
}

/// Warns of what the run's validation genes say about predicting without a mark.
fn tell_cost_of_lacking_marks(run: &Run, join: &JoinSummary) -> Result<()> {
    let metrics = run.written_metrics()?;
    let with_all = metrics.best.valid.and_then(|valid| valid.pearson_r);
    let marks: BTreeSet<&String> = join.lacking.iter().map(|(_, mark)| mark).collect();
    for mark in marks {
        let without = metrics.valid_pearson_r_without.get(mark).copied().flatten();
        let (Some(with_all), Some(without)) = (with_all, without) else {
            continue;
        };
        if without < with_all {
            tracing::warn!(
                "predictions without {mark} are less good: in the run's validation genes Pearson \
                 r was {without:.3} without it, {with_all:.3} with all marks"
            );
        }
    }
    Ok(())
}

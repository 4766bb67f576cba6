//! `epidelta import`

use std::path::PathBuf;

use anyhow::Result;
use epidelta::{
    dataset::{DeepDiffFiles, Orientation, Split, import_deepdiff, write_epigenome},
    output::{check_file, keep_inputs},
};

use crate::{
    arguments::{Import, ImportDeepDiff, ImportFormat, Orient},
    display::list_some,
};

pub fn run(command: &Import) -> Result<()> {
    match &command.format {
        ImportFormat::Deepdiff(command) => deepdiff(command),
    }
}

fn deepdiff(command: &ImportDeepDiff) -> Result<()> {
    check_file(&command.output, command.force)?;
    let given = [&command.train, &command.valid, &command.test];
    let inputs = given.into_iter().flatten().chain(&command.genes);
    let inputs = inputs.chain([&command.expression]);
    keep_inputs(&command.output, inputs.map(PathBuf::as_path))?;
    let signal = Split::ALL.into_iter().zip(given);
    let files = DeepDiffFiles {
        cell_type: command.name.clone(),
        expression: command.expression.clone(),
        signal: signal
            .filter_map(|(split, path)| path.clone().map(|path| (split, path)))
            .collect(),
        marks: command.marks.iter().map(|m| m.trim().to_owned()).collect(),
        bin_size: command.bin_size,
        annotation: command.genes.clone(),
        orientation: match command.orient {
            Orient::Genome => Orientation::Genome,
            Orient::Strand => Orientation::Strand,
        },
    };
    let (epigenome, summary) = import_deepdiff(&files)?;
    list_some(
        "genes without expression, left out",
        &summary.without_expression,
    );
    list_some(
        "genes that the annotation does not have; their coordinates stay unknown",
        &summary.without_annotation,
    );
    write_epigenome(&epigenome, &command.output, command.force)?;
    tracing::info!(
        "wrote {}: {} genes, {} marks, {} bins",
        command.output.display(),
        epigenome.genes.len(),
        epigenome.marks.len(),
        epigenome.bins
    );
    Ok(())
}

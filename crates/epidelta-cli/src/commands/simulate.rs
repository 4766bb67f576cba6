//! `epidelta simulate`

use std::path::Path;

use anyhow::Result;
use epidelta::{
    dataset::{Simulated, SimulationConfig, simulate, write_epigenome},
    output::OutputFolder,
};

use crate::arguments::Simulate;

pub fn run(command: &Simulate, seed: u64) -> Result<()> {
    let folder = OutputFolder::create(&command.output, command.force)?;
    let simulated = simulate(&SimulationConfig {
        genes: command.genes,
        bins: command.bins,
        bin_size: command.bin_size,
        switching: command.switching,
        valid: command.valid,
        test: command.test,
        seed,
        ..SimulationConfig::default()
    })?;
    write(&simulated, &|name| folder.file(name))?;
    folder.publish()?;
    tracing::info!(
        "wrote A.parquet, B.parquet and truth.parquet ({} genes) to {}",
        command.genes,
        command.output.display()
    );
    Ok(())
}

/// Writes the two cell types and the truth to where `file` places them.
pub fn write(simulated: &Simulated, file: &dyn Fn(&str) -> std::path::PathBuf) -> Result<()> {
    let place = |name: &str| -> std::path::PathBuf { file(name) };
    let truth: &Path = &place("truth.parquet");
    write_epigenome(&simulated.a, &place("A.parquet"), false)?;
    write_epigenome(&simulated.b, &place("B.parquet"), false)?;
    simulated.write_truth(truth, false)?;
    Ok(())
}

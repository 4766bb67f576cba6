//! `epidelta simulate`

use std::path::Path;

use anyhow::Result;
use epidelta::{
    dataset::{Simulated, SimulationConfig, simulate, write_epigenome},
    output::OutputFolder,
};

use crate::arguments::Simulate;

/// The file by which a simulation's folder is known.
const TRUTH: &str = "truth.parquet";

pub fn run(command: &Simulate, seed: u64) -> Result<()> {
    let config = SimulationConfig {
        genes: command.genes,
        bins: command.bins,
        bin_size: command.bin_size,
        switching: command.switching,
        valid: command.valid,
        test: command.test,
        seed,
        ..SimulationConfig::default()
    };
    simulate_into(&command.output, command.force, &config, command.reads)?;
    tracing::info!(
        "wrote A.parquet, B.parquet{} and truth.parquet ({} genes) to {}",
        match command.reads {
            true => ", reads, lists of them, genes.gtf, counts.tsv",
            false => "",
        },
        command.genes,
        command.output.display()
    );
    Ok(())
}

/// Simulates two cell types into a folder, which appears whole or not at all.
pub fn simulate_into(
    path: &Path,
    force: bool,
    config: &SimulationConfig,
    reads: bool,
) -> Result<Simulated> {
    OutputFolder::check(path, force, TRUTH, &[])?;
    let simulated = simulate(config)?;
    let folder = OutputFolder::create(path, force, TRUTH)?;
    write_epigenome(&simulated.a, &folder.file("A.parquet"), false)?;
    write_epigenome(&simulated.b, &folder.file("B.parquet"), false)?;
    simulated.write_truth(&folder.file(TRUTH), false)?;
    if reads {
        simulated.write_reads(&folder.file(""), config.seed)?;
    }
    folder.publish()?;
    Ok(simulated)
}

//! `epidelta simulate`

use std::{io::Write, path::Path};

use anyhow::Result;
use epidelta::{
    dataset::{Simulated, SimulationConfig, Task, parent, simulate, write_epigenome},
    method::Method,
    output::{OutputFolder, write_atomically},
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
        cell_types: names(command.cell_types),
        seed,
    };
    simulate_into(&command.output, command.force, &config, command.reads)?;
    let files: Vec<String> = config
        .cell_types
        .iter()
        .map(|name| format!("{name}.parquet"))
        .collect();
    tracing::info!(
        "wrote {}{}{} and truth.parquet ({} genes) to {}",
        files.join(", "),
        match config.cell_types.len() {
            2 => "",
            _ => ", pairs.tsv, study.toml",
        },
        match command.reads {
            true => ", reads, lists of them, genes.gtf, counts.tsv",
            false => "",
        },
        command.genes,
        command.output.display()
    );
    Ok(())
}

/// The names of so many cell types: A, B, C, ...
fn names(cell_types: u8) -> Vec<String> {
    let letters = ('A'..='Z').map(String::from);
    letters.take(cell_types.into()).collect()
}

/// Simulates cell types into a folder, which appears whole or not at all.
pub fn simulate_into(
    path: &Path,
    force: bool,
    config: &SimulationConfig,
    reads: bool,
) -> Result<Simulated> {
    OutputFolder::check(path, force, TRUTH, &[])?;
    let simulated = simulate(config)?;
    let folder = OutputFolder::create(path, force, TRUTH)?;
    for cell in &simulated.cells {
        let file = format!("{}.parquet", cell.metadata.cell_type);
        write_epigenome(cell, &folder.file(&file), false)?;
    }
    if config.cell_types.len() > 2 {
        let files = [
            ("study.toml", study_of(&config.cell_types)),
            ("pairs.tsv", list_of(&config.cell_types)),
        ];
        for (name, text) in files {
            write_atomically(&folder.file(name), false, |out| {
                out.write_all(text.as_bytes())
            })?;
        }
    }
    simulated.write_truth(&folder.file(TRUTH), false)?;
    if reads {
        simulated.write_reads(&folder.file(""), config.seed)?;
    }
    folder.publish()?;
    Ok(simulated)
}

/// Pairs of simulated cell types: each beside the one it descends from, two siblings, and two
/// that are far apart.
fn pairs_of(names: &[String]) -> Vec<[&String; 2]> {
    let mut pairs: Vec<[usize; 2]> = (1..names.len()).map(|cell| [parent(cell), cell]).collect();
    pairs.push([1, 2]);
    if names.len() > 5 {
        pairs.push([3, 5]);
    }
    pairs
        .into_iter()
        .map(|pair| pair.map(|cell| &names[cell]))
        .collect()
}

/// The list that `epidelta train --pairs` takes.
fn list_of(names: &[String]) -> String {
    let rows = pairs_of(names).into_iter();
    let rows = rows.map(|[a, b]| format!("{a}.parquet\t{b}.parquet\n"));
    std::iter::once("a\tb\n".to_owned()).chain(rows).collect()
}

/// A study of simulated cell types with every method that predicts fold changes.
fn study_of(names: &[String]) -> String {
    let pairs: Vec<String> = pairs_of(names)
        .into_iter()
        .map(|[a, b]| format!("[\"{a}\", \"{b}\"]"))
        .collect();
    let methods: Vec<String> = Method::all()
        .into_iter()
        .filter(|method| method.does(Task::Regression))
        .map(|method| format!("\"{method}\""))
        .collect();
    let files = names
        .iter()
        .map(|name| format!("{name} = \"{name}.parquet\""));
    format!(
        "# A study of simulated cell types: epidelta study study.toml -o study\n\
         pairs = [\n  {}\n]\n\
         methods = [\n  {},\n  \
         {{ name = \"raw-aux-classification\", method = \"raw-aux\", \
         set = {{ model.auxiliary = \"classification\" }} }},\n]\n\n\
         [cell_types]\n{}\n\n\
         # Few epochs and few genes to compare costs on: a sketch, made in minutes.\n\
         [settings]\ntraining.epochs = 8\nsvr.compare_genes = 300\n",
        pairs.join(", "),
        methods.join(", "),
        files.collect::<Vec<_>>().join("\n"),
    )
}

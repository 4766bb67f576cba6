//! Which chromatin changes make a gene switch between two cell types?
//!
//! epidelta predicts the log2 fold change of every gene's expression between two
//! cell types from histone marks around its transcription start site, with
//! DeepDiff (Sekhon, Singh and Qi, Bioinformatics 34, 2018). The whole flow:
//!
//! ```
//! use epidelta::{
//!     dataset::{SimulationConfig, simulate, write_epigenome},
//!     method::{MethodConfig, Preset, Settings},
//!     model::Variant,
//!     run::{DataFiles, Run, TrainingPlan, train},
//! };
//!
//! # fn main() -> epidelta::error::Result<()> {
//! let folder = tempfile::tempdir().expect("a folder");
//! let path = |name: &str| folder.path().join(name);
//!
//! // One file per cell type: a row per gene, a column per mark.
//! let simulated = simulate(&SimulationConfig {
//!     genes: 60,
//!     bins: 20,
//!     ..SimulationConfig::default()
//! })?;
//! write_epigenome(&simulated.cells[0], &path("A.parquet"), false)?;
//! write_epigenome(&simulated.cells[1], &path("B.parquet"), false)?;
//!
//! // Train a variant; everything about the run goes to one folder.
//! let mut settings = Settings::of(Variant::Raw, Preset::Tuned);
//! if let MethodConfig::DeepDiff(deepdiff) = &mut settings.method {
//!     deepdiff.training.epochs = 2;
//! }
//! let pair = DataFiles::Pair {
//!     a: path("A.parquet"),
//!     b: path("B.parquet"),
//!     labels: None,
//! };
//! let method = Variant::Raw.into();
//! let plan = TrainingPlan::new(pair, method, Preset::Tuned, settings, path("run"));
//! let metrics = train(&plan, &mut |_| ())?;
//! assert_eq!(metrics.best.test.map(|test| test.genes), Some(12));
//!
//! // Read the run back and predict any pair of cell types with it.
//! let run = Run::open(&path("run"))?;
//! let swapped = DataFiles::Pair {
//!     a: path("B.parquet"),
//!     b: path("A.parquet"),
//!     labels: None,
//! };
//! let predictions = run.predict(&swapped)?.predictions;
//! assert_eq!(predictions.genes.len(), 60);
//! # Ok(())
//! # }
//! ```
//!
//! Modules in the order in which data flow; each uses only those before it:

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod error;
pub mod interrupt;
pub mod output;
pub mod provenance;
pub mod input;
pub mod random;
pub mod genome;
mod bed;
pub mod annotation;
pub mod expression;
pub mod signal;
pub mod bins;
pub mod dataset;
pub mod model;
pub mod evaluation;
pub mod training;
pub mod learner;
pub mod baseline;
pub mod method;
pub mod run;
pub mod study;
pub mod explanation;
pub mod report;

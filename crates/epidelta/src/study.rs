//! A study: every method on every pair of cell types with every seed, and the methods
//! beside each other.
//!
//! | file | content |
//! |---|---|
//! | `study.lock` | who runs the study, if anyone; by it the folder is known, and it is locked while runs go |
//! | `study.toml` | the study's description, as it was given |
//! | `runs/A_vs_B/METHOD/seed-N/` | a run folder each, with `candidate-K` in between where settings are tuned |
//! | `runs/all-pairs/METHOD/seed-N/` | the run folder of a model of all pairs |
//! | `pearson.tsv` | a row per pair and method |
//! | `methods.tsv` | a row per method: means, ranks, performance relative to the baselines |
//! | `comparisons.tsv` | methods beside the baselines and the best, with tests over pairs |
//! | `differences.tsv` | methods beside the baselines, pair by pair, with intervals |
//! | `auxiliary.tsv` | cell-specific regression beside classification |
//! | `runs.tsv` | a row per run, and pair that it is tested on |
//! | `cost.tsv` | seconds per method |
//! | `study.json` | all of these but the seconds |
//! | `checksums.sha256` | the checksums of tables and figures, for `sha256sum -c` |

mod checksums;
mod comparisons;
mod config;
mod cost;
mod differences;
mod execute;
mod files;
mod lists;
mod made;
mod methods;
mod outline;
mod plan;
mod planned;
mod read;
mod results;
mod tables;
mod trained_on;

pub use checksums::{check_checksums, write_checksums};
pub use comparisons::{AuxiliaryComparison, Comparison};
pub use config::{ChangedMethod, LabelledPair, MethodEntry, PairEntry, StudyConfig};
pub use differences::PairDifference;
pub use execute::{Outcome, StudyEvent, Workers, execute};
pub use made::collect;
pub use methods::{Candidate, StudyMethod};
pub use outline::{CellTypeOutline, SampleOutline, StudyOutline};
pub use plan::{Job, StudyPair, StudyPlan};
pub use planned::{PlannedRun, planned_runs};
pub use results::{MethodResults, PairResult, RelativeResult, RunResult, StudyResults};
pub use trained_on::TrainedOn;

/// The file by which a study's folder is known; locked while the study runs.
pub const MARKER: &str = "study.lock";
/// The folder of the runs in a study's.
pub const RUNS: &str = "runs";
/// The study's description in its folder.
pub const DESCRIPTION: &str = "study.toml";

//! Arguments of `epidelta study`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, value_parser};

/// Compare methods over pairs of cell types
///
/// Reads the description of a study (TOML): cell_types (a name and an epigenome.parquet each), pairs
/// ([A, B], or { a, b, labels, label_column } with a differential table), methods (names, or { name,
/// method, preset, trained_on, set } with settings; trained_on is pair, all-pairs for one model of all
/// pairs, or other-cell-types for one of the pairs with neither of the two cell types that it is tested
/// on), and optionally seeds, preset, baselines (what performance is told relative to), settings (of
/// all methods that have them) and tune (per name of a method, lists of values, of which the validation
/// genes choose). Paths are relative to its folder. Everything in it is checked before the first run
/// starts.
///
/// Writes into the output folder the description (study.toml), a file by which the folder is known and
/// that is locked meanwhile (study.lock), a run folder for each pair, method and seed (runs/), and:
/// pearson.tsv (pair, method, pearson_r of the test genes as the mean over seeds, low_95 and high_95 of
/// its bootstrap interval over genes, valid_pearson_r, spearman_r, mse, genes, seeds, chosen,
/// new_cell_types_pearson_r of the pair's training genes where its cell types are new to the model,
/// whose valid_pearson_r is then that of other pairs), methods.tsv (method, mean_pearson_r,
/// median_pearson_r, mean_rank, best_on, pairs, and for each baseline the mean and the median over
/// pairs of 100 (r - r of the baseline) / r of the baseline, as Table 1 of the DeepDiff paper),
/// comparisons.tsv (method, than, pairs, better_on, mean_difference of r, p of Wilcoxon's signed-rank
/// test over pairs, p_holm adjusted for the methods compared with the same one), differences.tsv (pair,
/// method, baseline, difference of the test r, low_95 and high_95 of its bootstrap interval, the same
/// genes drawn for both), auxiliary.tsv (variants with cell-specific regression beside classification),
/// runs.tsv (a row per run, of one on all pairs a row per pair: pair, method, tried, seed, chosen,
/// test_pearson_r, valid_pearson_r, failure), cost.tsv (method, mean_fit_seconds, all_fits_seconds),
/// study.json (all of these but the seconds), as SVG and PNG pearson_by_pair (Figure 4 of the
/// paper), methods and cost, and checksums.sha256 of all, for sha256sum -c.
///
/// A run that fails is reported, and the others go on; the exit code is then 1. With --resume, runs
/// that are there, of the same data, settings and version, are kept, and those that were interrupted
/// are gone on with.
///
/// On many machines: `study plan` lists the runs, `study run` makes one of them, `study collect`
/// writes what they come to, to the same files; docs/cluster.md tells more.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Study {
    #[command(subcommand)]
    pub part: Option<StudyPart>,
    #[command(flatten)]
    pub whole: Option<WholeStudy>,
}

#[derive(Debug, Args)]
pub struct WholeStudy {
    /// The description of the study
    #[arg(value_name = "TOML")]
    pub study: PathBuf,
    /// The folder to write
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Go on with a study that was interrupted or changed
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Replace the study that is there
    #[arg(long)]
    pub force: bool,
    /// Runs at once; the threads are divided among them, and runs of the same cell types share
    /// these in memory [default: one per thread, fewer where memory would not do]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub enum StudyPart {
    Plan(PlanStudy),
    Run(RunOfStudy),
    Collect(CollectStudy),
}

/// List the runs of a study, and what each will cost
///
/// Checks everything as `epidelta study` does before its first run, and prints a table with the
/// columns run (the run's folder within the study's, by which `study run` knows it), pair, method,
/// tried (settings that are tuned), seed, cell_types (that it reads), and, NA where the size of the
/// data is not known, minutes on one thread of the machine that docs/planning.md is about, and
/// memory_mb; both as the preset tuned takes them, with every epoch that may be trained. As JSON it is
/// {"epidelta": its version, "cell_types": [{"name", "file", "is_prepared", "marks", "genes", "bins",
/// "sample": null or {"files", "sha256"}}], "runs": [the columns, "labels", "settings_sha256"]}.
#[derive(Debug, Args)]
pub struct PlanStudy {
    /// The description of the study
    #[arg(value_name = "TOML")]
    pub study: PathBuf,
    /// Do not read the cell types' genes: check the description, the footers of the files, and the
    /// samples
    #[arg(long)]
    pub quick: bool,
    /// The sample sheet that cell types which are not there yet will be prepared from, as for
    /// `epidelta prepare`; implies --quick
    #[arg(long, value_name = "TSV")]
    pub samples: Option<PathBuf>,
    /// Expression of all samples, where the sheet does not name it, as for `epidelta prepare`
    #[arg(long, value_name = "TABLE", requires = "samples")]
    pub expression: Option<PathBuf>,
    /// Genes that cell types which are not there yet will have; implies --quick. With --bins, and
    /// the study's marks in its description, the cost is told without any data
    #[arg(long, value_name = "N", requires = "bins", value_parser = at_least_one())]
    pub genes: Option<usize>,
    /// Bins that they will have
    #[arg(long, value_name = "N", requires = "genes", value_parser = at_least_one())]
    pub bins: Option<usize>,
    /// Form of the table
    #[arg(long, value_enum, default_value = "tsv")]
    pub format: PlanFormat,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    Tsv,
    Json,
}

/// Make one run of a study, as one of many jobs on a cluster
///
/// Makes the run as `epidelta study` would, into the same folder: goes on with it if it was
/// interrupted, leaves it if it is there, of the same data and settings, and replaces it if it is of
/// others. Many may go at once on one study, on many machines.
#[derive(Debug, Args)]
pub struct RunOfStudy {
    /// The description of the study
    #[arg(value_name = "TOML")]
    pub study: PathBuf,
    /// The run, as `study plan` calls it: runs/A_vs_B/ridge/seed-1
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The study's folder
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// The version of epidelta that made the plan: another one on this machine is refused
    #[arg(long, value_name = "VERSION")]
    pub planned_by: Option<String>,
}

/// Join the runs of a study that were made one by one
///
/// Writes what `epidelta study` writes beside its runs, the same to the byte but for the seconds of
/// fits. Runs that are missing, unfinished or of other data, settings or version are listed, and
/// nothing is written.
#[derive(Debug, Args)]
pub struct CollectStudy {
    /// The description of the study
    #[arg(value_name = "TOML")]
    pub study: PathBuf,
    /// The study's folder
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Write tables of the runs that are there, and tell in runs.tsv why the others are not
    #[arg(long)]
    pub partial: bool,
}

fn at_least_one() -> clap::builder::RangedU64ValueParser<usize> {
    clap::builder::RangedU64ValueParser::new().range(1..=1 << 30)
}

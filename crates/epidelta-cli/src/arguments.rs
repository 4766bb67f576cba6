//! The command line. Every verb's help names the files and columns it writes.

mod explain;
mod prepare;
mod study;

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, value_parser};
use epidelta::{
    dataset::read_pairs,
    run::{DataFiles, LabelTable},
};

pub use explain::{Explain, Report};
pub use prepare::Prepare;
pub use study::{CollectStudy, PlanFormat, PlanStudy, RunOfStudy, Study, StudyPart, WholeStudy};

/// The largest integer that TOML can hold.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Which chromatin changes make a gene switch between two cell types?
#[derive(Debug, Parser)]
#[command(name = "epidelta", version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Threads to compute with; the numbers do not depend on it [default: all]
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Seed of everything random; the same seed gives the same numbers [default: 1]
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u64).range(..=LARGEST_SEED))]
    pub seed: Option<u64>,
    /// No progress, only warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Tell more: lists what is only counted otherwise
    #[arg(long, short, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Prepare(Box<Prepare>),
    Import(Import),
    Inspect(Inspect),
    Simulate(Simulate),
    Train(Train),
    Predict(Predict),
    Evaluate(Evaluate),
    Explain(Box<Explain>),
    Study(Box<Study>),
    Report(Report),
    Demo(Demo),
}

/// Turn published data sets into an epigenome.parquet
#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    pub format: ImportFormat,
}

#[derive(Debug, Subcommand)]
pub enum ImportFormat {
    Deepdiff(ImportDeepDiff),
}

/// The published DeepDiff CSV files
///
/// Each signal file has a line per bin, `geneID_name_bin,count,count,...`, without header; the
/// expression file has a line per gene, `geneID,count`. Writes an epigenome.parquet: gene_id,
/// gene_name, chrom, tss (0-based), strand, split, expression (reads), and per mark a list of reads
/// per bin.
#[derive(Debug, Args)]
pub struct ImportDeepDiff {
    /// Name of the cell type
    #[arg(long)]
    pub name: String,
    /// Expression of every gene (CellN.expr.csv)
    #[arg(long, value_name = "CSV")]
    pub expression: PathBuf,
    /// Signal of the training genes
    #[arg(long, value_name = "CSV", required_unless_present_any = ["valid", "test"])]
    pub train: Option<PathBuf>,
    /// Signal of the validation genes
    #[arg(long, value_name = "CSV")]
    pub valid: Option<PathBuf>,
    /// Signal of the test genes
    #[arg(long, value_name = "CSV")]
    pub test: Option<PathBuf>,
    /// Annotation (GTF, plain or gzip) that fills in chromosome, TSS and strand
    #[arg(long, value_name = "GTF")]
    pub genes: Option<PathBuf>,
    /// Order of the bins: as in the files, along the genome, or upstream first
    #[arg(long, value_enum, default_value = "genome")]
    pub orient: Orient,
    /// Marks, in the order of the columns
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAMES",
        default_value = "H3K4me1,H3K4me3,H3K9me3,H3K27me3,H3K36me3"
    )]
    pub marks: Vec<String>,
    /// Width of a bin, bp
    #[arg(long, value_name = "BP", default_value_t = 100, value_parser = value_parser!(u32).range(1..))]
    pub bin_size: u32,
    /// The epigenome.parquet to write
    #[arg(long, short, value_name = "PARQUET")]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Orient {
    /// Bins along the genome, whatever the strand
    Genome,
    /// Upstream first; needs --genes
    Strand,
}

/// Show what is inside an epigenome.parquet
///
/// Prints the cell type, genes and splits, window, units, per mark the total, mean, median and
/// largest signal of a bin and the share of bins without any, and how the file was made: the settings,
/// and of each source its size, the reads that count, and its checksum (--json has all of it).
#[derive(Debug, Args)]
pub struct Inspect {
    /// The file to show
    #[arg(value_name = "PARQUET")]
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Draw the mean profile of each mark around the TSS, of the quarters of the genes with the
    /// highest and the lowest expression
    #[arg(long, value_name = "SVG")]
    pub plot: Option<PathBuf>,
    /// Replace the figure if it exists
    #[arg(long, requires = "plot")]
    pub force: bool,
}

/// Make cell types whose truth is known
///
/// Every gene has in each cell type a regulatory state (active, bivalent, polycomb,
/// heterochromatin or weak) that shapes the reads of five marks around its oriented TSS and its
/// expression. The cell types, A, B and so on, are a lineage: B and C descend from A, D and E from
/// B, F and G from C, and so on.
///
/// Writes A.parquet, B.parquet, ... (epigenome.parquet) and truth.parquet. Of two cell types:
/// gene_id, state_a, state_b, strength_a, strength_b, expected_log2_fold_change (A over B, without
/// noise), causal_marks, and per mark a list of true/false per bin: whether the expected reads
/// differ by one or more. Of more: gene_id and for each cell type state_X, strength_X and
/// expected_log2_expression_X; pairs.tsv, some of their pairs for train --pairs; and study.toml, the
/// description of a study of them
/// with every method that predicts fold changes, for `epidelta study`.
///
/// With --reads also the files that a lab has, for `epidelta prepare`: reads/CELL_MARK.bam,
/// genes.gtf, counts.tsv (gene_id, A, B, ...), samples.tsv (cell_type, mark, path), A.marks.tsv,
/// B.marks.tsv, ... (mark, path).
#[derive(Debug, Args)]
pub struct Simulate {
    /// Number of genes
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub genes: usize,
    /// Bins per mark, the TSS in the middle
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub bins: usize,
    /// Width of a bin, bp
    #[arg(long, default_value_t = 100, value_name = "BP")]
    pub bin_size: u32,
    /// Number of cell types
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = value_parser!(u8).range(2..=26))]
    pub cell_types: u8,
    /// Share of genes whose state is drawn anew from a cell type to the one that descends from it
    #[arg(long, default_value_t = 0.35, value_name = "SHARE")]
    pub switching: f64,
    /// Share of validation genes
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub valid: f64,
    /// Share of test genes
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub test: f64,
    /// Write reads, an annotation and counts too
    #[arg(long)]
    pub reads: bool,
    /// The folder to write
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
}

/// Train a method on two cell types, or on many pairs of them
///
/// Methods: epidelta (two levels of attention in a network for which swapping A and B turns the
/// prediction round); DeepDiff's variants raw-d, raw-c, raw, aux, raw-aux, aux-siamese, raw-aux-siamese;
/// attentive-chrome and deep-chrome (a network per cell type, whose predictions are subtracted) and
/// deep-chrome-raw (one that sees A, B and A - B); svr (a support vector machine on the best bin)
/// and two-layer-svr (one on the predictions of one per bin); relieff-forest; ridge, lasso and
/// boosting (on averages of bins); logistic (up versus down).
///
/// Writes a run folder: run.toml (every setting, versions, data checksums), predictions.tsv (as
/// `epidelta predict`, where genes are classified of those that are up or down), metrics.json (as
/// `epidelta evaluate --json`, with baselines, what ridge regression (logistic, where genes are
/// classified) and no signal make of the same genes; fit_seconds; of networks best_epoch, last_epoch,
/// seconds_per_epoch and valid_pearson_r_without each mark, of other methods choices, what validation
/// genes or cross-validation chose) and the model. Of networks that is model.safetensors (the best
/// epoch's weights, or their running means; of DeepDiff's variants under the names of the published
/// PyTorch code; those of A and B begin with a. and b. where each has a network, those of an ensemble
/// with member_1. and so on), and there is history.tsv (epoch, train_loss, valid_loss,
/// train_pearson_r, valid_pearson_r, gradient_norm, and cell, a or b, where each has a network, or
/// member, 1, 2, ..., of an ensemble). Of
/// ridge, lasso, logistic and boosting it is model.json, of the others model.postcard. Progress and
/// summary tell genes/s, the training genes of an epoch over the time of all of it, validation
/// included.
///
/// Until the run is complete its folder holds nothing but checkpoint/, from which --resume goes on
/// with a training that was interrupted: to the same bytes.
///
/// Of several pairs, epidelta does not see which cell types a fifth of the genes are of
/// (training.hidden_cell_types=0.2), so that it learns to do without.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    pub data: Data,
    /// See above [default: epidelta]
    #[arg(long)]
    pub method: Option<epidelta::method::Method>,
    /// tuned, paper (its equations) or reference (the published code's numbers) [default: tuned]
    #[arg(long)]
    pub preset: Option<epidelta::method::Preset>,
    /// regression (the log2 fold change) or classification (up versus down, of genes whose |log2
    /// fold change| is label.min_change, 1, or more) [default: regression, of logistic classification]
    #[arg(long)]
    pub task: Option<epidelta::dataset::Task>,
    /// Settings in TOML, such as another run's run.toml
    #[arg(long, value_name = "TOML")]
    pub config: Option<PathBuf>,
    /// Change a setting, as in training.learning_rate=1e-3; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Start from the weights of a run of the same method, given by its folder, or from a
    /// safetensors file (such as a DeepDiffChrome model's state_dict); with --set
    /// training.freeze_encoders=true only the heads learn
    #[arg(long, value_name = "RUN")]
    pub init: Option<PathBuf>,
    /// Cell types to test on: no pair with one of them trains or chooses
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "pairs")]
    pub test_cell_types: Vec<String>,
    /// Cell types to choose by: no pair with one of them trains
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "pairs")]
    pub valid_cell_types: Vec<String>,
    /// Train so many networks from different seeds; their mean predicts, and their standard
    /// deviation tells how sure it is
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1000))]
    pub ensemble: Option<u16>,
    /// The run folder to write
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
    /// Go on with a training of the same settings and data that was interrupted; start it if there
    /// is none, and do nothing if it is finished
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Keep the state of a network, in DIR/checkpoint, every N minutes within an epoch, and after
    /// epochs besides; 0 after every batch [default: 5]
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub checkpoint_minutes: Option<Duration>,
    /// Print where the time of the epochs went: phase, seconds, share of the total, and, for passes
    /// of the recurrent kernel, millions of time steps and nanoseconds of each
    #[arg(long)]
    pub profile: bool,
}

/// A pair of cell types, or several.
#[derive(Debug, Args)]
pub struct Data {
    /// epigenome.parquet of cell type A
    #[arg(long, value_name = "PARQUET", requires = "b")]
    pub a: Option<PathBuf>,
    /// epigenome.parquet of cell type B
    #[arg(long, value_name = "PARQUET", requires = "a")]
    pub b: Option<PathBuf>,
    /// Many pairs: a table with the columns a and b, an epigenome.parquet each, relative to the
    /// table's folder
    #[arg(long, value_name = "TSV", conflicts_with_all = ["a", "b", "labels"])]
    pub pairs: Option<PathBuf>,
    /// Take the log2 fold changes, A over B, from a table of DESeq2, edgeR or limma; genes that it
    /// lacks are dropped [default: log2 of the ratio of the expressions]
    #[arg(long, value_name = "TABLE", requires = "a")]
    pub labels: Option<PathBuf>,
    /// Column of the log2 fold change [default: log2FoldChange, logFC, log2_fold_change or log2FC]
    #[arg(long, value_name = "COLUMN", requires = "labels")]
    pub label_column: Option<String>,
}

impl Data {
    /// The data that were given, if any were.
    ///
    /// # Errors
    /// When a list of pairs cannot be read.
    pub fn files(&self) -> anyhow::Result<Option<DataFiles>> {
        if let Some(pairs) = &self.pairs {
            return Ok(Some(DataFiles::Pairs(read_pairs(pairs)?)));
        }
        let (Some(a), Some(b)) = (self.a.clone(), self.b.clone()) else {
            return Ok(None);
        };
        let labels = self.labels.clone().map(|path| LabelTable {
            path,
            column: self.label_column.clone(),
        });
        Ok(Some(DataFiles::Pair { a, b, labels }))
    }

    /// The data that were given.
    ///
    /// # Errors
    /// When none were, or a list of pairs cannot be read.
    pub fn required(&self) -> anyhow::Result<DataFiles> {
        let files = self.files()?;
        files.ok_or_else(|| anyhow::anyhow!("give the data with --a and --b, or with --pairs"))
    }
}

/// Predict the log2 fold change of genes with a trained run
///
/// Writes a table: gene_id, split (what the gene was in the run's training: train, valid, test, or
/// NA where it was not there), observed and predicted (log2 fold change, in the direction that
/// label.direction in run.toml tells), of ensembles of networks spread (standard deviation over the
/// members), where genes are classified up (1, 0, or NA where the gene is neither; predicted is then a
/// score, above zero for up), for methods with cell-specific tasks observed_a, predicted_a,
/// observed_b, predicted_b (log2 expression) or above_median_a, probability_a, above_median_b,
/// probability_b, and for all others too observed_a and observed_b. Of many pairs also cell_type_a,
/// cell_type_b, gene_split (of the gene) and cell_split (of the two cell types); split is then what
/// the gene of this pair is used for.
#[derive(Debug, Args)]
pub struct Predict {
    /// The run folder
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    #[command(flatten)]
    pub data: Data,
    /// The table to write
    #[arg(long, short, value_name = "TSV")]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
}

/// Measure a run's predictions
///
/// Prints per split the number of genes, Pearson r, Spearman r and mean squared error of the log2
/// fold change (where genes are classified AUROC and accuracy of those that are up or down), and of each cell
/// type's own task (or AUROC and accuracy where it is a classification). Then, of the test genes: the
/// 95 % bootstrap interval of Pearson r; Pearson r of expressed genes and by expression; AUROC and
/// average precision (AUPR) of genes that go up, and down, by 1 or more; the noise ceiling, where the
/// noise of the labels is known; of ensembles what the spread over the members says of the error; and
/// how much better the method is than a ridge regression of the same genes. docs/evaluation.md tells
/// what each means. Where cell types are held out, test is new genes in new cell types; test genes in
/// cell types that trained, and training genes in new ones, stand apart. Without --a and --b, or
/// --pairs, it measures the run's own predictions.tsv; --json then prints the object of metrics.json.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The run folder
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub noise: NoiseTables,
    /// Print JSON: {"test": {"pearson_r", "spearman_r", "mse", "genes", "pearson_interval", "calls",
    /// "expressed", "tiers", "spread"}, "valid": ..., "train": ..., "spread_calibration", "baselines",
    /// "noise_ceiling"}, where cell types are held out also "new_genes" and "new_cell_types", genes that
    /// the run did not have under "without_split"
    #[arg(long)]
    pub json: bool,
}

/// What is known of the noise of the run's labels.
#[derive(Debug, Args)]
pub struct NoiseTables {
    /// Raw read counts of the samples that the run's expression (RPKM, TPM) was computed from: gives
    /// the noise ceiling, the Pearson r that the noise of counting leaves possible
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["a", "pairs", "replicates"])]
    pub counts: Option<PathBuf>,
    /// Column of A's counts [default: A's cell type]
    #[arg(long, value_name = "COLUMN", requires = "counts")]
    pub counts_column_a: Option<String>,
    /// Column of B's counts [default: B's cell type]
    #[arg(long, value_name = "COLUMN", requires = "counts")]
    pub counts_column_b: Option<String>,
    /// Expression of replicates, in the unit of the run's: gives the noise ceiling by all that they
    /// differ in
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["a", "pairs"],
          requires_all = ["replicates_a", "replicates_b"])]
    pub replicates: Option<PathBuf>,
    /// Columns of A's replicates, two or more
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        requires = "replicates"
    )]
    pub replicates_a: Vec<String>,
    /// Columns of B's replicates, two or more
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        requires = "replicates"
    )]
    pub replicates_b: Vec<String>,
}

/// Simulate reads, count them, train and evaluate, in about a minute
///
/// Writes reads and all else that `epidelta simulate --reads` does, cells/A.parquet and
/// cells/B.parquet as `epidelta prepare`, A.svg and B.svg as `epidelta inspect --plot`, and run/ as
/// `epidelta train`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder to write
    #[arg(long, short, value_name = "DIR", default_value = "demo")]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
}

/// A time in minutes.
fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(60.0 * minutes)
        .map_err(|_| "not a number of minutes, 0 or more".to_owned())
}

//! The command line. Every verb's help names the files and columns it writes.

mod prepare;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, value_parser};
use epidelta::run::LabelTable;

pub use prepare::Prepare;

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

/// Make two cell types whose truth is known
///
/// Every gene has in each cell type a regulatory state (active, bivalent, polycomb,
/// heterochromatin or weak) that shapes the reads of five marks around its oriented TSS and its
/// expression.
///
/// Writes A.parquet and B.parquet (epigenome.parquet) and truth.parquet: gene_id, state_a, state_b,
/// strength_a, strength_b, expected_log2_fold_change (A over B, without noise), causal_marks, and
/// per mark a list of true/false per bin: whether the expected reads differ by one or more.
///
/// With --reads also the files that a lab has, for `epidelta prepare`: reads/CELL_MARK.bam,
/// genes.gtf, counts.tsv (gene_id, A, B), samples.tsv (cell_type, mark, path), A.marks.tsv and
/// B.marks.tsv (mark, path).
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
    /// Share of genes whose state is drawn anew in B
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

/// Train a method on two cell types
///
/// Writes a run folder: run.toml (every setting, versions, data checksums), model.safetensors (the
/// best epoch's weights, under the names of the published PyTorch code), history.tsv (epoch,
/// train_loss, valid_loss, train_pearson_r, valid_pearson_r, gradient_norm), predictions.tsv (as
/// `epidelta predict`) and metrics.json (as `epidelta evaluate --json`, with best_epoch, last_epoch
/// and seconds_per_epoch). Progress and summary tell genes/s, the training genes of an epoch over
/// the time of all of it, validation included.
#[derive(Debug, Args)]
pub struct Train {
    /// epigenome.parquet of cell type A
    #[arg(long, value_name = "PARQUET")]
    pub a: PathBuf,
    /// epigenome.parquet of cell type B
    #[arg(long, value_name = "PARQUET")]
    pub b: PathBuf,
    /// raw-d, raw-c, raw, aux, raw-aux, aux-siamese or raw-aux-siamese [default: raw-aux-siamese]
    #[arg(long)]
    pub method: Option<epidelta::model::Variant>,
    /// tuned, paper (its equations) or reference (the published code's numbers) [default: tuned]
    #[arg(long)]
    pub preset: Option<epidelta::training::Preset>,
    #[command(flatten)]
    pub labels: Labels,
    /// Settings in TOML, such as another run's run.toml
    #[arg(long, value_name = "TOML")]
    pub config: Option<PathBuf>,
    /// Change a setting, as in training.learning_rate=1e-3; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Start from these weights (a run's, or a DeepDiffChrome model's state_dict)
    #[arg(long, value_name = "SAFETENSORS")]
    pub init: Option<PathBuf>,
    /// The run folder to write
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
    /// Print where the time of the epochs went: phase, seconds, share of the total, and, for passes
    /// of the recurrent kernel, millions of time steps and nanoseconds of each
    #[arg(long)]
    pub profile: bool,
}

/// Labels from a differential table in place of the ratio of the two expressions.
#[derive(Debug, Args)]
pub struct Labels {
    /// Take the log2 fold changes, A over B, from a table of DESeq2, edgeR or limma; genes that it
    /// lacks are dropped [default: log2 of the ratio of the expressions]
    #[arg(long, value_name = "TABLE")]
    pub labels: Option<PathBuf>,
    /// Column of the log2 fold change [default: log2FoldChange, logFC, log2_fold_change or log2FC]
    #[arg(long, value_name = "COLUMN", requires = "labels")]
    pub label_column: Option<String>,
}

impl Labels {
    /// The table that was given.
    pub fn table(&self) -> Option<LabelTable> {
        let path = self.labels.clone()?;
        Some(LabelTable {
            path,
            column: self.label_column.clone(),
        })
    }
}

/// Predict the log2 fold change of genes with a trained run
///
/// Writes a table: gene_id, split (what the gene was in the run's training: train, valid, test, or
/// NA where it was not there), observed and predicted (log2 fold change, in the direction that
/// label.direction in run.toml tells), and for methods with cell-specific tasks observed_a, predicted_a, observed_b,
/// predicted_b (log2 expression) or above_median_a, probability_a, above_median_b, probability_b.
#[derive(Debug, Args)]
pub struct Predict {
    /// The run folder
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// epigenome.parquet of cell type A
    #[arg(long, value_name = "PARQUET")]
    pub a: PathBuf,
    /// epigenome.parquet of cell type B
    #[arg(long, value_name = "PARQUET")]
    pub b: PathBuf,
    #[command(flatten)]
    pub labels: Labels,
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
/// fold change, and of each cell type's own task (or AUROC and accuracy where it is a
/// classification). Without --a and --b it measures the run's own predictions.tsv; --json then prints
/// the object of metrics.json.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The run folder
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Other data for cell type A
    #[arg(long, value_name = "PARQUET", requires = "b")]
    pub a: Option<PathBuf>,
    /// Other data for cell type B
    #[arg(long, value_name = "PARQUET", requires = "a")]
    pub b: Option<PathBuf>,
    #[command(flatten)]
    pub labels: Labels,
    /// Print JSON: {"test": {"pearson_r", "spearman_r", "mse", "genes"}, "valid": ..., "train": ...},
    /// genes that the run did not have under "without_split"
    #[arg(long)]
    pub json: bool,
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

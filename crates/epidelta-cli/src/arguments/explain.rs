//! The arguments of `epidelta explain` and `epidelta report`.

use std::path::PathBuf;

use clap::Args;
use epidelta::explanation::{Baseline, ExplainConfig, Perturbation};

use super::Data;

/// Show what a run learned, and test whether its attention can be believed
///
/// On the data that the run was trained on, or on others with --a and --b or --pairs. Writes into
/// the output folder explain.toml (what was explained, on what, with which options) and:
///
/// Tables of genes begin with gene_id, of several pairs cell_type_a and cell_type_b, and split.
///
/// attention.parquet, of methods with attention: channel (A, B, A-B; auxiliary A, auxiliary B), mark
/// (or all marks), beta (attention over channels and marks on the way to the fold change), beta_cell
/// (over marks on the way to a cell type's own expression), alpha (attention over bins, a list).
/// mark_attention.tsv: direction (up, down, all), genes, channel, mark, beta, beta_low, beta_high;
/// bin_attention.tsv: direction, channel, mark, position (bp from the TSS), alpha: means over the
/// genes beyond --threshold, and over all; beta with its 95 % interval.
/// ablation.tsv: mark, ablation (equal: the mean of A and B in both; a-to-b: A's set to B's;
/// b-to-a; zero; permuted: of another gene), predicted, ablated, contribution (their difference);
/// of the test genes, 5,000 of them at most.
/// marks.tsv, the same over genes: mark, ablation, genes, mean_contribution (of its size),
/// contribution_low, contribution_high, pearson_r, pearson_r_without, loss (what Pearson r loses),
/// loss_low, loss_high.
/// regions.tsv: what making a region of a mark equal in both changes: mark, from and to (bp from the
/// TSS), contribution; of --sample test genes.
/// attribution.parquet, of networks: cell (a, b), mark, predicted, predicted_baseline, saliency (the
/// gradient) and integrated_gradients, lists over bins, completeness_gap (how far the latter are from
/// the sum that they should have), of_jumps (how much of them is of jumps of the prediction); of
/// --sample test genes and --genes.
/// coefficients.tsv, of linear models: channel, mark, from and to (bp from the TSS in the order of the
/// file's bins), weight.
/// perturbations.tsv, with --set: gene_name, perturbation, predicted, perturbed, change.
/// curves.tsv, deletion and insertion: unit (mark, region), ranking, curve, share (of the units), mean
/// (share of the predicted change), low, high. faithfulness.json: curves, rank agreement, precision
/// against a --truth, and the verdict, which is printed too.
/// Figures as SVG and PNG: mark_attention (Figure 5 of the paper), bin_attention, mark_ablation,
/// faithfulness, and genes/ID for each of --genes. docs/explain.md tells what each means.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Explain {
    /// The run folder
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub options: ExplainOptions,
    /// Predict with signal set to something else: CELL:MARK=SOURCE or CELL:MARK@FROM..TO=SOURCE,
    /// where CELL is A or B, SOURCE the other one or zero, and FROM and TO are bp downstream of the
    /// TSS; of --genes, or else of all. Several at once are separated by commas; may be repeated
    #[arg(long, value_name = "EDIT", allow_hyphen_values = true)]
    pub set: Vec<Perturbation>,
    /// What integrated gradients start from: equal (the mean of A and B in both) or zero
    #[arg(long, default_value = "equal")]
    pub baseline: Baseline,
    /// The folder to write
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
    /// Print faithfulness.json instead of tables
    #[arg(long)]
    pub json: bool,
}

/// What both commands ask.
#[derive(Debug, Args)]
pub struct ExplainOptions {
    /// |log2 fold change| above which genes count as up or down in figures of attention
    #[arg(
        long,
        value_name = "LOG2",
        default_value_t = 8.0,
        allow_negative_numbers = true
    )]
    pub threshold: f64,
    /// Test genes to look at closely, drawn at random
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub sample: usize,
    /// Genes to look at besides, by id or symbol, separated by commas
    #[arg(long, value_name = "GENES", value_delimiter = ',')]
    pub genes: Vec<String>,
    /// Truth of simulated data (truth.parquet)
    #[arg(long, value_name = "PARQUET")]
    pub truth: Option<PathBuf>,
    /// Another run with the same settings on the same data, of another seed: does it find the same?
    /// May be repeated; without it the networks of an ensemble are compared with each other
    #[arg(long, value_name = "DIR")]
    pub compare: Vec<PathBuf>,
}

impl ExplainOptions {
    /// What is asked of the library.
    pub fn config(&self, seed: u64) -> ExplainConfig {
        ExplainConfig {
            threshold: self.threshold,
            sample: self.sample,
            genes: self
                .genes
                .iter()
                .map(|gene| gene.trim().to_owned())
                .filter(|gene| !gene.is_empty())
                .collect(),
            truth: self.truth.clone(),
            other_seeds: self.compare.clone(),
            seed,
            ..ExplainConfig::default()
        }
    }
}

/// Put everything about a run or a study on one page
///
/// Writes one HTML file that needs nothing else: no network, no server. Of a run: what was run and
/// on what data, the history of its training, predicted beside observed, the measures with their
/// intervals, what `epidelta explain` finds, and a table of all genes that can be searched, whose
/// rows open the page of a gene. Of a study: its tables and figures. Figures also as SVG and PNG with
/// --figures.
#[derive(Debug, Args)]
pub struct Report {
    /// The folder of a run or of a study
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub options: ExplainOptions,
    /// The page to write
    #[arg(long, short, value_name = "HTML")]
    pub output: PathBuf,
    /// A folder to write the figures into, as SVG and PNG
    #[arg(long, value_name = "DIR")]
    pub figures: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
}

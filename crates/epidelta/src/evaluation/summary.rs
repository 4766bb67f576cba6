//! The measures of a set of predictions, per split: the object that
//! `metrics.json` holds and `evaluate --json` prints.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    average_precision,
    calls::Calls,
    cell_metrics::CellMetrics,
    comparison::{Draws, pearson_interval},
    expression_tiers::{ExpressedMetrics, TierMetrics, by_expression},
    metrics::{auroc, mean_squared_error, pearson_r, spearman_r},
    predictions::{CellPrediction, GenePrediction, Predictions},
    spread::{SpreadCalibration, SpreadMetrics},
};
use crate::{
    dataset::Split,
    random::{Purpose, generator},
};

/// Measures of the genes of one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// Pearson's r of the log2 fold change; null where undefined.
    pub pearson_r: Option<f64>,
    /// Spearman's rank correlation; null where undefined.
    pub spearman_r: Option<f64>,
    /// Mean squared error; null where genes are classified.
    pub mse: Option<f64>,
    /// Number of genes.
    pub genes: usize,
    /// Where genes are classified, the area under the ROC curve of up versus down.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auroc: Option<f64>,
    /// Where genes are classified, the share of them whose score is on the right side
    /// of zero.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accuracy: Option<f64>,
    /// Where genes are classified, the average precision of up versus down; `share_up` of
    /// a random score.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub aupr: Option<f64>,
    /// Where genes are classified, the share of them that go up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub share_up: Option<f64>,
    /// The 95 % bootstrap interval of `pearson_r` over these genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pearson_interval: Option<[f64; 2]>,
    /// Genes that go up, and genes that go down, told from all others.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls: Option<Calls>,
    /// Genes that are expressed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expressed: Option<ExpressedMetrics>,
    /// Genes by their expression, unexpressed ones first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tiers: Option<Vec<TierMetrics>>,
    /// Of ensembles, what the spread over the members says of the error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spread: Option<SpreadMetrics>,
    /// Cell type A's own task.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cell_a: Option<CellMetrics>,
    /// Cell type B's own task.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cell_b: Option<CellMetrics>,
}

/// Measures per split.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Test genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test: Option<SplitMetrics>,
    /// Validation genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid: Option<SplitMetrics>,
    /// Training genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub train: Option<SplitMetrics>,
    /// Genes that have no split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub without_split: Option<SplitMetrics>,
    /// Where cell types are held out, and `test` is new genes in new cell types: test genes
    /// in cell types that train.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new_genes: Option<SplitMetrics>,
    /// Where cell types are held out, training genes in those that are to be tested on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new_cell_types: Option<SplitMetrics>,
    /// Of ensembles, from the spread over the members to the standard deviation of the
    /// error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spread_calibration: Option<SpreadCalibration>,
}

impl Metrics {
    /// Measures predictions; where genes are classified, of those that are up or down.
    /// `seed` is that of the bootstrap samples; `calibration` what the spread of an
    /// ensemble was found to mean, fitted to the validation genes here where it is not
    /// given.
    pub fn of(
        predictions: &Predictions,
        seed: u64,
        calibration: Option<SpreadCalibration>,
    ) -> Self {
        let classified = predictions.is_classified();
        let counted = |gene: &&GenePrediction| !classified || gene.up.is_some();
        let of_split = |split: Option<Split>| -> Vec<&GenePrediction> {
            // Of several pairs, genes that are used for nothing have a split all the same.
            let none = |gene: &GenePrediction| {
                let of_pair = gene.of_pair.as_ref();
                split.is_some() || of_pair.is_none_or(|of| of.gene_split.is_none())
            };
            let genes = predictions.genes.iter().filter(counted);
            genes
                .filter(|gene| gene.split == split && none(gene))
                .collect()
        };
        let held_out = |gene_split: Split, cell_split: Split| -> Vec<&GenePrediction> {
            let used = (Some(gene_split), cell_split);
            let genes = predictions.genes.iter().filter(counted);
            genes
                .filter(|gene| {
                    let of_pair = gene.of_pair.as_ref();
                    gene.split.is_none()
                        && of_pair.is_some_and(|of| (of.gene_split, of.cell_split) == used)
                })
                .collect()
        };
        let calibration = calibration.or_else(|| {
            let (errors, spread) = errors_and_spread(&of_split(Some(Split::Valid)))?;
            SpreadCalibration::fit(&errors, &spread)
        });
        let parts = [
            of_split(Some(Split::Test)),
            of_split(Some(Split::Valid)),
            of_split(Some(Split::Train)),
            of_split(None),
            held_out(Split::Test, Split::Train),
            held_out(Split::Train, Split::Test),
        ];
        let measured = parts.into_par_iter().map(|genes| {
            (!genes.is_empty()).then(|| SplitMetrics::of(&genes, seed, calibration.as_ref()))
        });
        let mut measured = measured.collect::<Vec<_>>().into_iter();
        let mut next = || measured.next().flatten();
        Metrics {
            test: next(),
            valid: next(),
            train: next(),
            without_split: next(),
            new_genes: next(),
            new_cell_types: next(),
            spread_calibration: calibration,
        }
    }

    /// The measured splits with their names, test first.
    pub fn splits(&self) -> impl Iterator<Item = (&'static str, &SplitMetrics)> {
        [
            ("test", &self.test),
            ("valid", &self.valid),
            ("train", &self.train),
            ("without split", &self.without_split),
            ("new genes", &self.new_genes),
            ("new cell types", &self.new_cell_types),
        ]
        .into_iter()
        .filter_map(|(name, metrics)| metrics.as_ref().map(|metrics| (name, metrics)))
    }
}

/// Which gene each prediction is of, where they are of several pairs and a gene may stand in
/// many of them.
pub(crate) fn genes_of_rows(predictions: &[&GenePrediction]) -> Option<Vec<usize>> {
    predictions.first()?.of_pair.as_ref()?;
    let mut places: HashMap<&str, usize> = HashMap::new();
    let places = predictions.iter().map(|prediction| {
        let next = places.len();
        *places.entry(&prediction.gene_id).or_insert(next)
    });
    Some(places.collect())
}

/// The errors and spreads of regressed genes that all have one.
fn errors_and_spread(genes: &[&GenePrediction]) -> Option<(Vec<f64>, Vec<f64>)> {
    let of_gene = |gene: &&GenePrediction| {
        let error = gene.observed - f64::from(gene.predicted);
        gene.up
            .is_none()
            .then_some((error, f64::from(gene.spread?)))
    };
    genes.iter().map(of_gene).collect()
}

impl SplitMetrics {
    fn of(genes: &[&GenePrediction], seed: u64, calibration: Option<&SpreadCalibration>) -> Self {
        let observed: Vec<f64> = genes.iter().map(|gene| gene.observed).collect();
        let predicted: Vec<f64> = genes.iter().map(|g| f64::from(g.predicted)).collect();
        let cell = |index: usize| {
            let cells: Option<Vec<CellPrediction>> = genes
                .iter()
                .map(|gene| gene.cells.map(|cells| cells[index]))
                .collect();
            cells.map(|cells| CellMetrics::of(&cells))
        };
        let up: Option<Vec<bool>> = genes.iter().map(|gene| gene.up).collect();
        let right = |up: &[bool]| {
            let sides = up.iter().zip(&predicted);
            sides.filter(|&(&up, &score)| up == (score > 0.0)).count()
        };
        let higher: Option<Vec<f64>> = genes
            .iter()
            .map(|gene| gene.log2_expression.map(|[a, b]| a.max(b)))
            .collect();
        let (expressed, tiers) = higher
            .filter(|_| up.is_none())
            .map(|higher| by_expression(&observed, &predicted, &higher))
            .unzip();
        let share = |genes: usize, of: &[bool]| genes as f64 / of.len().max(1) as f64;
        let of_rows = genes_of_rows(genes);
        let mut draws = generator(seed, Purpose::Bootstrap, 0);
        let draws = Draws::new(of_rows.as_deref(), &mut draws);
        let seeds = std::slice::from_ref(&predicted);
        SplitMetrics {
            pearson_r: pearson_r(&observed, &predicted),
            pearson_interval: pearson_interval(&observed, seeds, draws),
            calls: up.is_none().then(|| Calls::of(&observed, &predicted)),
            expressed,
            tiers,
            spread: errors_and_spread(genes)
                .map(|(errors, spread)| SpreadMetrics::of(&errors, &spread, calibration)),
            spearman_r: spearman_r(&observed, &predicted),
            mse: match &up {
                None => mean_squared_error(&observed, &predicted),
                Some(_) => None,
            },
            genes: genes.len(),
            auroc: up.as_ref().and_then(|up| auroc(up, &predicted)),
            aupr: up.as_ref().and_then(|up| average_precision(up, &predicted)),
            share_up: up
                .as_ref()
                .map(|up| share(up.iter().filter(|&&up| up).count(), up)),
            accuracy: up.map(|up| share(right(&up), &up)),
            cell_a: cell(0),
            cell_b: cell(1),
        }
    }
}

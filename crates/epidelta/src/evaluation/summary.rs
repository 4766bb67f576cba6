//! The measures of a set of predictions, per split: the object that
//! `metrics.json` holds and `evaluate --json` prints.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    average_precision,
    calls::Calls,
    cell_metrics::CellMetrics,
    comparison::pearson_interval,
    expression_tiers::{ExpressedMetrics, TierMetrics, by_expression},
    metrics::{auroc, mean_squared_error, pearson_r, spearman_r},
    predictions::{CellPrediction, GenePrediction, Predictions},
    spread::{SpreadCalibration, SpreadMetrics},
};
use crate::{
    dataset::Split,
    random::{Purpose, generator},
};

/// Bootstrap samples of an interval.
pub const RESAMPLES: usize = 1000;
/// The share of them that it holds.
pub const LEVEL: f64 = 0.95;

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

/// Measures per split; `all` where genes have no split.
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
        let of_split = |split: Option<Split>| -> Vec<&GenePrediction> {
            let genes = predictions.genes.iter();
            genes
                .filter(|gene| gene.split == split && (!classified || gene.up.is_some()))
                .collect()
        };
        let calibration = calibration.or_else(|| {
            let (errors, spread) = errors_and_spread(&of_split(Some(Split::Valid)))?;
            SpreadCalibration::fit(&errors, &spread)
        });
        let splits = [
            Some(Split::Test),
            Some(Split::Valid),
            Some(Split::Train),
            None,
        ];
        let measured = splits.into_par_iter().map(|split| {
            let genes = of_split(split);
            (!genes.is_empty()).then(|| SplitMetrics::of(&genes, seed, calibration.as_ref()))
        });
        let mut measured = measured.collect::<Vec<_>>().into_iter();
        let mut next = || measured.next().flatten();
        Metrics {
            test: next(),
            valid: next(),
            train: next(),
            without_split: next(),
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
        ]
        .into_iter()
        .filter_map(|(name, metrics)| metrics.as_ref().map(|metrics| (name, metrics)))
    }
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
        let mut draws = generator(seed, Purpose::Bootstrap, 0);
        let seeds = std::slice::from_ref(&predicted);
        SplitMetrics {
            pearson_r: pearson_r(&observed, &predicted),
            pearson_interval: pearson_interval(&observed, seeds, RESAMPLES, LEVEL, &mut draws),
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

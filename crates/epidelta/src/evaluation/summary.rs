//! The measures of a set of predictions, per split: the object that
//! `metrics.json` holds and `evaluate --json` prints.

use serde::{Deserialize, Serialize};

use super::{
    metrics::{auroc, mean_squared_error, pearson_r, spearman_r},
    predictions::{CellPrediction, GenePrediction, Predictions},
};
use crate::dataset::Split;

/// Measures of a cell-specific task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum CellMetrics {
    /// Log2 expression.
    Regression {
        /// Pearson's r; null where undefined.
        pearson_r: Option<f64>,
        /// Spearman's rank correlation; null where undefined.
        spearman_r: Option<f64>,
        /// Mean squared error.
        mse: Option<f64>,
    },
    /// Above or below the training genes' median.
    Classification {
        /// Area under the ROC curve; null where undefined.
        auroc: Option<f64>,
        /// Share of genes on the right side of probability 0.5.
        accuracy: Option<f64>,
    },
}

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
}

impl Metrics {
    /// Measures predictions; where genes are classified, of those that are up or down.
    pub fn of(predictions: &Predictions) -> Self {
        let classified = predictions.is_classified();
        let of_split = |split: Option<Split>| {
            let genes: Vec<&GenePrediction> = predictions
                .genes
                .iter()
                .filter(|gene| gene.split == split && (!classified || gene.up.is_some()))
                .collect();
            (!genes.is_empty()).then(|| SplitMetrics::of(&genes))
        };
        Metrics {
            test: of_split(Some(Split::Test)),
            valid: of_split(Some(Split::Valid)),
            train: of_split(Some(Split::Train)),
            without_split: of_split(None),
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

impl SplitMetrics {
    fn of(genes: &[&GenePrediction]) -> Self {
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
        SplitMetrics {
            pearson_r: pearson_r(&observed, &predicted),
            spearman_r: spearman_r(&observed, &predicted),
            mse: match up {
                None => mean_squared_error(&observed, &predicted),
                Some(_) => None,
            },
            genes: genes.len(),
            auroc: up.as_ref().and_then(|up| auroc(up, &predicted)),
            accuracy: up.map(|up| right(&up) as f64 / up.len() as f64),
            cell_a: cell(0),
            cell_b: cell(1),
        }
    }
}

impl CellMetrics {
    fn of(cells: &[CellPrediction]) -> Self {
        let (mut observed, mut predicted) = (Vec::new(), Vec::new());
        let (mut above, mut probability) = (Vec::new(), Vec::new());
        for cell in cells {
            match *cell {
                CellPrediction::Expression {
                    observed: o,
                    predicted: p,
                } => {
                    observed.push(o);
                    predicted.push(f64::from(p));
                }
                CellPrediction::AboveMedian {
                    observed: o,
                    probability: p,
                } => {
                    above.push(o);
                    probability.push(f64::from(p));
                }
            }
        }
        if above.is_empty() {
            return CellMetrics::Regression {
                pearson_r: pearson_r(&observed, &predicted),
                spearman_r: spearman_r(&observed, &predicted),
                mse: mean_squared_error(&observed, &predicted),
            };
        }
        let right = above
            .iter()
            .zip(&probability)
            .filter(|&(&above, &p)| above == (p > 0.5))
            .count();
        CellMetrics::Classification {
            auroc: auroc(&above, &probability),
            accuracy: Some(right as f64 / above.len() as f64),
        }
    }
}

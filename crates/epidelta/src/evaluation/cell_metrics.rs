//! The measures of a cell-specific task.

use serde::{Deserialize, Serialize};

use super::{
    metrics::{auroc, mean_squared_error, pearson_r, spearman_r},
    predictions::CellPrediction,
};

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

impl CellMetrics {
    pub(super) fn of(cells: &[CellPrediction]) -> Self {
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

//! Predictions as calls: do the genes that go up, or down, stand first in the list that
//! one would take to the bench?

use serde::{Deserialize, Serialize};

use super::{average_precision, metrics::auroc};

/// The least log2 fold change of a gene that goes up, and of one that goes down with the
/// other sign: twice, or half.
const THRESHOLD: f64 = 1.0;

/// How well genes that go up, and genes that go down, are told from all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calls {
    /// The least observed |log2 fold change| of a gene that changes.
    pub threshold: f64,
    /// Genes of the threshold or more, scored by the prediction.
    pub up: CallMetrics,
    /// Genes of minus the threshold or less, scored by minus the prediction.
    pub down: CallMetrics,
}

/// Measures of one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallMetrics {
    /// Area under the ROC curve, 0.5 of a random score; null where undefined.
    pub auroc: Option<f64>,
    /// Average precision, `share` of a random score; null where undefined.
    pub aupr: Option<f64>,
    /// Genes that change so.
    pub genes: usize,
    /// Their share of all genes.
    pub share: f64,
}

impl Calls {
    /// Measures predicted log2 fold changes beside the observed ones.
    pub(super) fn of(observed: &[f64], predicted: &[f64]) -> Self {
        let call = |sign: f64| {
            let positive: Vec<bool> = observed.iter().map(|o| sign * o >= THRESHOLD).collect();
            let score: Vec<f64> = predicted.iter().map(|p| sign * p).collect();
            let genes = positive.iter().filter(|&&p| p).count();
            CallMetrics {
                auroc: auroc(&positive, &score),
                aupr: average_precision(&positive, &score),
                genes,
                share: genes as f64 / positive.len().max(1) as f64,
            }
        };
        Calls {
            threshold: THRESHOLD,
            up: call(1.0),
            down: call(-1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: tools/reference/metrics.py (scikit-learn 1.9).
    #[test]
    fn equal_to_scikit_learn() {
        let observed = [1.0, 2.0, -2.0, 0.5, -1.0, 0.25, 1.5, -0.9];
        let predicted = [0.5, 1.0, -1.0, 1.0, 0.25, -0.5, 0.75, -0.5];
        let calls = Calls::of(&observed, &predicted);
        let close = |found: &CallMetrics, auroc: f64, aupr: f64| {
            let off = [(found.auroc, auroc), (found.aupr, aupr)]
                .map(|(found, expected)| (found.unwrap() - expected).abs());
            assert!(off.iter().all(|&off| off < 1e-14), "{found:?}");
        };
        close(&calls.up, 0.833_333_333_333_333_3, 0.638_888_888_888_888_8);
        close(&calls.down, 0.833_333_333_333_333_4, 0.75);
        assert_eq!((calls.up.genes, calls.down.genes), (3, 2));
        assert_eq!((calls.up.share, calls.down.share), (0.375, 0.25));
    }

    #[test]
    fn nothing_changes() {
        let calls = Calls::of(&[0.1, -0.2], &[0.3, 0.1]);
        assert_eq!((calls.up.auroc, calls.up.aupr), (None, None));
        assert_eq!((calls.down.genes, calls.down.share), (0, 0.0));
    }
}

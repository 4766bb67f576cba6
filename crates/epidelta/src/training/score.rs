//! How epochs are compared.

use super::history::History;

/// By what epochs are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean validation Pearson r of the epoch and of some before it.
    pearson_r: Option<f64>,
    loss: f64,
}

impl Score {
    /// Of the last epoch.
    pub fn of(history: &History, smoothing: usize) -> Self {
        let epochs = &history.epochs;
        let recent = &epochs[epochs.len().saturating_sub(smoothing)..];
        let r: Option<Vec<f64>> = recent.iter().map(|epoch| epoch.valid_pearson_r).collect();
        Score {
            epoch: epochs.len(),
            pearson_r: r.map(|r| r.iter().sum::<f64>() / r.len() as f64),
            loss: recent.iter().map(|epoch| epoch.valid_loss).sum::<f64>() / recent.len() as f64,
        }
    }

    /// Whether it is better than the best so far: by Pearson r, and where neither has one
    /// (labels or predictions that do not vary) by loss.
    pub fn is_better(&self, best: &Score) -> bool {
        match (self.pearson_r, best.pearson_r) {
            (Some(r), Some(highest)) => r > highest,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.loss < best.loss,
        }
    }
}

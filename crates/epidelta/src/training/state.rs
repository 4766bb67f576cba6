//! A training between two batches.

use super::{history::History, optimizer::Optimizer, score::Score};
use crate::model::Network;

/// Everything that changes in a training, beside its network.
pub(super) struct State {
    pub optimizer: Optimizer,
    /// The epochs that are complete.
    pub history: History,
    /// The best epoch by validation score, and the network after it.
    pub best: Option<(Score, Network)>,
    /// The epoch that is not.
    pub pass: Pass,
}

impl State {
    pub fn new(optimizer: Optimizer) -> Self {
        State {
            optimizer,
            history: History::default(),
            best: None,
            pass: Pass::default(),
        }
    }

    /// The epoch that is not complete, counted from 1.
    pub fn epoch(&self) -> usize {
        self.history.epochs.len() + 1
    }
}

/// A pass over the training genes, as far as it went.
#[derive(Debug, Clone, Default)]
pub(super) struct Pass {
    /// Sum of the genes' losses.
    pub loss_sum: f64,
    /// The largest of all steps, before clipping.
    pub gradient_norm: f64,
    /// The genes' predictions, in the order of the pass.
    pub predicted: Vec<f32>,
}

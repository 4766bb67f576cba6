//! What a model sees at once: the signal of some genes and their targets.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::pair::Pair;
use crate::random::{Purpose, generator};

/// What is done to the signal before a model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputTransform {
    /// The numbers of the file, as the published code takes them.
    None,
    /// `ln(1 + x)`, which tames the few bins with very many reads.
    Log1p,
    /// `asinh(x)`, for signal that may be negative.
    Arcsinh,
}

impl InputTransform {
    /// Transforms the signal in place.
    pub fn apply(self, signal: &mut [f32]) {
        match self {
            InputTransform::None => {}
            InputTransform::Log1p => signal.iter_mut().for_each(|v| *v = v.ln_1p()),
            InputTransform::Arcsinh => signal.iter_mut().for_each(|v| *v = v.asinh()),
        }
    }

    /// The transform of one number.
    pub fn of(self, value: f64) -> f64 {
        match self {
            InputTransform::None => value,
            InputTransform::Log1p => value.ln_1p(),
            InputTransform::Arcsinh => value.asinh(),
        }
    }
}

/// Some genes of a pair, ready for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The genes, as indices into the pair.
    pub genes: Vec<usize>,
    /// Number of marks.
    pub marks: usize,
    /// Number of bins.
    pub bins: usize,
    /// Signal of cell type A, `[mark, batch, bin]`.
    pub signal_a: Vec<f32>,
    /// Signal of cell type B, `[mark, batch, bin]`.
    pub signal_b: Vec<f32>,
    /// Labels, log2 fold change, `[batch]`.
    pub log2_fold_change: Vec<f64>,
    /// Log2 expression in A, `[batch]`.
    pub log2_expression_a: Vec<f64>,
    /// Log2 expression in B, `[batch]`.
    pub log2_expression_b: Vec<f64>,
}

impl Batch {
    /// Gathers genes of a pair.
    pub fn gather(pair: &Pair, genes: &[usize]) -> Self {
        let (marks, bins) = (pair.marks().len(), pair.bins());
        let mut batch = Batch {
            genes: genes.to_vec(),
            marks,
            bins,
            signal_a: Vec::with_capacity(genes.len() * marks * bins),
            signal_b: Vec::with_capacity(genes.len() * marks * bins),
            log2_fold_change: Vec::with_capacity(genes.len()),
            log2_expression_a: Vec::with_capacity(genes.len()),
            log2_expression_b: Vec::with_capacity(genes.len()),
        };
        for mark in 0..marks {
            for &gene in genes {
                let gene = &pair.genes[gene];
                let rows = mark * bins..(mark + 1) * bins;
                batch
                    .signal_a
                    .extend_from_slice(&pair.a.signal_of(gene.row_a)[rows.clone()]);
                batch
                    .signal_b
                    .extend_from_slice(&pair.b.signal_of(gene.row_b)[rows]);
            }
        }
        for &gene in genes {
            let gene = &pair.genes[gene];
            batch.log2_fold_change.push(gene.log2_fold_change);
            batch.log2_expression_a.push(gene.log2_expression_a);
            batch.log2_expression_b.push(gene.log2_expression_b);
        }
        batch
    }

    /// Number of genes.
    pub fn len(&self) -> usize {
        self.genes.len()
    }

    /// Whether the batch has no gene.
    pub fn is_empty(&self) -> bool {
        self.genes.is_empty()
    }
}

/// The genes in the order in which an epoch visits them. It depends on the seed
/// and the epoch alone, so that a resumed run continues as it would have gone.
pub fn shuffled(genes: &[usize], seed: u64, epoch: usize) -> Vec<usize> {
    let mut order = genes.to_vec();
    order.shuffle(&mut generator(seed, Purpose::Shuffle, epoch as u64));
    order
}

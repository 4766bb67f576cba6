//! What a model sees at once: the signal of some genes and their targets.

use rand::{RngExt, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::pair::Pair;
use crate::random::{Purpose, generator};

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
    /// Which of the cell types that train A and B of each gene are, none of a cell type that
    /// does not, `[batch]`.
    pub cell_types: Vec<[Option<usize>; 2]>,
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
            cell_types: genes.iter().map(|&gene| pair.identities(gene)).collect(),
            log2_fold_change: Vec::with_capacity(genes.len()),
            log2_expression_a: Vec::with_capacity(genes.len()),
            log2_expression_b: Vec::with_capacity(genes.len()),
        };
        for mark in 0..marks {
            let of_mark = mark * bins..(mark + 1) * bins;
            for &gene in genes {
                if pair.hides(gene, mark) {
                    batch.signal_a.resize(batch.signal_a.len() + bins, 0.0);
                    batch.signal_b.resize(batch.signal_b.len() + bins, 0.0);
                    continue;
                }
                let [a, b] = pair.signal(gene);
                batch.signal_a.extend_from_slice(&a[of_mark.clone()]);
                batch.signal_b.extend_from_slice(&b[of_mark.clone()]);
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

    /// Hides the signal of each gene's marks, each with this probability, in both cell types:
    /// what a network sees of a mark that data lack.
    pub fn hide_marks(&mut self, share: f64, generator: &mut ChaCha8Rng) {
        let signals = self.signal_a.chunks_mut(self.bins);
        for (a, b) in signals.zip(self.signal_b.chunks_mut(self.bins)) {
            if generator.random_bool(share) {
                a.fill(0.0);
                b.fill(0.0);
            }
        }
    }

    /// Hides which cell types each gene's are, with this probability: how a network sees cell
    /// types that it was not trained on.
    pub fn hide_cell_types(&mut self, share: f64, generator: &mut ChaCha8Rng) {
        for cell_types in &mut self.cell_types {
            if generator.random_bool(share) {
                *cell_types = [None, None];
            }
        }
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

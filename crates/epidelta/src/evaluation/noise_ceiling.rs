//! How high a Pearson r can be, given that the labels themselves were measured: with the
//! very log2 fold changes that an infinitely deep sequencing would find, one would still
//! not predict the noise of the one that was made.
//!
//! The labels are made twice from halves of the data, which have the same truth and
//! noise of their own. Their correlation is the reliability of half the data; that of
//! all data follows from it by the formula of Spearman and Brown, and the correlation of
//! noisy labels with the noiseless ones is its square root. Noise of a gene's label is
//! taken to be halved by twice the data, which logarithms of few reads only come near.

use rand::seq::SliceRandom;
use rand_distr::{Binomial, Distribution};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::metrics::{mean, pearson_r};
use crate::random::{Purpose, generator};

/// How often the data are halved; the correlations are averaged.
const DRAWS: u64 = 20;
/// Below so many genes a correlation says nothing.
const LEAST_GENES: usize = 20;

/// The Pearson r that labels without noise would have with those that were measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NoiseCeiling {
    /// That correlation: the square root of the reliability.
    pub pearson_r: f64,
    /// Pearson's r of labels that were measured twice like this.
    pub reliability: f64,
    /// Mean Pearson r of the labels of two halves of the data.
    pub half_pearson_r: f64,
    /// Genes.
    pub genes: usize,
}

/// A gene whose reads are known, in A and in B.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountedGene {
    /// Expression, in any unit that is proportional to the reads of the gene.
    pub expression: [f64; 2],
    /// Reads.
    pub reads: [u64; 2],
}

/// The expression of a gene in replicates of A and of B.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicatedGene {
    /// That of each replicate of A, and of each of B; as many of every gene.
    pub replicates: [Vec<f64>; 2],
}

impl NoiseCeiling {
    /// The ceiling by the noise of counting alone: each read falls into one of two halves
    /// by chance. What samples of the same cell type differ by is not in it, so it is too
    /// high where that is much.
    ///
    /// `pseudocount` is that of the labels, in the unit of the expression. `None` of fewer
    /// than 20 genes and of labels that do not vary.
    pub fn of_counts(genes: &[CountedGene], pseudocount: f64, seed: u64) -> Option<Self> {
        let halves = |draw: u64| {
            let mut draws = generator(seed, Purpose::NoiseCeiling, draw);
            let of_gene = genes.iter().map(|gene| {
                // The share of the reads, and so of the expression, in the first half.
                let shares = gene.reads.map(|reads| match Binomial::new(reads, 0.5) {
                    Ok(half) if reads > 0 => half.sample(&mut draws) as f64 / reads as f64,
                    _ => 0.5,
                });
                let [a, b] = gene.expression;
                let half = |a_share: f64, b_share: f64| {
                    label([2.0 * a_share * a, 2.0 * b_share * b], pseudocount)
                };
                [
                    half(shares[0], shares[1]),
                    half(1.0 - shares[0], 1.0 - shares[1]),
                ]
            });
            of_gene.collect()
        };
        Self::of_halves(genes.len(), 2.0, halves)
    }

    /// The ceiling by all that replicates differ in: biology, preparation and counting.
    /// The labels are those of the mean of the replicates. As many replicates, drawn by
    /// chance, make either half; of an odd number one is left out of each draw. Where A
    /// and B have different numbers, the ceiling may be a little too low.
    ///
    /// `None` also where a cell type has fewer than two replicates.
    pub fn of_replicates(genes: &[ReplicatedGene], pseudocount: f64, seed: u64) -> Option<Self> {
        let replicates = genes.first()?.replicates.each_ref().map(Vec::len);
        let same = |gene: &ReplicatedGene| gene.replicates.each_ref().map(Vec::len) == replicates;
        if replicates.iter().any(|&n| n < 2) || !genes.iter().all(same) {
            return None;
        }
        let halves = |draw: u64| {
            let mut draws = generator(seed, Purpose::NoiseCeiling, draw);
            let order = replicates.map(|n| {
                let mut order: Vec<usize> = (0..n).collect();
                order.shuffle(&mut draws);
                order
            });
            let of_gene = genes.iter().map(|gene| {
                [0, 1].map(|half| {
                    let expression = [0, 1].map(|cell: usize| {
                        let size = replicates[cell] / 2;
                        let drawn = &order[cell][half * size..(half + 1) * size];
                        let of_drawn = drawn.iter().map(|&at| gene.replicates[cell][at]);
                        of_drawn.sum::<f64>() / size as f64
                    });
                    label(expression, pseudocount)
                })
            });
            of_gene.collect()
        };
        let [a, b] = replicates.map(|n| n as f64 / (n / 2) as f64);
        Self::of_halves(genes.len(), a.min(b), halves)
    }

    /// From labels of two halves per gene, made anew for each draw; all data are `times`
    /// as many as a half.
    fn of_halves(
        genes: usize,
        times: f64,
        halves: impl Fn(u64) -> Vec<[f64; 2]> + Sync,
    ) -> Option<Self> {
        if genes < LEAST_GENES {
            return None;
        }
        let of_draw = |draw: u64| {
            let (first, second): (Vec<f64>, Vec<f64>) =
                halves(draw).into_iter().map(|[x, y]| (x, y)).unzip();
            pearson_r(&first, &second)
        };
        let r: Vec<Option<f64>> = (0..DRAWS).into_par_iter().map(of_draw).collect();
        let half_pearson_r = mean(&r.into_iter().flatten().collect::<Vec<_>>())?;
        let r = half_pearson_r.max(0.0);
        let reliability = times * r / (1.0 + (times - 1.0) * r);
        Some(NoiseCeiling {
            pearson_r: reliability.sqrt(),
            reliability,
            half_pearson_r,
            genes,
        })
    }
}

/// The log2 fold change, A over B.
fn label([a, b]: [f64; 2], pseudocount: f64) -> f64 {
    ((a + pseudocount) / (b + pseudocount)).log2()
}

//! Attention of the genes that go up and of those that go down, as Figure 5 of Sekhon et al.
//! 2018: over marks, and over bins along the TSS axis.

use serde::Serialize;

use super::{
    attention::{Attention, Encoder},
    genes::Strands,
    mean::Mean,
};
use crate::dataset::Pair;

/// Which genes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Observed log2 fold change above the threshold.
    Up,
    /// Below minus the threshold.
    Down,
    /// Every gene.
    All,
}

impl Direction {
    /// Every one.
    pub const ALL: [Direction; 3] = [Direction::Up, Direction::Down, Direction::All];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::All => "all",
        }
    }

    fn has(self, log2_fold_change: f64, threshold: f64) -> bool {
        match self {
            Direction::Up => log2_fold_change > threshold,
            Direction::Down => log2_fold_change < -threshold,
            Direction::All => true,
        }
    }
}

/// Mean attention to an encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkAttention {
    /// Of which genes.
    pub direction: Direction,
    /// Which encoder.
    pub encoder: Encoder,
    /// The mean over genes; none without any.
    pub beta: Option<Mean>,
}

/// Mean attention over the bins of an encoder, upstream first where strands are known.
#[derive(Debug, Clone, PartialEq)]
pub struct BinAttention {
    /// Of which genes.
    pub direction: Direction,
    /// Which encoder.
    pub encoder: Encoder,
    /// The mean over genes, `[bin]`; none without any.
    pub alpha: Option<Vec<f64>>,
}

/// Attention by direction, gathered part by part.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    /// |log2 fold change| above which genes count as up or down.
    pub threshold: f64,
    encoders: Vec<Encoder>,
    bins: usize,
    groups: [Group; 3],
    observed: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Group {
    genes: usize,
    /// Sums and sums of squares of beta, `[encoder]`.
    beta: Vec<[f64; 2]>,
    /// Sums of alpha, `[encoder, bin]`.
    alpha: Vec<f64>,
}

/// Genes that a suggested threshold leaves on either side.
const ENOUGH: usize = 20;
/// Thresholds that are suggested.
const SUGGESTED: [f64; 11] = [6.0, 5.0, 4.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.75, 0.5, 0.25];

impl Directions {
    /// Nothing yet.
    pub fn new(threshold: f64) -> Self {
        Directions {
            threshold,
            encoders: Vec::new(),
            bins: 0,
            groups: Default::default(),
            observed: Vec::new(),
        }
    }

    /// Adds the attention of some genes.
    pub fn add(&mut self, pair: &Pair, strands: Strands, attention: &Attention) {
        self.encoders.clone_from(&attention.encoders);
        self.bins = pair.bins();
        let (encoders, bins) = (self.encoders.len(), self.bins);
        for (place, &gene) in attention.genes.iter().enumerate() {
            let observed = pair.genes[gene].log2_fold_change;
            self.observed.push(observed);
            let alpha: Vec<Vec<f32>> = (0..encoders)
                .map(|encoder| {
                    let mut alpha = attention.alpha_of_bins(place, encoder, bins);
                    if strands.is_reversed(pair, gene) {
                        alpha.reverse();
                    }
                    alpha
                })
                .collect();
            for (direction, group) in Direction::ALL.into_iter().zip(&mut self.groups) {
                if !direction.has(observed, self.threshold) {
                    continue;
                }
                group.genes += 1;
                group.beta.resize(encoders, [0.0; 2]);
                group.alpha.resize(encoders * bins, 0.0);
                for (sums, &beta) in group.beta.iter_mut().zip(attention.beta_of(place)) {
                    let beta = f64::from(beta);
                    *sums = [sums[0] + beta, sums[1] + beta * beta];
                }
                for (sum, &alpha) in group.alpha.iter_mut().zip(alpha.iter().flatten()) {
                    *sum += f64::from(alpha);
                }
            }
        }
    }

    /// The encoders.
    pub fn encoders(&self) -> &[Encoder] {
        &self.encoders
    }

    /// How many genes there are of a direction.
    pub fn genes(&self, direction: Direction) -> usize {
        self.group(direction).genes
    }

    fn group(&self, direction: Direction) -> &Group {
        match direction {
            Direction::Up => &self.groups[0],
            Direction::Down => &self.groups[1],
            Direction::All => &self.groups[2],
        }
    }

    /// Mean attention over encoders, for each direction.
    pub fn of_marks(&self) -> Vec<MarkAttention> {
        let of = |direction: Direction, index: usize| MarkAttention {
            direction,
            encoder: self.encoders[index].clone(),
            beta: {
                let group = self.group(direction);
                let sums = group.beta.get(index);
                sums.and_then(|sums| Mean::of_sums(group.genes, *sums))
            },
        };
        let encoders = || 0..self.encoders.len();
        let all = Direction::ALL.into_iter();
        all.flat_map(|direction| encoders().map(move |index| of(direction, index)))
            .collect()
    }

    /// Mean attention over bins, for each direction.
    pub fn of_bins(&self) -> Vec<BinAttention> {
        let of = |direction: Direction, index: usize| {
            let group = self.group(direction);
            let genes = group.genes as f64;
            let sums = group.alpha.get(index * self.bins..(index + 1) * self.bins);
            BinAttention {
                direction,
                encoder: self.encoders[index].clone(),
                alpha: sums.map(|sums| sums.iter().map(|sum| sum / genes).collect()),
            }
        };
        let encoders = || 0..self.encoders.len();
        let all = Direction::ALL.into_iter();
        all.flat_map(|direction| encoders().map(move |index| of(direction, index)))
            .collect()
    }

    /// A threshold that leaves genes on both sides, where the present one leaves none on one:
    /// the largest with twenty on either, else with one.
    pub fn suggestion(&self) -> Option<f64> {
        let count = |direction: Direction, threshold: f64| {
            let observed = self.observed.iter();
            observed.filter(|&&x| direction.has(x, threshold)).count()
        };
        let fewest =
            |threshold: f64| count(Direction::Up, threshold).min(count(Direction::Down, threshold));
        let present = self.genes(Direction::Up).min(self.genes(Direction::Down));
        if present > 0 {
            return None;
        }
        let below = || SUGGESTED.into_iter().filter(|&t| t < self.threshold);
        let enough = below().find(|&threshold| fewest(threshold) >= ENOUGH);
        enough.or_else(|| below().find(|&threshold| fewest(threshold) > 0))
    }

    /// What there is to say where a direction has no gene.
    pub fn shortage(&self) -> Option<String> {
        let missing = match [Direction::Up, Direction::Down].map(|d| self.genes(d)) {
            [0, 0] => "no gene",
            [0, _] => "no gene that goes up",
            [_, 0] => "no gene that goes down",
            _ => return None,
        };
        let advice = match self.suggestion() {
            Some(threshold) => format!("--threshold {threshold} would leave some in both groups"),
            None => "no smaller threshold leaves some in both groups".into(),
        };
        Some(format!(
            "{missing} beyond |log2 fold change| > {}: {advice}",
            self.threshold
        ))
    }
}

//! Feature weights from near neighbours, for a target that is a number: a feature is
//! worth much when neighbours that differ in the target differ in it, and neighbours
//! alike in the target do not. It sees features that matter only together.
//!
//! Two formulas go under the name ReliefF. Features are scaled to 0..1, so that a
//! difference lies there too, and neighbours are nearest by the sum of differences.
//!
//! - [`Formula::Regression`] is RReliefF (Robnik-Šikonja and Kononenko, "An
//!   adaptation of Relief for attribute estimation in regression", 1997, and
//!   "Theoretical and empirical analysis of ReliefF and RReliefF", 2003). With d_A
//!   and d_Y the differences of a row and a neighbour in feature and target, and w
//!   the neighbour's weight (a row's sum to 1),
//!
//!   > W = Σ w d_Y d_A / Σ w d_Y − Σ w (1 − d_Y) d_A / Σ w (1 − d_Y).
//!
//! - [`Formula::HitsAndMisses`] is what scikit-rebate's `ReliefF` does with such a
//!   target: neighbours nearer in the target than its standard deviation are hits,
//!   the others misses, and W is the mean over rows of the mean d_A to the k nearest
//!   misses less that to the k nearest hits. (A row with fewer than k hits there
//!   counts itself as one more; here it does not.)

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    learner::matrix::{Matrix, check_targets},
    learner::neighbours::{Groups, Neighbours, Panels, TILE},
};

/// How differences become weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formula {
    /// RReliefF, with all neighbours weighing the same.
    #[default]
    Regression,
    /// RReliefF, the r-th nearest neighbour weighing exp(−(r/σ)²); σ is 20 in the
    /// paper, with 70 neighbours.
    RankedRegression {
        /// σ, in ranks.
        sigma: f64,
    },
    /// scikit-rebate's hits and misses.
    HitsAndMisses,
}

/// How feature weights are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relief {
    /// The formula.
    pub formula: Formula,
    /// Near neighbours per row; of hits and of misses each.
    pub neighbours: usize,
}

/// The weight of every feature, between -1 and 1; of a constant feature 0. Of equally
/// near rows the first are neighbours.
///
/// # Errors
/// When the data are of unequal length, not finite, fewer than two rows or constant
/// in the target, or a setting is out of its range.
pub fn relief_weights(features: &Matrix, target: &[f64], config: &Relief) -> Result<Vec<f64>> {
    check(features, target, config)?;
    let rows: Vec<usize> = (0..features.rows()).collect();
    let scaled = scaled(features);
    let range = match config.formula {
        Formula::HitsAndMisses => 1.0,
        _ => spread(target.iter().copied()).1,
    };
    let target: Vec<f64> = target.iter().map(|y| y / range).collect();
    let groups = match config.formula {
        Formula::HitsAndMisses => Groups::Within(standard_deviation(&target)),
        _ => Groups::One,
    };
    let panels = Panels::new(&scaled);
    // One sum per tile, added in order: the same whatever the number of threads.
    let sums: Vec<Sums> = rows
        .par_chunks(TILE)
        .map(|tile| {
            let mut sums = Sums::new(features.columns());
            let found = panels.nearest(&scaled, tile, config.neighbours, &target, groups);
            for (&row, near) in tile.iter().zip(&found) {
                sums.add(config.formula, &scaled, &target, row, near);
            }
            sums
        })
        .collect();
    let mut total = Sums::new(features.columns());
    for sums in &sums {
        total.merge(sums);
    }
    Ok(total.weights(config.formula, rows.len()))
}

/// Sums over rows and their neighbours.
struct Sums {
    /// Σ w d_Y.
    target: f64,
    /// Σ w.
    weight: f64,
    /// Per feature: Σ w d_Y d_A, or of misses the mean d_A.
    apart: Vec<f64>,
    /// Per feature: Σ w (1 − d_Y) d_A, or of hits the mean d_A.
    alike: Vec<f64>,
}

impl Sums {
    fn new(features: usize) -> Self {
        Sums {
            target: 0.0,
            weight: 0.0,
            apart: vec![0.0; features],
            alike: vec![0.0; features],
        }
    }

    /// Adds a row's neighbours.
    fn add(
        &mut self,
        formula: Formula,
        features: &Matrix,
        target: &[f64],
        row: usize,
        near: &Neighbours,
    ) {
        let mut pair = |other: usize, apart: f64, alike: f64| {
            let sums = self.apart.iter_mut().zip(&mut self.alike);
            let values = features.row(row).iter().zip(features.row(other));
            for ((sum_apart, sum_alike), (a, b)) in sums.zip(values) {
                let difference = (a - b).abs();
                *sum_apart += apart * difference;
                *sum_alike += alike * difference;
            }
        };
        let sigma = match formula {
            Formula::HitsAndMisses => {
                let (hits, misses) = (near.hits.len() as f64, near.misses.len() as f64);
                near.hits
                    .iter()
                    .for_each(|&other| pair(other, 0.0, 1.0 / hits));
                near.misses
                    .iter()
                    .for_each(|&other| pair(other, 1.0 / misses, 0.0));
                return;
            }
            Formula::Regression => f64::INFINITY,
            Formula::RankedRegression { sigma } => sigma,
        };
        // Relative to the nearest neighbour's weight, which could underflow to 0.
        let weight = |rank: usize| {
            let rank = rank as f64 + 1.0;
            (-(rank.powi(2) - 1.0) / sigma.powi(2)).exp()
        };
        let sum: f64 = (0..near.hits.len()).map(weight).sum();
        for (rank, &other) in near.hits.iter().enumerate() {
            let weight = weight(rank) / sum;
            let difference = (target[row] - target[other]).abs();
            pair(other, weight * difference, weight * (1.0 - difference));
            self.target += weight * difference;
            self.weight += weight;
        }
    }

    fn merge(&mut self, other: &Sums) {
        self.target += other.target;
        self.weight += other.weight;
        for (sum, more) in self.apart.iter_mut().zip(&other.apart) {
            *sum += more;
        }
        for (sum, more) in self.alike.iter_mut().zip(&other.alike) {
            *sum += more;
        }
    }

    fn weights(&self, formula: Formula, rows: usize) -> Vec<f64> {
        let (apart, alike) = match formula {
            Formula::HitsAndMisses => (rows as f64, rows as f64),
            _ => (self.target, self.weight - self.target),
        };
        // Neighbours may all be alike, or all apart: the other part then says nothing.
        let mean = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
        let sums = self.apart.iter().zip(&self.alike);
        sums.map(|(&a, &b)| mean(a, apart) - mean(b, alike))
            .collect()
    }
}

/// Checks data and settings.
fn check(features: &Matrix, target: &[f64], config: &Relief) -> Result<()> {
    features.check_trainable(target.len())?;
    check_targets(target)?;
    if spread(target.iter().copied()).1 <= 0.0 {
        return Err(Error::data(
            "the target is the same in all rows",
            "Feature weights need at least two rows whose targets differ",
        ));
    }
    let positive = |name: &str, value: usize| match value {
        0 => Err(Error::setting(
            name,
            "0 is out of range",
            "It must be 1 or more",
        )),
        _ => Ok(()),
    };
    positive("relieff.neighbours", config.neighbours)?;
    match config.formula {
        Formula::RankedRegression { sigma } if sigma.is_nan() || sigma <= 0.0 => {
            Err(Error::setting(
                "relieff.formula.sigma",
                format!("{sigma} is out of range"),
                "It must be above 0",
            ))
        }
        _ => Ok(()),
    }
}

/// The features scaled to 0..1; a constant feature is 0.
fn scaled(features: &Matrix) -> Matrix {
    let spreads: Vec<(f64, f64)> = (0..features.columns())
        .map(|column| spread(features.column(column)))
        .collect();
    features.map(|column, value| {
        let (low, range) = spreads[column];
        if range > 0.0 {
            (value - low) / range
        } else {
            0.0
        }
    })
}

/// The least of some values, and how far above it the greatest is.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    (low, high - low)
}

/// The standard deviation of a sample (divisor n − 1).
fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

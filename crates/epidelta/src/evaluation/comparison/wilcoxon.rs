//! Wilcoxon's signed-rank test: does one method beat another over the pairs?
//!
//! The differences are ranked by size; the statistic is the sum of the ranks of the
//! positive ones. If neither method were better, each rank would be positive or
//! negative with chance 1/2, independently.

use crate::evaluation::metrics::ranks;

use super::chi_square::chi_square_tail;

/// Up to so many differences every outcome is counted.
const EXACT: usize = 50;

/// The outcome of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Rank sum of the positive or of the negative differences, the smaller one.
    pub statistic: f64,
    /// Two-sided p value.
    pub p: f64,
    /// Differences other than zero, all that the test sees.
    pub n: usize,
}

/// Tests differences, one per pair. Zeros are dropped, equal sizes share their mean
/// rank. `None` where no difference is left or one is not a number.
pub fn signed_rank(differences: &[f64]) -> Option<SignedRank> {
    let differences: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
    if differences.is_empty() || differences.iter().any(|d| d.is_nan()) {
        return None;
    }
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranks = ranks(&sizes);
    let n = ranks.len();
    let total = ranks.iter().sum::<f64>();
    let positive: f64 = ranks
        .iter()
        .zip(&differences)
        .filter(|&(_, &d)| d > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    let statistic = positive.min(total - positive);
    let p = match n <= EXACT {
        true => exact(&ranks, statistic),
        false => approximate(&ranks, statistic),
    };
    Some(SignedRank { statistic, p, n })
}

/// Twice the chance of a sum not above `statistic`, over all 2^n choices of signs.
///
/// Mean ranks are halves, so ranks count double; the chances of all sums grow rank
/// by rank.
fn exact(ranks: &[f64], statistic: f64) -> f64 {
    let doubled: Vec<usize> = ranks.iter().map(|r| (r * 2.0) as usize).collect();
    let mut chance = vec![0.0; doubled.iter().sum::<usize>() + 1];
    chance[0] = 1.0;
    let mut reached = 0;
    for rank in doubled {
        reached += rank;
        for sum in (0..=reached).rev() {
            let added = if sum < rank { 0.0 } else { chance[sum - rank] };
            chance[sum] = (chance[sum] + added) / 2.0;
        }
    }
    let lower: f64 = chance[..=(statistic * 2.0) as usize].iter().sum();
    (2.0 * lower).min(1.0)
}

/// By the normal distribution with the same mean, Σr/2, and variance, Σr²/4; with
/// mean ranks the latter is the variance corrected for ties.
fn approximate(ranks: &[f64], statistic: f64) -> f64 {
    let mean = ranks.iter().sum::<f64>() / 2.0;
    let variance = ranks.iter().map(|r| r * r).sum::<f64>() / 4.0;
    chi_square_tail((statistic - mean).powi(2) / variance, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_samples() {
        assert_eq!(signed_rank(&[]), None);
        assert_eq!(signed_rank(&[0.0, -0.0]), None);
        assert_eq!(signed_rank(&[1.0, f64::NAN]), None);
        let one = signed_rank(&[0.0, 0.3]).unwrap();
        assert_eq!((one.statistic, one.p, one.n), (0.0, 1.0, 1));
        // All of five one way: 2 of 32 choices of signs.
        let five = signed_rank(&[0.1, 0.2, 0.3, 0.4, 0.5]).unwrap();
        assert_eq!((five.p, five.n), (0.0625, 5));
    }

    #[test]
    fn both_directions_are_the_same() {
        let differences = [0.3, -0.1, 0.2, 0.2, -0.4, 0.7];
        let mirrored = differences.map(|d| -d);
        assert_eq!(signed_rank(&differences), signed_rank(&mirrored));
    }
}

//! The rank of each method over the pairs, and Friedman's test of whether the ranks
//! differ at all.

use serde::Serialize;

use super::chi_square::chi_square_tail;
use crate::evaluation::metrics::ranks;

/// Methods ranked within each pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Mean rank of each method, 1 the best; empty without a complete pair.
    pub mean_rank: Vec<f64>,
    /// Pairs for which every method has a value, the only ones that count.
    pub pairs: usize,
    /// The test, of three methods or more (two are a case for the signed-rank test).
    pub friedman: Option<Friedman>,
}

/// Friedman's test that no method ranks higher than another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Friedman {
    /// The statistic, corrected for ties.
    pub chi_square: f64,
    /// Degrees of freedom: methods less one.
    pub degrees: u32,
    /// P value by the chi-square distribution, fair from about ten pairs on.
    pub p: f64,
}

impl Ranking {
    /// Ranks methods, given a list of one value per pair for each, higher better;
    /// ties share their mean rank.
    pub fn of(methods: &[Vec<Option<f64>>]) -> Self {
        let pairs = methods.iter().map(Vec::len).max().unwrap_or(0);
        let complete = (0..pairs).filter_map(|pair| {
            let value = |of: &Vec<Option<f64>>| {
                let value = of.get(pair).copied().flatten();
                value.filter(|value| !value.is_nan()).map(|value| -value)
            };
            methods.iter().map(value).collect::<Option<Vec<f64>>>()
        });
        let table: Vec<Vec<f64>> = complete.map(|values| ranks(&values)).collect();
        let mean_rank =
            |method: usize| table.iter().map(|row| row[method]).sum::<f64>() / table.len() as f64;
        let mean_rank = match table.is_empty() {
            true => Vec::new(),
            false => (0..methods.len()).map(mean_rank).collect(),
        };
        Ranking {
            friedman: friedman(&table, &mean_rank),
            mean_rank,
            pairs: table.len(),
        }
    }
}

/// With n pairs, k methods and ranks r around their middle m = (k + 1)/2,
/// χ² = n² (k - 1) Σ_j (mean r_j - m)² / Σ_ij (r_ij - m)², k - 1 degrees of freedom.
/// Without ties the divisor is n k (k² - 1)/12, which gives the usual form.
fn friedman(table: &[Vec<f64>], mean_rank: &[f64]) -> Option<Friedman> {
    let (n, k) = (table.len() as f64, mean_rank.len() as f64);
    let spread = |ranks: &[f64]| {
        let from_middle = ranks.iter().map(|rank| (rank - (k + 1.0) / 2.0).powi(2));
        from_middle.sum::<f64>()
    };
    let total: f64 = table.iter().map(|row| spread(row)).sum();
    if mean_rank.len() < 3 || total == 0.0 {
        return None;
    }
    let degrees = mean_rank.len() as u32 - 1;
    let chi_square = n * n * f64::from(degrees) * spread(mean_rank) / total;
    Some(Friedman {
        chi_square,
        degrees,
        p: chi_square_tail(chi_square, degrees),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn the_highest_value_ranks_first() {
        let ranking = Ranking::of(&[all(&[0.9, 0.8]), all(&[0.5, 0.8]), all(&[0.7, 0.1])]);
        assert_eq!(ranking.mean_rank, [1.25, 2.25, 2.5]);
        assert_eq!(ranking.friedman.map(|test| test.degrees), Some(2));
    }

    #[test]
    fn incomplete_pairs_do_not_count() {
        let mut second = all(&[0.5, 0.8, f64::NAN]);
        second[0] = None;
        let ranking = Ranking::of(&[all(&[0.9, 0.8, 0.1]), second]);
        assert_eq!((ranking.pairs, ranking.mean_rank), (1, vec![1.5, 1.5]));
        assert_eq!(ranking.friedman, None);
        assert_eq!(Ranking::of(&[vec![None]]).pairs, 0);
    }

    #[test]
    fn no_test_where_all_are_equal() {
        let same = [all(&[0.5, 0.4]), all(&[0.5, 0.4]), all(&[0.5, 0.4])];
        assert_eq!(Ranking::of(&same).friedman, None);
    }
}

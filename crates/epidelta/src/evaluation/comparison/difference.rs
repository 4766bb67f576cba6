//! How much better one method is than another on the same genes. The two share what is
//! easy and hard about these genes, so their difference is surer than either number: it
//! is resampled as one, with the same genes for both.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Draws, Seeds, interval, resampled};
use crate::evaluation::{auroc, metrics::mean, pearson_r};

/// A difference and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The method's number less the other one's.
    pub difference: f64,
    /// The interval that holds the given share of the resampled differences.
    pub interval: [f64; 2],
}

/// The difference of two methods' Pearson r on the same genes, each the mean over its
/// seeds, with its percentile bootstrap interval.
///
/// `None` where r is undefined for one of them, as for predictions that do not vary.
pub fn pearson_difference(
    observed: &[f64],
    [method, other]: [&[Vec<f64>]; 2],
    draws: Draws<'_>,
) -> Option<Difference> {
    let r = |predicted: &[Vec<f64>]| {
        let of_seeds: Option<Vec<f64>> = predicted.iter().map(|y| pearson_r(observed, y)).collect();
        mean(&of_seeds?)
    };
    let seeds = [Seeds::of(observed, method)?, Seeds::of(observed, other)?];
    let statistic = |times: &[f64]| Some(seeds[0].mean_r(times)? - seeds[1].mean_r(times)?);
    let level = draws.level;
    let statistics = resampled(observed.len(), draws, statistic)?;
    Some(Difference {
        difference: r(method)? - r(other)?,
        interval: interval(statistics, level)?,
    })
}

/// The difference of two scores' areas under the ROC curve on the same genes, with its
/// percentile bootstrap interval.
///
/// `None` where all genes are positive or none is.
pub fn auroc_difference(
    positive: &[bool],
    [method, other]: [&[f64]; 2],
    draws: Draws<'_>,
) -> Option<Difference> {
    let curves = [Roc::of(positive, method), Roc::of(positive, other)];
    let statistic = |times: &[f64]| Some(curves[0].area(times)? - curves[1].area(times)?);
    let level = draws.level;
    let statistics = resampled(positive.len(), draws, statistic)?;
    Some(Difference {
        difference: auroc(positive, method)? - auroc(positive, other)?,
        interval: interval(statistics, level)?,
    })
}

/// The genes from the lowest score up, those of equal score together.
struct Roc<'p> {
    positive: &'p [bool],
    tied: Vec<Vec<usize>>,
}

impl<'p> Roc<'p> {
    fn of(positive: &'p [bool], score: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..positive.len().min(score.len())).collect();
        order.sort_by(|&i, &j| score[i].total_cmp(&score[j]));
        let tied = order.chunk_by(|&i, &j| score[i] == score[j]);
        Roc {
            positive,
            tied: tied.map(<[usize]>::to_vec).collect(),
        }
    }

    /// The area with each gene counted `times` often: the chance that a positive scores
    /// above a negative, ties counting half.
    fn area(&self, times: &[f64]) -> Option<f64> {
        let (mut positives, mut negatives, mut above) = (0.0, 0.0, 0.0);
        for tied in &self.tied {
            let (mut up, mut down) = (0.0, 0.0);
            for &gene in tied {
                match self.positive[gene] {
                    true => up += times[gene],
                    false => down += times[gene],
                }
            }
            above += up * (negatives + down / 2.0);
            positives += up;
            negatives += down;
        }
        (positives > 0.0 && negatives > 0.0).then(|| above / (positives * negatives))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const X: [f64; 6] = [1.0, 2.0, 4.5, 3.0, -1.0, 0.5];
    const Y: [f64; 6] = [0.7, 2.1, 3.0, 3.5, 0.0, 2.5];
    const Z: [f64; 6] = [1.0, 0.0, 0.3, 2.0, 0.5, 0.5];

    fn difference(method: &[Vec<f64>], other: &[Vec<f64>]) -> Option<Difference> {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        pearson_difference(&X, [method, other], Draws::new(None, &mut generator))
    }

    #[test]
    fn a_method_beside_itself_and_the_other_way_round() {
        let (y, z) = ([Y.to_vec()], [Z.to_vec()]);
        let none = difference(&y, &y).unwrap();
        assert_eq!((none.difference, none.interval), (0.0, [0.0, 0.0]));
        let (forth, back) = (difference(&y, &z).unwrap(), difference(&z, &y).unwrap());
        assert_eq!(forth.difference, -back.difference);
        assert!((forth.interval[0] + back.interval[1]).abs() < 1e-12);
    }

    #[test]
    fn undefined_where_a_number_is() {
        assert_eq!(difference(&[Y.to_vec()], &[vec![1.0; 6]]), None);
        assert_eq!(difference(&[], &[Y.to_vec()]), None);
        assert_eq!(difference(&[Y.to_vec()], &[vec![1.0]]), None);
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let auroc = auroc_difference(&[true; 6], [&Y, &Z], Draws::new(None, &mut generator));
        assert_eq!(auroc, None);
    }

    #[test]
    fn counting_a_gene_twice_is_having_it_twice() {
        let positive = [true, false, true, true, false, false];
        let times = [2.0, 1.0, 0.0, 1.0, 0.0, 2.0];
        let drawn = [0, 0, 1, 3, 5, 5];
        let area = Roc::of(&positive, &Z).area(&times).unwrap();
        let expected = auroc(&drawn.map(|i| positive[i]), &drawn.map(|i| Z[i])).unwrap();
        assert!((area - expected).abs() < 1e-14, "{area}, not {expected}");
    }
}

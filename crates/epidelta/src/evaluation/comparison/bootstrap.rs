//! How sure Pearson's r of one cell-type pair is: the percentile bootstrap, which
//! draws as many genes with replacement as there are and computes r again.

use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;

use crate::evaluation::{
    metrics::{mean, quantile},
    pearson_r,
};

/// Independent sums, so that the compiler can vectorize.
const LANES: usize = 4;

/// How genes are drawn.
#[derive(Debug)]
pub struct Draws<'d> {
    /// Samples to draw.
    pub resamples: usize,
    /// The share of them that an interval holds, as 0.95.
    pub level: f64,
    /// Which gene each row is of, where a gene stands in several, as in many pairs of cell
    /// types: all its rows are drawn together, since they do not tell of it independently.
    /// Without it each row is a gene of its own.
    pub genes: Option<&'d [usize]>,
    /// Where the draws come from.
    pub generator: &'d mut ChaCha8Rng,
}

impl<'d> Draws<'d> {
    /// As many as intervals are made of everywhere, and the share that they hold.
    pub fn new(genes: Option<&'d [usize]>, generator: &'d mut ChaCha8Rng) -> Self {
        Draws {
            resamples: 1000,
            level: 0.95,
            genes,
            generator,
        }
    }
}

/// The interval that holds the asked share of the resampled r.
///
/// `predicted` has the predictions of each seed, runs of one method on the same
/// genes: the statistic is the mean of the seeds' r, every seed resampled with the
/// same genes. Give a generator of the same state to all methods of a pair, and the
/// genes are the same for them too.
///
/// `None` where r is undefined: no seeds, or values that do not vary or do not go
/// with the observed ones. Resamples where r is undefined (one gene drawn again and
/// again) do not count.
pub fn pearson_interval(
    observed: &[f64],
    predicted: &[Vec<f64>],
    draws: Draws<'_>,
) -> Option<[f64; 2]> {
    let seeds = Seeds::of(observed, predicted)?;
    let level = draws.level;
    let r = |times: &[f64]| seeds.mean_r(times);
    interval(resampled(observed.len(), draws, r)?, level)
}

/// The statistic of each resample, given how often each row is drawn; those where it is
/// undefined are left out. `None` without genes.
pub(super) fn resampled(
    rows: usize,
    draws: Draws<'_>,
    statistic: impl Fn(&[f64]) -> Option<f64>,
) -> Option<Vec<f64>> {
    let genes = match draws.genes {
        None => rows,
        Some(of_rows) => of_rows.iter().max()? + 1,
    };
    let gene = Uniform::new(0, u32::try_from(genes).ok()?).ok()?;
    let mut drawn = vec![0.0; genes.next_multiple_of(LANES)];
    let mut times = vec![0.0; rows.next_multiple_of(LANES)];
    let mut statistics = Vec::with_capacity(draws.resamples);
    for _ in 0..draws.resamples {
        drawn.fill(0.0);
        for _ in 0..genes {
            drawn[gene.sample(draws.generator) as usize] += 1.0;
        }
        statistics.extend(match draws.genes {
            None => statistic(&drawn),
            Some(of_rows) => {
                for (times, &gene) in times.iter_mut().zip(of_rows) {
                    *times = drawn[gene];
                }
                statistic(&times)
            }
        });
    }
    Some(statistics)
}

/// The interval that holds the share `level` of the statistics, as many below it as
/// above.
pub(super) fn interval(mut statistics: Vec<f64>, level: f64) -> Option<[f64; 2]> {
    statistics.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Some([
        quantile(&statistics, tail)?,
        quantile(&statistics, 1.0 - tail)?,
    ])
}

/// The observed values and the predictions of each seed, standardized.
pub(super) struct Seeds {
    observed: Vec<f64>,
    predicted: Vec<Vec<f64>>,
}

impl Seeds {
    /// `None` where r is undefined for a seed, or there is none.
    pub(super) fn of(observed: &[f64], predicted: &[Vec<f64>]) -> Option<Self> {
        let genes = observed.len();
        let defined = |y: &Vec<f64>| y.len() == genes && pearson_r(observed, y).is_some();
        if predicted.is_empty() || !predicted.iter().all(defined) {
            return None;
        }
        let seeds = predicted.iter().map(|y| standardize(y));
        Some(Seeds {
            observed: standardize(observed)?,
            predicted: seeds.collect::<Option<_>>()?,
        })
    }

    /// The mean of the seeds' r, each gene counted `times` often.
    pub(super) fn mean_r(&self, times: &[f64]) -> Option<f64> {
        let seeds = self.predicted.iter();
        let r: Option<Vec<f64>> = seeds
            .map(|predicted| weighted_r(times, &self.observed, predicted))
            .collect();
        mean(&r?)
    }
}

/// Values less their mean, over their spread, and zeros to whole lanes: r stays the
/// same, and sums of products lose no digits.
fn standardize(values: &[f64]) -> Option<Vec<f64>> {
    let centre = mean(values)?;
    let squares: Vec<f64> = values.iter().map(|v| (v - centre).powi(2)).collect();
    let spread = mean(&squares)?.sqrt();
    let mut standard: Vec<f64> = values.iter().map(|v| (v - centre) / spread).collect();
    standard.resize(values.len().next_multiple_of(LANES), 0.0);
    Some(standard)
}

/// Pearson's r with each gene counted `times` often.
fn weighted_r(times: &[f64], x: &[f64], y: &[f64]) -> Option<f64> {
    let mut sums = [[0.0; LANES]; 6];
    let lanes = times.as_chunks::<LANES>().0.iter();
    let lanes = lanes.zip(x.as_chunks::<LANES>().0);
    for ((times, x), y) in lanes.zip(y.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            let (x, y) = (x[lane], y[lane]);
            let (tx, ty) = (times[lane] * x, times[lane] * y);
            let terms = [times[lane], tx, ty, tx * x, ty * y, tx * y];
            for (sum, term) in sums.iter_mut().zip(terms) {
                sum[lane] += term;
            }
        }
    }
    let [n, x, y, xx, yy, xy] = sums.map(|sum| sum.iter().sum::<f64>());
    let (spread_x, spread_y) = (xx - x * x / n, yy - y * y / n);
    // A constant resample has a spread of rounding errors only.
    (spread_x > 1e-12 * xx && spread_y > 1e-12 * yy)
        .then(|| ((xy - x * y / n) / (spread_x.sqrt() * spread_y.sqrt())).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const X: [f64; 6] = [1.0, 2.0, 4.5, 3.0, -1.0, 0.5];
    const Y: [f64; 6] = [0.7, 2.1, 3.0, 3.5, 0.0, 2.5];

    fn interval(x: &[f64], predicted: &[Vec<f64>]) -> Option<[f64; 2]> {
        of_genes(x, predicted, None)
    }

    fn of_genes(x: &[f64], predicted: &[Vec<f64>], genes: Option<&[usize]>) -> Option<[f64; 2]> {
        let draws = Draws {
            resamples: 500,
            level: 0.95,
            genes,
            generator: &mut ChaCha8Rng::seed_from_u64(1),
        };
        pearson_interval(x, predicted, draws)
    }

    #[test]
    fn genes_that_stand_twice_are_no_more_sure() {
        let twice = |values: &[f64]| [values, values].concat();
        let genes: Vec<usize> = (0..X.len()).chain(0..X.len()).collect();
        let once = interval(&X, &[Y.to_vec()]).unwrap();
        let found = of_genes(&twice(&X), &[twice(&Y)], Some(&genes)).unwrap();
        let close = |x: f64, y: f64| (x - y).abs() < 1e-12;
        assert!(close(once[0], found[0]) && close(once[1], found[1]));
    }

    #[test]
    fn counting_a_gene_twice_is_having_it_twice() {
        let times = [2.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 0.0];
        let drawn = [0, 0, 2, 4, 4, 4];
        let (x, y) = (standardize(&X).unwrap(), standardize(&Y).unwrap());
        let r = weighted_r(&times, &x, &y).unwrap();
        let expected = pearson_r(&drawn.map(|i| X[i]), &drawn.map(|i| Y[i])).unwrap();
        assert!((r - expected).abs() < 1e-14);
    }

    #[test]
    fn seeds_that_agree_are_one_seed() {
        let one = interval(&X, &[Y.to_vec()]).unwrap();
        let two = interval(&X, &[Y.to_vec(), Y.to_vec()]).unwrap();
        assert_eq!(one, two);
        assert!(one[0] < one[1]);
    }

    #[test]
    fn undefined_where_r_is() {
        assert_eq!(interval(&X, &[]), None);
        assert_eq!(interval(&[], &[vec![]]), None);
        assert_eq!(interval(&X, &[vec![1.0; 6]]), None);
        assert_eq!(interval(&X, &[vec![1.0, 2.0]]), None);
        assert_eq!(interval(&X, &[vec![f64::NAN; 6]]), None);
        // Of two genes, a resample with both has r = 1, all others none.
        let two = interval(&X[..2], &[vec![1.0, 2.0]]).unwrap();
        assert!(two.iter().all(|r| (r - 1.0).abs() < 1e-14), "{two:?}");
    }
}

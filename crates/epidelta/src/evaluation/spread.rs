//! What the spread of an ensemble says of its errors. The members of an ensemble agree
//! too much to be taken at their word: the standard deviation of an error is estimated as
//! sqrt(a² + b² spread²), with `a` and `b` fitted to the validation genes.

use serde::{Deserialize, Serialize};

use super::metrics::{mean, spearman_r};

/// Nominal shares of the intervals whose coverage is told, and half their width in
/// standard deviations of a normal distribution.
const INTERVALS: [(f64, f64); 4] = [
    (0.50, 0.674_489_750_196_081_7),
    (0.80, 1.281_551_565_544_600_4),
    (0.90, 1.644_853_626_951_472_2),
    (0.95, 1.959_963_984_540_054),
];
/// Groups of genes by their spread.
const GROUPS: usize = 5;
/// Steps of the search for the best share of the spread.
const GRID: usize = 100;
const REFINEMENTS: usize = 60;

/// From an ensemble's spread to the standard deviation of its error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpreadCalibration {
    /// The part of the standard deviation that is the same for all genes, log2.
    pub constant: f64,
    /// By what the spread is multiplied.
    pub factor: f64,
    /// Validation genes that both were fitted to.
    pub genes: usize,
}

impl SpreadCalibration {
    /// The `constant` and `factor`, neither below 0, under which the errors are most
    /// likely if each is normally distributed around 0 with the standard deviation of its
    /// gene. The errors over their standard deviations then have a mean square of 1.
    ///
    /// `None` without genes, or where all errors are 0.
    pub fn fit(errors: &[f64], spread: &[f64]) -> Option<Self> {
        let squares: Vec<f64> = spread.iter().map(|s| s * s).collect();
        let typical = mean(&squares)?;
        // The variance is scale * ((1 - share) * typical + share * spread²); of a given
        // share the likeliest scale is known, so there is one number to search.
        let variance = |share: f64| {
            let of = move |square: &f64| (1.0 - share) * typical + share * square;
            squares.iter().map(of).collect::<Vec<f64>>()
        };
        let scale = |variance: &[f64]| {
            let of_gene = errors.iter().zip(variance).map(|(e, v)| e * e / v);
            mean(&of_gene.collect::<Vec<_>>())
        };
        // Minus twice the log-likelihood over the genes, up to a constant.
        let cost = |share: f64| {
            let variance = variance(share);
            let logarithms: Vec<f64> = variance.iter().map(|v| v.ln()).collect();
            let cost = scale(&variance)?.ln() + mean(&logarithms)?;
            cost.is_finite().then_some(cost)
        };
        let share = match typical > 0.0 {
            true => least(cost)?,
            // No gene has any spread: all that is left is a constant.
            false => {
                let constant = scale(&vec![1.0; errors.len()])?.sqrt();
                return (constant > 0.0).then_some(SpreadCalibration {
                    constant,
                    factor: 0.0,
                    genes: errors.len(),
                });
            }
        };
        let scale = scale(&variance(share))?;
        Some(SpreadCalibration {
            constant: (scale * (1.0 - share) * typical).sqrt(),
            factor: (scale * share).sqrt(),
            genes: errors.len(),
        })
    }

    /// The standard deviation of the error of a gene, log2.
    pub fn standard_deviation(&self, spread: f64) -> f64 {
        self.constant.hypot(self.factor * spread)
    }
}

/// Where between 0 and 1 a cost is least: the best of a grid, then narrowed down between
/// its neighbours by the golden section. A cost that is undefined counts as too high.
fn least(cost: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let at = |place: f64| cost(place).unwrap_or(f64::INFINITY);
    let grid = (0..=GRID).map(|step| step as f64 / GRID as f64);
    let (mut best, mut lowest) = (0.0, f64::INFINITY);
    for place in grid {
        let here = at(place);
        if here < lowest {
            (best, lowest) = (place, here);
        }
    }
    if lowest.is_infinite() {
        return None;
    }
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let step = 1.0 / GRID as f64;
    let (mut low, mut high) = ((best - step).max(0.0), (best + step).min(1.0));
    for _ in 0..REFINEMENTS {
        let inner = [high - golden * (high - low), low + golden * (high - low)];
        match at(inner[0]) <= at(inner[1]) {
            true => high = inner[1],
            false => low = inner[0],
        }
    }
    let narrowed = (low + high) / 2.0;
    // An end of the range is reached by the grid alone.
    Some(if at(narrowed) < lowest {
        narrowed
    } else {
        best
    })
}

/// How an ensemble's spread goes with its errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpreadMetrics {
    /// Spearman's rank correlation of spread and |error|; null where undefined.
    pub spearman_r: Option<f64>,
    /// Shares of genes within their intervals, where the spread is calibrated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub coverage: Option<Vec<Coverage>>,
    /// Fifths of the genes, the least spread first.
    pub fifths: Vec<SpreadGroup>,
}

/// An interval around each prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The share of genes that it is to hold.
    pub nominal: f64,
    /// The share of genes that it holds.
    pub observed: f64,
}

/// Genes of like spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpreadGroup {
    /// Their mean spread, log2.
    pub spread: f64,
    /// Their mean |error|, log2.
    pub absolute_error: f64,
    /// Genes.
    pub genes: usize,
}

impl SpreadMetrics {
    /// Measures errors beside spreads.
    pub(super) fn of(
        errors: &[f64],
        spread: &[f64],
        calibration: Option<&SpreadCalibration>,
    ) -> Self {
        let absolute: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
        let coverage = |calibration: &SpreadCalibration| {
            let of_interval = |(nominal, half_width): (f64, f64)| {
                let is_within =
                    |(e, s): &(&f64, &f64)| **e <= half_width * calibration.standard_deviation(**s);
                let within = absolute.iter().zip(spread).filter(is_within).count();
                Coverage {
                    nominal,
                    observed: within as f64 / absolute.len().max(1) as f64,
                }
            };
            INTERVALS.into_iter().map(of_interval).collect()
        };
        let mut order: Vec<usize> = (0..spread.len()).collect();
        order.sort_by(|&i, &j| spread[i].total_cmp(&spread[j]));
        let group = |group: usize| {
            let [from, to] = [group, group + 1].map(|edge| edge * order.len() / GROUPS);
            let genes = &order[from..to];
            let mean_of =
                |values: &[f64]| mean(&genes.iter().map(|&g| values[g]).collect::<Vec<_>>());
            Some(SpreadGroup {
                spread: mean_of(spread)?,
                absolute_error: mean_of(&absolute)?,
                genes: genes.len(),
            })
        };
        SpreadMetrics {
            spearman_r: spearman_r(spread, &absolute),
            coverage: calibration.map(coverage),
            fifths: (0..GROUPS).filter_map(group).collect(),
        }
    }
}

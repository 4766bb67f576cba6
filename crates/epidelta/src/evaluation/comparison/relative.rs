//! Relative performance, as in Table 1 of the DeepDiff paper: by how many percent
//! of the baseline's r a method's r is higher.

use crate::evaluation::{median, metrics::mean};

/// A method beside a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Relative {
    /// 100 (r - r_baseline)/r_baseline of each pair, %; `None` where either r is
    /// missing or the baseline's is not above zero (no percentages of that).
    pub percent: Vec<Option<f64>>,
    /// Mean over the pairs that have a value, %.
    pub mean: Option<f64>,
    /// Median over the pairs that have a value, %.
    pub median: Option<f64>,
}

impl Relative {
    /// Compares r of the same pairs in the same order.
    pub fn of(method: &[Option<f64>], baseline: &[Option<f64>]) -> Self {
        let percent = |(r, baseline): (&Option<f64>, &Option<f64>)| {
            let baseline = baseline.filter(|&baseline| baseline > 0.0)?;
            r.map(|r| 100.0 * (r - baseline) / baseline)
        };
        let percent: Vec<Option<f64>> = method.iter().zip(baseline).map(percent).collect();
        let known: Vec<f64> = percent.iter().copied().flatten().collect();
        Relative {
            percent,
            mean: mean(&known),
            median: median(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_of_the_baseline() {
        let relative = Relative::of(
            &[Some(0.75), Some(0.25), None, Some(0.5), Some(0.75)],
            &[Some(0.5), Some(0.5), Some(0.5), Some(-0.1), Some(0.5)],
        );
        let percent = [Some(50.0), Some(-50.0), None, None, Some(50.0)];
        assert_eq!(relative.percent, percent);
        assert_eq!(relative.mean, Some(50.0 / 3.0));
        assert_eq!(relative.median, Some(50.0));
    }

    #[test]
    fn nothing_to_compare() {
        let relative = Relative::of(&[None], &[Some(0.5)]);
        assert_eq!((relative.mean, relative.median), (None, None));
    }
}

//! A mean over genes and how sure it is.

use serde::Serialize;

/// A mean over genes with its 95 % interval, by Student's t.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its interval; none of fewer than three genes.
    pub interval: Option<[f64; 2]>,
    /// The number of genes.
    pub genes: usize,
}

impl Mean {
    /// The mean of values, one per gene; none without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Mean::around(mean, squares, values.len())
    }

    /// The same of a sum over genes and a sum of squares.
    pub(super) fn of_sums(genes: usize, [sum, squares]: [f64; 2]) -> Option<Self> {
        let mean = sum / genes as f64;
        Mean::around(mean, (squares - sum * mean).max(0.0), genes)
    }

    /// Of squares around a mean.
    fn around(mean: f64, squares: f64, genes: usize) -> Option<Self> {
        let n = genes as f64;
        let interval = (genes >= 3).then(|| {
            let half = student_t(n - 1.0) * (squares / (n - 1.0) / n).sqrt();
            [mean - half, mean + half]
        });
        (genes > 0).then_some(Mean {
            mean,
            interval,
            genes,
        })
    }

    /// Whether the interval lies on one side of a number.
    pub fn is_clear_of(&self, number: f64) -> bool {
        self.interval
            .is_some_and(|[low, high]| low > number || high < number)
    }

    /// `0.512 (0.488 to 0.536)`.
    pub fn in_words(&self) -> String {
        let number = two_digits;
        match self.interval {
            None => number(self.mean),
            Some([low, high]) => {
                let (low, high) = (number(low), number(high));
                format!("{} ({low} to {high})", number(self.mean))
            }
        }
    }
}

/// A number with so many digits after the point, a true minus, and no sign of what rounds to
/// zero.
pub(crate) fn rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(size) if size.parse() == Ok(0.0) => size.to_owned(),
        Some(size) => format!("\u{2212}{size}"),
        None => text,
    }
}

/// With two digits, as in sentences.
pub(super) fn two_digits(value: f64) -> String {
    rounded(value, 2)
}

/// The 97.5 % quantile of Student's t, by its expansion around the normal one (Abramowitz and
/// Stegun 26.7.5), within 4 % for two degrees of freedom and 0.1 % from six on.
fn student_t(degrees: f64) -> f64 {
    const Z: f64 = 1.959_963_984_540_054;
    let terms = [
        (Z.powi(3) + Z) / 4.0,
        (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0,
        (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / 384.0,
    ];
    let powers = [degrees, degrees.powi(2), degrees.powi(3)];
    Z + terms.iter().zip(powers).map(|(t, d)| t / d).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_student() {
        // scipy.stats.t.ppf(0.975, df)
        for (degrees, expected) in [(6.0, 2.446_912), (10.0, 2.228_139), (100.0, 1.983_972)] {
            assert!(
                (student_t(degrees) / expected - 1.0).abs() < 1e-3,
                "{degrees}"
            );
        }
        assert!((student_t(2.0) / 4.302_653 - 1.0).abs() < 0.04);
        let mean = Mean::of(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        let [low, high] = mean.interval.unwrap();
        assert_eq!(mean.mean, 2.5);
        assert!(mean.is_clear_of(0.0) && !mean.is_clear_of(2.6));
        assert!((high - 4.554_26).abs() < 0.05 && (low - 0.445_74).abs() < 0.05);
        assert!(Mean::of(&[]).is_none() && Mean::of(&[1.0, 2.0]).unwrap().interval.is_none());
    }
}

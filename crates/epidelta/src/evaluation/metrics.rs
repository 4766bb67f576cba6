//! The measures, each in 64-bit arithmetic and `None` where it is undefined (no
//! genes, or values that do not vary).

/// Pearson's correlation coefficient.
pub fn pearson_r(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (mean(x)?, mean(y)?);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (&a, &b) in x.iter().zip(y) {
        let (a, b) = (a - mean_x, b - mean_y);
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    // A constant list has a spread of rounding errors only.
    let spread = |sum: f64, mean: f64| sum > n * (1e-13 * mean).powi(2);
    (spread(xx, mean_x) && spread(yy, mean_y))
        .then(|| (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
}

/// Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean
/// rank.
pub fn spearman_r(x: &[f64], y: &[f64]) -> Option<f64> {
    pearson_r(&ranks(x), &ranks(y))
}

/// Mean squared error.
pub fn mean_squared_error(observed: &[f64], predicted: &[f64]) -> Option<f64> {
    let squares: Vec<f64> = observed
        .iter()
        .zip(predicted)
        .map(|(o, p)| (o - p).powi(2))
        .collect();
    mean(&squares)
}

/// Area under the ROC curve: the chance that a positive scores above a negative,
/// ties counting half.
pub fn auroc(positive: &[bool], score: &[f64]) -> Option<f64> {
    let ranks = ranks(score);
    let positives = positive.iter().filter(|&&p| p).count() as f64;
    let negatives = positive.len() as f64 - positives;
    let rank_sum: f64 = ranks
        .iter()
        .zip(positive)
        .filter(|&(_, &p)| p)
        .map(|(rank, _)| rank)
        .sum();
    (positives > 0.0 && negatives > 0.0)
        .then(|| (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// The median, of an even number of values the mean of the middle two.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[half]),
        _ => Some((values[half - 1] + values[half]) / 2.0),
    }
}

/// The value below which the share `at` of sorted values lies, between two of them
/// in proportion.
pub(super) fn quantile(sorted: &[f64], at: f64) -> Option<f64> {
    let place = at.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)?) as f64;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + place.fract() * (above - below))
}

pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Ranks from 1, ties sharing their mean rank.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..]
            .iter()
            .take_while(|&&i| values[i] == values[order[start]])
            .count()
            .max(1); // NaN equals nothing, not even itself
        for &i in &order[start..start + tied] {
            ranks[i] = start as f64 + (tied as f64 + 1.0) / 2.0;
        }
        start += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 8] = [1.0, 2.0, 2.0, 3.5, -1.0, 0.25, 9.0, 2.0];
    const Y: [f64; 8] = [0.5, 1.0, 3.0, 2.0, -2.0, 0.25, 4.0, 0.5];

    fn close(a: Option<f64>, b: f64) {
        let a = a.expect("a value");
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    // Expected values: tools/reference/metrics.py (SciPy 1.17, scikit-learn 1.9).
    #[test]
    fn equal_to_scipy_and_scikit_learn() {
        close(pearson_r(&X, &Y), 0.845543816277857);
        close(spearman_r(&X, &Y), 0.9081292832965595);
        close(mean_squared_error(&X, &Y), 4.09375);
        let positive = [true, false, true, true, false, false, true, false];
        close(auroc(&positive, &X), 0.8125);
    }

    #[test]
    fn median_of_odd_even_and_no_values() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn undefined_where_nothing_varies() {
        assert_eq!(pearson_r(&[0.1; 7], &Y[..7]), None);
        assert_eq!(spearman_r(&X, &[3.0; 8]), None);
        assert_eq!(pearson_r(&[], &[]), None);
        assert_eq!(mean_squared_error(&[], &[]), None);
        assert_eq!(auroc(&[true, true], &[0.1, 0.2]), None);
    }
}

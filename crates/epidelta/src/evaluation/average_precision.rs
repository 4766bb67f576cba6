//! Average precision, the area under the precision-recall curve in steps: what ROC
//! curves flatter where positives are few, this does not.

/// Average precision: over the distinct scores from the highest down, the precision of
/// calling all genes of that score or more, weighted by the recall gained; as
/// scikit-learn's `average_precision_score`. A random score has the share of positives.
///
/// `None` without positives.
pub fn average_precision(positive: &[bool], score: &[f64]) -> Option<f64> {
    let all = positive.iter().filter(|&&p| p).count();
    let mut order: Vec<usize> = (0..positive.len().min(score.len())).collect();
    order.sort_by(|&i, &j| score[j].total_cmp(&score[i]));
    let (mut called, mut found, mut sum) = (0, 0, 0.0);
    for tied in order.chunk_by(|&i, &j| score[i] == score[j]) {
        let gained = tied.iter().filter(|&&i| positive[i]).count();
        called += tied.len();
        found += gained;
        sum += gained as f64 * found as f64 / called as f64;
    }
    (all > 0).then(|| sum / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: tools/reference/metrics.py (scikit-learn 1.9).
    #[test]
    fn equal_to_scikit_learn() {
        let x = [1.0, 2.0, 2.0, 3.5, -1.0, 0.25, 9.0, 2.0];
        let y = [0.5, 1.0, 3.0, 2.0, -2.0, 0.25, 4.0, 0.5];
        let positive = [true, false, true, true, false, false, true, false];
        let close = |found: Option<f64>, expected: f64| {
            let found = found.expect("a value");
            assert!((found - expected).abs() < 1e-14, "{found}, not {expected}");
        };
        close(average_precision(&positive, &x), 0.816_666_666_666_666_7);
        close(average_precision(&positive, &y), 0.916_666_666_666_666_6);
        close(average_precision(&positive, &[1.0; 8]), 0.5);
    }

    #[test]
    fn undefined_without_positives() {
        assert_eq!(average_precision(&[false, false], &[0.1, 0.2]), None);
        assert_eq!(average_precision(&[], &[]), None);
        assert_eq!(average_precision(&[true], &[0.1]), Some(1.0));
    }
}

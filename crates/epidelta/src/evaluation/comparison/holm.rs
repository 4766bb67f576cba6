//! Holm's step-down adjustment: p values of several tests, so that the chance of
//! one or more false findings among all of them stays below the level.

/// Adjusts p values, each for its place in their order: the smallest of m counts m
/// times, the next m - 1 times, none less than the one before it, none above 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (place, &test) in order.iter().enumerate() {
        largest = largest.max(p[test] * (p.len() - place) as f64).min(1.0);
        adjusted[test] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_down() {
        // 4 x 0.01; 3 x 0.015 = 0.045; 2 x 0.02 = 0.04 rises to 0.045.
        assert_eq!(holm(&[0.02, 0.01, 0.5, 0.015]), [0.045, 0.04, 0.5, 0.045]);
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}

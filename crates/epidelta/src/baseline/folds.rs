//! Folds of cross-validation.

use rand::seq::SliceRandom;

use crate::random::{Purpose, generator};

/// Divides rows at random into folds whose sizes differ by one at most, and so do their
/// numbers of rows of each class; a fold per row where there are fewer rows than folds.
/// Each is sorted.
pub(super) fn folds(classes: &[bool], count: usize, seed: u64) -> Vec<Vec<usize>> {
    let rows = classes.len();
    let count = count.min(rows).max(1);
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut generator(seed, Purpose::Folds, 0));
    order.sort_by_key(|&row| classes[row]);
    (0..count)
        .map(|fold| {
            let mut rows: Vec<usize> = order.iter().skip(fold).step_by(count).copied().collect();
            rows.sort_unstable();
            rows
        })
        .collect()
}

/// The rows that are in no such fold.
pub(super) fn others(rows: usize, fold: &[usize]) -> Vec<usize> {
    (0..rows)
        .filter(|row| fold.binary_search(row).is_err())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_fold() {
        for (rows, count) in [(23, 5), (5, 5), (3, 5), (1, 2)] {
            let classes: Vec<bool> = (0..rows).map(|row| row % 3 == 0).collect();
            let folds = folds(&classes, count, 1);
            let sizes: Vec<usize> = folds.iter().map(Vec::len).collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            let mut all: Vec<usize> = folds.iter().flatten().copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
            let of_class = |fold: &Vec<usize>| fold.iter().filter(|&&row| classes[row]).count();
            let of_class: Vec<usize> = folds.iter().map(of_class).collect();
            assert!(of_class.iter().max().unwrap() - of_class.iter().min().unwrap() <= 1);
            for fold in &folds {
                let rest = others(rows, fold);
                assert_eq!(rest.len() + fold.len(), rows);
                assert!(rest.iter().all(|row| !fold.contains(row)));
            }
        }
        assert_ne!(folds(&[true; 23], 5, 1), folds(&[true; 23], 5, 2));
    }
}

//! The nearest rows of a table by Manhattan distance, found by comparing all pairs:
//! in hundreds of dimensions no index beats that. Never more distances are held than
//! those of a tile of rows to a panel of rows.

use crate::learner::matrix::Matrix;

/// Rows whose neighbours are sought together.
pub(crate) const TILE: usize = 32;
/// Rows of a panel: their distances to a row fit in vector registers.
const LANES: usize = 32;
/// Features summed at a time: that much of a panel (16 kB) stays in the L1 cache
/// while a tile passes over it.
const DEPTH: usize = 128;

/// Which neighbours are kept apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Groups {
    /// None: all are hits.
    One,
    /// Those nearer in the target than this are hits, the others misses.
    Within(f64),
}

/// The nearest rows of a row, nearest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    pub hits: Vec<usize>,
    pub misses: Vec<usize>,
}

/// The rows of a table, `[panel, feature, lane]`, in 32-bit: a panel's distances to a
/// row build up feature by feature, all lanes at once.
pub(crate) struct Panels {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Panels {
    /// Packs the rows of a table.
    pub fn new(features: &Matrix) -> Self {
        let (rows, columns) = (features.rows(), features.columns());
        let mut values = vec![0.0; rows.div_ceil(LANES) * columns * LANES];
        for row in 0..rows {
            let panel = &mut values[row / LANES * columns * LANES..];
            for (lanes, &value) in panel.chunks_exact_mut(LANES).zip(features.row(row)) {
                lanes[row % LANES] = value as f32;
            }
        }
        Panels {
            rows,
            columns,
            values,
        }
    }

    /// The `k` nearest hits and misses of the given rows, at most [`TILE`], among all
    /// others. Of equally near rows the first are taken.
    pub fn nearest(
        &self,
        features: &Matrix,
        rows: &[usize],
        k: usize,
        target: &[f64],
        groups: Groups,
    ) -> Vec<Neighbours> {
        let queries: Vec<Vec<f32>> = rows
            .iter()
            .map(|&row| features.row(row).iter().map(|&x| x as f32).collect())
            .collect();
        let mut found = vec![[Nearest::new(k), Nearest::new(k)]; rows.len()];
        let arch = pulp::Arch::new();
        for (panel, values) in self.values.chunks_exact(self.columns * LANES).enumerate() {
            let first = panel * LANES;
            let distances = arch.dispatch(|| distances(&queries, values));
            for ((&row, found), distances) in rows.iter().zip(&mut found).zip(&distances) {
                for (other, &distance) in (first..self.rows).zip(distances) {
                    let miss = match groups {
                        Groups::One => false,

                        Groups::Within(bound) => (target[row] - target[other]).abs() >= bound,
                    };
                    if other != row {
                        found[usize::from(miss)].offer(distance, other);
                    }
                }
            }
        }
        let rows = |nearest: Nearest| nearest.rows.into_iter().map(|(_, row)| row).collect();
        found
            .into_iter()
            .map(|[hits, misses]| Neighbours {
                hits: rows(hits),
                misses: rows(misses),
            })
            .collect()
    }
}

/// The distances of the queries to the rows of a panel, `[query, lane]`.
#[inline(always)]
fn distances(queries: &[Vec<f32>], panel: &[f32]) -> [[f32; LANES]; TILE] {
    let mut distances = [[0.0; LANES]; TILE];
    for (part, values) in panel.chunks(DEPTH * LANES).enumerate() {
        for (query, distances) in queries.iter().zip(&mut distances) {
            let mut sums = [0.0f32; LANES];
            let query = &query[part * DEPTH..];
            for (lanes, &value) in values.chunks_exact(LANES).zip(query) {
                for (sum, lane) in sums.iter_mut().zip(lanes) {
                    *sum += (value - lane).abs();
                }
            }
            for (distance, sum) in distances.iter_mut().zip(sums) {
                *distance += sum;
            }
        }
    }
    distances
}

/// The nearest rows met so far, nearest first.
#[derive(Debug, Clone)]
struct Nearest {
    k: usize,
    rows: Vec<(f32, usize)>,
}

impl Nearest {
    fn new(k: usize) -> Self {
        Nearest {
            k,
            rows: Vec::new(),
        }
    }

    /// Takes a row if it is among the `k` nearest. Rows come in order, so that a later
    /// one never displaces an equally near one.
    #[inline]
    fn offer(&mut self, distance: f32, row: usize) {
        let full = self.rows.len() >= self.k;
        if full && self.rows.last().is_some_and(|&(last, _)| distance >= last) {
            return;
        }
        if full {
            self.rows.pop();
        }
        let place = self.rows.partition_point(|&(other, _)| other <= distance);
        self.rows.insert(place, (distance, row));
    }
}

//! What is known of a new cell type without any model: the expression of the same genes in
//! the cell types that train.
//!
//! Of a pair with a new cell type, the expression of a known one is taken as it was measured,
//! and that of the new one as the mean of all known ones, or as that of the known one whose
//! signal is most like its own. Genes that the known cell types do not have measured, and test
//! genes, whose expression no method is shown, get no prediction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    dataset::{LabelConfig, Pair, Split},
    evaluation::pearson_r,
};

/// The name of the prediction by the mean of the known cell types.
const MEAN: &str = "mean-of-known-cell-types";
/// The name of the prediction by the most similar one.
const NEAREST: &str = "nearest-known-cell-type";

/// Log2 expression by gene id.
type Expression<'p> = HashMap<&'p str, f64>;

/// Predictions of the joined genes, by the baseline's name; none where cell types are not held
/// out.
pub(super) fn known_cells(
    pair: &Pair,
    label: &LabelConfig,
) -> BTreeMap<&'static str, Vec<Option<f64>>> {
    let mut known: BTreeMap<usize, Expression<'_>> = BTreeMap::new();
    let mut new: BTreeSet<usize> = BTreeSet::new();
    for (index, gene) in pair.genes.iter().enumerate() {
        if gene.cell_split == Split::Train {
            for (cell, log2) in gene.cells.into_iter().zip(gene.log2_expression()) {
                known
                    .entry(cell)
                    .or_default()
                    .insert(pair.gene_id(index), log2);
            }
        } else {
            new.extend(gene.cells);
        }
    }
    new.retain(|cell| !known.contains_key(cell));
    if new.is_empty() || known.is_empty() {
        return BTreeMap::new();
    }
    let profiles: BTreeMap<usize, Vec<f64>> = known
        .keys()
        .chain(&new)
        .map(|&cell| (cell, profile(pair, cell)))
        .collect();
    let nearest: HashMap<usize, usize> = new
        .iter()
        .filter_map(|&cell| Some((cell, most_similar(&profiles, cell, known.keys().copied())?)))
        .collect();
    let of_known = |cell: usize, id: &str| known.get(&cell)?.get(id).copied();
    let mean = |cell: usize, id: &str| {
        of_known(cell, id).or_else(|| {
            let values: Vec<f64> = known
                .keys()
                .filter_map(|&cell| of_known(cell, id))
                .collect();
            crate::evaluation::mean(&values)
        })
    };
    let most_like =
        |cell: usize, id: &str| of_known(cell, id).or_else(|| of_known(*nearest.get(&cell)?, id));
    let predict = |expression: &dyn Fn(usize, &str) -> Option<f64>| -> Vec<Option<f64>> {
        let genes = pair.genes.iter().enumerate();
        genes
            .map(|(index, gene)| {
                let asked = gene.cell_split == Split::Test && gene.split == Some(Split::Train);
                let id = pair.gene_id(index);
                let [a, b] = gene
                    .cells
                    .map(|cell| asked.then(|| expression(cell, id)).flatten());
                Some(label.direction.log2_fold_change(a?, b?))
            })
            .collect()
    };
    BTreeMap::from([(MEAN, predict(&mean)), (NEAREST, predict(&most_like))])
}

/// The mean signal of every mark of every gene of a cell type, by gene id.
fn profile(pair: &Pair, cell: usize) -> Vec<f64> {
    let cell = &pair.cells[cell];
    let mut rows: Vec<usize> = (0..cell.genes.len()).collect();
    rows.sort_by(|&x, &y| cell.genes[x].gene_id.cmp(&cell.genes[y].gene_id));
    let of_row = |row: usize| {
        let marks = cell.signal_of(row).chunks(cell.bins);
        marks.map(|mark| {
            let sum: f64 = mark.iter().map(|&value| f64::from(value)).sum();
            (sum / mark.len() as f64).max(0.0).ln_1p()
        })
    };
    rows.into_iter().flat_map(of_row).collect()
}

/// The cell type whose profile goes most with that of another. Profiles of other lengths, of
/// cell types with other genes, are not compared.
fn most_similar(
    profiles: &BTreeMap<usize, Vec<f64>>,
    cell: usize,
    among: impl Iterator<Item = usize>,
) -> Option<usize> {
    let own = profiles.get(&cell)?;
    let similar = among.filter_map(|other| {
        let profile = profiles.get(&other)?;
        let r = (profile.len() == own.len()).then(|| pearson_r(own, profile))??;
        Some((other, r))
    });
    similar
        .max_by(|x, y| x.1.total_cmp(&y.1))
        .map(|(other, _)| other)
}

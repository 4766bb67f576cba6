//! What is known of a new cell type without any model: the expression of the same genes in
//! the cell types that train.
//!
//! Of a pair with a new cell type, the expression of a known one is taken as it was measured,
//! and that of the new one as the mean of all known ones, or as that of the known one, other
//! than the one beside it, whose signal is most like its own. Genes that the known cell types do not have measured, and test
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
    let profiles: BTreeMap<usize, Profile<'_>> = known
        .keys()
        .chain(&new)
        .map(|&cell| (cell, profile(pair, cell)))
        .collect();
    // The known cell type beside it is no prediction of a new one: nothing would ever change.
    let beside = pair.genes.iter().flat_map(|gene| {
        let [a, b] = gene.cells;
        [(a, b), (b, a)]
    });
    let beside: BTreeSet<(usize, usize)> = beside.filter(|(cell, _)| new.contains(cell)).collect();
    let nearest: HashMap<(usize, usize), usize> = beside
        .into_iter()
        .filter_map(|(cell, other)| {
            let among = known.keys().copied().filter(|&known| known != other);
            Some(((cell, other), most_similar(&profiles, cell, among)?))
        })
        .collect();
    let of_known = |cell: usize, id: &str| known.get(&cell)?.get(id).copied();
    let mut means: HashMap<&str, (f64, f64)> = HashMap::new();
    for (id, log2) in known.values().flatten() {
        let (sum, count) = means.entry(id).or_default();
        *sum += log2;
        *count += 1.0;
    }
    let mean = |cell: usize, _: usize, id: &str| {
        of_known(cell, id).or_else(|| means.get(id).map(|(sum, count)| sum / count))
    };
    let most_like = |cell: usize, other: usize, id: &str| {
        of_known(cell, id).or_else(|| of_known(*nearest.get(&(cell, other))?, id))
    };
    let predict = |expression: &dyn Fn(usize, usize, &str) -> Option<f64>| -> Vec<Option<f64>> {
        let genes = pair.genes.iter().enumerate();
        genes
            .map(|(index, gene)| {
                let asked = gene.cell_split == Split::Test && gene.split == Some(Split::Train);
                let id = pair.gene_id(index);
                let [a, b] = gene.cells;
                let of = |cell, other| asked.then(|| expression(cell, other, id)).flatten();
                Some(label.direction.log2_fold_change(of(a, b)?, of(b, a)?))
            })
            .collect()
    };
    BTreeMap::from([(MEAN, predict(&mean)), (NEAREST, predict(&most_like))])
}

/// The mean signal of every mark, by gene id.
type Profile<'p> = HashMap<&'p str, Vec<f64>>;

/// The profile of a cell type.
fn profile(pair: &Pair, cell: usize) -> Profile<'_> {
    let cell = &pair.cells[cell];
    let of_row = |row: usize| {
        let marks = cell.signal_of(row).chunks(cell.bins);
        let means = marks.map(|mark| {
            let sum: f64 = mark.iter().map(|&value| f64::from(value)).sum();
            (sum / mark.len() as f64).max(0.0).ln_1p()
        });
        means.collect()
    };
    let genes = cell.genes.iter().enumerate();
    genes
        .map(|(row, gene)| (gene.gene_id.as_str(), of_row(row)))
        .collect()
}

/// The cell type whose profile goes most with that of another, over the genes that both have.
fn most_similar(
    profiles: &BTreeMap<usize, Profile<'_>>,
    cell: usize,
    among: impl Iterator<Item = usize>,
) -> Option<usize> {
    let own = profiles.get(&cell)?;
    let mut ids: Vec<&str> = own.keys().copied().collect();
    ids.sort_unstable();
    let similar = among.filter_map(|other| {
        let profile = profiles.get(&other)?;
        let shared = ids.iter().filter(|id| profile.contains_key(*id));
        let of = |profile: &Profile<'_>, id: &str| profile.get(id).cloned().unwrap_or_default();
        let (x, y): (Vec<Vec<f64>>, Vec<Vec<f64>>) =
            shared.map(|id| (of(own, id), of(profile, id))).unzip();
        Some((other, pearson_r(&x.concat(), &y.concat())?))
    });
    similar
        .max_by(|x, y| x.1.total_cmp(&y.1))
        .map(|(other, _)| other)
}

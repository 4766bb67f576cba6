//! Deletion and insertion: does taking away what a ranking puts first take away the prediction?
//!
//! Units, the regions of marks or whole marks, are made equal in both cell types one after
//! another in the order of a ranking (deletion), or all are equal and become what they were
//! (insertion). A curve is the share of the predicted change that is there,
//! ```text
//! (f(x_k) - f(x_0)) / (f(x) - f(x_0))
//! ```
//! with `x_0` equal in both cell types; its area lies below it. A ranking that knows what moves
//! the prediction has a small area of deletion and a large one of insertion.
//!
//! Source: Samek et al., "Evaluating the visualization of what a deep neural network has
//! learned", IEEE TNNLS 28 (2017); Petsiuk, Das and Saenko, "RISE", BMVC 2018.

use std::fmt;

use rand::seq::SliceRandom;
use serde::Serialize;

use super::{gradients::Baseline, mean::Mean, predictor::Predictor, regions::Regions};
use crate::{
    error::Result,
    random::{Purpose, generator},
};

/// Points of a curve after the first, at most.
const POINTS: usize = 10;

/// What is deleted and inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A region of a mark.
    Region,
    /// A mark.
    Mark,
}

impl Unit {
    /// Both.
    pub const ALL: [Unit; 2] = [Unit::Mark, Unit::Region];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Region => "region",
            Unit::Mark => "mark",
        }
    }
}

/// By what units are ranked, for each gene by itself. Attention tells no direction, so that all are
/// by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ranking {
    /// Attention to the unit, summed over channels.
    Attention,
    /// Sizes of integrated gradients, summed over the unit first.
    IntegratedGradients,
    /// Sizes of the gradients.
    Saliency,
    /// Size of what the prediction loses without the unit.
    Ablation,
    /// How much the signal differs: what needs no model.
    Difference,
    /// A random order.
    Random,
}

impl Ranking {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Ranking::Attention => "attention",
            Ranking::IntegratedGradients => "integrated-gradients",
            Ranking::Saliency => "saliency",
            Ranking::Ablation => "ablation",
            Ranking::Difference => "difference",
            Ranking::Random => "random",
        }
    }

    /// Its name in sentences.
    pub fn in_words(self) -> &'static str {
        match self {
            Ranking::IntegratedGradients => "integrated gradients",
            Ranking::Difference => "difference of the signal",
            Ranking::Random => "random order",
            other => other.name(),
        }
    }
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Scores of the units of some genes by one ranking, `[gene][unit]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scores {
    /// The ranking.
    pub ranking: Ranking,
    /// The score of each unit of each gene; the highest is the first in the ranking.
    pub of_genes: Vec<Vec<f64>>,
}

impl Scores {
    /// Those of some genes, by their places.
    pub(super) fn select(&self, places: &[usize]) -> Self {
        let of_genes = places.iter().map(|&place| self.of_genes[place].clone());
        Scores {
            ranking: self.ranking,
            of_genes: of_genes.collect(),
        }
    }
}

/// The curves of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// The ranking.
    pub ranking: Ranking,
    /// Mean share of the predicted change that is left after deletion, at each share of units.
    pub deletion: Vec<Mean>,
    /// Mean share of it that is there after insertion.
    pub insertion: Vec<Mean>,
    /// Area under the curve of deletion: the smaller, the better the ranking.
    pub deletion_area: Mean,
    /// Area under the curve of insertion: the larger, the better the ranking.
    pub insertion_area: Mean,
    /// The areas of each gene, deletion and insertion.
    #[serde(skip)]
    pub areas: [Vec<f64>; 2],
}

impl Curve {
    /// How much smaller the area of deletion is than another's, over the same genes.
    pub fn deletion_gain(&self, other: &Curve) -> Option<Mean> {
        let both = other.areas[0].iter().zip(&self.areas[0]);
        Mean::of(&both.map(|(other, own)| other - own).collect::<Vec<_>>())
    }
}

/// The curves of all rankings over the same genes and units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// What was deleted and inserted.
    pub unit: Unit,
    /// Units of a gene.
    pub units: usize,
    /// Genes.
    pub genes: usize,
    /// Shares of units, from none to all.
    pub shares: Vec<f64>,
    /// One for each ranking.
    pub curves: Vec<Curve>,
}

impl Curves {
    /// The curve of a ranking.
    pub fn of(&self, ranking: Ranking) -> Option<&Curve> {
        self.curves.iter().find(|curve| curve.ranking == ranking)
    }
}

/// Genes whose units are deleted and inserted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subjects<'a> {
    /// The genes, as indices into the pair.
    pub genes: &'a [usize],
    /// Their predictions, and those of the baseline, which differ.
    pub ends: &'a [[f64; 2]],
}

/// Deletes and inserts the units of genes in the order of every ranking's scores and at random;
/// none without genes.
///
/// # Errors
/// When a prediction is not a finite number.
pub(super) fn curves(
    predictor: &Predictor<'_>,
    subjects: Subjects<'_>,
    unit: Unit,
    regions: Regions,
    scores: &[Scores],
    seed: u64,
) -> Result<Option<Curves>> {
    let units = regions.len();
    let counts: Vec<usize> = match units <= POINTS {
        true => (0..=units).collect(),
        false => (0..=POINTS).map(|point| units * point / POINTS).collect(),
    };
    let shares: Vec<f64> = counts.iter().map(|&k| k as f64 / units as f64).collect();
    let mut random = Scores {
        ranking: Ranking::Random,
        of_genes: random_scores(subjects.genes.len(), units, seed),
    };
    // What is in no ranking is last in this one too.
    if let Some(others) = scores.first() {
        for (of_gene, other) in random.of_genes.iter_mut().zip(&others.of_genes) {
            let both = of_gene.iter_mut().zip(other);
            both.filter(|(_, other)| other.is_infinite())
                .for_each(|(score, _)| *score = f64::NEG_INFINITY);
        }
    }
    let mut found = Vec::new();
    for scores in scores.iter().chain([&random]) {
        let orders: Vec<Vec<usize>> = scores.of_genes.iter().map(|of| ranked(of)).collect();
        let shares_left = |deletes: bool| {
            shares_of_change(predictor, subjects, regions, &orders, &counts, deletes)
        };
        let (deletion, insertion) = (shares_left(true)?, shares_left(false)?);
        let areas = |of_genes: &[Vec<f64>]| -> Vec<f64> {
            of_genes.iter().map(|curve| area(&shares, curve)).collect()
        };
        let areas = [areas(&deletion), areas(&insertion)];
        let (Some(deletion_area), Some(insertion_area)) =
            (Mean::of(&areas[0]), Mean::of(&areas[1]))
        else {
            return Ok(None);
        };
        let means = |of_genes: &[Vec<f64>]| -> Vec<Mean> {
            let at = |point: usize| {
                of_genes
                    .iter()
                    .map(|curve| curve[point])
                    .collect::<Vec<_>>()
            };
            (0..counts.len()).filter_map(|p| Mean::of(&at(p))).collect()
        };
        found.push(Curve {
            ranking: scores.ranking,
            deletion: means(&deletion),
            insertion: means(&insertion),
            deletion_area,
            insertion_area,
            areas,
        });
    }
    Ok(Some(Curves {
        unit,
        units,
        genes: subjects.genes.len(),
        shares,
        curves: found,
    }))
}

/// The share of each gene's predicted change that is there after so many units are deleted or
/// inserted, `[gene][count]`.
fn shares_of_change(
    predictor: &Predictor<'_>,
    Subjects { genes, ends }: Subjects<'_>,
    regions: Regions,
    orders: &[Vec<usize>],
    counts: &[usize],
    deletes: bool,
) -> Result<Vec<Vec<f64>>> {
    // The ends of the curves are known.
    let inner = &counts[1..counts.len() - 1];
    let rows: Vec<(usize, usize)> = (0..genes.len())
        .flat_map(|place| inner.iter().map(move |&count| (place, count)))
        .collect();
    let of_rows: Vec<usize> = rows.iter().map(|&(place, _)| genes[place]).collect();
    let predicted = predictor.predict_edited(&of_rows, |row, [a, b]| {
        let (place, count) = rows[row];
        let (first, rest) = orders[place].split_at(count);
        for &region in if deletes { first } else { rest } {
            let range = regions.in_signal(region);
            Baseline::Equal.apply(&mut a[range.clone()], &mut b[range]);
        }
    })?;
    let (at_first, at_last) = if deletes { (1.0, 0.0) } else { (0.0, 1.0) };
    let of_gene = |place: usize| {
        let [full, base] = ends[place];
        let between = &predicted[place * inner.len()..][..inner.len()];
        let between = between.iter().map(|f| (f - base) / (full - base));
        [at_first]
            .into_iter()
            .chain(between)
            .chain([at_last])
            .collect()
    };
    Ok((0..genes.len()).map(of_gene).collect())
}

/// Units from the highest score on; equal ones in their order.
pub(super) fn ranked(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&x, &y| scores[y].total_cmp(&scores[x]));
    order
}

/// Scores that put the units of each gene in any order.
pub(super) fn random_scores(genes: usize, units: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut generator = generator(seed, Purpose::Explanation, 2);
    let mut drawn: Vec<f64> = (0..units).map(|unit| unit as f64).collect();
    let mut draw = || {
        drawn.shuffle(&mut generator);
        drawn.clone()
    };
    (0..genes).map(|_| draw()).collect()
}

/// The area below a curve of straight lines.
fn area(x: &[f64], y: &[f64]) -> f64 {
    let points = x.windows(2).zip(y.windows(2));
    points
        .map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_areas() {
        assert_eq!(ranked(&[0.1, 0.5, 0.1, 0.9]), [3, 1, 0, 2]);
        assert_eq!(area(&[0.0, 0.5, 1.0], &[1.0, 0.0, 0.0]), 0.25);
        let drawn = random_scores(3, 50, 1);
        assert_ne!(drawn[0], drawn[1]);
        assert_eq!(drawn, random_scores(3, 50, 1));
        let mut sorted = drawn[2].clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted[49], 49.0);
    }
}

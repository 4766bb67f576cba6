//! What a prediction loses where a mark is taken from it: for every method, since it needs
//! nothing but predictions.

use std::{collections::HashMap, fmt};

use rand::seq::SliceRandom;
use serde::Serialize;

use super::{gradients::Baseline, mean::Mean, predictor::Predictor};
use crate::{
    dataset::Mark,
    error::Result,
    evaluation::{Difference, Draws, pearson_difference, pearson_r},
    random::{Purpose, generator},
};

/// What a mark's signal is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ablation {
    /// The mean of A's and B's, in both: the mark does not differ.
    Equal,
    /// A's to B's.
    AToB,
    /// B's to A's.
    BToA,
    /// None in both.
    Zero,
    /// That of another gene, in both: permutation importance.
    Permuted,
}

impl Ablation {
    /// Every one.
    pub const ALL: [Ablation; 5] = [
        Ablation::Equal,
        Ablation::AToB,
        Ablation::BToA,
        Ablation::Zero,
        Ablation::Permuted,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Ablation::Equal => "equal",
            Ablation::AToB => "a-to-b",
            Ablation::BToA => "b-to-a",
            Ablation::Zero => "zero",
            Ablation::Permuted => "permuted",
        }
    }
}

impl fmt::Display for Ablation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A gene without a mark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneAblation {
    /// The gene, as an index into the pair.
    pub gene: usize,
    /// The mark, as an index.
    pub mark: usize,
    /// What was done to it.
    pub ablation: Ablation,
    /// The prediction.
    pub predicted: f64,
    /// The prediction without the mark.
    pub ablated: f64,
}

impl GeneAblation {
    /// What the mark contributes: the prediction less the one without it.
    pub fn contribution(&self) -> f64 {
        self.predicted - self.ablated
    }
}

/// Predicts genes with each mark taken from them, one after another: by ablation, then mark,
/// then gene in the given order. `permuted` draws other genes of the list and of the same pair
/// of cell types.
///
/// # Errors
/// When a prediction is not a finite number, and those of `report`, which is told how many of
/// how many predictions are made.
pub fn ablate(
    predictor: &Predictor<'_>,
    genes: &[usize],
    ablations: &[Ablation],
    seed: u64,
    report: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> Result<Vec<GeneAblation>> {
    let predicted = predictor.predict(genes)?;
    let others = permuted(predictor, genes, seed);
    let bins = predictor.pair.bins();
    let mut found = Vec::with_capacity(ablations.len() * predictor.marks() * genes.len());
    let total = ablations.len() * predictor.marks() * genes.len();
    for &ablation in ablations {
        for mark in 0..predictor.marks() {
            let of_mark = mark * bins..(mark + 1) * bins;
            let ablated = predictor.predict_edited(genes, |place, [a, b]| {
                let (a, b) = (&mut a[of_mark.clone()], &mut b[of_mark.clone()]);
                match ablation {
                    Ablation::Equal => Baseline::Equal.apply(a, b),
                    Ablation::Zero => Baseline::Zero.apply(a, b),
                    Ablation::AToB => a.copy_from_slice(b),
                    Ablation::BToA => b.copy_from_slice(a),
                    Ablation::Permuted => {
                        let other = predictor.pair.seen(others[place]);
                        a.copy_from_slice(&other[0][of_mark.clone()]);
                        b.copy_from_slice(&other[1][of_mark.clone()]);
                    }
                }
            })?;
            let of_genes = genes.iter().zip(predicted.iter().zip(ablated));
            found.extend(of_genes.map(|(&gene, (&predicted, ablated))| GeneAblation {
                gene,
                mark,
                ablation,
                predicted,
                ablated,
            }));
            report(found.len(), total)?;
        }
    }
    Ok(found)
}

/// Another gene for each, of the same pair of cell types, where there is one.
fn permuted(predictor: &Predictor<'_>, genes: &[usize], seed: u64) -> Vec<usize> {
    let cells = |gene: usize| predictor.pair.genes[gene].cells;
    let mut others = genes.to_vec();
    let mut places: Vec<usize> = (0..genes.len()).collect();
    places.sort_by_key(|&place| cells(genes[place]));
    let mut generator = generator(seed, Purpose::Explanation, 1);
    for of_pair in places.chunk_by_mut(|&x, &y| cells(genes[x]) == cells(genes[y])) {
        of_pair.shuffle(&mut generator);
        // Each takes that of the next in a circle, so that none keeps its own.
        let next = of_pair.iter().cycle().skip(1);
        for (&place, &next) in of_pair.iter().zip(next) {
            others[place] = genes[next];
        }
    }
    others
}

/// How much a method's predictions hang on a mark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The mark.
    pub mark: Mark,
    /// What was done to it.
    pub ablation: Ablation,
    /// Mean size of its contribution to a prediction.
    pub contribution: Option<Mean>,
    /// Pearson r of the predictions.
    pub pearson_r: Option<f64>,
    /// Pearson r of the predictions without the mark.
    pub pearson_r_without: Option<f64>,
    /// What Pearson r loses without it, with the 95 % paired bootstrap interval.
    pub loss: Option<Difference>,
}

impl Importance {
    /// Of what [`ablate`] found, for every mark and ablation, in its order. Genes of which the mark
    /// is hidden, since a cell type lacks it, do not count.
    pub fn of(predictor: &Predictor<'_>, ablations: &[GeneAblation], seed: u64) -> Vec<Self> {
        let together =
            |x: &GeneAblation, y: &GeneAblation| (x.mark, x.ablation) == (y.mark, y.ablation);
        let of_mark = |all: &[GeneAblation]| {
            let (mark, ablation) = (all[0].mark, all[0].ablation);
            let seen = all.iter().filter(|of| !predictor.pair.hides(of.gene, mark));
            let of_genes: Vec<&GeneAblation> = seen.collect();
            let sizes: Vec<f64> = of_genes.iter().map(|g| g.contribution().abs()).collect();
            let labels = of_genes.iter().map(|g| &predictor.pair.genes[g.gene]);
            let observed: Vec<f64> = labels.map(|gene| gene.log2_fold_change).collect();
            let predicted: Vec<f64> = of_genes.iter().map(|g| g.predicted).collect();
            let ablated: Vec<f64> = of_genes.iter().map(|g| g.ablated).collect();
            // A gene of several pairs is drawn in all of them together.
            let ids = of_genes.iter().map(|of| predictor.pair.gene_id(of.gene));
            let rows = predictor.pair.is_of_several().then(|| places_of(ids));
            let mut generator = generator(seed, Purpose::Explanation, 3);
            Importance {
                mark: predictor.pair.marks()[mark].clone(),
                ablation,
                contribution: Mean::of(&sizes),
                pearson_r: pearson_r(&observed, &predicted),
                pearson_r_without: pearson_r(&observed, &ablated),
                loss: pearson_difference(
                    &observed,
                    [&[predicted], &[ablated]],
                    Draws::new(rows.as_deref(), &mut generator),
                ),
            }
        };
        ablations.chunk_by(together).map(of_mark).collect()
    }
}

/// Numbers of names, in the order in which these come first.
fn places_of<'n>(names: impl Iterator<Item = &'n str>) -> Vec<usize> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    names
        .map(|name| {
            let next = places.len();
            *places.entry(name).or_insert(next)
        })
        .collect()
}

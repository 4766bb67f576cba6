//! Whether attention can be believed: deletion and insertion, agreement with what removing a
//! mark does and among seeds, and on simulated data with the truth.

use serde::Serialize;

use super::{
    ablation::GeneAblation,
    agreement::Agreement,
    attention::{Attention, attention},
    curves::{Curves, Ranking, Scores, Subjects, Unit, curves},
    gradients::{Attribution, Baseline, attributions},
    mean::Mean,
    predictor::Predictor,
    regions::Regions,
    truth::{Precision, Truth},
    verdict::{findings, verdict},
};
use crate::{error::Result, method::FittedMethod};

/// Regions of each mark, at most.
const WINDOWS: usize = 20;

/// The smallest change of a prediction of which shares are taken, beside the largest.
const SMALLEST: f64 = 0.02;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Faithfulness {
    /// Genes that were looked at.
    pub genes: usize,
    /// Of these, the half whose prediction differs most from that of signal that is equal in both
    /// cell types; of them are the curves.
    pub moved_genes: usize,
    /// Mean size of the predictions of these genes.
    pub predicted_size: Option<Mean>,
    /// Mean size of their predictions where all marks are equal in both cell types: what the
    /// method says of the two cell types whatever their signal.
    pub baseline_size: Option<Mean>,
    /// Curves of marks and of regions; none where no prediction moves.
    pub curves: Vec<Curves>,
    /// Rank correlations.
    pub agreements: Vec<Agreement>,
    /// What rankings find of the truth, where it is known.
    pub precisions: Vec<Precision>,
    /// The largest amount by which integrated gradients of a gene do not sum to the difference of
    /// its predictions.
    pub largest_completeness_gap: Option<f64>,
    /// What to make of it, in a sentence or two.
    pub verdict: String,
    /// What that rests on, in sentences.
    pub findings: Vec<String>,
}

/// What a region contributes to a gene's prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionAblation {
    /// The gene, as an index into the pair.
    pub gene: usize,
    /// Its regions.
    pub contributions: Vec<f64>,
}

/// The regions of a pair's marks.
pub(super) fn regions(predictor: &Predictor<'_>) -> Regions {
    Regions::new(predictor.marks(), predictor.pair.bins(), WINDOWS)
}

/// Predictions of genes less those with each region made equal in both cell types, and the
/// predictions and those of all equal.
pub(super) struct RegionAblations {
    pub of_genes: Vec<RegionAblation>,
    pub ends: Vec<[f64; 2]>,
}

pub(super) fn ablate_regions(
    predictor: &Predictor<'_>,
    genes: &[usize],
    regions: Regions,
) -> Result<RegionAblations> {
    let predicted = predictor.predict(genes)?;
    let base = predictor.predict_edited(genes, |_, [a, b]| Baseline::Equal.apply(a, b))?;
    let count = regions.len();
    let rows: Vec<usize> = genes
        .iter()
        .flat_map(|&gene| std::iter::repeat_n(gene, count))
        .collect();
    let ablated = predictor.predict_edited(&rows, |row, [a, b]| {
        let range = regions.in_signal(row % count);
        Baseline::Equal.apply(&mut a[range.clone()], &mut b[range]);
    })?;
    let of_gene = |(place, &gene): (usize, &usize)| RegionAblation {
        gene,
        contributions: ablated[place * count..][..count]
            .iter()
            .map(|ablated| predicted[place] - ablated)
            .collect(),
    };
    Ok(RegionAblations {
        of_genes: genes.iter().enumerate().map(of_gene).collect(),
        ends: predicted.into_iter().zip(base).map(Into::into).collect(),
    })
}

/// A sample of genes and all that is known of them, in one order.
pub(super) struct Evidence<'a> {
    pub predictor: Predictor<'a>,
    pub genes: &'a [usize],
    /// Of marks, [`Ablation::Equal`](super::Ablation::Equal), `[mark][gene]`.
    pub marks: &'a [GeneAblation],
    pub regions: &'a RegionAblations,
    /// Of networks.
    pub attributions: Option<Vec<&'a Attribution>>,
    /// Of networks with attention.
    pub attention: Option<&'a Attention>,
    /// Methods that differ in nothing but their seed: the networks of an ensemble, or the explained
    /// run and others.
    pub seeds: &'a [Predictor<'a>],
    pub truth: Option<&'a Truth>,
    pub seed: u64,
}

impl Evidence<'_> {
    pub(super) fn faithfulness(&self) -> Result<Faithfulness> {
        let moved = self.moved();
        let moved_genes: Vec<usize> = moved.iter().map(|&place| self.genes[place]).collect();
        let ends: Vec<[f64; 2]> = moved
            .iter()
            .map(|&place| self.regions.ends[place])
            .collect();
        let (mut of_units, mut precisions) = (Vec::new(), Vec::new());
        let mut agreements = Vec::new();
        for unit in self.units() {
            let regions = self.regions_of(unit);
            let scores = self.scores(unit);
            let of_moved: Vec<Scores> = scores.iter().map(|s| s.select(&moved)).collect();
            let subjects = Subjects {
                genes: &moved_genes,
                ends: &ends,
            };
            of_units.extend(curves(
                &self.predictor,
                subjects,
                unit,
                regions,
                &of_moved,
                self.seed,
            )?);
            agreements.extend(agreements_of(unit, &scores));
            if let Some(truth) = self.truth {
                let pair = self.predictor.pair;
                precisions.extend(truth.precision(pair, self.genes, unit, regions, &scores));
            }
        }
        if self.seeds.len() > 1 {
            agreements.extend(self.among_seeds()?);
        }
        let gaps = self.attributions.iter().flatten();
        let mut faithfulness = Faithfulness {
            genes: self.genes.len(),
            moved_genes: moved_genes.len(),
            predicted_size: self.size_of_ends(0),
            baseline_size: self.size_of_ends(1),
            curves: of_units,
            agreements,
            precisions,
            largest_completeness_gap: gaps
                .map(|attribution| attribution.completeness_gap().abs())
                .reduce(f64::max),
            verdict: String::new(),
            findings: Vec::new(),
        };
        let has_attention = self.attention.is_some();
        faithfulness.verdict = verdict(&faithfulness, has_attention);
        faithfulness.findings = findings(&faithfulness);
        Ok(faithfulness)
    }

    fn size_of_ends(&self, end: usize) -> Option<Mean> {
        let ends = self.regions.ends.iter();
        Mean::of(&ends.map(|ends| ends[end].abs()).collect::<Vec<_>>())
    }

    /// The half of the genes whose prediction moves most, as places in the sample.
    fn moved(&self) -> Vec<usize> {
        let move_of = |place: usize| {
            let [full, base] = self.regions.ends[place];
            (full - base).abs()
        };
        let mut places: Vec<usize> = (0..self.genes.len()).collect();
        places.sort_by(|&x, &y| move_of(y).total_cmp(&move_of(x)));
        places.truncate(self.genes.len().div_ceil(2));
        // Shares of next to nothing would drown the others.
        let most = places.first().map_or(0.0, |&place| move_of(place));
        places.retain(|&place| move_of(place) > (SMALLEST * most).max(1e-6));
        places.sort_unstable();
        places
    }

    /// What is ranked: of one mark alone there is nothing to rank but its regions.
    fn units(&self) -> impl Iterator<Item = Unit> {
        let marks = self.predictor.marks();
        let all = Unit::ALL.into_iter();
        all.filter(move |&unit| unit == Unit::Region || marks > 1)
    }

    fn regions_of(&self, unit: Unit) -> Regions {
        let of_regions = regions(&self.predictor);
        match unit {
            Unit::Region => of_regions,
            Unit::Mark => Regions::new(of_regions.marks, of_regions.bins, 1),
        }
    }

    /// What each ranking makes of the units of every gene.
    fn scores(&self, unit: Unit) -> Vec<Scores> {
        let regions = self.regions_of(unit);
        let genes = 0..self.genes.len();
        let score = |ranking: Ranking, of_gene: &dyn Fn(usize) -> Vec<f64>| Scores {
            ranking,
            of_genes: genes.clone().map(of_gene).collect(),
        };
        let mut scores = Vec::new();
        if let Some(attention) = self.attention {
            scores.push(score(Ranking::Attention, &|place| {
                attention_to(attention, place, unit, &regions)
            }));
        }
        if let Some(attributions) = &self.attributions {
            let sizes = |place: usize| -> Vec<f64> {
                let sums = regions.sums(&attributions[place].of_bins());
                sums.into_iter().map(f64::abs).collect()
            };
            scores.push(score(Ranking::IntegratedGradients, &sizes));
            scores.push(score(Ranking::Saliency, &|place| {
                regions.sums(&attributions[place].saliency_of_bins())
            }));
        }
        scores.push(score(Ranking::Ablation, &|place| {
            let contributions = self.contributions(unit, place);
            contributions.into_iter().map(f64::abs).collect()
        }));
        scores.push(score(Ranking::Difference, &|place| {
            let [a, b] = self.predictor.pair.seen(self.genes[place]);
            let differences = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
            regions.sums(&differences.collect::<Vec<_>>())
        }));
        for scores in &mut scores {
            self.leave_out_hidden(&regions, &mut scores.of_genes);
        }
        scores
    }

    /// What is hidden, since a cell type lacks the mark, is in no ranking.
    fn leave_out_hidden(&self, regions: &Regions, scores: &mut [Vec<f64>]) {
        for (of_gene, &gene) in scores.iter_mut().zip(self.genes) {
            for (unit, score) in of_gene.iter_mut().enumerate() {
                if self.predictor.pair.hides(gene, regions.bins_of(unit).0) {
                    *score = f64::NEG_INFINITY;
                }
            }
        }
    }

    /// What units contribute to a gene's prediction, by ablation.
    fn contributions(&self, unit: Unit, place: usize) -> Vec<f64> {
        match unit {
            Unit::Region => self.regions.of_genes[place].contributions.clone(),
            Unit::Mark => {
                let of_gene = self.marks.iter().skip(place).step_by(self.genes.len());
                of_gene.map(GeneAblation::contribution).collect()
            }
        }
    }

    /// Whether another seed finds the same.
    fn among_seeds(&self) -> Result<Vec<Agreement>> {
        let of_regions = self.regions_of(Unit::Region);
        let of_marks = self.regions_of(Unit::Mark);
        let mut found = Vec::new();
        let mut compare =
            |what: Ranking, unit: Unit, regions: &Regions, scores: Vec<Vec<Vec<f64>>>| {
                let mut scores = scores;
                for of_seed in &mut scores {
                    self.leave_out_hidden(regions, of_seed);
                }
                found.push(Agreement::among(what.name(), unit.name(), &scores));
            };
        let attention: Option<Vec<Attention>> = self
            .seeds
            .iter()
            .map(|of| attention(of.method, of.pair, self.genes).and_then(Attention::mean))
            .collect();
        if let Some(attention) = attention {
            for (unit, regions) in [(Unit::Mark, of_marks), (Unit::Region, of_regions)] {
                let of_seed = |attention: &Attention| -> Vec<Vec<f64>> {
                    (0..self.genes.len())
                        .map(|place| attention_to(attention, place, unit, &regions))
                        .collect()
                };
                let scores: Vec<_> = attention.iter().map(of_seed).collect();
                compare(Ranking::Attention, unit, &regions, scores);
            }
        }
        let mut gradients = Vec::new();
        for of in self.seeds {
            let baseline = Baseline::Equal;
            let of_seed = attributions(of.method, of.pair, self.genes, baseline, &mut |_| Ok(()))?;
            gradients.extend(of_seed);
        }
        if gradients.len() == self.seeds.len() {
            for (unit, regions) in [(Unit::Mark, of_marks), (Unit::Region, of_regions)] {
                let of_seed = |found: &Vec<Attribution>| -> Vec<Vec<f64>> {
                    found.iter().map(|of| regions.sums(&of.of_bins())).collect()
                };
                let scores: Vec<_> = gradients.iter().map(of_seed).collect();
                compare(Ranking::IntegratedGradients, unit, &regions, scores);
            }
        }
        let mut ablations = Vec::new();
        for of in self.seeds {
            let ablated = ablate_regions(of, self.genes, of_marks)?;
            let of_genes = ablated.of_genes.into_iter();
            ablations.push(of_genes.map(|gene| gene.contributions).collect());
        }
        compare(Ranking::Ablation, Unit::Mark, &of_marks, ablations);
        Ok(found)
    }
}

/// Whether rankings of the same units agree.
fn agreements_of(unit: Unit, scores: &[Scores]) -> Vec<Agreement> {
    let of = |ranking: Ranking| scores.iter().find(|scores| scores.ranking == ranking);
    let compared = [
        [Ranking::Attention, Ranking::Ablation],
        [Ranking::IntegratedGradients, Ranking::Ablation],
        [Ranking::Saliency, Ranking::Ablation],
        [Ranking::Difference, Ranking::Ablation],
        [Ranking::Attention, Ranking::IntegratedGradients],
    ];
    let known = compared
        .into_iter()
        .filter_map(|[x, y]| Some([of(x)?, of(y)?]));
    known
        .map(|[x, y]| {
            let names = [x.ranking.name(), y.ranking.name()];
            Agreement::of_scores(names, unit.name(), [&x.of_genes, &y.of_genes])
        })
        .collect()
}

fn attention_to(attention: &Attention, place: usize, unit: Unit, regions: &Regions) -> Vec<f64> {
    match unit {
        Unit::Mark => attention.of_marks(place, regions.marks),
        Unit::Region => attention.of_regions(place, regions),
    }
}

/// Each network of an ensemble as a method of its own; none of others.
pub(super) fn members(method: &FittedMethod) -> Vec<FittedMethod> {
    match method {
        FittedMethod::Network {
            members,
            thresholds,
        } if members.len() > 1 => {
            let alone = members.iter().map(|network| FittedMethod::Network {
                members: vec![network.clone()],
                thresholds: *thresholds,
            });
            alone.collect()
        }
        _ => Vec::new(),
    }
}

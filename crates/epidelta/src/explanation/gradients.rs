//! Gradients of predictions by the signal, of methods made of networks.
//!
//! ```text
//! saliency              s = df/dx at x
//! integrated gradients  c = (x - x0) * integral from 0 to 1 of df/dx at x0 + t (x - x0) dt
//! ```
//! for a prediction `f`, a gene's signal `x` in both cell types and a baseline `x0`. Integrated
//! gradients sum to `f(x) - f(x0)` (completeness). The same holds of every part of the way, where
//! the predictions at its ends are known too: parts of which it does not hold are halved, so that
//! nodes are many where the prediction turns sharply. That of a saturated recurrent network may
//! jump, between two states of its memory, within less than 32-bit numbers resolve: what the
//! prediction gains there is given to the signal in the proportions of the gradient at the jump,
//! and told apart.
//!
//! Source: Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017.

use std::{fmt, str::FromStr};

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

use super::quadrature::gauss_legendre;
use crate::{
    dataset::{Batch, LabelDirection, Pair},
    error::Result,
    method::FittedMethod,
    model::{Network, SignalTensors, values},
};

/// Points on the paths of some genes at once: a recurrent network keeps all its states of them.
const BATCH: usize = 36;
/// Genes whose paths are looked at together.
const PATHS: usize = 16;
/// Nodes of an interval of a path.
const NODES: usize = 8;
/// How often intervals are halved at most, and the width of those that are not halved any more:
/// 32-bit numbers hardly tell what lies between.
const ROUNDS: usize = 60;
const NARROWEST: f64 = 1.0 / (1 << 20) as f64;
/// Contributions cancel where their sum is less than this share of their sizes.
const CANCELS: f64 = 1e-2;
/// How far the sum may be from the difference of the predictions, and how far the parts of the way
/// may be together.
const TOLERANCE: f64 = 5e-4;
const OF_PARTS: f64 = 1e-2;
/// Of a gene's intervals those are halved whose gap is this share of the largest.
const HALVED: f64 = 0.25;

/// What contributions are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// The mean of A's and B's signal, in both: nothing differs.
    #[default]
    Equal,
    /// No signal in either.
    Zero,
}

impl Baseline {
    /// Makes it of a gene's signal.
    pub(super) fn apply(self, a: &mut [f32], b: &mut [f32]) {
        match self {
            Baseline::Zero => {
                a.fill(0.0);
                b.fill(0.0);
            }
            Baseline::Equal => {
                for (a, b) in a.iter_mut().zip(b) {
                    let mean = (*a + *b) / 2.0;
                    (*a, *b) = (mean, mean);
                }
            }
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Baseline::Equal => "equal",
            Baseline::Zero => "zero",
        })
    }
}

impl FromStr for Baseline {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "equal" => Ok(Baseline::Equal),
            "zero" => Ok(Baseline::Zero),
            _ => Err(format!("{text:?} is not a baseline (equal, zero)")),
        }
    }
}

/// What the signal of a gene contributes to its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The gene, as an index into the pair.
    pub gene: usize,
    /// The prediction.
    pub predicted: f64,
    /// The prediction of the baseline.
    pub predicted_baseline: f64,
    /// Gradients by the signal, as the method sees it, of A and of B, `[mark, bin]` each.
    pub saliency: [Vec<f32>; 2],
    /// Integrated gradients, of A and of B, `[mark, bin]` each.
    pub integrated_gradients: [Vec<f32>; 2],
    /// How much of them is of jumps of the prediction.
    pub of_jumps: f64,
}

impl Attribution {
    /// How far the integrated gradients are from summing to the difference of the predictions.
    pub fn completeness_gap(&self) -> f64 {
        let all = self.integrated_gradients.iter().flatten();
        let sum: f64 = all.map(|&c| f64::from(c)).sum();
        sum - (self.predicted - self.predicted_baseline)
    }

    /// Whether they do, to 1e-3.
    pub fn is_complete(&self) -> bool {
        self.completeness_gap().abs() <= 2.0 * TOLERANCE
    }

    /// Contributions of A's and B's signal together, `[mark, bin]`.
    pub(super) fn of_bins(&self) -> Vec<f64> {
        let [a, b] = &self.integrated_gradients;
        let both = a.iter().zip(b);
        both.map(|(&a, &b)| f64::from(a) + f64::from(b)).collect()
    }

    /// Sizes of the gradients by A's and B's signal together, `[mark, bin]`.
    pub(super) fn saliency_of_bins(&self) -> Vec<f64> {
        let [a, b] = &self.saliency;
        let both = a.iter().zip(b);
        both.map(|(a, b)| f64::from(a.abs()) + f64::from(b.abs()))
            .collect()
    }
}

/// Attributions for genes of a pair, its signal as the method sees it, in their order; none of
/// methods that are no networks. Of an ensemble, those of the mean of its networks.
///
/// # Errors
/// Those of `report`, which is told how many genes are done.
pub fn attributions(
    method: &FittedMethod,
    pair: &Pair,
    genes: &[usize],
    baseline: Baseline,
    report: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Option<Vec<Attribution>>> {
    let Some(network) = Differentiable::of(method) else {
        return Ok(None);
    };
    let mut all = Vec::with_capacity(genes.len());
    report(0)?;
    for part in genes.chunks(PATHS) {
        all.extend(network.attributions(pair, part, baseline));
        report(all.len())?;
    }
    Ok(Some(all))
}

/// Networks whose outputs sum, each with a factor, to the prediction.
struct Differentiable {
    networks: Vec<(Network, f32)>,
}

/// Predictions, and gradients by A's and B's signal, `[mark, point, bin]`.
struct Gradients {
    predicted: Vec<f32>,
    by_signal: [Vec<f32>; 2],
}

impl Differentiable {
    fn of(method: &FittedMethod) -> Option<Self> {
        let networks: Vec<(&Network, f32)> = match method {
            FittedMethod::Network { members, .. } => {
                let factor = 1.0 / members.len() as f32;
                members.iter().map(|network| (network, factor)).collect()
            }
            FittedMethod::Cells {
                networks,
                direction,
                ..
            } => {
                let [a, b] = networks.each_ref();
                let factor = match direction {
                    LabelDirection::AOverB => 1.0,
                    LabelDirection::BOverA => -1.0,
                };
                vec![(a, factor), (b, -factor)]
            }
            FittedMethod::Baseline { .. } => return None,
        };
        let networks = networks.into_iter();
        Some(Differentiable {
            networks: networks
                .map(|(network, factor)| (network.clone().differentiable(), factor))
                .collect(),
        })
    }

    fn attributions(&self, pair: &Pair, genes: &[usize], baseline: Baseline) -> Vec<Attribution> {
        let signal = Batch::gather(pair, genes);
        let at = self.gradients(&signal);
        let mut base = signal.clone();
        baseline.apply(&mut base.signal_a, &mut base.signal_b);
        let at_base = self.gradients(&base);
        let of_gene = |place: usize, gene: usize| Attribution {
            gene,
            predicted: f64::from(at.predicted[place]),
            predicted_baseline: f64::from(at_base.predicted[place]),
            saliency: at.by_signal.each_ref().map(|of| {
                let mut gradient = of_point(&signal, of, place);
                // A hidden mark is not read.
                for mark in (0..signal.marks).filter(|&mark| pair.hides(gene, mark)) {
                    gradient[mark * signal.bins..(mark + 1) * signal.bins].fill(0.0);
                }
                gradient
            }),
            integrated_gradients: [Vec::new(), Vec::new()],
            of_jumps: 0.0,
        };
        let places = genes.iter().enumerate();
        let mut found: Vec<Attribution> =
            places.map(|(place, &gene)| of_gene(place, gene)).collect();
        let ends: Vec<[f64; 2]> = (0..genes.len())
            .map(|place| [&at_base, &at].map(|of| f64::from(of.predicted[place])))
            .collect();
        let integrated = self.integrated(&signal, &base, &ends);
        for (of_gene, (integrated, of_jumps)) in found.iter_mut().zip(integrated) {
            of_gene.integrated_gradients = integrated;
            of_gene.of_jumps = of_jumps;
        }
        found
    }

    /// Integrated gradients of the genes of a batch, of A and of B, whose predictions at the
    /// baseline and at the signal are known, and how much of them is of jumps.
    fn integrated(
        &self,
        signal: &Batch,
        base: &Batch,
        ends: &[[f64; 2]],
    ) -> Vec<([Vec<f32>; 2], f64)> {
        let size = signal.marks * signal.bins;
        let sums = vec![[vec![0.0_f64; size], vec![0.0_f64; size]]; ends.len()];
        let steps: Vec<[Vec<f64>; 2]> = (0..ends.len())
            .map(|place| {
                let sides = [
                    (&signal.signal_a, &base.signal_a),
                    (&signal.signal_b, &base.signal_b),
                ];
                sides.map(|(x, x0)| {
                    let (x, x0) = (of_point(signal, x, place), of_point(base, x0, place));
                    let both = x.iter().zip(x0);
                    both.map(|(x, x0)| f64::from(x - x0)).collect()
                })
            })
            .collect();
        let rule = gauss_legendre(NODES);
        let mut paths: Vec<Vec<Part>> = ends.iter().map(|_| Vec::new()).collect();
        let whole = |(gene, predicted): (usize, &[f64; 2])| Interval {
            gene,
            from: 0.0,
            width: 1.0,
            predicted: *predicted,
        };
        let mut open: Vec<Interval> = ends.iter().enumerate().map(whole).collect();
        for round in 0..ROUNDS {
            for some in open.chunks(BATCH / (NODES + 1)) {
                let points = points_within(signal, base, some, &rule);
                let gradients = self.gradients(&points);
                for (index, interval) in some.iter().enumerate() {
                    let first = index * (NODES + 1);
                    let steps = &steps[interval.gene];
                    let integral = [0, 1].map(|side| {
                        let mut integral = vec![0.0; size];
                        for (node, (_, weight)) in rule.iter().enumerate() {
                            let of = &gradients.by_signal[side];
                            let gradient = of_point(&points, of, first + node);
                            for (sum, gradient) in integral.iter_mut().zip(gradient) {
                                *sum += interval.width * weight * f64::from(gradient);
                            }
                        }
                        let steps = &steps[side];
                        integral
                            .iter_mut()
                            .zip(steps)
                            .for_each(|(i, step)| *i *= step);
                        integral
                    });
                    paths[interval.gene].push(Part {
                        integral,
                        middle: f64::from(gradients.predicted[first + NODES]),
                        interval: *interval,
                    });
                }
            }
            let last = round + 1 == ROUNDS;
            open = match last {
                true => Vec::new(),
                false => paths.iter_mut().flat_map(to_halve).collect(),
            };
            if open.is_empty() {
                break;
            }
        }
        let single = |sums: Vec<f64>| sums.into_iter().map(|x| x as f32).collect();
        let of_gene = |mut sums: [Vec<f64>; 2], path: Vec<Part>| {
            let mut of_jumps = 0.0;
            for part in path {
                let factor = part.jump_factor();
                of_jumps += (factor - 1.0) * part.sum();
                for (sums, integral) in sums.iter_mut().zip(part.integral) {
                    let both = sums.iter_mut().zip(integral);
                    both.for_each(|(sum, x)| *sum += factor * x);
                }
            }
            (sums.map(single), of_jumps)
        };
        let genes = sums.into_iter().zip(paths);
        genes.map(|(sums, path)| of_gene(sums, path)).collect()
    }

    fn gradients(&self, batch: &Batch) -> Gradients {
        let mut sum: Option<Tensor<1>> = None;
        let mut inputs = None;
        for (network, factor) in &self.networks {
            let device = network.device();
            let (a, b) = inputs.get_or_insert_with(|| {
                let shape = [batch.marks, batch.len(), batch.bins];
                let tensor = |of: &[f32]| {
                    let data = TensorData::new(of.to_vec(), shape);
                    Tensor::<3>::from_data(data, &device).require_grad()
                };
                (tensor(&batch.signal_a), tensor(&batch.signal_b))
            });
            let signal = SignalTensors {
                a: a.clone(),
                b: b.clone(),
                cell_types: batch.cell_types.clone(),
            };
            let output = network.predict(signal).log2_fold_change * *factor;
            sum = Some(match sum {
                Some(sum) => sum + output,
                None => output,
            });
        }
        let (Some(predicted), Some((a, b))) = (sum, inputs) else {
            unreachable!("a method of no network")
        };
        let gradients = predicted.clone().sum().backward();
        // A network that does not read one of the cell types has no gradient by it.
        let by = |x: &Tensor<3>| match x.grad(&gradients) {
            Some(gradient) => values(gradient),
            None => vec![0.0; batch.marks * batch.len() * batch.bins],
        };
        Gradients {
            by_signal: [by(&a), by(&b)],
            predicted: values(predicted),
        }
    }
}

/// A part of the way from a gene's baseline to its signal.
#[derive(Debug, Clone, Copy)]
struct Interval {
    /// The gene's place in the batch.
    gene: usize,
    /// Where it begins, a share of the way, and how long it is.
    from: f64,
    width: f64,
    /// The predictions at its ends.
    predicted: [f64; 2],
}

/// An interval and what its signal contributes.
struct Part {
    interval: Interval,
    /// Of A and of B.
    integral: [Vec<f64>; 2],
    /// The prediction in its middle.
    middle: f64,
}

impl Part {
    fn sum(&self) -> f64 {
        self.integral.iter().flatten().sum()
    }

    /// How far the integral is from the difference of the predictions.
    fn gap(&self) -> f64 {
        let [start, end] = self.interval.predicted;
        self.sum() - (end - start)
    }

    /// By what the integral is to be multiplied: 1, but for an interval in which the prediction
    /// jumps.
    fn jump_factor(&self) -> f64 {
        let [start, end] = self.interval.predicted;
        let sum = self.sum();
        let jumps = self.interval.width <= NARROWEST && self.gap().abs() > 1e-5;
        // Where contributions cancel, their sum tells nothing of their proportions.
        let sizes: f64 = self.integral.iter().flatten().map(|x| x.abs()).sum();
        match jumps && sum * (end - start) > 0.0 && sum.abs() >= CANCELS * sizes {
            true => (end - start) / sum,
            false => 1.0,
        }
    }
}

/// Takes from a path the parts that spoil its completeness, and gives their halves.
fn to_halve(path: &mut Vec<Part>) -> Vec<Interval> {
    let gaps: Vec<f64> = path
        .iter()
        .filter(|part| part.interval.width > NARROWEST)
        .map(Part::gap)
        .collect();
    let of_parts: f64 = gaps.iter().map(|gap| gap.abs()).sum();
    let largest = gaps.iter().fold(0.0_f64, |most, gap| most.max(gap.abs()));
    let sum: f64 = gaps.iter().sum();
    if sum.abs() <= TOLERANCE / 2.0 && of_parts <= OF_PARTS {
        return Vec::new();
    }
    let spoils =
        |part: &mut Part| part.interval.width > NARROWEST && part.gap().abs() >= HALVED * largest;
    let spoiling: Vec<Part> = path.extract_if(.., spoils).collect();
    spoiling
        .iter()
        .flat_map(|part| part.interval.halves(part.middle))
        .collect()
}

impl Interval {
    fn halves(&self, middle: f64) -> [Interval; 2] {
        let [start, end] = self.predicted;
        let width = self.width / 2.0;
        let half = |from: f64, predicted: [f64; 2]| Interval {
            gene: self.gene,
            from,
            width,
            predicted,
        };
        [
            half(self.from, [start, middle]),
            half(self.from + width, [middle, end]),
        ]
    }
}

/// The nodes of some intervals, and after those of each its middle, as a batch.
fn points_within(
    signal: &Batch,
    base: &Batch,
    intervals: &[Interval],
    rule: &[(f64, f64)],
) -> Batch {
    let shares = || rule.iter().map(|(x, _)| *x).chain([0.5]);
    let points: Vec<(usize, f32)> = intervals
        .iter()
        .flat_map(|of| shares().map(|x| (of.gene, (of.from + x * of.width) as f32)))
        .collect();
    let line = |x: &[f32], x0: &[f32]| {
        let mut along = Vec::with_capacity(points.len() * signal.marks * signal.bins);
        for mark in 0..signal.marks {
            for &(gene, t) in &points {
                let from = (mark * signal.len() + gene) * signal.bins;
                let (x, x0) = (&x[from..][..signal.bins], &x0[from..][..signal.bins]);
                along.extend(x.iter().zip(x0).map(|(x, x0)| x0 + t * (x - x0)));
            }
        }
        along
    };
    let of_gene = |of: &[f64]| points.iter().map(|&(gene, _)| of[gene]).collect();
    Batch {
        genes: points.iter().map(|&(gene, _)| signal.genes[gene]).collect(),
        marks: signal.marks,
        bins: signal.bins,
        signal_a: line(&signal.signal_a, &base.signal_a),
        signal_b: line(&signal.signal_b, &base.signal_b),
        cell_types: points.iter().map(|&(g, _)| signal.cell_types[g]).collect(),
        log2_fold_change: of_gene(&signal.log2_fold_change),
        log2_expression_a: of_gene(&signal.log2_expression_a),
        log2_expression_b: of_gene(&signal.log2_expression_b),
    }
}

/// The numbers of one of a batch's genes, `[mark, bin]` of `[mark, gene, bin]`.
fn of_point(batch: &Batch, all: &[f32], point: usize) -> Vec<f32> {
    let of_mark = |mark: usize| &all[(mark * batch.len() + point) * batch.bins..][..batch.bins];
    (0..batch.marks).flat_map(of_mark).copied().collect()
}

//! The scales of the training genes, by which an Epidelta makes its inputs and outputs of a
//! size whatever their units.

use crate::dataset::{Pair, PairedGene};

/// Scales, each 1 where nothing varies.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    /// Standard deviation of each mark's transformed signal over bins, genes and cell types,
    /// `[mark]`.
    pub signal: Vec<f32>,
    /// Root mean square of the labels.
    pub label: f32,
    /// Mean and standard deviation of log2 expression.
    pub expression: [f32; 2],
}

impl Standard {
    /// The scales of some genes of a pair, whose signal is transformed.
    pub fn of(pair: &Pair, genes: &[usize]) -> Self {
        let bins = pair.bins();
        let signal = (0..pair.marks().len()).map(|mark| {
            let seen = genes.iter().filter(|&&gene| !pair.hides(gene, mark));
            let values = seen.flat_map(|&gene| {
                let [a, b] = pair
                    .signal(gene)
                    .map(|signal| &signal[mark * bins..][..bins]);
                a.iter().chain(b).map(|&value| f64::from(value))
            });
            or_one(Moments::of(values).spread()) as f32
        });
        let of_genes = |of: fn(&PairedGene) -> f64| {
            let genes = genes.iter().map(move |&gene| &pair.genes[gene]);
            genes.map(of)
        };
        let expression =
            of_genes(|gene| gene.log2_expression_a).chain(of_genes(|gene| gene.log2_expression_b));
        let expression = Moments::of(expression);
        let label = Moments::of(of_genes(|gene| gene.log2_fold_change));
        Standard {
            signal: signal.collect(),
            label: of_log2((label.spread().powi(2) + label.mean().powi(2)).sqrt()),
            expression: [expression.mean() as f32, of_log2(expression.spread())],
        }
    }

    /// Scales that change nothing, for so many marks.
    pub fn none(marks: usize) -> Self {
        Standard {
            signal: vec![1.0; marks],
            label: 1.0,
            expression: [0.0, 1.0],
        }
    }
}

/// Sums of values less the first one, so that a large mean costs no digits.
#[derive(Debug, Default)]
struct Moments {
    count: f64,
    first: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut moments = Moments::default();
        for value in values {
            if moments.count == 0.0 {
                moments.first = value;
            }
            let value = value - moments.first;
            moments.count += 1.0;
            moments.sum += value;
            moments.squares += value * value;
        }
        moments
    }

    fn mean(&self) -> f64 {
        self.first + self.sum / self.count.max(1.0)
    }

    /// The standard deviation.
    fn spread(&self) -> f64 {
        let count = self.count.max(1.0);
        let variance = self.squares / count - (self.sum / count).powi(2);
        variance.max(0.0).sqrt()
    }
}

/// A scale, or 1 where it is too small to divide by.
fn or_one(scale: f64) -> f64 {
    match scale > f64::from(f32::MIN_POSITIVE).sqrt() {
        true => scale,
        false => 1.0,
    }
}

/// A scale of log2 numbers, or 1 where they differ by rounding alone.
fn of_log2(scale: f64) -> f32 {
    match scale > 1e-6 {
        true => scale as f32,
        false => 1.0,
    }
}

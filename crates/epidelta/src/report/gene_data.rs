//! What the script of a page shows genes from: a table of all of them, and of each the signal,
//! attention and ablation that its page draws.
//!
//! The pages are sections of one array, compressed, each `[page][...]`: the largest signal of each
//! mark, ablation of each mark, attention over encoders, the largest attention of a bin of each
//! encoder, all 32-bit; then signal `[cell type][mark][point]` and attention
//! `[encoder][step]` in 255ths of their largest.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use serde_json::{Value, json};

use crate::{
    dataset::{InputTransform, Pair},
    error::{Error, Result},
    evaluation::Predictions,
    explanation::{Attention, Encoder, Strands},
};

/// Bytes that the pages may have before they are compressed, at first.
pub(super) const BUDGET: usize = 18_000_000;
/// Points of a mark's signal, and steps of attention.
const POINTS: std::ops::RangeInclusive<usize> = 16..=100;

/// What is drawn of attention, gathered part by part.
#[derive(Debug, Default)]
pub struct GeneAttention {
    encoders: Vec<Encoder>,
    steps: usize,
    /// `[gene, encoder]`.
    beta: Vec<f32>,
    largest: Vec<f32>,
    /// `[gene, encoder, step]`, in 255ths of the largest.
    alpha: Vec<u8>,
}

impl GeneAttention {
    /// Adds the attention of the genes that come next.
    pub fn add(&mut self, pair: &Pair, strands: Strands, attention: &Attention) {
        self.encoders.clone_from(&attention.encoders);
        self.steps = attention.steps.min(*POINTS.end());
        self.beta.extend(&attention.beta);
        for (place, &gene) in attention.genes.iter().enumerate() {
            for encoder in 0..self.encoders.len() {
                let mut alpha = means(attention.alpha_of(place, encoder), self.steps);
                if strands.is_reversed(pair, gene) {
                    alpha.reverse();
                }
                let largest = alpha.iter().fold(0.0_f32, |most, &x| most.max(x));
                self.largest.push(largest);
                self.alpha.extend(in_255ths(&alpha, largest));
            }
        }
    }

    /// The same with at most so many steps.
    fn coarser(&self, steps: usize) -> Self {
        let steps = steps.min(self.steps);
        let mut coarser = GeneAttention {
            encoders: self.encoders.clone(),
            steps,
            beta: self.beta.clone(),
            ..GeneAttention::default()
        };
        for (alpha, largest) in self.alpha.chunks(self.steps.max(1)).zip(&self.largest) {
            let alpha: Vec<f32> = alpha
                .iter()
                .map(|&x| f32::from(x) / 255.0 * largest)
                .collect();
            let alpha = means(&alpha, steps);
            let largest = alpha.iter().fold(0.0_f32, |most, &x| most.max(x));
            coarser.largest.push(largest);
            coarser.alpha.extend(in_255ths(&alpha, largest));
        }
        coarser
    }
}

/// Everything about the genes of a run.
pub(super) struct GeneData<'r> {
    pub pair: &'r Pair,
    pub strands: Strands,
    /// The transform by which the signal was made what the method sees.
    pub transform: InputTransform,
    pub predictions: &'r Predictions,
    pub label: String,
    pub classifies: bool,
    /// Of all genes, where the method has attention.
    pub attention: Option<&'r GeneAttention>,
    /// Genes that have a page; all, where it is none.
    pub pages: Option<Vec<usize>>,
    /// What each mark contributes to the predictions of these, `[page][mark]`.
    pub contributions: Vec<Vec<f64>>,
}

/// Genes that have a page where not all can: those with the largest predicted or observed change,
/// and those that were asked for. None where all can.
pub(super) fn genes_with_page(
    pair: &Pair,
    predictions: &Predictions,
    encoders: usize,
    named: &[usize],
) -> Option<Vec<usize>> {
    let genes = pair.genes.len();
    let of_page = (2 * pair.marks().len() + encoders) * POINTS.start();
    let most = BUDGET / of_page.max(1);
    if genes <= most {
        return None;
    }
    let size = |gene: usize| {
        let predicted = f64::from(predictions.genes[gene].predicted).abs();
        predicted.max(pair.genes[gene].log2_fold_change.abs())
    };
    let mut order: Vec<usize> = (0..genes).collect();
    order.sort_by(|&x, &y| size(y).total_cmp(&size(x)));
    order.truncate(most);
    order.extend(named);
    order.sort_unstable();
    order.dedup();
    Some(order)
}

impl GeneData<'_> {
    /// The data as JSON, the pages in so many bytes before they are compressed, or at the coarsest.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn json(&self, budget: usize) -> Result<String> {
        let pair = self.pair;
        let metadata = &pair.cells[0].metadata;
        let genes = 0..pair.genes.len();
        let record = |gene: usize| pair.record(gene, 0);
        let column = |of: &dyn Fn(usize) -> Value| genes.clone().map(of).collect::<Vec<Value>>();
        let split = |gene: usize| pair.genes[gene].split.map(|split| split.name());
        let (pairs, of_pair) = self.pairs();
        let of_prediction = self.predictions.genes.iter();
        let spread = of_prediction.clone().any(|gene| gene.spread.is_some());
        let cells: [Option<&str>; 2] = match pair.is_of_several() || pair.genes.is_empty() {
            true => [None, None],
            false => pair.cell_types(0).map(Some),
        };
        let encoders = self.attention.map_or(&[][..], |of| &of.encoders);
        let value = json!({
            "a": cells[0],
            "b": cells[1],
            "label": self.label,
            "classifies": self.classifies,
            "marks": pair.marks(),
            "bins": pair.bins(),
            "bin_size": metadata.bin_size,
            "upstream": metadata.upstream,
            "downstream": metadata.downstream,
            "order": if self.strands.is_oriented() { "strand" } else { "genome" },
            "signal_unit": metadata.signal_unit,
            "ablation": "the prediction less the one with the mark made equal in both cell types",
            "encoders": encoders,
            "pairs": pairs,
            "genes": {
                "id": column(&|gene| json!(record(gene).gene_id)),
                "name": column(&|gene| json!(record(gene).gene_name)),
                "chrom": column(&|gene| json!(record(gene).chrom)),
                "tss": column(&|gene| json!(record(gene).tss)),
                "strand": column(&|gene| json!(record(gene).strand.map(|s| s.symbol()))),
                "split": column(&|gene| json!(split(gene))),
                "pair": of_pair,
                "observed": column(&|gene| rounded(pair.genes[gene].log2_fold_change)),
                "predicted": of_prediction
                    .clone()
                    .map(|gene| rounded(f64::from(gene.predicted)))
                    .collect::<Vec<_>>(),
                "spread": spread.then(|| {
                    let spread = of_prediction.map(|gene| gene.spread.map(f64::from).map(rounded));
                    spread.collect::<Vec<_>>()
                }),
            },
            "pages": self.pages(budget)?,
        });
        serde_json::to_string(&value).map_err(|error| {
            let problem = format!("the genes cannot be written as JSON: {error}");
            Error::data(problem, "This is a defect of epidelta; please report it")
        })
    }

    /// The names of several pairs, and which each gene is of.
    fn pairs(&self) -> (Option<Vec<String>>, Option<Vec<usize>>) {
        if !self.pair.is_of_several() {
            return (None, None);
        }
        let mut names: Vec<String> = Vec::new();
        let of_gene = |gene: usize| {
            let name = self.pair.cell_types(gene).join("/");
            let known = names.iter().rposition(|known| *known == name);
            known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        };
        let places: Vec<usize> = (0..self.pair.genes.len()).map(of_gene).collect();
        (Some(names), Some(places))
    }

    fn pages(&self, budget: usize) -> Result<Value> {
        let all: Vec<usize>;
        let genes = match &self.pages {
            Some(genes) => genes,
            None => {
                all = (0..self.pair.genes.len()).collect();
                &all
            }
        };
        let (marks, bins) = (self.pair.marks().len(), self.pair.bins());
        let encoders = self.attention.map_or(0, |of| of.encoders.len());
        let lines = genes.len() * (2 * marks + encoders);
        let room = (budget / lines.max(1)).clamp(*POINTS.start(), *POINTS.end());
        let points = room.min(bins);
        let attention = self.attention.map(|of| of.coarser(room));
        let steps = attention.as_ref().map_or(0, |of| of.steps);

        let mut largest = Vec::with_capacity(genes.len() * marks);
        let mut signal = Vec::with_capacity(genes.len() * 2 * marks * points);
        for &gene in genes {
            let sides = self
                .pair
                .signal(gene)
                .map(|signal| self.drawn(gene, signal, points));
            let of_mark = |mark: usize| {
                let both = sides
                    .iter()
                    .flat_map(|side| &side[mark * points..][..points]);
                both.fold(0.0_f32, |most, &x| most.max(x))
            };
            let of_marks: Vec<f32> = (0..marks).map(of_mark).collect();
            for side in &sides {
                for (drawn, &largest) in side.chunks(points).zip(&of_marks) {
                    signal.extend(in_255ths(drawn, largest));
                }
            }
            largest.extend(of_marks);
        }
        let contributions = self.contributions.iter().flatten();
        let mut bytes = floats(largest);
        bytes.extend(floats(contributions.map(|&x| x as f32)));
        if let Some(of) = &attention {
            let rows = |all: &[f32]| -> Vec<f32> {
                let of_gene = |&gene: &usize| &all[gene * encoders..][..encoders];
                genes.iter().flat_map(of_gene).copied().collect()
            };
            bytes.extend(floats(rows(&of.beta)));
            bytes.extend(floats(rows(&of.largest)));
        }
        bytes.extend(signal);
        if let Some(of) = &attention {
            let size = encoders * steps;
            let of_gene = |&gene: &usize| &of.alpha[gene * size..][..size];
            bytes.extend(genes.iter().flat_map(of_gene));
        }
        let failed = |error: std::io::Error| {
            let problem = format!("the pages of genes cannot be compressed: {error}");
            Error::data(problem, "Free some memory")
        };
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(&bytes).map_err(failed)?;
        let compressed = encoder.finish().map_err(failed)?;
        Ok(json!({
            "genes": self.pages,
            "points": points,
            "steps": steps,
            "data": STANDARD.encode(compressed),
        }))
    }

    /// A gene's signal as it was before its transform, in so many points, `[mark, point]`.
    fn drawn(&self, gene: usize, signal: &[f32], points: usize) -> Vec<f32> {
        let reversed = self.strands.is_reversed(self.pair, gene);
        let of_mark = |of_bins: &[f32]| {
            let undone: Vec<f32> = of_bins
                .iter()
                .map(|&x| self.transform.undone(f64::from(x)) as f32)
                .collect();
            let mut drawn = means(&undone, points);
            if reversed {
                drawn.reverse();
            }
            drawn
        };
        signal.chunks(self.pair.bins()).flat_map(of_mark).collect()
    }
}

/// A number with four digits after the point, of which nobody sees more.
fn rounded(value: f64) -> Value {
    json!((value * 1e4).round() / 1e4)
}

/// Means of values in windows of equal width.
fn means(values: &[f32], windows: usize) -> Vec<f32> {
    let start = |window: usize| window * values.len() / windows;
    let mean = |window: usize| {
        let of_window = &values[start(window)..start(window + 1)];
        of_window.iter().sum::<f32>() / of_window.len() as f32
    };
    (0..windows).map(mean).collect()
}

fn in_255ths(values: &[f32], largest: f32) -> impl Iterator<Item = u8> {
    let scale = if largest > 0.0 { 255.0 / largest } else { 0.0 };
    values
        .iter()
        .map(move |&x| (x * scale).round().clamp(0.0, 255.0) as u8)
}

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

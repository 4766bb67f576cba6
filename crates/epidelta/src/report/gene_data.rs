//! What the script of a page shows genes from: a table of all of them, and of each the signal,
//! attention and ablation that its page draws.
//!
//! The pages are sections of one array, compressed, each `[page][...]`: the largest and the lowest
//! signal of each mark (zero at least and at most), ablation of each mark, attention over encoders,
//! the largest attention of a bin of each encoder, all 32-bit; then signal
//! `[cell type][mark][point]` in 255ths of the way from the lowest to the largest, and attention
//! `[encoder][step]` in 255ths of the largest.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
};

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
                self.alpha.extend(in_255ths(&alpha, [0.0, largest]));
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
            coarser.alpha.extend(in_255ths(&alpha, [0.0, largest]));
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
    /// The genes in the table.
    pub listed: Vec<usize>,
    /// Places in the table, those first that have a page where not all can.
    pub order: Vec<usize>,
    /// What each mark contributes to the predictions of the genes that have a page, by their
    /// place in the table, `[mark]`.
    pub contributions: HashMap<usize, Vec<f64>>,
}

/// Rows of the table of genes, at most: genes of many pairs.
const LISTED: usize = 60_000;

/// The genes in the table, and their places in the order in which they get pages: those asked for,
/// then those with the largest predicted or observed change.
pub(super) fn listed(
    pair: &Pair,
    predictions: &Predictions,
    named: &[usize],
) -> (Vec<usize>, Vec<usize>) {
    let named: HashSet<usize> = named.iter().copied().collect();
    let size = |gene: usize| {
        let predicted = f64::from(predictions.genes[gene].predicted).abs();
        match named.contains(&gene) {
            true => f64::INFINITY,
            false => predicted.max(pair.genes[gene].log2_fold_change.abs()),
        }
    };
    let by_size = |genes: &mut Vec<usize>, gene: &dyn Fn(usize) -> usize| {
        genes.sort_by(|&x, &y| size(gene(y)).total_cmp(&size(gene(x))));
    };
    let mut listed: Vec<usize> = (0..pair.genes.len()).collect();
    if listed.len() > LISTED {
        by_size(&mut listed, &|gene| gene);
        listed.truncate(LISTED);
        listed.sort_unstable();
    }
    let mut order: Vec<usize> = (0..listed.len()).collect();
    by_size(&mut order, &|place| listed[place]);
    (listed, order)
}

impl GeneData<'_> {
    /// The data as JSON, the pages in so many bytes before they are compressed, or at the coarsest.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn json(&self, budget: usize) -> Result<String> {
        let pair = self.pair;
        let metadata = &pair.cells[0].metadata;
        let record = |gene: usize| pair.record(gene, 0);
        let column = |of: &dyn Fn(usize) -> Value| {
            let genes = self.listed.iter();
            genes.map(|&gene| of(gene)).collect::<Vec<Value>>()
        };
        let split = |gene: usize| pair.role(gene).map(|split| split.name());
        let (pairs, of_pair) = self.pairs();
        let of_prediction = |gene: usize| &self.predictions.genes[gene];
        let has_spread = self
            .predictions
            .genes
            .iter()
            .any(|gene| gene.spread.is_some());
        let cells: [Option<&str>; 2] = match pair.has_several() || pair.genes.is_empty() {
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
            "omitted": pair.genes.len() - self.listed.len(),
            "genes": {
                "id": column(&|gene| json!(record(gene).gene_id)),
                "name": column(&|gene| json!(record(gene).gene_name)),
                "chrom": column(&|gene| json!(record(gene).chrom)),
                "tss": column(&|gene| json!(record(gene).tss)),
                "strand": column(&|gene| json!(record(gene).strand.map(|s| s.symbol()))),
                "split": column(&|gene| json!(split(gene))),
                "pair": of_pair,
                "observed": column(&|gene| rounded(pair.genes[gene].log2_fold_change)),
                "predicted": column(&|gene| rounded(f64::from(of_prediction(gene).predicted))),
                "spread": has_spread.then(|| {
                    column(&|gene| json!(of_prediction(gene).spread.map(f64::from).map(rounded)))
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
        if !self.pair.has_several() {
            return (None, None);
        }
        let mut names: Vec<String> = Vec::new();
        let mut of_gene = |gene: usize| {
            let name = self.pair.cell_types(gene).join("/");
            let known = names.iter().rposition(|known| *known == name);
            known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        };
        let places: Vec<usize> = self.listed.iter().map(|&gene| of_gene(gene)).collect();
        (Some(names), Some(places))
    }

    /// 32-bit numbers of a page.
    fn floats(&self) -> usize {
        3 * self.pair.marks().len() + 2 * self.encoders()
    }

    /// Lines that a page draws: signal and attention.
    fn lines(&self) -> usize {
        2 * self.pair.marks().len() + self.encoders()
    }

    fn encoders(&self) -> usize {
        self.attention.map_or(0, |of| of.encoders.len())
    }

    /// The places in the table of the genes that have a page where the pages may have so many
    /// bytes.
    pub fn with_page(&self, budget: usize) -> Vec<usize> {
        let of_page = 4 * self.floats() + self.lines() * POINTS.start();
        let mut places = self.order.clone();
        places.truncate(budget / of_page.max(1));
        places.sort_unstable();
        places
    }

    fn pages(&self, budget: usize) -> Result<Value> {
        let places = self.with_page(budget);
        let genes: Vec<usize> = places.iter().map(|&place| self.listed[place]).collect();
        let (marks, bins) = (self.pair.marks().len(), self.pair.bins());
        let encoders = self.encoders();
        let of_page = (budget / genes.len().max(1)).saturating_sub(4 * self.floats());
        let room = (of_page / self.lines().max(1)).clamp(*POINTS.start(), *POINTS.end());
        let points = room.min(bins);
        let attention = self.attention.map(|of| of.coarser(room));
        let steps = attention.as_ref().map_or(0, |of| of.steps);

        let mut ends = [
            Vec::with_capacity(genes.len() * marks),
            Vec::with_capacity(genes.len() * marks),
        ];
        let mut signal = Vec::with_capacity(genes.len() * 2 * marks * points);
        for &gene in &genes {
            let sides = self
                .pair
                .seen(gene)
                .map(|signal| self.drawn(gene, &signal, points));
            let of_mark = |mark: usize| {
                let both = sides
                    .iter()
                    .flat_map(|side| &side[mark * points..][..points]);
                both.fold([0.0_f32; 2], |[low, high], &x| [low.min(x), high.max(x)])
            };
            let of_marks: Vec<[f32; 2]> = (0..marks).map(of_mark).collect();
            for side in &sides {
                for (drawn, &ends) in side.chunks(points).zip(&of_marks) {
                    signal.extend(in_255ths(drawn, ends));
                }
            }
            ends[0].extend(of_marks.iter().map(|[_, high]| *high));
            ends[1].extend(of_marks.iter().map(|[low, _]| *low));
        }
        let [largest, lowest] = ends;
        let mut bytes = floats(largest);
        bytes.extend(floats(lowest));
        let contributions = places
            .iter()
            .filter_map(|place| self.contributions.get(place));
        bytes.extend(floats(contributions.flatten().map(|&x| x as f32)));
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
            "genes": (places.len() < self.listed.len()).then_some(places),
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

fn in_255ths(values: &[f32], [low, high]: [f32; 2]) -> impl Iterator<Item = u8> {
    let range = high - low;
    let scale = if range > 0.0 { 255.0 / range } else { 0.0 };
    values
        .iter()
        .map(move |&x| ((x - low) * scale).round().clamp(0.0, 255.0) as u8)
}

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::{LabelConfig, SimulationConfig, simulate},
        evaluation::GenePrediction,
    };

    #[test]
    fn those_that_change_most_have_pages_and_negative_signal_is_kept() {
        let (a, b) = simulate(&SimulationConfig {
            genes: 30,
            bins: 20,
            bin_size: 1000,
            ..SimulationConfig::default()
        })
        .unwrap()
        .into_pair()
        .unwrap();
        let [mut a, b] = [a, b];
        a.signal[0] = -2.5;
        let pair = Pair::join(a, b, LabelConfig::default()).unwrap().0;
        let of_gene = |gene| GenePrediction::of(&pair, gene, gene as f32);
        let predictions = Predictions {
            genes: (0..30).map(of_gene).collect(),
        };
        let (listed, order) = listed(&pair, &predictions, &[3]);
        assert_eq!((listed.len(), order[0]), (30, 3));
        let data = GeneData {
            pair: &pair,
            strands: Strands::UpstreamFirst,
            transform: InputTransform::None,
            predictions: &predictions,
            label: "log2 fold change".into(),
            classifies: false,
            attention: None,
            listed,
            order,
            contributions: (0..30).map(|gene| (gene, vec![gene as f64; 5])).collect(),
        };
        // Ten lines of sixteen points and fifteen numbers a page.
        let of_page = 10 * 16 + 15 * 4;
        assert_eq!(data.with_page(4 * of_page).len(), 4);
        assert!(data.with_page(4 * of_page).contains(&3));
        let json: Value = serde_json::from_str(&data.json(4 * of_page).unwrap()).unwrap();
        let pages = &json["pages"];
        assert_eq!(pages["genes"].as_array().unwrap().len(), 4);
        assert_eq!(pages["points"], 16);
        // With room for all, the lowest signal of the first gene's first mark is there.
        let json: Value = serde_json::from_str(&data.json(BUDGET).unwrap()).unwrap();
        let pages = &json["pages"];
        assert!(pages["genes"].is_null() && pages["points"] == 20);
        let compressed = STANDARD.decode(pages["data"].as_str().unwrap()).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::DeflateDecoder::new(compressed.as_slice()),
            &mut bytes,
        )
        .unwrap();
        assert_eq!(bytes.len(), 30 * (15 * 4 + 10 * 20));
        let lowest = &bytes[30 * 5 * 4..][..4];
        assert_eq!(f32::from_le_bytes(lowest.try_into().unwrap()), -2.5);
        // It is the first point of A's first mark.
        assert_eq!(bytes[30 * 15 * 4], 0);
    }
}

//! Attention at both levels, by name: which channel and mark an encoder reads.
//!
//! Source: Sekhon et al. 2018, section 2.2: `alpha`, over bins, of every encoder of level I, and
//! `beta`, over these encoders, of level II. Each sums to one.

use burn::tensor::Tensor;
use serde::Serialize;

use super::regions::Regions;
use crate::{
    dataset::{Batch, Mark, Pair},
    error::Result,
    method::FittedMethod,
    model::{self, Network, SignalTensors, values},
};

/// Genes at once.
const BATCH: usize = 128;
/// Genes of which attention is held in memory.
const IN_A_PART: usize = 2048;
/// The mark of an encoder that reads all of them.
pub const ALL_MARKS: &str = "all marks";

/// An encoder of level I.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Encoder {
    /// What it reads: `A`, `B` or `A-B` of a network's raw part, `auxiliary A` or
    /// `auxiliary B` of its cell-specific parts. Of `epidelta`, `A` is the view of the gene from
    /// A's side, beside B.
    pub channel: String,
    /// The mark that it reads, or `all marks`.
    pub mark: Mark,
    /// Which of the pair's marks that is.
    #[serde(skip)]
    pub mark_index: Option<usize>,
}

/// Attention for some genes. Of an ensemble, the mean over its networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// The encoders of level I.
    pub encoders: Vec<Encoder>,
    /// The genes, as indices into the pair.
    pub genes: Vec<usize>,
    /// What the recurrence steps through: bins or groups of them.
    pub steps: usize,
    /// Bins of a step; the last may have fewer.
    pub bins_per_step: usize,
    /// Over encoders, on the way to the fold change, `[gene, encoder]`. It sums to one over all
    /// encoders where one level II reads them all, else over those of a cell type.
    pub beta: Vec<f32>,
    /// Over the marks of a cell type, on the way to its own expression, where there is such a
    /// task, `[gene, encoder]`; not a number for encoders that have no part in it.
    pub beta_cell: Option<Vec<f32>>,
    /// Over steps, `[gene, encoder, step]`.
    pub alpha: Vec<f32>,
}

impl Attention {
    /// Attention over the encoders for a gene, by its place in `genes`.
    pub fn beta_of(&self, place: usize) -> &[f32] {
        &self.beta[place * self.encoders.len()..][..self.encoders.len()]
    }

    /// Attention over the steps of an encoder for a gene, by its place in `genes`.
    pub fn alpha_of(&self, place: usize, encoder: usize) -> &[f32] {
        let row = place * self.encoders.len() + encoder;
        &self.alpha[row * self.steps..][..self.steps]
    }

    /// The same for each bin: a step's attention, shared evenly by its bins.
    pub fn alpha_of_bins(&self, place: usize, encoder: usize, bins: usize) -> Vec<f32> {
        let alpha = self.alpha_of(place, encoder);
        let of_bin = |bin: usize| {
            let step = bin / self.bins_per_step;
            let width = self.bins_per_step.min(bins - step * self.bins_per_step);
            alpha[step] / width as f32
        };
        (0..bins).map(of_bin).collect()
    }

    /// How much a gene's prediction attends to each mark: the sum of beta over channels,
    /// without encoders of all marks, `[mark]`.
    pub(super) fn of_marks(&self, place: usize, marks: usize) -> Vec<f64> {
        let mut sums = vec![0.0; marks];
        for (encoder, beta) in self.encoders.iter().zip(self.beta_of(place)) {
            if let Some(mark) = encoder.mark_index {
                sums[mark] += f64::from(*beta);
            }
        }
        sums
    }

    /// How much it attends to each region of each mark: beta times alpha, summed over channels
    /// and the region's bins, `[mark * region]`.
    pub(super) fn of_regions(&self, place: usize, regions: &Regions) -> Vec<f64> {
        let mut sums = vec![0.0; regions.len()];
        for (index, encoder) in self.encoders.iter().enumerate() {
            let Some(mark) = encoder.mark_index else {
                continue;
            };
            let beta = f64::from(self.beta_of(place)[index]);
            let alpha = self.alpha_of_bins(place, index, regions.bins);
            for (bin, alpha) in alpha.into_iter().enumerate() {
                sums[regions.of(mark, bin)] += beta * f64::from(alpha);
            }
        }
        sums
    }
}

/// The attention of a method's networks for genes of a pair, its signal as the method sees it;
/// none of methods without attention. One for each network of an ensemble.
pub fn attention(method: &FittedMethod, pair: &Pair, genes: &[usize]) -> Option<Vec<Attention>> {
    match method {
        FittedMethod::Network { members, .. } => members
            .iter()
            .map(|network| of_network(network, pair, genes))
            .collect(),
        FittedMethod::Cells { networks, .. } => {
            let [a, b] = networks.each_ref();
            let of_cells = [of_network(a, pair, genes)?, of_network(b, pair, genes)?];
            Some(vec![side_by_side(of_cells)])
        }
        FittedMethod::Baseline { .. } => None,
    }
}

/// The mean attention of a method's networks, told part by part of the genes, so that memory
/// does not grow with their number. Whether there is attention.
///
/// # Errors
/// Those of `with`.
pub fn attention_in_parts(
    method: &FittedMethod,
    pair: &Pair,
    genes: &[usize],
    with: &mut dyn FnMut(&Attention) -> Result<()>,
) -> Result<bool> {
    for part in genes.chunks(IN_A_PART) {
        let Some(mean) = attention(method, pair, part).and_then(Attention::mean) else {
            return Ok(false);
        };
        with(&mean)?;
    }
    Ok(true)
}

impl Attention {
    /// The mean over networks.
    pub fn mean(mut of_networks: Vec<Attention>) -> Option<Self> {
        let mut mean = of_networks.pop()?;
        let networks = of_networks.len() as f32 + 1.0;
        let add = |sum: &mut [f32], other: &[f32]| {
            sum.iter_mut().zip(other).for_each(|(sum, x)| *sum += x);
        };
        for other in &of_networks {
            add(&mut mean.beta, &other.beta);
            add(&mut mean.alpha, &other.alpha);
            if let (Some(sum), Some(other)) = (&mut mean.beta_cell, &other.beta_cell) {
                add(sum, other);
            }
        }
        if networks > 1.0 {
            let parts = [&mut mean.beta, &mut mean.alpha].into_iter();
            for part in parts.chain(&mut mean.beta_cell) {
                part.iter_mut().for_each(|x| *x /= networks);
            }
        }
        Some(mean)
    }
}

/// Two networks, each of one cell type, as one.
fn side_by_side([a, b]: [Attention; 2]) -> Attention {
    let join = |x: &[f32], y: &[f32], of_gene: usize| -> Vec<f32> {
        let of_genes = x.chunks(of_gene).zip(y.chunks(of_gene));
        of_genes.flat_map(|(x, y)| [x, y].concat()).collect()
    };
    let encoders = a.encoders.len();
    Attention {
        beta: join(&a.beta, &b.beta, encoders),
        alpha: join(&a.alpha, &b.alpha, encoders * a.steps),
        beta_cell: None,
        encoders: [a.encoders, b.encoders].concat(),
        ..a
    }
}

/// Names of the encoders, in the order of [`rows`].
fn encoders(network: &Network, marks: &[Mark]) -> Option<Vec<Encoder>> {
    let of_channel = |channel: &str| {
        let of_mark = |(index, mark): (usize, &Mark)| Encoder {
            channel: channel.into(),
            mark: mark.clone(),
            mark_index: Some(index),
        };
        marks.iter().enumerate().map(of_mark).collect::<Vec<_>>()
    };
    match network {
        Network::DeepChrome(..) => None,
        Network::DeepDiff(config, _) => {
            let mut channels: Vec<&str> = config
                .channels
                .iter()
                .map(|channel| channel.name())
                .collect();
            if config.has_auxiliary() {
                channels.extend(["auxiliary A", "auxiliary B"]);
            }
            Some(channels.into_iter().flat_map(of_channel).collect())
        }
        Network::Epidelta(epidelta) => {
            let of_view = |channel: &str| {
                let all_marks = epidelta.config.joint_encoder.then(|| Encoder {
                    channel: channel.into(),
                    mark: ALL_MARKS.into(),
                    mark_index: None,
                });
                of_channel(channel).into_iter().chain(all_marks)
            };
            Some(["A", "B"].into_iter().flat_map(of_view).collect())
        }
    }
}

fn of_network(network: &Network, pair: &Pair, genes: &[usize]) -> Option<Attention> {
    let encoders = encoders(network, pair.marks())?;
    let bins_per_step = match network {
        Network::DeepDiff(config, _) => config.bins_per_step,
        Network::Epidelta(epidelta) => epidelta.config.bins_per_step,
        Network::DeepChrome(..) => return None,
    };
    let steps = pair.bins().div_ceil(bins_per_step);
    let mut attention = Attention {
        beta: Vec::with_capacity(genes.len() * encoders.len()),
        beta_cell: None,
        alpha: Vec::with_capacity(genes.len() * encoders.len() * steps),
        encoders,
        genes: genes.to_vec(),
        steps,
        bins_per_step,
    };
    let device = network.device();
    for part in genes.chunks(BATCH) {
        let batch = Batch::gather(pair, part);
        let output = network.predict_with_attention(SignalTensors::of(&batch, &device));
        let rows = rows(output.attention)?;
        attention.alpha.extend(values(rows.alpha.swap_dims(0, 1)));
        attention.beta.extend(values(rows.beta));
        if let Some(cells) = rows.beta_cell {
            let of_part = values(cells);
            // The cell-specific parts are the last encoders.
            let (of_gene, all) = (of_part.len() / part.len(), attention.encoders.len());
            let kept = attention.beta_cell.get_or_insert_default();
            for of_gene in of_part.chunks(of_gene) {
                kept.resize(kept.len() + all - of_gene.len(), f32::NAN);
                kept.extend(of_gene);
            }
        }
    }
    Some(attention)
}

/// A batch's attention with all encoders in one order.
struct Rows {
    /// `[encoder, batch, step]`.
    alpha: Tensor<3>,
    /// `[batch, encoder]`.
    beta: Tensor<2>,
    /// `[batch, encoder of a cell-specific part]`.
    beta_cell: Option<Tensor<2>>,
}

/// The raw part's encoders by channel, then the cell-specific ones of A and of B; after the
/// marks of a side its encoder of all marks.
fn rows(attention: model::Attention) -> Option<Rows> {
    let mut alpha: Vec<Tensor<3>> = attention.bins_raw.into_iter().collect();
    if let Some([a, b]) = attention.bins_cells {
        let [all_a, all_b] = match attention.bins_all_marks {
            Some(both) => both.map(Some),
            None => [None, None],
        };
        alpha.extend([Some(a), all_a, Some(b), all_b].into_iter().flatten());
    }
    let cells = attention.marks_cells;
    let cells = cells.map(|[a, b]| Tensor::cat(vec![a, b], 1));
    Some(Rows {
        alpha: (!alpha.is_empty()).then(|| Tensor::cat(alpha, 0))?,
        // Without a joint level II, those of the cell types lead to the fold change.
        beta: attention.marks_joint.clone().or_else(|| cells.clone())?,
        beta_cell: attention.marks_joint.and(cells),
    })
}

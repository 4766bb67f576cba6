//! What is done to the signal before a method sees it.

use serde::{Deserialize, Serialize};

use super::epigenome::{Epigenome, Orientation};
use crate::{
    error::{Error, Result},
    genome::Strand,
};

/// What is done to the signal before a model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputTransform {
    /// The numbers of the file, as the published code takes them.
    None,
    /// `ln(1 + x)`, which tames the few bins with very many reads.
    Log1p,
    /// `asinh(x)`, for signal that may be negative.
    Arcsinh,
}

impl InputTransform {
    /// Transforms the signal in place.
    pub fn apply(self, signal: &mut [f32]) {
        match self {
            InputTransform::None => {}
            InputTransform::Log1p => signal.iter_mut().for_each(|v| *v = v.ln_1p()),
            InputTransform::Arcsinh => signal.iter_mut().for_each(|v| *v = v.asinh()),
        }
    }

    /// Checks that the transform is defined for a cell type's signal.
    pub(super) fn check(self, cell: &Epigenome) -> Result<()> {
        let negative = cell.signal.iter().position(|&v| v < 0.0);
        let (InputTransform::Log1p, Some(at)) = (self, negative) else {
            return Ok(());
        };
        let gene = at / (cell.marks.len() * cell.bins);
        Err(Error::data(
            format!(
                "the signal of gene {} in {} is negative, which the transform log1p does not take",
                cell.genes[gene].gene_id, cell.metadata.cell_type
            ),
            "Use --set input.transform=arcsinh",
        ))
    }

    /// The number that was transformed.
    pub fn undone(self, value: f64) -> f64 {
        match self {
            InputTransform::None => value,
            InputTransform::Log1p => value.exp_m1(),
            InputTransform::Arcsinh => value.sinh(),
        }
    }

    /// The transform of one number.
    pub fn of(self, value: f64) -> f64 {
        match self {
            InputTransform::None => value,
            InputTransform::Log1p => value.ln_1p(),
            InputTransform::Arcsinh => value.asinh(),
        }
    }
}

/// The order in which a method sees the bins of a gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinOrder {
    /// As in the file.
    #[default]
    File,
    /// Upstream first: where the file runs along the genome, bins of genes that are known to
    /// be on the reverse strand are turned round.
    Strand,
}

/// What is done to the signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputConfig {
    /// The transform of the signal. Networks take it of every bin; methods that
    /// average bins take it of the averages.
    pub transform: InputTransform,
    /// The order of the bins.
    #[serde(default)]
    pub order: BinOrder,
}

impl BinOrder {
    /// Puts the bins of a cell type's genes in order.
    pub(super) fn apply(self, cell: &mut Epigenome) {
        if self == BinOrder::File || cell.metadata.orientation == Orientation::Strand {
            return;
        }
        let of_gene = cell.marks.len() * cell.bins;
        for (gene, signal) in cell.genes.iter().zip(cell.signal.chunks_mut(of_gene)) {
            if gene.strand == Some(Strand::Reverse) {
                signal.chunks_mut(cell.bins).for_each(<[f32]>::reverse);
            }
        }
    }
}

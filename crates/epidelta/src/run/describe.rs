//! `run.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::MARKER;
use crate::{
    dataset::{Epigenome, Mark},
    error::{Error, Result},
    model::{ExpressionThresholds, Variant},
    training::{Preset, Settings},
};

/// Version of the file's format.
pub(super) const FORMAT: u32 = 1;

/// A dataset that a run was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its path, absolute.
    pub path: PathBuf,
    /// Its SHA-256 checksum.
    pub sha256: String,
    /// The cell type in it.
    pub cell_type: String,
}

/// The shape of the data that a model takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataShape {
    /// The marks, in order.
    pub marks: Vec<Mark>,
    /// Bins per mark.
    pub bins: usize,
    /// Width of a bin, bp.
    pub bin_size: u32,
    /// How far the window reaches upstream of the TSS, bp.
    pub upstream: u32,
    /// How far it reaches downstream, bp.
    pub downstream: u32,
    /// Order of the bins: `genome` or `strand`.
    pub orientation: String,
    /// Unit of the signal.
    pub signal_unit: String,
    /// Unit of the expression.
    pub expression_unit: String,
}

impl DataShape {
    /// The shape of a cell type's data.
    pub fn of(epigenome: &Epigenome) -> Self {
        DataShape {
            marks: epigenome.marks.clone(),
            bins: epigenome.bins,
            bin_size: epigenome.metadata.bin_size,
            upstream: epigenome.metadata.upstream,
            downstream: epigenome.metadata.downstream,
            orientation: epigenome.metadata.orientation.name().into(),
            signal_unit: epigenome.metadata.signal_unit.clone(),
            expression_unit: epigenome.metadata.expression_unit.clone(),
        }
    }
}

/// `run.toml`: what was run, on what, with which settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDescription {
    /// Version of this file's format.
    pub format: u32,
    /// Version of epidelta.
    pub epidelta: String,
    /// The method.
    pub method: Variant,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// The seed.
    pub seed: u64,
    /// SHA-256 of `model.safetensors`.
    pub weights_sha256: String,
    /// SHA-256 of `predictions.tsv`, which tells what each gene was trained as.
    pub predictions_sha256: String,
    /// Cell type A's data.
    pub a: DataFile,
    /// Cell type B's data.
    pub b: DataFile,
    /// The shape of the data.
    pub data: DataShape,
    /// Medians of log2 expression of the training genes in A and B.
    pub median_log2_expression: ExpressionThresholds,
    /// Every setting.
    #[serde(flatten)]
    pub settings: Settings,
}

impl RunDescription {
    pub(super) fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| {
            Error::data(
                format!("the run cannot be described in {MARKER}: {error}"),
                "Give paths and a seed that can be written as text",
            )
        })
    }
}

//! `run.toml`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{LabelTable, MARKER};
use crate::{
    dataset::{Epigenome, Mark},
    error::{self, Error, Place},
    method::{Method, Preset, Settings},
    model::ExpressionThresholds,
    provenance::{
        seal::{self, UNSEALED},
        sha256,
    },
};

/// Version of the file's format.
pub(super) const FORMAT: u32 = 2;
/// The one before, without a checksum of the file itself.
const UNSEALED_FORMAT: u32 = 1;

/// Before the checksum in the last line.
const SEAL: &str = "# sha256 of this file, with zeros in its place: ";

/// A dataset that a run was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its path, absolute.
    pub path: PathBuf,
    /// Its SHA-256 checksum.
    pub sha256: String,
    /// The cell type in it.
    pub cell_type: String,
    /// The expression of all genes that were measured, together, where the file tells it; labels
    /// are normalized by it where all files do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library_size: Option<f64>,
}

/// The table that a run's labels were taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelFile {
    /// Its path, absolute.
    pub path: PathBuf,
    /// Its SHA-256 checksum.
    pub sha256: String,
    /// The column with the log2 fold change, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

impl LabelFile {
    /// Describes a table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn of(table: &LabelTable) -> error::Result<Self> {
        let path = &table.path;
        Ok(LabelFile {
            path: fs::canonicalize(path).map_err(Error::io("read", path))?,
            sha256: sha256(path)?,
            column: table.column.clone(),
        })
    }

    /// What the labels of a table are, in words.
    pub fn in_words(path: &Path) -> String {
        let name = path.file_name().unwrap_or(path.as_os_str());
        format!("log2 fold change, of {}", name.to_string_lossy())
    }
}

/// The weights that a training started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialWeights {
    /// The run's folder or the file, absolute.
    pub path: PathBuf,
    /// SHA-256 of the weights' file.
    pub sha256: String,
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunDescription {
    /// What was run, and on what.
    #[serde(flatten)]
    pub head: RunHead,
    /// Every setting.
    #[serde(flatten)]
    pub settings: Settings,
}

/// What was run, and on what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunHead {
    /// Version of this file's format.
    pub format: u32,
    /// Version of epidelta.
    pub epidelta: String,
    /// The method.
    pub method: Method,
    /// The preset that the settings started from.
    pub preset: Preset,
    /// The seed.
    pub seed: u64,
    /// SHA-256 of `model.safetensors`, `model.json` or `model.postcard`.
    pub weights_sha256: String,
    /// SHA-256 of `predictions.tsv`, which tells what each gene was trained as.
    pub predictions_sha256: String,
    /// SHA-256 of `history.tsv`, where the method is made of networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_sha256: Option<String>,
    /// The weights that the training started from, where they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_weights: Option<InitialWeights>,
    /// Cell type A's data, of a run on one pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<DataFile>,
    /// Cell type B's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<DataFile>,
    /// The data of all cell types, of a run on several pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cell_types: Vec<DataFile>,
    /// The pairs of such a run, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<[String; 2]>,
    /// The table of labels, where they are not the ratios of the expressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelFile>,
    /// The library size, reads, that expression is scaled to, where label.normalization says
    /// so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_library_size: Option<f64>,
    /// The shape of the data.
    pub data: DataShape,
    /// Medians of log2 expression of the training genes in A and B, where the method is
    /// made of networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_log2_expression: Option<ExpressionThresholds>,
}

impl RunHead {
    /// The names of the cell types that the run has data of, in the order in which its model
    /// knows them.
    pub fn cell_names(&self) -> Vec<String> {
        let of_pair = [&self.a, &self.b].into_iter().flatten();
        let files = of_pair.chain(&self.cell_types);
        files.map(|file| file.cell_type.clone()).collect()
    }
}

/// The names of [`RunHead`]; what else stands in `run.toml` are settings.
const HEAD: [&str; 17] = [
    "format",
    "epidelta",
    "method",
    "preset",
    "seed",
    "weights_sha256",
    "predictions_sha256",
    "history_sha256",
    "initial_weights",
    "a",
    "b",
    "cell_types",
    "pairs",
    "labels",
    "common_library_size",
    "data",
    "median_log2_expression",
];

impl RunDescription {
    /// Whether all files of the run have checksums; those of earlier versions have not.
    pub(super) fn is_sealed(&self) -> bool {
        self.head.format != UNSEALED_FORMAT
    }

    /// Whether a cell type trained the run's model.
    pub fn trained(&self, name: &str) -> bool {
        let head = &self.head;
        match head.pairs.is_empty() {
            true => head.cell_names().iter().any(|of_run| of_run == name),
            false => self.settings.split.trains_cell_type(&head.pairs, name),
        }
    }

    /// Takes the description from `run.toml`.
    ///
    /// # Errors
    /// When something is missing, unknown or of the wrong type.
    pub(super) fn from_table(table: Table) -> Result<Self, toml::de::Error> {
        let (head, settings): (Table, Table) = table
            .into_iter()
            .partition(|(name, _)| HEAD.contains(&name.as_str()));
        let head: RunHead = head.try_into()?;
        Ok(RunDescription {
            settings: Settings::from_table(head.method, settings)?,
            head,
        })
    }

    /// The names in a `run.toml` that say what was made rather than how.
    pub fn is_of_the_run(name: &str) -> bool {
        HEAD.contains(&name) && !["method", "preset", "seed", "labels"].contains(&name)
    }

    /// What the label is, in words: `log2 fold change, A over B`.
    pub fn label_in_words(&self) -> String {
        match &self.head.labels {
            None => self.settings.label.in_words(),
            Some(table) => LabelFile::in_words(&table.path),
        }
    }

    /// Reads the description from a file, which must be as it was written.
    ///
    /// # Errors
    /// When it cannot be read, was changed, or is of another version.
    pub(super) fn read(file: &Path, remedy: &str) -> error::Result<Self> {
        let bytes = fs::read(file).map_err(Error::io("read", file))?;
        let text = String::from_utf8_lossy(&bytes);
        let bad = |expected: &str, error: &toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| before.lines().count().max(1) as u64);
            let place = line.map_or(Place::File, Place::Line);
            Error::content(file, place, expected, error.message().trim(), remedy)
        };
        let table: Table = text.parse().map_err(|e| bad("TOML", &e))?;
        let format = table.get("format").and_then(Value::as_integer);
        let known = [UNSEALED_FORMAT, FORMAT].map(i64::from);
        if !format.is_some_and(|format| known.contains(&format)) {
            let version = table.get("epidelta").and_then(Value::as_str);
            let (found, remedy) = match format {
                None => ("none".to_owned(), remedy),
                Some(format) => (
                    format!("{format}, of epidelta {}", version.unwrap_or("?")),
                    "It was made by a newer epidelta: use that one or a newer one",
                ),
            };
            let expected = format!("format = {FORMAT}");
            return Err(Error::content(file, Place::File, expected, found, remedy));
        }
        let is_whole = seal::is_whole(&bytes, SEAL.as_bytes());
        if format == Some(FORMAT.into()) || is_whole.is_some() {
            seal::check(file, is_whole, remedy)?;
        }
        RunDescription::from_table(table).map_err(|e| bad("the description of a run", &e))
    }

    /// The text of `run.toml`.
    ///
    /// # Errors
    /// When a path or the seed cannot be written as text.
    pub(super) fn to_toml(&self) -> error::Result<Vec<u8>> {
        let text = toml::to_string(self).map_err(|error| {
            Error::data(
                format!("the run cannot be described in {MARKER}: {error}"),
                "Give paths and a seed that can be written as text",
            )
        })?;
        Ok(Self::sealed(&text))
    }

    /// The text of a description with its checksum, in place of an earlier one.
    pub fn sealed(text: &str) -> Vec<u8> {
        let end = text.rfind(SEAL).unwrap_or(text.len());
        let mut bytes = format!("{}{SEAL}{UNSEALED}\n", &text[..end]).into_bytes();
        seal::seal(&mut bytes, SEAL.as_bytes());
        bytes
    }
}

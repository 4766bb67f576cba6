//! Tables of explanations as Parquet, written part by part.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};

use super::attention::Attention;
use crate::{
    dataset::Pair,
    error::{Error, Result},
    explanation::gradients::Attribution,
    output::Output,
};

/// A column of some rows.
type Column = (&'static str, ArrayRef);

/// A table that is being written, in a folder that does not have its final name yet.
struct Table {
    path: PathBuf,
    footer: Vec<(&'static str, String)>,
    writer: Option<ArrowWriter<Output>>,
}

impl Table {
    fn new(path: &Path, footer: Vec<(&'static str, String)>) -> Self {
        Table {
            path: path.into(),
            footer,
            writer: None,
        }
    }

    fn write(&mut self, columns: std::result::Result<Vec<Column>, ArrowError>) -> Result<()> {
        let path = self.path.clone();
        let failed = |error: &dyn std::fmt::Display| {
            Error::io("write", &path)(io::Error::other(error.to_string()))
        };
        let columns = columns.map_err(|e| failed(&e))?;
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, of)| Field::new(*name, of.data_type().clone(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|e| failed(&e))?;
        if self.writer.is_none() {
            let file = Output::create(&path)?;
            let footer = self.footer.iter();
            let footer = footer.map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
            let level = ZstdLevel::try_new(1).map_err(|e| failed(&e))?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(level))
                .set_key_value_metadata(Some(footer.collect()))
                .build();
            let writer = ArrowWriter::try_new(file, schema, Some(properties));
            self.writer = Some(writer.map_err(|e| failed(&e))?);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(&batch).map_err(|e| failed(&e))?;
            writer.flush().map_err(|e| failed(&e))?;
        }
        Ok(())
    }

    fn close(self) -> Result<()> {
        let Some(writer) = self.writer else {
            return Ok(());
        };
        let written = writer.into_inner();
        let written = written.map_err(|e| Error::io("write", &self.path)(io::Error::other(e)))?;
        written.close(&self.path, &self.path)
    }
}

/// `attention.parquet`, a row per gene and encoder: `gene_id`, of several pairs `cell_type_a` and
/// `cell_type_b`, `split`, `channel`, `mark`, `beta`, `beta_cell` and `alpha`, a list of a number
/// for each bin. See [`Attention`] for what they are.
pub struct AttentionTable {
    table: Table,
}

impl AttentionTable {
    /// Opens the table; a file is made with the first rows.
    pub fn new(path: &Path) -> Self {
        let footer = vec![
            ("epidelta.table", "attention".to_owned()),
            ("epidelta.version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        AttentionTable {
            table: Table::new(path, footer),
        }
    }

    /// Adds the rows of some genes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, pair: &Pair, attention: &Attention) -> Result<()> {
        let encoders = attention.encoders.len();
        let rows: Vec<(usize, usize)> = (0..attention.genes.len())
            .flat_map(|place| (0..encoders).map(move |encoder| (place, encoder)))
            .collect();
        let genes = || rows.iter().map(|&(place, _)| attention.genes[place]);
        let encoder = |row: &(usize, usize)| &attention.encoders[row.1];
        let channels = rows.iter().map(|row| Some(encoder(row).channel.as_str()));
        let marks = rows.iter().map(|row| Some(encoder(row).mark.as_str()));
        let known = |beta: &f32| Some(*beta).filter(|beta| beta.is_finite());
        let beta_cell: Float32Array = match &attention.beta_cell {
            Some(beta_cell) => beta_cell.iter().map(known).collect(),
            None => Float32Array::new_null(rows.len()),
        };
        let mut columns = gene_columns(pair, genes);
        columns.push(("channel", text(channels)));
        columns.push(("mark", text(marks)));
        columns.push(("beta", Arc::new(Float32Array::from(attention.beta.clone()))));
        columns.push(("beta_cell", Arc::new(beta_cell)));
        let bins = pair.bins();
        let alpha: Vec<f32> = rows
            .iter()
            .flat_map(|&(place, encoder)| attention.alpha_of_bins(place, encoder, bins))
            .collect();
        let columns = lists(alpha, bins).map(|alpha| {
            columns.push(("alpha", alpha));
            columns
        });
        self.table.write(columns)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn close(self) -> Result<()> {
        self.table.close()
    }
}

/// Writes `attribution.parquet`, a row per gene, cell type and mark: `gene_id`, of several pairs
/// `cell_type_a` and `cell_type_b`, `split`, `cell` (`a`, `b`), `mark`, `predicted` and
/// `predicted_baseline` of the gene, `saliency` and
/// `integrated_gradients`, lists of a number for each bin, and `completeness_gap` of the gene.
///
/// # Errors
/// When the file cannot be written.
pub fn write_attributions(
    pair: &Pair,
    attributions: &[Attribution],
    baseline: super::Baseline,
    path: &Path,
) -> Result<()> {
    let footer = vec![
        ("epidelta.table", "attribution".to_owned()),
        ("epidelta.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("epidelta.baseline", baseline.to_string()),
    ];
    let mut table = Table::new(path, footer);
    let (marks, bins) = (pair.marks(), pair.bins());
    for part in attributions.chunks(4096) {
        let rows: Vec<(&Attribution, usize, usize)> = part
            .iter()
            .flat_map(|of| {
                [0, 1]
                    .into_iter()
                    .flat_map(move |side| (0..marks.len()).map(move |m| (of, side, m)))
            })
            .collect();
        let bins_of = |of: fn(&Attribution) -> &[Vec<f32>; 2]| -> Vec<f32> {
            let of_row = |&(gene, side, mark): &(&'_ Attribution, usize, usize)| {
                of(gene)[side][mark * bins..][..bins].to_vec()
            };
            rows.iter().flat_map(of_row).collect()
        };
        let mut columns = gene_columns(pair, || rows.iter().map(|(of, _, _)| of.gene));
        let cell = |side: usize| Some(["a", "b"][side]);
        columns.push(("cell", text(rows.iter().map(|&(_, side, _)| cell(side)))));
        let mark = |mark: usize| Some(marks[mark].as_str());
        columns.push(("mark", text(rows.iter().map(|&(_, _, m)| mark(m)))));
        let column = |of: fn(&Attribution) -> f64| -> ArrayRef {
            let values = rows.iter().map(|(gene, _, _)| of(gene) as f32);
            Arc::new(Float32Array::from_iter_values(values))
        };
        columns.push(("predicted", column(|of| of.predicted)));
        columns.push(("predicted_baseline", column(|of| of.predicted_baseline)));
        let (gaps, of_jumps) = (
            column(Attribution::completeness_gap),
            column(|of| of.of_jumps),
        );
        let lists = || {
            let saliency = lists(bins_of(|of| &of.saliency), bins)?;
            let gradients = lists(bins_of(|of| &of.integrated_gradients), bins)?;
            columns.push(("saliency", saliency));
            columns.push(("integrated_gradients", gradients));
            columns.push(("completeness_gap", gaps));
            columns.push(("of_jumps", of_jumps));
            Ok(columns)
        };
        table.write(lists())?;
    }
    table.close()
}

/// What tells the gene of each row.
fn gene_columns<I: Iterator<Item = usize>>(pair: &Pair, genes: impl Fn() -> I) -> Vec<Column> {
    let mut columns = vec![(
        "gene_id",
        text(genes().map(|gene| Some(pair.gene_id(gene)))),
    )];
    if pair.is_of_several() {
        for (side, name) in ["cell_type_a", "cell_type_b"].into_iter().enumerate() {
            let of_gene = |gene| Some(pair.cell_types(gene)[side]);
            columns.push((name, text(genes().map(of_gene))));
        }
    }
    let split = |gene: usize| pair.role(gene).map(|split| split.name());
    columns.push(("split", text(genes().map(split))));
    columns
}

fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn lists(values: Vec<f32>, length: usize) -> std::result::Result<ArrayRef, ArrowError> {
    let item = Arc::new(Field::new("element", DataType::Float32, false));
    let length =
        i32::try_from(length).map_err(|e| ArrowError::InvalidArgumentError(e.to_string()))?;
    let values = Arc::new(Float32Array::from(values));
    Ok(Arc::new(FixedSizeListArray::try_new(
        item, length, values, None,
    )?))
}

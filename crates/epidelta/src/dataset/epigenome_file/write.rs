//! Writing.

use std::{path::Path, sync::Arc};

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringArray, UInt16Array,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::{
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::{footer::metadata_pairs, unusable};
use crate::{
    dataset::{epigenome::Epigenome, sealed_parquet},
    error::{Error, Result},
};

/// Writes an epigenome; the file appears whole or not at all.
///
/// # Errors
/// When the epigenome holds a duplicate gene or a number that is not finite, or
/// the file cannot be written.
pub fn write_epigenome(epigenome: &Epigenome, path: &Path, force: bool) -> Result<()> {
    if let Some(flaw) = epigenome.flaw() {
        return Err(unusable(path, flaw));
    }
    let batch = to_record_batch(epigenome).map_err(|e| write_error(path, e))?;
    let level = ZstdLevel::try_new(3).map_err(|e| write_error(path, e))?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level));
    sealed_parquet::write(&batch, properties, path, force)
}

fn write_error(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::io("write", path)(std::io::Error::other(error))
}

fn to_record_batch(
    epigenome: &Epigenome,
) -> std::result::Result<RecordBatch, arrow_schema::ArrowError> {
    let genes = &epigenome.genes;
    fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
        Arc::new(values.collect::<StringArray>())
    }
    let mut fields = vec![
        Field::new("gene_id", DataType::Utf8, false),
        Field::new("gene_name", DataType::Utf8, true),
        Field::new("chrom", DataType::Utf8, true),
        Field::new("tss", DataType::Int64, true),
        Field::new("strand", DataType::Utf8, true),
        Field::new("split", DataType::Utf8, true),
        Field::new("expression", DataType::Float64, false),
    ];
    let mut columns: Vec<ArrayRef> = vec![
        text(genes.iter().map(|g| Some(g.gene_id.as_str()))),
        text(genes.iter().map(|g| g.gene_name.as_deref())),
        text(genes.iter().map(|g| g.chrom.as_deref())),
        Arc::new(genes.iter().map(|g| g.tss).collect::<Int64Array>()),
        text(genes.iter().map(|g| g.strand.map(|s| s.symbol()))),
        text(genes.iter().map(|g| g.split.map(|s| s.name()))),
        Arc::new(Float64Array::from_iter_values(
            genes.iter().map(|g| g.expression),
        )),
    ];
    let counts = epigenome.is_counts();
    let item = if counts {
        DataType::UInt16
    } else {
        DataType::Float32
    };
    let item = Arc::new(Field::new("element", item, false));
    let bins = i32::try_from(epigenome.bins)
        .map_err(|e| arrow_schema::ArrowError::InvalidArgumentError(e.to_string()))?;
    for (m, mark) in epigenome.marks.iter().enumerate() {
        let values = (0..genes.len()).flat_map(|gene| {
            let start = m * epigenome.bins;
            epigenome.signal_of(gene)[start..start + epigenome.bins]
                .iter()
                .copied()
        });
        // `is_counts` has checked that the conversion is exact.
        let values: ArrayRef = if counts {
            Arc::new(UInt16Array::from_iter_values(values.map(|v| v as u16)))
        } else {
            Arc::new(Float32Array::from_iter_values(values))
        };
        let list = FixedSizeListArray::try_new(Arc::clone(&item), bins, values, None)?;
        fields.push(Field::new(mark, list.data_type().clone(), false));
        columns.push(Arc::new(list));
    }
    let schema = Schema::new_with_metadata(fields, metadata_pairs(&epigenome.metadata));
    RecordBatch::try_new(Arc::new(schema), columns)
}

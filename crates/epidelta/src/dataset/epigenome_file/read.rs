//! Reading, with every check that the rest of the program relies on.

use std::{collections::HashSet, panic::catch_unwind, path::Path};

use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Float32Type, Float64Type, Int64Type, UInt16Type},
};
use arrow_schema::{DataType, Schema};

use super::{REMEDY, footer::read_metadata, unusable};
use crate::{
    dataset::{
        epigenome::{Epigenome, EpigenomeOutline, GENE_COLUMNS, GeneRecord, Signal},
        sealed_parquet,
    },
    error::{Error, Place, Result},
};

/// More bins than anyone needs: the decoder fills up what is missing in a list, however long
/// the file says that it is.
const MOST_BINS: usize = 1 << 20;
/// Numbers of a mark that are decoded at once.
const VALUES_AT_ONCE: usize = 1 << 22;

/// Reads an epigenome and checks it.
///
/// # Errors
/// When the file cannot be read, is not Parquet (or is truncated), lacks a
/// column, or holds a duplicate gene, a missing value where none may be, or a
/// number that is not finite; the error names the file, the column and the gene.
pub fn read_epigenome(path: &Path) -> Result<Epigenome> {
    // The Parquet decoder panics on some damaged files instead of failing.
    catch_unwind(|| decode(path))
        .unwrap_or_else(|_| Err(not_parquet(path, &"its pages contradict each other")))
}

fn not_parquet(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::content(
        path,
        Place::File,
        "a complete epigenome.parquet file",
        format!("a file that Parquet cannot read ({error})"),
        "It may be truncated or of another format: copy or make it again",
    )
}

/// Reads what an epigenome's footer tells, without its genes and their signal.
///
/// # Errors
/// As [`read_epigenome`], as far as the footer goes; damage elsewhere is not found.
pub fn read_epigenome_outline(path: &Path) -> Result<EpigenomeOutline> {
    let decode = || {
        let footer = sealed_parquet::read_footer(path, |error| not_parquet(path, error))?;
        let rows = footer.metadata().file_metadata().num_rows();
        Ok(outline(path, footer.schema(), rows)?.0)
    };
    catch_unwind(decode)
        .unwrap_or_else(|_| Err(not_parquet(path, &"its footer contradicts itself")))
}

/// What a file of so many rows tells of itself.
fn outline(path: &Path, schema: &Schema, rows: i64) -> Result<(EpigenomeOutline, Layout)> {
    let metadata = read_metadata(path, schema.metadata())?;
    let layout = Layout::of(path, schema)?;
    let outline = EpigenomeOutline {
        metadata,
        marks: layout.marks.iter().map(|(_, m)| m.clone()).collect(),
        bins: layout.bins,
        genes: usize::try_from(rows).unwrap_or(0),
    };
    Ok((outline, layout))
}

fn decode(path: &Path) -> Result<Epigenome> {
    let not_parquet = |error: &dyn std::fmt::Display| not_parquet(path, error);
    let builder = sealed_parquet::read(path, not_parquet)?;
    let rows = builder.metadata().file_metadata().num_rows();
    let (outline, layout) = outline(path, builder.schema(), rows)?;
    let rows = outline.genes;
    let mut epigenome = Epigenome {
        metadata: outline.metadata,
        marks: outline.marks,
        bins: outline.bins,
        genes: Vec::new(),
        signal: Signal::default(),
    };
    let reader = builder
        .with_batch_size((VALUES_AT_ONCE / layout.bins).clamp(1, 1024))
        .build()
        .map_err(|e| not_parquet(&e))?;
    // Few bytes may tell of many rows, but not of many genes: it ends where one stands twice.
    let mut known = HashSet::new();
    for batch in reader {
        let batch = batch.map_err(|e| not_parquet(&e))?;
        let before = epigenome.genes.len();
        append_genes(path, &batch, &mut epigenome.genes)?;
        append_signal(path, &batch, &layout, &mut epigenome.signal)?;
        let mut new = epigenome.genes[before..].iter();
        if !new.all(|gene| known.insert(gene.gene_id.clone()))
            && let Some(flaw) = epigenome.flaw()
        {
            return Err(unusable(path, flaw));
        }
    }
    if epigenome.genes.len() != rows || rows == 0 {
        return Err(Error::content(
            path,
            Place::File,
            "at least one gene and as many rows as the footer tells",
            format!("{} of {rows} rows", epigenome.genes.len()),
            REMEDY,
        ));
    }
    match epigenome.flaw() {
        Some(flaw) => Err(unusable(path, flaw)),
        None => Ok(epigenome),
    }
}

/// The mark columns of a file: position and name, and their common length.
struct Layout {
    marks: Vec<(usize, String)>,
    bins: usize,
}

impl Layout {
    fn of(path: &Path, schema: &Schema) -> Result<Self> {
        for name in GENE_COLUMNS {
            if schema.column_with_name(name).is_none() {
                return Err(Error::content(
                    path,
                    Place::Column(name.into()),
                    format!("the columns {}", GENE_COLUMNS.join(", ")),
                    "no such column",
                    REMEDY,
                ));
            }
        }
        let mut marks = Vec::new();
        let mut bins = None;
        for (index, field) in schema.fields().iter().enumerate() {
            if GENE_COLUMNS.contains(&field.name().as_str()) {
                continue;
            }
            let length = match field.data_type() {
                DataType::FixedSizeList(item, length)
                    if matches!(item.data_type(), DataType::UInt16 | DataType::Float32) =>
                {
                    usize::try_from(*length).unwrap_or(0)
                }
                other => {
                    return Err(Error::content(
                        path,
                        Place::Column(field.name().clone()),
                        "a mark: a fixed-size list of uint16 or float32",
                        other.to_string(),
                        REMEDY,
                    ));
                }
            };
            if length > MOST_BINS {
                return Err(Error::content(
                    path,
                    Place::Column(field.name().clone()),
                    format!("{MOST_BINS} bins at most"),
                    format!("{length} bins"),
                    REMEDY,
                ));
            }
            if length == 0 || *bins.get_or_insert(length) != length {
                return Err(Error::content(
                    path,
                    Place::Column(field.name().clone()),
                    format!("{} bins, as the other marks", bins.unwrap_or(1).max(1)),
                    format!("{length} bins"),
                    REMEDY,
                ));
            }
            marks.push((index, field.name().clone()));
        }
        let Some(bins) = bins else {
            return Err(Error::content(
                path,
                Place::File,
                "at least one mark column beside the gene columns",
                "none",
                REMEDY,
            ));
        };
        Ok(Layout { marks, bins })
    }
}

fn append_genes(path: &Path, batch: &RecordBatch, genes: &mut Vec<GeneRecord>) -> Result<()> {
    let column = |name: &str, wanted: DataType| -> Result<ArrayRef> {
        let array = batch.column_by_name(name).cloned().ok_or_else(|| {
            Error::content(path, Place::Column(name.into()), "a column", "none", REMEDY)
        })?;
        if *array.data_type() == wanted {
            return Ok(array);
        }
        Err(Error::content(
            path,
            Place::Column(name.into()),
            wanted.to_string(),
            array.data_type().to_string(),
            REMEDY,
        ))
    };
    let text = |name: &str| text_column(path, batch, name);
    let (ids, names, chroms) = (text("gene_id")?, text("gene_name")?, text("chrom")?);
    let (strands, splits) = (text("strand")?, text("split")?);
    let tss = column("tss", DataType::Int64)?;
    let expression = column("expression", DataType::Float64)?;
    let first_row = genes.len();
    for row in 0..batch.num_rows() {
        let missing = |name: &str| {
            Error::content(
                path,
                Place::Row(first_row + row + 1),
                format!("a value in column {name:?}"),
                "none",
                "Give every gene an id and an expression, or leave the gene out",
            )
        };
        let parse_error = |found: String| {
            Error::content(
                path,
                Place::Row(first_row + row + 1),
                "a known value",
                found,
                REMEDY,
            )
        };
        if expression.is_null(row) {
            return Err(missing("expression"));
        }
        genes.push(GeneRecord {
            gene_id: ids[row].clone().ok_or_else(|| missing("gene_id"))?,
            gene_name: names[row].clone(),
            chrom: chroms[row].clone(),
            tss: tss
                .is_valid(row)
                .then(|| tss.as_primitive::<Int64Type>().value(row)),
            strand: strands[row]
                .as_deref()
                .map(|s| s.parse().map_err(parse_error))
                .transpose()?,
            split: splits[row]
                .as_deref()
                .map(|s| s.parse().map_err(parse_error))
                .transpose()?,
            expression: expression.as_primitive::<Float64Type>().value(row),
        });
    }
    Ok(())
}

/// A text column in whichever of Arrow's three string layouts the writer chose
/// (pyarrow, R and DuckDB write Utf8, polars LargeUtf8 or Utf8View).
fn text_column(path: &Path, batch: &RecordBatch, name: &str) -> Result<Vec<Option<String>>> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let array = batch.column_by_name(name);
    match array.map(|a| (a.data_type(), a)) {
        Some((DataType::Utf8, a)) => Ok(a.as_string::<i32>().iter().map(owned).collect()),
        Some((DataType::LargeUtf8, a)) => Ok(a.as_string::<i64>().iter().map(owned).collect()),
        Some((DataType::Utf8View, a)) => Ok(a.as_string_view().iter().map(owned).collect()),
        other => Err(Error::content(
            path,
            Place::Column(name.into()),
            "text (utf8)",
            other.map_or("no such column".into(), |(t, _)| t.to_string()),
            REMEDY,
        )),
    }
}

/// Appends a batch's marks to the signal, `[gene, mark, bin]`.
fn append_signal(
    path: &Path,
    batch: &RecordBatch,
    layout: &Layout,
    signal: &mut Vec<f32>,
) -> Result<()> {
    let (rows, bins, marks) = (batch.num_rows(), layout.bins, layout.marks.len());
    let start = signal.len();
    signal.resize(start + rows * marks * bins, 0.0);
    for (m, (index, name)) in layout.marks.iter().enumerate() {
        let list = batch.column(*index).as_fixed_size_list();
        let values = list.values();
        if list.null_count() > 0 || values.null_count() > 0 {
            return Err(Error::content(
                path,
                Place::Column(name.clone()),
                "a number in every bin of every gene",
                "missing values",
                "Write 0 where no read was counted",
            ));
        }
        let offset = list.value_offset_at(0);
        let mut place = |row: usize, bin: usize, value: f32| {
            signal[start + (row * marks + m) * bins + bin] = value;
        };
        if let Some(counts) = values.as_primitive_opt::<UInt16Type>() {
            let counts = &counts.values()[offset..offset + rows * bins];
            for (i, &count) in counts.iter().enumerate() {
                place(i / bins, i % bins, f32::from(count));
            }
        } else {
            let floats = values.as_primitive::<Float32Type>();
            let floats = &floats.values()[offset..offset + rows * bins];
            for (i, &value) in floats.iter().enumerate() {
                place(i / bins, i % bins, value);
            }
        }
    }
    Ok(())
}

//! Reading `truth.parquet`: which bins differ between two simulated cell types.

use std::{collections::HashSet, panic::catch_unwind, path::Path};

use arrow_array::{Array, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, Field};
use parquet::arrow::ProjectionMask;

use crate::{
    dataset::{epigenome::Mark, sealed_parquet},
    error::{Error, Place, Result},
};

const REMEDY: &str = "Give the truth.parquet of `epidelta simulate` with two cell types";

/// Flags of a mark that are decoded at once.
const FLAGS_AT_ONCE: usize = 1 << 22;

/// Reads of every gene, by its id, whether the expected reads of each bin differ,
/// `[mark, bin]`.
///
/// # Errors
/// When the file cannot be read, or is not of these marks and bins.
pub fn read_truth(path: &Path, marks: &[Mark], bins: usize) -> Result<Vec<(String, Vec<bool>)>> {
    // The Parquet decoder panics on some damaged files instead of failing.
    catch_unwind(|| decode(path, marks, bins))
        .unwrap_or_else(|_| Err(not_parquet(path, &"its pages contradict each other")))
}

fn not_parquet(path: &Path, error: &dyn std::fmt::Display) -> Error {
    let found = format!("a file that Parquet cannot read ({error})");
    Error::content(path, Place::File, "a truth.parquet", found, REMEDY)
}

fn decode(path: &Path, marks: &[Mark], bins: usize) -> Result<Vec<(String, Vec<bool>)>> {
    let builder = sealed_parquet::read(path, |error| not_parquet(path, error))?;
    // A list's length is looked at before any is read, and no other columns are read, since
    // the decoder fills up what is missing in lists.
    for mark in marks {
        let length = match builder.schema().field_with_name(mark).map(Field::data_type) {
            Ok(DataType::FixedSizeList(_, length)) => usize::try_from(*length).ok(),
            _ => None,
        };
        if length != Some(bins) {
            return Err(wrong_column(path, mark, &expected_flags(bins)));
        }
    }
    let wanted = marks.iter().map(String::as_str).chain(["gene_id"]);
    let places = wanted.filter_map(|name| builder.schema().index_of(name).ok());
    let columns = ProjectionMask::roots(builder.parquet_schema(), places);
    let reader = builder
        .with_projection(columns)
        .with_batch_size((FLAGS_AT_ONCE / bins.max(1)).clamp(1, 1024))
        .build();
    let reader = reader.map_err(|e| not_parquet(path, &e))?;
    let mut genes = Vec::new();
    let mut known = HashSet::new();
    for batch in reader {
        let batch = batch.map_err(|e| not_parquet(path, &e))?;
        let ids = batch.column_by_name("gene_id");
        let ids = ids.and_then(|column| column.as_string_opt::<i32>());
        let ids = ids.ok_or_else(|| wrong_column(path, "gene_id", "gene ids"))?;
        let flags: Vec<_> = marks
            .iter()
            .map(|mark| flags_of(path, &batch, mark, bins))
            .collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            let of_gene = flags.iter().flat_map(|flags| &flags[row * bins..][..bins]);
            let id = ids.value(row);
            // Few bytes may tell of many rows, but not of many genes.
            if !known.insert(id.to_owned()) {
                let place = Place::Gene(id.into());
                let found = "it twice";
                return Err(Error::content(path, place, "each gene once", found, REMEDY));
            }
            genes.push((id.to_owned(), of_gene.copied().collect()));
        }
    }
    Ok(genes)
}

/// The flags of a mark, `[gene, bin]`.
fn flags_of(path: &Path, batch: &RecordBatch, mark: &Mark, bins: usize) -> Result<Vec<bool>> {
    let expected = expected_flags(bins);
    let wrong = || wrong_column(path, mark, &expected);
    let column = batch.column_by_name(mark).ok_or_else(wrong)?;
    let lists = column.as_fixed_size_list_opt().ok_or_else(wrong)?;
    let flags = lists.values().as_boolean_opt().ok_or_else(wrong)?;
    if usize::try_from(lists.value_length()).ok() != Some(bins)
        || flags.null_count() + lists.null_count() > 0
        || flags.len() != batch.num_rows() * bins
    {
        return Err(wrong());
    }
    Ok(flags.values().iter().collect())
}

fn expected_flags(bins: usize) -> String {
    format!("a list of {bins} true or false")
}

fn wrong_column(path: &Path, column: &str, expected: &str) -> Error {
    Error::content(
        path,
        Place::Column(column.into()),
        expected,
        "something else",
        REMEDY,
    )
}

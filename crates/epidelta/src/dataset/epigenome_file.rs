//! `epigenome.parquet`: one row per gene, one column per mark, one file per cell
//! type. Opens in pandas, polars, DuckDB and R.
//!
//! Columns: `gene_id` (utf8), `gene_name` (utf8), `chrom` (utf8), `tss` (int64,
//! 0-based), `strand` (utf8), `split` (utf8: train, valid, test), `expression`
//! (float64), then one column per mark, `FixedSizeList<uint16 | float32>[bins]`
//! in window order. All but `gene_id`, `expression` and the marks may be null.
//! The footer carries [`Metadata`] under `epidelta.*` keys.

mod footer;
mod read;
mod write;

use std::path::Path;

use super::epigenome::Flaw;
use crate::error::Error;

pub use read::{read_epigenome, read_epigenome_outline};
pub use write::write_epigenome;

const REMEDY: &str = "Make the file with `epidelta import`, `epidelta simulate`, or as \
                      the file format in ARCHITECTURE.md describes";

/// The error for an epigenome that may neither be written nor read.
fn unusable(path: &Path, flaw: Flaw) -> Error {
    let remedy = "Correct or remove it and make the file again";
    Error::content(path, flaw.place, flaw.expected, flaw.found, remedy)
}

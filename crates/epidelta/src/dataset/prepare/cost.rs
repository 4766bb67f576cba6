//! What preparing a cell type costs, before it is done.

use super::{CellTypeFiles, Genes, size};
use crate::{error::Result, signal::Format};

/// What preparing a cell type takes.
#[derive(Debug, Clone, PartialEq)]
pub struct PrepareCost {
    /// Its genes at most; those without expression are left out.
    pub genes: usize,
    /// Its marks.
    pub marks: usize,
    /// The bins of each.
    pub bins: usize,
    /// The bytes of its files of reads and signal.
    pub bytes: u64,
    /// Minutes on one thread of the machine that docs/planning.md is about.
    pub minutes: f64,
    /// The largest memory of the process, MB.
    pub memory_mb: f64,
}

/// Millions of bytes of a file, as it lies on the disk, that are read in a second, rounded down from
/// what `tools/planning/prepare.py` measured (docs/planning.md): of text that of compressed files.
/// CRAM and bigWig were not measured, and are taken to be a tenth as fast as BAM.
fn mb_per_second(format: Format) -> f64 {
    match format {
        Format::Bam => 150.0,
        Format::Sam | Format::Bed | Format::BedGraph => 60.0,
        Format::Cram | Format::BigWig => 15.0,
    }
}

impl PrepareCost {
    /// Of a cell type.
    ///
    /// # Errors
    /// When the format of a file cannot be told.
    pub fn of(cell: &CellTypeFiles, genes: &Genes) -> Result<Self> {
        let mut seconds = 1.0;
        for file in cell.files() {
            seconds += size(file) as f64 / 1e6 / mb_per_second(Format::detect(file)?);
        }
        let [genes, marks, bins] = [genes.count(), cell.marks().len(), genes.bins()];
        let numbers = (genes * marks * bins) as f64;
        Ok(PrepareCost {
            genes,
            marks,
            bins,
            bytes: cell.bytes(),
            minutes: seconds / 60.0,
            memory_mb: 100.0 + 12.0 * numbers / 1e6,
        })
    }
}

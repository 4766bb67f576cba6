//! BED and tagAlign: a read per line.

use std::path::Path;

use super::{Alignment, Batch, Batcher, ContigNames, Reading};
use crate::{
    bed::{BedRow, is_comment, not_bed},
    error::Result,
    input::Lines,
    provenance::{ReadCounts, Source},
};

pub(super) fn read(
    path: &Path,
    reading: &Reading,
    visit: &mut dyn FnMut(Batch<'_, Alignment>) -> Result<()>,
) -> Result<(Source, ReadCounts)> {
    let mut lines = Lines::open(path, &reading.meter, reading.threads)?;
    let mut batcher = Batcher::new(Vec::new(), visit);
    let mut names = ContigNames::default();
    let mut counts = ReadCounts::default();
    while let Some((number, line)) = lines.next_line()? {
        if is_comment(line) {
            continue;
        }
        let row = BedRow::parse(line).map_err(|problem| not_bed(path, number, &problem))?;
        counts.records += 1;
        if row.start == row.end {
            counts.empty += 1;
            continue;
        }
        counts.depth += 1;
        let contig = names.place(row.chrom, &mut batcher.contigs);
        batcher.push(Alignment {
            contig,
            start: row.start,
            end: row.end,
            strand: row.strand,
        })?;
    }
    batcher.flush()?;
    Ok((lines.finish("reads")?, counts))
}

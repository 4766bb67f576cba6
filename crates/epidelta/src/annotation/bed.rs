//! The rows of a BED file: of genes, or of windows around them.

use std::path::Path;

use super::Gene;
use crate::{
    bed::{BedRow, is_comment, not_bed},
    error::Result,
    genome::Strand,
    input::Lines,
    provenance::Source,
};

/// A row of a BED file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The chromosome.
    pub chrom: String,
    /// First base, 0-based.
    pub start: i64,
    /// The base after the last one.
    pub end: i64,
    /// The name, if the row has one.
    pub name: Option<String>,
    /// The strand, if the row has one.
    pub strand: Option<Strand>,
}

/// Reads the rows of a BED file, plain or compressed, with their line numbers.
///
/// # Errors
/// When the file cannot be read or a line is not BED; the error names the line.
pub fn read_regions(path: &Path) -> Result<(Vec<(u64, Region)>, Source)> {
    let mut lines = Lines::open_small(path)?;
    let mut regions = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    while let Some((number, line)) = lines.next_line()? {
        if is_comment(line) {
            continue;
        }
        let row = BedRow::parse(line).map_err(|problem| not_bed(path, number, &problem))?;
        let region = Region {
            chrom: text(row.chrom),
            start: row.start,
            end: row.end,
            name: row.name.map(text),
            strand: row.strand,
        };
        regions.push((number, region));
    }
    Ok((regions, lines.finish("annotation")?))
}

/// The width that all rows have, bp, and how many rows there are; an unreadable row
/// is left to whoever reads the file.
pub(super) fn common_width(path: &Path) -> Result<Option<(u64, usize)>> {
    let Ok((regions, _)) = read_regions(path) else {
        return Ok(None);
    };
    let width = |region: &Region| (region.end - region.start) as u64;
    let first = regions.first().map(|(_, region)| width(region));
    let first = first.filter(|&first| regions.iter().all(|(_, r)| width(r) == first));
    Ok(first.map(|first| (first, regions.len())))
}

/// The genes of a BED file, with their lines.
pub(super) fn read_genes(path: &Path) -> Result<(Vec<(u64, Gene)>, Source)> {
    let (regions, source) = read_regions(path)?;
    let gene = |(number, region): (u64, Region)| {
        let strand = region.strand.ok_or_else(|| {
            not_bed(
                path,
                number,
                "no strand (+ or -) in the sixth column, which tells on \
                    which end the TSS is",
            )
        })?;
        if region.start == region.end {
            return Err(not_bed(path, number, "a gene without bases"));
        }
        let id = region
            .name
            .ok_or_else(|| not_bed(path, number, "no gene id in the fourth column"))?;
        let gene = Gene {
            name: None,
            gene_type: None,
            chrom: region.chrom,
            tss: match strand {
                Strand::Forward => region.start,
                Strand::Reverse => region.end - 1,
            },
            strand,
            id,
        };
        Ok((number, gene))
    };
    let genes: Result<Vec<_>> = regions.into_iter().map(gene).collect();
    Ok((genes?, source))
}

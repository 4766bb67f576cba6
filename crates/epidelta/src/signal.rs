//! Sequencing signal: files of reads (BAM, CRAM, SAM, BED, tagAlign) as a stream
//! of [`Alignment`]s, and of values (bigWig, bedGraph) as a stream of [`Value`]s.
//! One pass over each file, in batches; one file here per format.

mod bam;
mod bed;
mod bedgraph;
mod bigwig;
mod cram;
mod filter;
mod format;
mod sam;

use std::{
    num::NonZero,
    path::{Path, PathBuf},
};

use crate::{
    error::Result,
    genome::Strand,
    input::Meter,
    provenance::{ReadCounts, Source},
};

pub use filter::{Pairing, ReadFilter};
pub use format::Format;

/// A sequence of the genome that a file names: a chromosome, mostly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contig {
    /// The name in this file.
    pub name: String,
    /// The length, bp, where the file tells.
    pub length: Option<i64>,
}

/// Where a read (or, of paired reads, a fragment) lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alignment {
    /// The contig, by its place in the batch's list.
    pub contig: usize,
    /// First base, 0-based.
    pub start: i64,
    /// The base after the last one; deletions and introns lie within.
    pub end: i64,
    /// The strand of the read, or of a fragment's first read; none in BED files
    /// without strands.
    pub strand: Option<Strand>,
}

/// A stretch of bases that have the same value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The contig, by its place in the batch's list.
    pub contig: usize,
    /// First base, 0-based.
    pub start: i64,
    /// The base after the last one.
    pub end: i64,
    /// The value of each base.
    pub value: f32,
}

/// Items of a stream and the contigs known so far; the list only grows.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'b, T> {
    /// The contigs.
    pub contigs: &'b [Contig],
    /// The items, in the order of the file.
    pub items: &'b [T],
}

/// Items that are handed on at once.
const BATCH: usize = 1 << 12;

/// What a file is read with.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Which reads count.
    pub filter: ReadFilter,
    /// FASTA, with its index (.fai) beside it, for CRAM.
    pub reference: Option<PathBuf>,
    /// Threads that decompress one file.
    pub threads: NonZero<usize>,
    /// Counts the bytes that were read.
    pub meter: Meter,
}

/// Reads a file of reads from its start to its end and hands on those that pass
/// the filter. The order of the reads in the file does not matter, and no index is
/// needed.
///
/// # Errors
/// When the file cannot be read, is damaged or cut off, or a record breaks the
/// format; the error names file and record or line. Errors of `visit` end the
/// reading.
pub fn read_alignments(
    path: &Path,
    format: Format,
    reading: &Reading,
    visit: &mut dyn FnMut(Batch<'_, Alignment>) -> Result<()>,
) -> Result<Source> {
    let (mut source, counts): (Source, ReadCounts) = match format {
        Format::Bam => bam::read(path, reading, visit)?,
        Format::Cram => cram::read(path, reading, visit)?,
        Format::Sam => sam::read(path, reading, visit)?,
        Format::Bed => bed::read(path, reading, visit)?,
        Format::BigWig | Format::BedGraph => return Err(format::not_reads(path, format)),
    };
    source.reads = Some(counts);
    Ok(source)
}

/// Regions of a contig, by its name: half-open, 0-based, sorted, not overlapping.
pub type Regions<'r> = dyn Fn(&str) -> Vec<(i64, i64)> + Sync + 'r;

/// Reads a file of values and hands them on: of a bigWig those in the regions, of
/// a bedGraph all. Bases whose value is NaN are bases without data.
///
/// # Errors
/// When the file cannot be read, is damaged, or holds a value that is not finite.
pub fn read_values(
    path: &Path,
    format: Format,
    reading: &Reading,
    regions: &Regions<'_>,
    visit: &mut dyn FnMut(Batch<'_, Value>) -> Result<()>,
) -> Result<Source> {
    match format {
        Format::BigWig => bigwig::read(path, &reading.meter, regions, visit),
        Format::BedGraph => bedgraph::read(path, reading, visit),
        _ => Err(format::not_values(path, format)),
    }
}

/// Collects items and hands them on in batches.
struct Batcher<'v, T> {
    contigs: Vec<Contig>,
    items: Vec<T>,
    visit: &'v mut dyn FnMut(Batch<'_, T>) -> Result<()>,
}

impl<'v, T> Batcher<'v, T> {
    fn new(contigs: Vec<Contig>, visit: &'v mut dyn FnMut(Batch<'_, T>) -> Result<()>) -> Self {
        Batcher {
            contigs,
            items: Vec::with_capacity(BATCH),
            visit,
        }
    }

    fn push(&mut self, item: T) -> Result<()> {
        self.items.push(item);
        if self.items.len() < BATCH {
            return Ok(());
        }
        self.flush()
    }

    /// Hands on what there is; a file without items has a batch with its contigs.
    fn flush(&mut self) -> Result<()> {
        (self.visit)(Batch {
            contigs: &self.contigs,
            items: &self.items,
        })?;
        self.items.clear();
        Ok(())
    }
}

/// The contigs of a text file, which are met as they come.
#[derive(Default)]
struct ContigNames {
    rows: std::collections::HashMap<Vec<u8>, usize>,
    last: Option<(Vec<u8>, usize)>,
}

impl ContigNames {
    /// The place of a contig in the list, which it joins when it is new.
    fn place(&mut self, name: &[u8], contigs: &mut Vec<Contig>) -> usize {
        if let Some((last, row)) = &self.last
            && last == name
        {
            return *row;
        }
        let row = match self.rows.get(name) {
            Some(&row) => row,
            None => {
                let row = contigs.len();
                contigs.push(Contig {
                    name: String::from_utf8_lossy(name).into_owned(),
                    length: None,
                });
                self.rows.insert(name.to_vec(), row);
                row
            }
        };
        self.last = Some((name.to_vec(), row));
        row
    }
}

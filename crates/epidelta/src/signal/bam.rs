//! BAM (SAM specification, 4), decompressed in parallel.

use std::{
    collections::HashSet,
    io::{self, BufRead, Read},
    path::Path,
};

use noodles::{
    bam,
    sam::{self, header::ReferenceSequences},
};

use super::{Alignment, Batch, Batcher, Contig, Reading, filter::Record};
use crate::{
    error::{Error, Place, Result},
    input::Decompressed,
    provenance::{ReadCounts, Source},
};

/// Bytes that a record may claim to have: more than any, and little enough to be
/// believed.
const LARGEST_RECORD: u32 = 1 << 28;
/// Bytes that a record has without that being looked at first.
const BELIEVED_RECORD: u32 = 1 << 20;
/// Bytes that the name of a sequence may claim to have, likewise.
const LONGEST_NAME: u32 = 1 << 16;

pub(super) fn read(
    path: &Path,
    reading: &Reading,
    visit: &mut dyn FnMut(Batch<'_, Alignment>) -> Result<()>,
) -> Result<(Source, ReadCounts)> {
    let mut content = Decompressed::open(path, &reading.meter, reading.threads)?;
    let contigs = read_contigs(&mut content.reader).map_err(|error| {
        Error::content(
            path,
            Place::File,
            "a BAM header",
            format!("a damaged or missing one ({error})"),
            "Copy or make the file again",
        )
    })?;
    let mut batcher = Batcher::new(contigs, visit);
    let mut counts = ReadCounts::default();
    let mut record = bam::Record::default();
    loop {
        let number = counts.records + 1;
        let bad = |error: io::Error| damaged(path, number, &error);
        if !read_record(&mut content.reader, &mut record).map_err(bad)? {
            break;
        }
        let seen = seen(&record).map_err(bad)?;
        if let Some(contig) = seen.contig.filter(|&row| row >= batcher.contigs.len()) {
            return Err(unknown_contig(path, number, contig, &batcher.contigs));
        }
        let span = || span(record.cigar().iter());
        let place = reading.filter.admit(&seen, &mut counts, span);
        let place = place.map_err(bad)?;
        if let Some(alignment) = place {
            batcher.push(alignment)?;
        }
    }
    batcher.flush()?;
    Ok((content.finish("reads")?, counts))
}

/// What the filter looks at of a record.
fn seen(record: &bam::Record) -> io::Result<Record> {
    Ok(Record {
        flags: record.flags().bits(),
        // 255 stands for an unknown quality.
        mapping_quality: record.mapping_quality().map_or(255, u8::from),
        contig: record.reference_sequence_id().transpose()?,
        start: start_of(record.alignment_start())?,
        template_length: record.template_length(),
    })
}

/// Reads the list of sequences that records refer to. The text before it, a SAM
/// header, is left aside: programs write it in all manners, and nothing depends
/// on it. Nothing is reserved for what sizes only claim.
fn read_contigs(reader: &mut dyn BufRead) -> io::Result<Vec<Contig>> {
    let mut magic = [0; 4];
    reader.read_exact(&mut magic)?;
    if magic != *b"BAM\x01" {
        return Err(io::Error::other("it does not begin as BAM does"));
    }
    let text = u64::from(read_u32(reader)?);
    if io::copy(&mut (&mut *reader).take(text), &mut io::sink())? < text {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut contigs = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..read_u32(reader)? {
        let contig = read_contig(reader)?;
        if !names.insert(contig.name.clone()) {
            let problem = format!("the sequence {:?} stands twice", contig.name);
            return Err(io::Error::other(problem));
        }
        contigs.push(contig);
    }
    Ok(contigs)
}

/// Reads a sequence of the list: its name, which ends with a zero, and its length.
fn read_contig(reader: &mut dyn BufRead) -> io::Result<Contig> {
    let size = read_u32(reader)?;
    if !(2..=LONGEST_NAME).contains(&size) {
        return Err(io::Error::other(format!(
            "a sequence's name of {size} bytes"
        )));
    }
    let mut name = Vec::new();
    (&mut *reader).take(size.into()).read_to_end(&mut name)?;
    if name.pop() != Some(0) || name.contains(&0) {
        return Err(io::Error::other("a sequence's name without its end"));
    }
    match read_u32(reader)? {
        0 => Err(io::Error::other("a sequence without bases")),
        length => Ok(Contig {
            name: String::from_utf8_lossy(&name).into_owned(),
            length: Some(length.into()),
        }),
    }
}

fn read_u32(reader: &mut dyn BufRead) -> io::Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Reads a record; false after the last one.
fn read_record(reader: &mut dyn BufRead, record: &mut bam::Record) -> io::Result<bool> {
    if reader.fill_buf()?.is_empty() {
        return Ok(false);
    }
    let size = read_u32(reader)?;
    if !(1..=LARGEST_RECORD).contains(&size) {
        return Err(io::Error::other(format!("a record of {size} bytes")));
    }
    let claimed = size.to_le_bytes();
    if size <= BELIEVED_RECORD {
        bam::io::Reader::from((&claimed[..]).chain(reader)).read_record(record)?;
        return Ok(true);
    }
    // The library reserves all of it at once, so it is given only what there is.
    let mut bytes = Vec::new();
    reader.take(size.into()).read_to_end(&mut bytes)?;
    if bytes.len() < size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bam::io::Reader::from((&claimed[..]).chain(&bytes[..])).read_record(record)?;
    Ok(true)
}

/// The contigs of a header.
pub(super) fn contigs(sequences: &ReferenceSequences) -> Vec<Contig> {
    sequences
        .iter()
        .map(|(name, sequence)| Contig {
            name: name.to_string(),
            length: i64::try_from(sequence.length().get()).ok(),
        })
        .collect()
}

/// A 1-based position as a 0-based one.
pub(super) fn start_of(
    position: Option<io::Result<noodles::core::Position>>,
) -> io::Result<Option<i64>> {
    let position = position.transpose()?;
    Ok(position
        .and_then(|p| i64::try_from(p.get()).ok())
        .map(|p| p - 1))
}

/// Bases of the reference from the first to the last aligned one: matches,
/// deletions and introns; neither insertions nor clipped bases. An alignment that
/// does not tell its operations has one base (as for `bedtools multicov`).
pub(super) fn span(
    operations: impl Iterator<Item = io::Result<sam::alignment::record::cigar::Op>>,
) -> io::Result<i64> {
    let (mut span, mut any) = (0, false);
    for operation in operations {
        let operation = operation?;
        any = true;
        if operation.kind().consumes_reference() {
            let length = i64::try_from(operation.len()).map_err(io::Error::other)?;
            span = length.saturating_add(span);
        }
    }
    if span > i64::from(i32::MAX) {
        return Err(io::Error::other("an alignment longer than any chromosome"));
    }
    Ok(if any { span } else { 1 })
}

fn damaged(path: &Path, number: u64, error: &io::Error) -> Error {
    Error::content(
        path,
        Place::Record(number),
        "a complete alignment record",
        format!("a damaged or truncated file ({error})"),
        "Copy or make the file again",
    )
}

fn unknown_contig(path: &Path, number: u64, contig: usize, contigs: &[Contig]) -> Error {
    Error::content(
        path,
        Place::Record(number),
        format!("one of the {} sequences of the header", contigs.len()),
        format!("sequence number {}", contig + 1),
        "The header does not belong to the records: make the file again with its @SQ lines",
    )
}

//! BAM (SAM specification, 4), decompressed in parallel.

use std::{io, path::Path};

use noodles::{bam, sam};

use super::{Alignment, Batch, Batcher, Contig, Reading, filter::Record};
use crate::{
    error::{Error, Place, Result},
    input::Content,
    provenance::{ReadCounts, Source},
};

pub(super) fn read(
    path: &Path,
    reading: &Reading,
    visit: &mut dyn FnMut(Batch<'_, Alignment>) -> Result<()>,
) -> Result<(Source, ReadCounts)> {
    let mut content = Content::open(path, &reading.meter, reading.threads)?;
    let mut reader = bam::io::Reader::from(&mut content.reader);
    let header = reader.read_header().map_err(|error| {
        Error::content(
            path,
            Place::File,
            "a BAM header",
            format!("a damaged or missing one ({error})"),
            "Copy or make the file again",
        )
    })?;
    let mut batcher = Batcher::new(contigs(&header), visit);
    let mut counts = ReadCounts::default();
    let mut record = bam::Record::default();
    loop {
        let damaged = |error: io::Error| damaged(path, counts.records + 1, &error);
        if reader.read_record(&mut record).map_err(damaged)? == 0 {
            break;
        }
        let seen = Record {
            flags: record.flags().bits(),
            // 255 stands for an unknown quality.
            mapping_quality: record.mapping_quality().map_or(255, u8::from),
            contig: record
                .reference_sequence_id()
                .transpose()
                .map_err(damaged)?,
            start: start_of(record.alignment_start()).map_err(damaged)?,
            template_length: record.template_length(),
        };
        if let Some(contig) = seen
            .contig
            .filter(|&contig| contig >= batcher.contigs.len())
        {
            return Err(unknown_contig(
                path,
                counts.records + 1,
                contig,
                &batcher.contigs,
            ));
        }
        let span = || span(record.cigar().iter());
        let number = counts.records + 1;
        let place = reading
            .filter
            .admit(&seen, &mut counts, span)
            .map_err(|error| super::bam::damaged(path, number, &error))?;
        if let Some(alignment) = place {
            batcher.push(alignment)?;
        }
    }
    batcher.flush()?;
    Ok((content.finish("reads")?, counts))
}

/// The contigs of a header.
pub(super) fn contigs(header: &sam::Header) -> Vec<Contig> {
    let sequences = header.reference_sequences().iter();
    sequences
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
            span += i64::try_from(operation.len()).map_err(io::Error::other)?;
        }
    }
    Ok(if any { span } else { 1 })
}

pub(super) fn damaged(path: &Path, number: u64, error: &io::Error) -> Error {
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

//! SAM text (SAM specification, 1), plain or compressed.

use std::{io, path::Path};

use noodles::sam;

use super::{
    Alignment, Batch, Batcher, Reading,
    bam::{contigs, span, start_of},
    filter::Record,
};
use crate::{
    error::{Error, Place, Result},
    input::{Lines, excerpt},
    provenance::{ReadCounts, Source},
};

pub(super) fn read(
    path: &Path,
    reading: &Reading,
    visit: &mut dyn FnMut(Batch<'_, Alignment>) -> Result<()>,
) -> Result<(Source, ReadCounts)> {
    let mut lines = Lines::open(path, &reading.meter, reading.threads)?;
    let mut parser = sam::header::Parser::default();
    let mut header = None;
    let mut batcher = Batcher::new(Vec::new(), visit);
    let mut counts = ReadCounts::default();
    let mut record = sam::Record::default();
    while let Some((number, line)) = lines.next_line()? {
        let not_sam = |found: String| {
            Error::content(
                path,
                Place::Line(number),
                "a SAM header line or an alignment of eleven or more tab-separated fields, \
                 on a sequence of the header",
                found,
                "Correct the line, or make the file again",
            )
        };
        let header = match &header {
            None if line.starts_with(b"@") => {
                // Of the header only the sequences matter.
                if !line.starts_with(b"@SQ") {
                    continue;
                }
                let parsed = parser.parse_partial(line);
                parsed.map_err(|error| not_sam(format!("{error}: {}", excerpt(line))))?;
                continue;
            }
            None => {
                let complete = std::mem::take(&mut parser).finish();
                batcher.contigs = contigs(complete.reference_sequences());
                header.insert(complete)
            }
            Some(header) => header,
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let bad = |error: io::Error| not_sam(format!("{} ({error})", excerpt(line)));
        sam::io::Reader::new(line)
            .read_record(&mut record)
            .map_err(bad)?;
        let quality = record.mapping_quality().transpose().map_err(bad)?;
        let contig = record.reference_sequence_id(header).transpose();
        let seen = Record {
            flags: record.flags().map_err(bad)?.bits(),
            mapping_quality: quality.map_or(255, u8::from),
            contig: contig.map_err(bad)?,
            start: start_of(record.alignment_start()).map_err(bad)?,
            template_length: record.template_length().map_err(bad)?,
        };
        let place = reading.filter.admit(&seen, &mut counts, || {
            let cigar = record.cigar();
            span(
                cigar
                    .iter()
                    .map(|operation| operation.map_err(io::Error::other)),
            )
        });
        if let Some(alignment) = place.map_err(bad)? {
            batcher.push(alignment)?;
        }
    }
    if header.is_none() {
        batcher.contigs = contigs(parser.finish().reference_sequences());
    }
    batcher.flush()?;
    Ok((lines.finish("reads")?, counts))
}

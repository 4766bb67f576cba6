//! CRAM 3 (CRAM specification), its containers decoded in parallel.

mod container;
mod encodings;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use noodles::{cram, fasta, sam, sam::alignment::Record as _};
use rayon::prelude::*;

use container::{LARGEST_CONTAINER, Slices};

use super::{
    Alignment, Batch, Batcher, Reading,
    bam::{contigs, span, start_of},
    filter::Record,
};
use crate::{
    error::{Error, Place, Result},
    input::Input,
    provenance::{ReadCounts, Source},
};

/// What the filter looks at, and the bases that the alignment spans.
type Decoded = (Record, i64);

pub(super) fn read(
    path: &Path,
    reading: &Reading,
    visit: &mut dyn FnMut(Batch<'_, Alignment>) -> Result<()>,
) -> Result<(Source, ReadCounts)> {
    let references = match &reading.reference {
        Some(path) => open_reference(path)?,
        None => fasta::Repository::default(),
    };
    check_version(path)?;
    let (input, seen) = Input::open(path, &reading.meter)?;
    let input = io::BufReader::with_capacity(1 << 20, input);
    let mut reader = cram::io::Reader::new(input);
    let header = reader.read_header().map_err(|error| {
        Error::content(
            path,
            Place::File,
            "a CRAM header",
            format!("a damaged or missing one ({error})"),
            "Copy or make the file again",
        )
    })?;
    let mut batcher = Batcher::new(contigs(header.reference_sequences()), visit);
    let mut counts = ReadCounts::default();
    let mut ended = false;
    while !ended {
        let mut containers = Vec::new();
        let mut size = 0;
        while !ended && containers.len() < reading.threads.get() && size < LARGEST_CONTAINER {
            let (checked, container) =
                read_container(reader.get_mut()).map_err(|error| cut_off(path, &error))?;
            // The container that ends a complete file is empty.
            match container {
                Some(container) => {
                    size += checked.slices.as_ref().map_or(0, |slices| slices.size);
                    containers.push((checked.slices, container));
                }
                None => ended = true,
            }
        }
        let decoded: Vec<io::Result<Vec<Decoded>>> = containers
            .par_iter()
            .map(|(slices, container)| {
                // A decoder's panic is a damaged file's error.
                let decoded = || match slices {
                    Some(slices) => decode(slices, container, &header, &references),
                    None => Ok(Vec::new()),
                };
                catch_unwind(AssertUnwindSafe(decoded))
                    .unwrap_or_else(|_| Err(io::Error::other("its parts contradict each other")))
            })
            .collect();
        for records in decoded {
            let records = records.map_err(|error| undecodable(path, reading, &error))?;
            for (record, span) in records {
                let span = || Ok::<_, Error>(span);
                if let Some(alignment) = reading.filter.admit(&record, &mut counts, span)? {
                    batcher.push(alignment)?;
                }
            }
        }
        if references.len() > 1 {
            // Chromosomes that are done with need not stay in memory.
            references.clear();
        }
    }
    batcher.flush()?;
    Ok((seen.source("reads")?, counts))
}

fn cut_off(path: &Path, error: &io::Error) -> Error {
    Error::content(
        path,
        Place::File,
        "complete containers, the last of them empty",
        format!("a damaged or truncated file ({error})"),
        "Copy or make the file again",
    )
}

/// Reads a container, checked, and as the decoder knows it; none after the last one.
fn read_container(
    reader: &mut impl io::BufRead,
) -> io::Result<(container::Container, Option<cram::io::reader::Container>)> {
    let checked = container::read(reader)?;
    let mut container = cram::io::reader::Container::default();
    let length = cram::io::Reader::new(&checked.bytes[..]).read_container(&mut container)?;
    Ok((checked, (length > 0).then_some(container)))
}

/// Decodes the records of a container.
fn decode(
    Slices {
        encodings, records, ..
    }: &Slices,
    container: &cram::io::reader::Container,
    header: &sam::Header,
    references: &fasta::Repository,
) -> io::Result<Vec<Decoded>> {
    let compression = container.compression_header()?;
    let mut decoded: Vec<Decoded> = Vec::new();
    for (slice, &count) in container.slices().zip(records) {
        let slice = slice?;
        let (core, external) = slice.decode_blocks()?;
        encodings.check(count, &external)?;
        let records = slice.records(references.clone(), header, &compression, &core, &external)?;
        let first = decoded.len();
        for record in &records {
            let cigar = record.cigar();
            let quality = record.mapping_quality().transpose()?;
            let seen = Record {
                flags: record.flags()?.bits(),
                mapping_quality: quality.map_or(255, u8::from),
                contig: record.reference_sequence_id(header).transpose()?,
                start: start_of(record.alignment_start())?,
                template_length: record.template_length()?,
            };
            decoded.push((seen, span(cigar.iter())?));
        }
        sign_template_lengths(&records, &mut decoded[first..]);
    }
    Ok(decoded)
}

/// Gives the left mate of each pair the positive template length. Where a file does
/// not store that length, the decoder computes it, and gives the sign by the order in
/// the file, which is that of the genome only in sorted ones. What it computes is the
/// distance from the first to the last base of the two; any other is stored, and
/// stays as it is.
fn sign_template_lengths(records: &[cram::Record<'_>], decoded: &mut [Decoded]) {
    let mut mates: HashMap<&[u8], usize> = HashMap::new();
    for (row, record) in records.iter().enumerate() {
        let Some(name) = record
            .name()
            .filter(|_| decoded[row].0.is_primary_of_pair())
        else {
            continue;
        };
        let Some(mate) = mates.insert(name.as_ref(), row) else {
            continue;
        };
        let place = |row: usize| {
            let (record, span): &Decoded = &decoded[row];
            record.start.map(|start| (start, start + span))
        };
        let (Some((start, end)), Some((mate_start, mate_end))) = (place(row), place(mate)) else {
            continue;
        };
        let extent = end.max(mate_end) - start.min(mate_start);
        let length = decoded[row].0.template_length;
        if start == mate_start || i64::from(length).abs() != extent {
            continue;
        }
        let (left, right) = if start < mate_start {
            (row, mate)
        } else {
            (mate, row)
        };
        decoded[left].0.template_length = length.saturating_abs();
        decoded[right].0.template_length = -length.saturating_abs();
    }
}

/// Refuses versions that the decoder does not know.
fn check_version(path: &Path) -> Result<()> {
    let mut head = [0; 6];
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    file.read_exact(&mut head)
        .map_err(Error::io("read", path))?;
    match head {
        [_, _, _, _, 3, _] => Ok(()),
        [_, _, _, _, major, minor] => Err(Error::content(
            path,
            Place::File,
            "CRAM of version 3",
            format!("version {major}.{minor}"),
            "Convert it: samtools view -C, or -b for BAM, writes a version that is known",
        )),
    }
}

/// The sequences of a FASTA file that has an index.
fn open_reference(path: &Path) -> Result<fasta::Repository> {
    File::open(path).map_err(Error::io("read", path))?;
    let reader = fasta::io::indexed_reader::Builder::default().build_from_path(path);
    let reader = reader.map_err(|error| {
        Error::content(
            path,
            Place::File,
            "a FASTA file with its index (.fai) beside it",
            format!("none that can be read ({error})"),
            "Make the index with samtools faidx",
        )
    })?;
    let adapter = fasta::repository::adapters::IndexedReader::new(reader);
    Ok(fasta::Repository::new(adapter))
}

fn undecodable(path: &Path, reading: &Reading, error: &io::Error) -> Error {
    match &reading.reference {
        None => Error::content(
            path,
            Place::File,
            "reads that can be decoded without a reference",
            format!("others, or damaged ones ({error})"),
            "Give the FASTA file that the reads were aligned to with --reference",
        ),
        Some(_) => Error::content(
            path,
            Place::File,
            "reads that can be decoded with --reference",
            format!("others, or damaged ones ({error})"),
            "Check that --reference is the FASTA file that the reads were aligned to; if it is, \
             copy the file again",
        ),
    }
}

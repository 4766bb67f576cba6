//! Alignments in every format.

use std::fs;

use noodles::{
    bam, cram,
    cram::container::{
        BlockContentEncoderMap, compression_header::data_series_encodings::DataSeries,
    },
    fasta, sam,
    sam::alignment::{RecordBuf, io::Write as _},
};

use crate::{Corpus, first_lines, golden, shared};

pub(crate) fn add(corpus: &Corpus) {
    let text = fs::read(golden("awkward.sam")).expect("a golden file");
    let header_lines = text
        .split(|&byte| byte == b'\n')
        .take_while(|line| line.starts_with(b"@"));
    let start = first_lines(&text, header_lines.count() + 40);
    corpus.add_as("alignments", "sam", 3, &start);

    let mut reader = sam::io::Reader::new(&start[..]);
    let header = reader.read_header().expect("a header");
    let records: Vec<RecordBuf> = reader
        .record_bufs(&header)
        .map(|record| record.expect("a record"))
        .collect();
    corpus.add_as("alignments", "bam", 0, &as_bam(&header, &records));
    corpus.add_as(
        "alignments",
        "bam-blocks",
        2,
        &epidelta_fuzz::bgzf(&as_bam(&header, &records[..4])),
    );
    // The writer of CRAM takes none without bases and their qualities.
    let mut with_bases = records.clone();
    with_bases.retain(|record| !record.sequence().is_empty());
    for record in &mut with_bases {
        let bases = record.sequence().len();
        *record.quality_scores_mut() = vec![30; bases].into();
    }
    for (name, raw, count) in [
        ("cram-raw", true, 40),
        ("cram-few", true, 3),
        ("cram-gzip", false, 12),
    ] {
        if let Some(bytes) = as_cram(&header, &with_bases[..count.min(with_bases.len())], raw) {
            corpus.add_as("alignments", name, 4, &bytes);
        }
    }
    for name in ["awkward.cram", "unsorted.cram"] {
        let bytes = fs::read(golden(name)).expect("a golden file");
        corpus.add_as("alignments", name, 4, &bytes);
    }
    corpus.add_as(
        "alignments",
        "bed",
        7,
        b"track name=x\nchr1\t100\t136\tr1\t37\t+\nchr1\t120\t156\tr2\t0\t-\nchr2\t9\t20\n",
    );
    corpus.add_as(
        "alignments",
        "bed-extended",
        7 + 16,
        b"chr1\t100\t136\tr1\t37\t+\nchr1\t4294967000\t4294967295\tr2\t0\t-\n",
    );
    if let Some(path) = shared("reads-h1/H1_H3K27me3.chr1_1-5Mb.bam") {
        let mut reader = bam::io::reader::Builder
            .build_from_path(path)
            .expect("a file");
        let header = reader.read_header().expect("a header");
        let records: Vec<RecordBuf> = reader
            .record_bufs(&header)
            .take(10)
            .map(|record| record.expect("a record"))
            .collect();
        corpus.add_as("alignments", "h1", 0, &as_bam(&header, &records));
    }
}

/// Uncompressed.
fn as_bam(header: &sam::Header, records: &[RecordBuf]) -> Vec<u8> {
    let mut writer = bam::io::Writer::from(Vec::new());
    writer.write_header(header).expect("memory takes all");
    for record in records {
        writer
            .write_alignment_record(header, record)
            .expect("memory takes all");
    }
    writer.into_inner()
}

/// With blocks that are compressed, or raw ones, in which damage is not hidden by checksums;
/// none where the writer does not take the records.
fn as_cram(header: &sam::Header, records: &[RecordBuf], raw: bool) -> Option<Vec<u8>> {
    let reference =
        fasta::io::indexed_reader::Builder::default().build_from_path(golden("reference.fa"));
    let reference =
        fasta::repository::adapters::IndexedReader::new(reference.expect("a reference"));
    let mut builder = cram::io::writer::Builder::default()
        .set_reference_sequence_repository(fasta::Repository::new(reference));
    if raw {
        let mut encoders = BlockContentEncoderMap::builder()
            .set_core_data_encoder(None)
            .set_default_encoder(None);
        for series in SERIES {
            encoders = encoders.set_data_series_encoder(series, None);
        }
        builder = builder.set_block_content_encoder_map(encoders.build());
    }
    let mut bytes = Vec::new();
    let mut writer = builder.build_from_writer(&mut bytes);
    writer.write_header(header).ok()?;
    for record in records {
        writer.write_alignment_record(header, record).ok()?;
    }
    writer.try_finish(header).ok()?;
    drop(writer);
    Some(bytes)
}

/// What CRAM keeps apart.
const SERIES: [DataSeries; 28] = [
    DataSeries::BamFlags,
    DataSeries::CramFlags,
    DataSeries::ReferenceSequenceIds,
    DataSeries::ReadLengths,
    DataSeries::AlignmentStarts,
    DataSeries::ReadGroupIds,
    DataSeries::Names,
    DataSeries::MateFlags,
    DataSeries::MateReferenceSequenceIds,
    DataSeries::MateAlignmentStarts,
    DataSeries::TemplateLengths,
    DataSeries::MateDistances,
    DataSeries::TagSetIds,
    DataSeries::FeatureCounts,
    DataSeries::FeatureCodes,
    DataSeries::FeaturePositionDeltas,
    DataSeries::DeletionLengths,
    DataSeries::StretchesOfBases,
    DataSeries::StretchesOfQualityScores,
    DataSeries::BaseSubstitutionCodes,
    DataSeries::InsertionBases,
    DataSeries::ReferenceSkipLengths,
    DataSeries::PaddingLengths,
    DataSeries::HardClipLengths,
    DataSeries::SoftClipBases,
    DataSeries::MappingQualities,
    DataSeries::Bases,
    DataSeries::QualityScores,
];

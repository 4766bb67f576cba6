//! Which format a file is in: by its content where that tells, by its name where
//! the content is text.

use std::{fmt, path::Path};

use crate::{
    error::{Error, Place, Result},
    input::first_bytes,
};

/// The format of a file of reads or values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Binary alignment map.
    Bam,
    /// Compressed reference-oriented alignment map.
    Cram,
    /// Sequence alignment map, plain or compressed.
    Sam,
    /// BED or tagAlign, plain or compressed: a read per line.
    Bed,
    /// bigWig.
    BigWig,
    /// bedGraph, plain or compressed: a value per line.
    BedGraph,
}

/// First bytes of a bigWig and a bigBed file, in either byte order (Kent et al.,
/// Bioinformatics 26, 2010, supplement).
const BIGWIG: [[u8; 4]; 2] = [[0x26, 0xfc, 0x8f, 0x88], [0x88, 0x8f, 0xfc, 0x26]];
const BIGBED: [[u8; 4]; 2] = [[0xeb, 0xf2, 0x89, 0x87], [0x87, 0x89, 0xf2, 0xeb]];
/// Bytes of content that are looked at.
const HEAD: u64 = 1 << 12;

impl Format {
    /// Whether a file of this format holds reads, rather than values.
    pub fn holds_reads(self) -> bool {
        !matches!(self, Format::BigWig | Format::BedGraph)
    }

    /// The format of a file.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, is in a format that holds neither
    /// reads nor values, or is in another one than its name tells.
    pub fn detect(path: &Path) -> Result<Self> {
        let head = first_bytes(path, HEAD)?;
        let by_name = Format::of_name(path);
        let refuse = |found: &str, remedy: &str| {
            let expected = match by_name {
                Some(format) => format!("{format}, as the name tells"),
                None => "BAM, CRAM, SAM, BED, tagAlign, bigWig or bedGraph".into(),
            };
            Err(Error::content(path, Place::File, expected, found, remedy))
        };
        if head.is_empty() {
            let size = path.metadata().map_or(0, |found| found.len());
            let found = match size {
                0 => "an empty file",
                _ => "a damaged or truncated file, or one that holds nothing",
            };
            return refuse(found, "Copy or make the file again");
        }
        let binary = if head.starts_with(b"BAM\x01") {
            Some(Format::Bam)
        } else if head.starts_with(b"CRAM") {
            Some(Format::Cram)
        } else if BIGWIG.iter().any(|magic| head.starts_with(magic)) {
            Some(Format::BigWig)
        } else if BIGBED.iter().any(|magic| head.starts_with(magic)) {
            return refuse(
                "bigBed",
                "Convert it with bigBedToBed, or give the reads or signal",
            );
        } else {
            None
        };
        match (binary, by_name) {
            (Some(found), Some(told)) if found != told => refuse(
                &found.to_string(),
                "Give the file a name that fits its content",
            ),
            (Some(found), _) => Ok(found),
            (None, Some(told)) if told.is_binary() || head.contains(&0) => {
                let found = match head.contains(&0) {
                    true => "something else, or a damaged file",
                    false => "text",
                };
                refuse(
                    found,
                    "Copy the file again, or give it a name that fits its content",
                )
            }
            (None, Some(told)) => Ok(told),
            (None, None) if head.contains(&0) => {
                refuse("another binary format", "Convert it to one of these")
            }
            (None, None) if is_sam(&head) => Ok(Format::Sam),
            (None, None) => refuse(
                "text whose name does not tell the format",
                "Name it .sam, .bed, .tagAlign or .bedGraph (or .gz of these)",
            ),
        }
    }

    /// The format that the ending of a name tells.
    fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let name = name.strip_suffix(".bgz").unwrap_or(name);
        let (_, ending) = name.rsplit_once('.')?;
        match ending {
            "bam" => Some(Format::Bam),
            "cram" => Some(Format::Cram),
            "sam" => Some(Format::Sam),
            "bed" | "tagalign" | "bed3" | "bed4" | "bed5" | "bed6" => Some(Format::Bed),
            "bigwig" | "bw" => Some(Format::BigWig),
            "bedgraph" | "bdg" | "bg" => Some(Format::BedGraph),
            _ => None,
        }
    }

    fn is_binary(self) -> bool {
        matches!(self, Format::Bam | Format::Cram | Format::BigWig)
    }
}

fn is_sam(head: &[u8]) -> bool {
    [&b"@HD\t"[..], b"@SQ\t", b"@RG\t", b"@PG\t", b"@CO\t"]
        .iter()
        .any(|start| head.starts_with(start))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Bam => "BAM",
            Format::Cram => "CRAM",
            Format::Sam => "SAM",
            Format::Bed => "BED",
            Format::BigWig => "bigWig",
            Format::BedGraph => "bedGraph",
        })
    }
}

/// The error for a file of values where reads are needed.
pub(super) fn not_reads(path: &Path, format: Format) -> Error {
    let remedy = "Give BAM, CRAM, SAM, BED or tagAlign";
    Error::content(path, Place::File, "reads", format.to_string(), remedy)
}

/// The error for a file of reads where values are needed.
pub(super) fn not_values(path: &Path, format: Format) -> Error {
    let remedy = "Give bigWig or bedGraph";
    Error::content(
        path,
        Place::File,
        "signal values",
        format.to_string(),
        remedy,
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn detect(name: &str, content: &[u8]) -> Result<Format> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        Format::detect(&path)
    }

    #[test]
    fn content_tells_before_the_name() {
        let cases: [(&str, &[u8], Format); 8] = [
            ("x.bam", b"BAM\x01\0", Format::Bam),
            ("reads", b"BAM\x01\0", Format::Bam),
            ("x", b"CRAM\x03\0", Format::Cram),
            ("x.bw", &BIGWIG[0], Format::BigWig),
            ("x.unknown", b"@HD\tVN:1.6\n", Format::Sam),
            ("E003-H3K4me3.tagAlign", b"chr1\t1\t2\n", Format::Bed),
            ("x.bed", b"chr1\t1\t2\n", Format::Bed),
            ("x.bdg", b"chr1\t1\t2\t3\n", Format::BedGraph),
        ];
        for (name, content, format) in cases {
            assert_eq!(detect(name, content).unwrap(), format, "{name}");
        }
    }

    #[test]
    fn a_name_that_lies_is_told() {
        let message = |name, content| detect(name, content).unwrap_err().to_string();
        let text = message("x.bam", b"chr1\t1\t2\n");
        assert!(
            text.contains("expected BAM") && text.contains("found text"),
            "{text}"
        );
        let text = message("x.bw", &BIGBED[0]);
        assert!(text.contains("found bigBed"), "{text}");
        let text = message("x.bed", b"BAM\x01\0");
        assert!(text.contains("found BAM"), "{text}");
        let text = message("x.txt", b"chr1\t1\t2\n");
        assert!(text.contains("name does not tell"), "{text}");
        let text = message("x.bam", b"");
        assert!(text.contains("an empty file"), "{text}");
    }
}

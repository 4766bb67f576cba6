//! Lines of BED (UCSC): chromosome, start and end (0-based, half-open), and
//! optionally name, score and strand, separated by tabs.

use std::path::Path;

use crate::{
    error::{Error, Place},
    genome::{LARGEST_POSITION, Strand},
    input::excerpt,
};

/// The fields of a BED line, not copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BedRow<'l> {
    pub(crate) chrom: &'l [u8],
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) name: Option<&'l [u8]>,
    pub(crate) strand: Option<Strand>,
}

/// Whether a line of a BED, bedGraph, GTF or GFF file holds no record.
pub(crate) fn is_comment(line: &[u8]) -> bool {
    let word = |word: &[u8]| {
        line.strip_prefix(word)
            .is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
    };
    line.trim_ascii().is_empty() || line.starts_with(b"#") || word(b"track") || word(b"browser")
}

impl<'l> BedRow<'l> {
    /// Reads the fields of a line; columns after the sixth are not looked at.
    pub(crate) fn parse(line: &'l [u8]) -> std::result::Result<Self, String> {
        let mut fields = line.split(|&byte| byte == b'\t').map(<[u8]>::trim_ascii);
        let chrom = fields.next().filter(|name| !name.is_empty());
        let mut position = |name: &str| {
            let field = fields.next().ok_or_else(|| format!("no {name}"))?;
            parse_position(field).ok_or_else(|| format!("the {name} {}", excerpt(field)))
        };
        let (start, end) = (position("start")?, position("end")?);
        let name = fields.next().filter(|name| !matches!(*name, b"" | b"."));
        let strand = match fields.nth(1) {
            None | Some(b"" | b".") => None,
            Some(b"+") => Some(Strand::Forward),
            Some(b"-") => Some(Strand::Reverse),
            Some(other) => return Err(format!("the strand {}", excerpt(other))),
        };
        if start > end {
            return Err(format!("a start of {start} after the end {end}"));
        }
        Ok(BedRow {
            chrom: chrom.ok_or("no chromosome")?,
            start,
            end,
            name,
            strand,
        })
    }
}

/// A position: digits only, and no larger than chromosomes are.
pub(crate) fn parse_position(field: &[u8]) -> Option<i64> {
    if field.is_empty() || field.len() > 10 || !field.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |byte: &u8| i64::from(byte - b'0');
    let position = field.iter().fold(0, |n, byte| 10 * n + digit(byte));
    Some(position).filter(|&position| position <= LARGEST_POSITION)
}

/// The error for a line that is not BED.
pub(crate) fn not_bed(path: &Path, number: u64, problem: &str) -> Error {
    Error::content(
        path,
        Place::Line(number),
        "a BED record (tab-separated chromosome, start and end, 0-based, start not after end)",
        problem,
        "Correct the line, or give a BED file",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_have_three_to_many_columns() {
        let row = BedRow::parse(b"chr1\t1\t20\tname\t5\t-\tmore\tand more").unwrap();
        assert_eq!((row.chrom, row.start, row.end), (&b"chr1"[..], 1, 20));
        assert_eq!(
            (row.name, row.strand),
            (Some(&b"name"[..]), Some(Strand::Reverse))
        );
        let row = BedRow::parse(b"chr1\t1\t1").unwrap();
        assert_eq!((row.name, row.strand), (None, None));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let problem = |line: &str| BedRow::parse(line.as_bytes()).unwrap_err();
        assert!(problem("chr1\t9\t8").contains("after the end"));
        assert!(problem("chr1\t-1\t8").contains("start \"-1\""));
        assert!(problem("chr1\t1").contains("no end"));
        assert!(problem("chr1 1 8").contains("no start"));
        assert!(problem("chr1\t1\t8\tx\t0\t*").contains("strand"));
        assert!(problem("\t1\t8").contains("no chromosome"));
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(row) = BedRow::parse(&line) {
                prop_assert!(0 <= row.start && row.start <= row.end);
            }
        }

        #[test]
        fn rows_read_back(start in 0_i64..1 << 31, length in 0_i64..1 << 20) {
            let line = format!("chr7\t{start}\t{}\tx\t.\t+", start + length);
            let row = BedRow::parse(line.as_bytes()).unwrap();
            prop_assert_eq!((row.start, row.end), (start, start + length));
        }
    }
}

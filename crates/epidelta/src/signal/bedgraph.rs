//! bedGraph (UCSC): chromosome, start, end (0-based, half-open) and a value.

use std::path::Path;

use super::{Batch, Batcher, ContigNames, Reading, Value};
use crate::{
    bed::{is_comment, parse_position},
    error::{Error, Place, Result},
    input::{Lines, excerpt},
    provenance::Source,
};

pub(super) fn read(
    path: &Path,
    reading: &Reading,
    visit: &mut dyn FnMut(Batch<'_, Value>) -> Result<()>,
) -> Result<Source> {
    let mut lines = Lines::open(path, &reading.meter, reading.threads)?;
    let mut batcher = Batcher::new(Vec::new(), visit);
    let mut names = ContigNames::default();
    // The end of the last interval on each contig.
    let mut ends: Vec<i64> = Vec::new();
    while let Some((number, line)) = lines.next_line()? {
        if is_comment(line) {
            continue;
        }
        let row = Row::parse(line).map_err(|problem| {
            Error::content(
                path,
                Place::Line(number),
                "a bedGraph record (chromosome, start, end, 0-based, start before end, and a \
                 finite value)",
                problem,
                "Correct the line, or give a bedGraph file",
            )
        })?;
        if row.value.is_nan() {
            continue;
        }
        let contig = names.place(row.chrom, &mut batcher.contigs);
        ends.resize(batcher.contigs.len(), 0);
        if row.start < ends[contig] {
            return Err(Error::content(
                path,
                Place::Line(number),
                "intervals in ascending order that do not overlap, so that a base has one value",
                format!("a start of {} after an end of {}", row.start, ends[contig]),
                "Sort the file (sort -k1,1 -k2,2n) and merge what overlaps",
            ));
        }
        ends[contig] = row.end;
        batcher.push(Value {
            contig,
            start: row.start,
            end: row.end,
            value: row.value,
        })?;
    }
    batcher.flush()?;
    lines.finish("signal")
}

struct Row<'l> {
    chrom: &'l [u8],
    start: i64,
    end: i64,
    value: f32,
}

impl<'l> Row<'l> {
    /// Reads a line; UCSC allows spaces between the fields as well as tabs.
    fn parse(line: &'l [u8]) -> std::result::Result<Self, String> {
        let mut fields = line
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        let chrom = fields.next().ok_or("an empty line")?;
        let mut position = |name: &str| {
            let field = fields.next().ok_or_else(|| format!("no {name}"))?;
            parse_position(field).ok_or_else(|| format!("the {name} {}", excerpt(field)))
        };
        let (start, end) = (position("start")?, position("end")?);
        if start >= end {
            return Err(format!("a start of {start} and an end of {end}"));
        }
        let field = fields.next().ok_or("no value")?;
        let text = std::str::from_utf8(field).unwrap_or_default();
        let value: Option<f32> = text.parse().ok();
        let value = value
            .filter(|value| !value.is_infinite())
            .ok_or_else(|| format!("the value {}", excerpt(field)))?;
        Ok(Row {
            chrom,
            start,
            end,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_wrong_is_told() {
        let problem = |line: &str| Row::parse(line.as_bytes()).err().unwrap();
        assert!(problem("chr1\t5\t5\t1").contains("start of 5"));
        assert!(problem("chr1\t5\t6").contains("no value"));
        assert!(problem("chr1\t5\t6\thigh").contains("\"high\""));
        assert!(problem("chr1\t5\t6\tinf").contains("\"inf\""));
        assert!(Row::parse(b"chr1 5 6 -1e-3").is_ok());
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(row) = Row::parse(&line) {
                prop_assert!(0 <= row.start && row.start < row.end && !row.value.is_infinite());
            }
        }
    }
}

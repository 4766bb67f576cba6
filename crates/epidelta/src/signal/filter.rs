//! Which reads count.

use super::Alignment;
use crate::{genome::Strand, provenance::ReadCounts};

/// What is counted of paired-end reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pairing {
    /// Every read by itself, as of single-end sequencing.
    #[default]
    Reads,
    /// A proper pair once, from the first base of the left mate over TLEN bases, if
    /// the left mate passes the filter; other paired reads not at all. Reads that are
    /// not paired count as they are.
    Fragment,
}

impl Pairing {
    /// The name used on the command line: `reads`, `fragment`.
    pub fn name(self) -> &'static str {
        match self {
            Pairing::Reads => "reads",
            Pairing::Fragment => "fragment",
        }
    }
}

/// Which alignments count. The defaults are those of `bedtools multicov`, but for
/// unmapped reads, which never count (it counts those that have a position).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadFilter {
    /// Least mapping quality; 255, which means unknown, passes. BED has none.
    pub min_mapping_quality: u8,
    /// Whether reads flagged as duplicates (0x400) count.
    pub keep_duplicates: bool,
    /// Whether reads that failed quality control (0x200) count.
    pub keep_qc_fail: bool,
    /// Whether secondary alignments (0x100) count.
    pub keep_secondary: bool,
    /// Whether supplementary alignments (0x800) count.
    pub keep_supplementary: bool,
    /// What is counted of pairs.
    pub pairing: Pairing,
}

impl Default for ReadFilter {
    fn default() -> Self {
        ReadFilter {
            min_mapping_quality: 0,
            keep_duplicates: false,
            keep_qc_fail: false,
            keep_secondary: true,
            keep_supplementary: true,
            pairing: Pairing::Reads,
        }
    }
}

/// What the filter looks at: fields of a SAM record (SAM specification, 1.4).
pub(super) struct Record {
    pub(super) flags: u16,
    pub(super) mapping_quality: u8,
    pub(super) contig: Option<usize>,
    /// First base, 0-based.
    pub(super) start: Option<i64>,
    pub(super) template_length: i32,
}

impl Record {
    /// Whether this is the alignment of a paired read itself, not a further one.
    pub(super) fn is_primary_of_pair(&self) -> bool {
        self.flags & flag::PAIRED != 0 && self.flags & (flag::SECONDARY | flag::SUPPLEMENTARY) == 0
    }
}

mod flag {
    pub(super) const PAIRED: u16 = 0x1;
    pub(super) const PROPER_PAIR: u16 = 0x2;
    pub(super) const UNMAPPED: u16 = 0x4;
    pub(super) const REVERSE: u16 = 0x10;
    pub(super) const FIRST_IN_PAIR: u16 = 0x40;
    pub(super) const SECONDARY: u16 = 0x100;
    pub(super) const QC_FAIL: u16 = 0x200;
    pub(super) const DUPLICATE: u16 = 0x400;
    pub(super) const SUPPLEMENTARY: u16 = 0x800;
}

impl ReadFilter {
    /// Counts a record and gives its place if it passes. `span` tells the bases of
    /// the reference from the first to the last aligned one; it is asked only
    /// where it matters.
    pub(super) fn admit<E>(
        &self,
        record: &Record,
        counts: &mut ReadCounts,
        span: impl FnOnce() -> Result<i64, E>,
    ) -> Result<Option<Alignment>, E> {
        counts.records += 1;
        let is = |flag: u16| record.flags & flag != 0;
        let (Some(contig), Some(start), false) = (record.contig, record.start, is(flag::UNMAPPED))
        else {
            counts.unmapped += 1;
            return Ok(None);
        };
        let refused = if is(flag::SECONDARY) && !self.keep_secondary {
            &mut counts.secondary
        } else if is(flag::SUPPLEMENTARY) && !self.keep_supplementary {
            &mut counts.supplementary
        } else if is(flag::QC_FAIL) && !self.keep_qc_fail {
            &mut counts.qc_fail
        } else if is(flag::DUPLICATE) && !self.keep_duplicates {
            &mut counts.duplicates
        } else if record.mapping_quality < self.min_mapping_quality {
            &mut counts.low_mapping_quality
        } else if self.pairing == Pairing::Fragment && is(flag::PAIRED) && !is_left_mate(record) {
            &mut counts.not_in_pair
        } else {
            let fragment = self.pairing == Pairing::Fragment && is(flag::PAIRED);
            let reverse = match fragment {
                // The strand of the first read, of which the left mate is forward.
                true => !is(flag::FIRST_IN_PAIR),
                false => is(flag::REVERSE),
            };
            let length = match fragment {
                true => i64::from(record.template_length),
                false => span()?,
            };
            if length == 0 {
                counts.empty += 1;
                return Ok(None);
            }
            counts.depth += 1;
            counts.not_primary += u64::from(is(flag::SECONDARY | flag::SUPPLEMENTARY));
            return Ok(Some(Alignment {
                contig,
                start,
                end: start + length,
                strand: Some(match reverse {
                    true => Strand::Reverse,
                    false => Strand::Forward,
                }),
            }));
        };
        *refused += 1;
        Ok(None)
    }
}

/// Whether a read stands for its proper pair: the mate whose template length is
/// positive. Only primary alignments stand for a pair.
fn is_left_mate(record: &Record) -> bool {
    record.is_primary_of_pair()
        && record.flags & flag::PROPER_PAIR != 0
        && record.template_length > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(
        filter: ReadFilter,
        flags: u16,
        mapping_quality: u8,
    ) -> (Option<Alignment>, ReadCounts) {
        let record = Record {
            flags,
            mapping_quality,
            contig: Some(3),
            start: Some(100),
            template_length: 250,
        };
        let mut counts = ReadCounts::default();
        let span = || Ok::<_, ()>(36);
        let place = filter.admit(&record, &mut counts, span).unwrap();
        assert_eq!(counts.records, 1);
        assert_eq!(counts.depth, u64::from(place.is_some()));
        (place, counts)
    }

    #[test]
    fn each_reason_is_counted() {
        let default = ReadFilter::default();
        let strict = ReadFilter {
            keep_secondary: false,
            keep_supplementary: false,
            min_mapping_quality: 30,
            ..default
        };
        assert_eq!(admit(default, 0x4, 60).1.unmapped, 1);
        assert_eq!(admit(default, 0x200, 60).1.qc_fail, 1);
        assert_eq!(admit(default, 0x400, 60).1.duplicates, 1);
        assert_eq!(admit(default, 0x100, 60).1.not_primary, 1);
        assert_eq!(admit(strict, 0x100, 60).1.secondary, 1);
        assert_eq!(admit(strict, 0x800, 60).1.supplementary, 1);
        assert_eq!(admit(strict, 0, 29).1.low_mapping_quality, 1);
        assert!(admit(strict, 0, 30).0.is_some());
        assert!(admit(strict, 0, 255).0.is_some());
    }

    #[test]
    fn reads_and_fragments_have_places() {
        let default = ReadFilter::default();
        let place = admit(default, 0x10, 60).0.unwrap();
        assert_eq!(
            (place.start, place.end, place.strand),
            (100, 136, Some(Strand::Reverse))
        );
        let fragments = ReadFilter {
            pairing: Pairing::Fragment,
            ..default
        };
        let first = admit(fragments, 0x1 | 0x2 | 0x20 | 0x40, 60).0.unwrap();
        assert_eq!(
            (first.start, first.end, first.strand),
            (100, 350, Some(Strand::Forward))
        );
        let second = admit(fragments, 0x1 | 0x2 | 0x20 | 0x80, 60).0.unwrap();
        assert_eq!(second.strand, Some(Strand::Reverse));
        assert_eq!(admit(fragments, 0x1 | 0x40, 60).1.not_in_pair, 1);
        assert_eq!(admit(fragments, 0, 60).0.unwrap().end, 136);
    }
}

//! Counting reads in bins.

use std::path::Path;

use super::index::{ContigMap, NameNotes, WindowIndex};
use crate::{
    error::{Error, Place, Result},
    genome::Strand,
    signal::{Alignment, Batch},
};

/// Which part of a read counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountedPart {
    /// All of it, introns and deletions included: the read counts in every bin that
    /// it overlaps, as `bedtools multicov` counts.
    #[default]
    Overlap,
    /// Its 5' end.
    FivePrime,
    /// Its middle; of an even length the base before it, seen from the 5' end.
    Midpoint,
}

/// Which strand a read must lie on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StrandRule {
    /// Either.
    #[default]
    Both,
    /// The gene's strand.
    Same,
    /// The strand opposite to the gene's.
    Opposite,
}

impl StrandRule {
    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            StrandRule::Both => "both",
            StrandRule::Same => "same",
            StrandRule::Opposite => "opposite",
        }
    }
}

/// How reads are counted. A read is first extended, then shifted; then the rule
/// says which part of it counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountRule {
    /// The part of it that counts.
    pub part: CountedPart,
    /// Length to which reads are extended from their 5' end, bp: that of the
    /// fragments they are the ends of. A longer read stays as it is.
    pub extend: Option<u32>,
    /// Distance by which reads are moved towards their 3' end, bp; negative
    /// towards the 5' end.
    pub shift: i32,
    /// The strand that counts.
    pub strand: StrandRule,
}

impl CountedPart {
    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            CountedPart::Overlap => "overlap",
            CountedPart::FivePrime => "five-prime",
            CountedPart::Midpoint => "midpoint",
        }
    }
}

impl CountRule {
    /// Whether it matters on which strand a read lies.
    fn needs_strand(&self) -> bool {
        self.part == CountedPart::FivePrime
            || self.extend.is_some()
            || self.shift != 0
            || self.strand != StrandRule::Both
    }

    /// The bases of a read that count.
    #[inline]
    fn bases(&self, read: &Alignment) -> (i64, i64) {
        let Alignment {
            mut start, mut end, ..
        } = *read;
        let reverse = read.strand == Some(Strand::Reverse);
        if let Some(length) = self.extend {
            let length = i64::from(length).max(end - start);
            match reverse {
                true => start = end - length,
                false => end = start + length,
            }
        }
        let shift = i64::from(self.shift);
        let shift = if reverse { -shift } else { shift };
        let (start, end) = (start + shift, end + shift);
        let base = match (self.part, reverse) {
            (CountedPart::Overlap, _) => return (start, end),
            (CountedPart::FivePrime, false) => start,
            (CountedPart::FivePrime, true) => end - 1,
            (CountedPart::Midpoint, false) => start + (end - start - 1) / 2,
            (CountedPart::Midpoint, true) => end - 1 - (end - start - 1) / 2,
        };
        (base, base + 1)
    }
}

/// Counts the reads of one file.
pub struct ReadCounter<'c> {
    path: &'c Path,
    index: &'c WindowIndex,
    rule: CountRule,
    contigs: ContigMap<'c>,
    /// `[sorted window, bin]`.
    counts: Vec<u32>,
}

impl<'c> ReadCounter<'c> {
    /// A counter for the reads of a file.
    pub fn new(path: &'c Path, index: &'c WindowIndex, rule: CountRule) -> Self {
        ReadCounter {
            path,
            index,
            rule,
            contigs: ContigMap::default(),
            counts: vec![0; index.windows() * index.bins],
        }
    }

    /// Counts a batch of reads.
    ///
    /// # Errors
    /// When the file names a chromosome in two ways, or a read has no strand but
    /// the rule needs it.
    pub fn add(&mut self, batch: Batch<'_, Alignment>) -> Result<()> {
        self.contigs.extend(self.path, self.index, batch.contigs)?;
        if self.rule.needs_strand() && batch.items.iter().any(|read| read.strand.is_none()) {
            return Err(Error::content(
                self.path,
                Place::File,
                "the strand of every read (column 6 of BED), which this way of counting needs",
                "reads without strand",
                "Add the strand, or count with --count overlap, without --extend, --shift and \
                 --strand",
            ));
        }
        for read in batch.items {
            self.count(read);
        }
        Ok(())
    }

    #[inline]
    fn count(&mut self, read: &Alignment) {
        let contig = self.contigs.contig(read.contig);
        let Some(chrom) = contig.chrom else {
            return;
        };
        let (start, end) = self.rule.bases(read);
        // Extended and shifted reads end with the chromosome.
        let (start, end) = (start.max(0), end.min(contig.length));
        if start >= end {
            return;
        }
        for window in chrom.overlapping(start, end) {
            let same_strand = chrom.strands[window] == read.strand;
            match self.rule.strand {
                StrandRule::Same if !same_strand => continue,
                StrandRule::Opposite if same_strand => continue,
                _ => (),
            }
            let bins = self.index.bins_of(chrom, window, start, end);
            for count in &mut self.counts[bins] {
                *count = count.saturating_add(1);
            }
        }
    }

    /// The counts, `[window, bin]`, along the genome in each window.
    ///
    /// # Errors
    /// When the file shares no chromosome with the windows.
    pub fn finish(self) -> Result<(Vec<u32>, NameNotes)> {
        let notes = self.contigs.finish(self.path, self.index)?;
        Ok((self.index.as_listed(&self.counts), notes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(part: CountedPart, extend: Option<u32>, shift: i32, strand: Strand) -> (i64, i64) {
        let rule = CountRule {
            part,
            extend,
            shift,
            strand: StrandRule::Both,
        };
        rule.bases(&Alignment {
            contig: 0,
            start: 100,
            end: 136,
            strand: Some(strand),
        })
    }

    #[test]
    fn rules_say_which_bases_count() {
        use Strand::{Forward, Reverse};
        assert_eq!(bases(CountedPart::Overlap, None, 0, Forward), (100, 136));
        assert_eq!(
            bases(CountedPart::Overlap, Some(200), 0, Forward),
            (100, 300)
        );
        assert_eq!(
            bases(CountedPart::Overlap, Some(200), 0, Reverse),
            (-64, 136)
        );
        assert_eq!(
            bases(CountedPart::Overlap, Some(10), 0, Reverse),
            (100, 136)
        );
        assert_eq!(bases(CountedPart::FivePrime, None, 75, Forward), (175, 176));
        assert_eq!(bases(CountedPart::FivePrime, None, 75, Reverse), (60, 61));
        assert_eq!(
            bases(CountedPart::Midpoint, Some(200), 0, Forward),
            (199, 200)
        );
        assert_eq!(
            bases(CountedPart::Midpoint, Some(200), 0, Reverse),
            (36, 37)
        );
    }
}

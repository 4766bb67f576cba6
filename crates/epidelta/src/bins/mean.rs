//! Mean values of bins, as UCSC's bigWigAverageOverBed defines them.

use std::path::Path;

use super::index::{ContigMap, NameNotes, WindowIndex};
use crate::{
    error::Result,
    signal::{Batch, Value},
};

/// What bases without data are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// Zero: the mean is over all bases of the bin (`mean0`).
    #[default]
    Zero,
    /// Left out: the mean is over the bases with data (`mean`), 0 if there are none.
    Skip,
}

impl Missing {
    /// The name used on the command line: `zero`, `skip`.
    pub fn name(self) -> &'static str {
        match self {
            Missing::Zero => "zero",
            Missing::Skip => "skip",
        }
    }
}

/// Averages the values of one file, each base having one value at most.
pub struct MeanSignal<'c> {
    path: &'c Path,
    index: &'c WindowIndex,
    contigs: ContigMap<'c>,
    /// Sums of the values of the bases, `[sorted window, bin]`.
    sums: Vec<f64>,
    /// Bases with data, `[sorted window, bin]`.
    covered: Vec<u32>,
}

impl<'c> MeanSignal<'c> {
    /// An average over the values of a file.
    pub fn new(path: &'c Path, index: &'c WindowIndex) -> Self {
        let numbers = index.windows() * index.bins;
        MeanSignal {
            path,
            index,
            contigs: ContigMap::default(),
            sums: vec![0.0; numbers],
            covered: vec![0; numbers],
        }
    }

    /// Takes in a batch of values.
    ///
    /// # Errors
    /// When the file names a chromosome in two ways.
    pub fn add(&mut self, batch: Batch<'_, Value>) -> Result<()> {
        self.contigs.extend(self.path, self.index, batch.contigs)?;
        let (bin_size, bins) = (self.index.bin_size, self.index.bins);
        for value in batch.items {
            let contig = self.contigs.contig(value.contig);
            let Some(chrom) = contig.chrom else {
                continue;
            };
            let value_end = value.end.min(contig.length);
            if value.start >= value_end {
                continue;
            }
            for window in chrom.overlapping(value.start, value_end) {
                for at in self.index.bins_of(chrom, window, value.start, value_end) {
                    let bin_start = chrom.starts[window] + (at % bins) as i64 * bin_size;
                    let bases = value_end.min(bin_start + bin_size) - value.start.max(bin_start);
                    self.sums[at] += f64::from(value.value) * bases as f64;
                    self.covered[at] += bases as u32;
                }
            }
        }
        Ok(())
    }

    /// The means, `[window, bin]`, along the genome in each window.
    ///
    /// # Errors
    /// When the file shares no chromosome with the windows.
    pub fn finish(self, missing: Missing) -> Result<(Vec<f32>, NameNotes)> {
        let notes = self.contigs.finish(self.path, self.index)?;
        let mean = |(&sum, &covered): (&f64, &u32)| match (missing, covered) {
            (Missing::Zero, _) => (sum / self.index.bin_size as f64) as f32,
            (Missing::Skip, 0) => 0.0,
            (Missing::Skip, bases) => (sum / f64::from(bases)) as f32,
        };
        let means: Vec<f32> = self.sums.iter().zip(&self.covered).map(mean).collect();
        Ok((self.index.as_listed(&means), notes))
    }
}

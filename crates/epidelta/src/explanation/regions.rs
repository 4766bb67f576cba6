//! Regions: the bins of a mark in windows of equal width, in which signal is changed and
//! contributions are summed. Single bins are too many to be tried one by one, and their signal
//! hangs together with their neighbours'.

use std::ops::Range;

/// The regions of every mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Regions {
    /// Marks.
    pub marks: usize,
    /// Bins of a mark.
    pub bins: usize,
    /// Regions of a mark.
    pub windows: usize,
}

impl Regions {
    /// As many regions of each mark as asked for, or one for each bin if there are fewer.
    pub fn new(marks: usize, bins: usize, windows: usize) -> Self {
        let windows = windows.clamp(1, bins);
        Regions {
            marks,
            bins,
            windows,
        }
    }

    /// The regions of all marks together.
    pub fn len(&self) -> usize {
        self.marks * self.windows
    }

    /// The region of a bin.
    pub fn of(&self, mark: usize, bin: usize) -> usize {
        // The inverse of the windows' beginnings, window * bins / windows rounded down.
        mark * self.windows + ((bin + 1) * self.windows - 1) / self.bins
    }

    /// Its mark and its bins.
    pub fn bins_of(&self, region: usize) -> (usize, Range<usize>) {
        let (mark, window) = (region / self.windows, region % self.windows);
        let start = |window: usize| window * self.bins / self.windows;
        (mark, start(window)..start(window + 1))
    }

    /// Its place in a gene's signal, `[mark, bin]`.
    pub fn in_signal(&self, region: usize) -> Range<usize> {
        let (mark, bins) = self.bins_of(region);
        mark * self.bins + bins.start..mark * self.bins + bins.end
    }

    /// Sums of a gene's numbers, `[mark, bin]`, over regions.
    pub fn sums(&self, of_bins: &[f64]) -> Vec<f64> {
        let sum = |region: usize| of_bins[self.in_signal(region)].iter().sum();
        (0..self.len()).map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_is_in_its_region() {
        for (bins, windows) in [(200, 20), (7, 3), (5, 20), (1, 1), (23, 9)] {
            let regions = Regions::new(3, bins, windows);
            for region in 0..regions.len() {
                let (mark, of_region) = regions.bins_of(region);
                assert!(!of_region.is_empty());
                for bin in of_region {
                    assert_eq!(regions.of(mark, bin), region, "{bins} {windows} {bin}");
                }
            }
            let ones = vec![1.0; 3 * bins];
            assert_eq!(regions.sums(&ones).iter().sum::<f64>(), 3.0 * bins as f64);
        }
    }
}

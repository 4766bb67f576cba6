//! What learners see of a gene: the signal of both cell types, as it is or averaged.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{InputTransform, Pair},
    error::{Error, Result},
    learner::matrix::Matrix,
    model::Channel,
};

/// The number of windows that leaves every bin as it is.
pub const EVERY_BIN: usize = 0;

/// What is made of a gene's signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureConfig {
    /// The cell types' signal, and its difference.
    pub channels: Vec<Channel>,
    /// Numbers of windows of equal width that each mark's bins are averaged in: 1 for
    /// the mark's mean, 0 (or more than there are bins) for every bin as it is. The
    /// validation genes choose among them.
    pub windows: Vec<usize>,
}

impl FeatureConfig {
    /// Checks that there is a channel and a number of windows, and no channel twice.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting.
    pub fn check(&self) -> Result<()> {
        if self.windows.is_empty() {
            return Err(Error::setting(
                "features.windows",
                "there is none",
                "Give numbers, such as [1, 10], or [0] for every bin",
            ));
        }
        check_channels("features.channels", &self.channels)
    }

    /// Everything that is tried for so many bins, without repetition.
    pub(super) fn tried(&self, bins: usize) -> Vec<Features> {
        let mut tried: Vec<Features> = Vec::new();
        for &windows in &self.windows {
            let windows = match windows {
                EVERY_BIN => bins,
                windows => windows.min(bins),
            };
            let channels = self.channels.clone();
            let features = Features { channels, windows };
            if !tried.contains(&features) {
                tried.push(features);
            }
        }
        tried
    }
}

/// What a learner sees of a gene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Features {
    channels: Vec<Channel>,
    /// At most as many as there are bins.
    pub windows: usize,
}

impl Features {
    /// Whether there are as many windows as bins at most, and channels that may be chosen:
    /// a file may claim any number of them.
    pub fn fits(&self, bins: usize) -> bool {
        (1..=bins).contains(&self.windows) && are_channels(&self.channels)
    }

    /// How many features there are.
    pub fn columns(&self, marks: usize) -> usize {
        let of_marks = self.channels.len().saturating_mul(marks);
        of_marks.saturating_mul(self.windows)
    }

    /// The channel, mark and bins of every feature, in their order.
    pub fn places(&self, marks: usize, bins: usize) -> Vec<(Channel, usize, Range<usize>)> {
        let start = |window: usize| window * bins / self.windows;
        let mut places = Vec::with_capacity(self.columns(marks));
        for &channel in &self.channels {
            for mark in 0..marks {
                for window in 0..self.windows {
                    places.push((channel, mark, start(window)..start(window + 1)));
                }
            }
        }
        places
    }

    /// The features of genes, `[gene, channel * mark * window]`. The averages are
    /// transformed, not the bins; the difference is that of the transformed.
    pub fn matrix(
        &self,
        pair: &Pair,
        transform: InputTransform,
        genes: &[usize],
    ) -> Result<Matrix> {
        let (bins, windows) = (pair.bins(), self.windows);
        // The w-th window begins at this bin: all have the same width, or differ by one.
        let start = |window: usize| window * bins / windows;
        let summary = |signal: &[f32]| -> Vec<f64> {
            let marks = signal.chunks(bins);
            let means = marks.flat_map(|mark| {
                (0..windows).map(|window| {
                    let of_window = &mark[start(window)..start(window + 1)];
                    let sum: f64 = of_window.iter().copied().map(f64::from).sum();
                    transform.of(sum / of_window.len() as f64)
                })
            });
            means.collect()
        };
        let columns = self.columns(pair.marks().len());
        let mut values = Vec::with_capacity(genes.len() * columns);
        for &gene in genes {
            let [a, b] = pair.signal(gene).map(summary);
            push_channels(&self.channels, &a, &b, &mut values);
        }
        Matrix::new(genes.len(), columns, values)
    }
}

/// The features of genes at one bin, `[gene, channel * mark]`.
pub(super) fn bin_features(
    channels: &[Channel],
    pair: &Pair,
    transform: InputTransform,
    genes: &[usize],
    bin: usize,
) -> Result<Matrix> {
    let (marks, bins) = (pair.marks().len(), pair.bins());
    let at_bin = |signal: &[f32]| -> Vec<f64> {
        let of_marks = signal.iter().skip(bin).step_by(bins);
        of_marks.map(|&x| transform.of(f64::from(x))).collect()
    };
    let mut values = Vec::with_capacity(genes.len() * channels.len() * marks);
    for &gene in genes {
        let [a, b] = pair.signal(gene).map(at_bin);
        push_channels(channels, &a, &b, &mut values);
    }
    Matrix::new(genes.len(), channels.len() * marks, values)
}

fn push_channels(channels: &[Channel], a: &[f64], b: &[f64], values: &mut Vec<f64>) {
    for channel in channels {
        match channel {
            Channel::A => values.extend_from_slice(a),
            Channel::B => values.extend_from_slice(b),
            Channel::Difference => values.extend(a.iter().zip(b).map(|(a, b)| a - b)),
        }
    }
}

/// Checks that there is a channel, and none twice.
pub(super) fn check_channels(setting: &str, channels: &[Channel]) -> Result<()> {
    if !are_channels(channels) {
        return Err(Error::setting(
            setting,
            "each channel may stand once, and there must be one",
            "Give some of a, b and difference",
        ));
    }
    Ok(())
}

/// Whether there is a channel, and none twice.
pub(super) fn are_channels(channels: &[Channel]) -> bool {
    let twice = (1..channels.len()).any(|i| channels[..i].contains(&channels[i]));
    !channels.is_empty() && !twice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_not_claim_any_number_of_features() {
        let of = |channels: Vec<Channel>, windows: usize| Features { channels, windows };
        assert!(of(vec![Channel::A, Channel::B], 4).fits(4));
        assert!(!of(vec![Channel::A], 5).fits(4));
        assert!(!of(vec![Channel::A, Channel::A], 4).fits(4));
        assert!(!of(Vec::new(), 4).fits(4));
        // Counted before that is known.
        assert_eq!(of(vec![Channel::A], usize::MAX).columns(5), usize::MAX);
    }
}

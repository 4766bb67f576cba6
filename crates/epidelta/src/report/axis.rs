//! Axes: where they begin and end, where their ticks stand, how these are written.

use std::sync::Arc;

use kuva::render::layout::TickFormat;

/// An axis with ticks at the multiples of its step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) step: f64,
}

/// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is not below.
fn round_up(step: f64) -> f64 {
    let magnitude = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|factor| factor * magnitude >= step * 0.999);
    factor.unwrap_or(10.0) * magnitude
}

impl Axis {
    /// An axis that holds zero and all values, with room above the largest.
    pub(super) fn of_values<'v>(values: impl Iterator<Item = &'v f64>) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for &value in values {
            (low, high) = (low.min(value), high.max(value));
        }
        let range = high - low;
        if !(1e-12..=1e15).contains(&range) {
            return Axis {
                low: 0.0,
                high: 1.0,
                step: 0.5,
            };
        }
        let step = round_up(range / 4.0);
        Axis {
            low: (low / step + 1e-9).floor() * step,
            high: ((high + range * 0.04) / step - 1e-9).ceil() * step,
            step,
        }
    }

    /// An axis of correlations, which holds all values: from zero, or from near the
    /// smallest one to show small differences. It does not go beyond -1 and 1.
    pub(super) fn of_correlations(values: &[f64], from_zero: bool) -> Self {
        let values = values.iter().copied().filter(|value| value.is_finite());
        let (mut low, mut high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if from_zero {
            (low, high) = (low.min(0.0), high.max(0.0));
            if high - low < 1e-12 {
                high = 1.0;
            }
        } else {
            // One value alone is in the middle of something.
            let margin = (0.05 - (high - low) / 2.0).max(0.0);
            (low, high) = (low - margin, high + margin);
        }
        let step = round_up((high - low).max(0.01) / 5.0);
        Axis {
            low: ((low / step + 1e-9).floor() * step).max(low.min(-1.0)),
            high: ((high / step - 1e-9).ceil() * step).min(high.max(1.0)),
            step,
        }
    }

    /// An axis from `low` to `high` itself, in bp.
    pub(super) fn of_positions((low, high): (f64, f64)) -> Self {
        Axis::between(low, high)
    }

    /// An axis from `low` to `high` itself.
    pub(super) fn between(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_up((high - low) / 4.0);
        Axis { low, high, step }
    }

    /// The same with about so many intervals between ticks.
    pub(super) fn with_ticks(self, intervals: f64) -> Self {
        Axis {
            step: round_up((self.high - self.low) / intervals),
            ..self
        }
    }

    /// Its ticks, the multiples of the step.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> {
        let (first, last) = (self.low / self.step, self.high / self.step);
        let ticks = (first - 1e-9).ceil() as i64..=(last + 1e-9).floor() as i64;
        let step = self.step;
        ticks.map(move |tick| tick as f64 * step)
    }

    /// The texts of its ticks.
    pub(super) fn labels(&self, format: &TickFormat) -> Vec<String> {
        self.ticks().map(|tick| format.format(tick)).collect()
    }

    /// How far along the axis a value is, 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// Numbers with as many decimals on all ticks as the step needs.
    pub(super) fn format(&self) -> TickFormat {
        let Axis { low, high, step } = *self;
        let digits = (0..=4_usize).find(|&digits| {
            let scaled = step * 10_f64.powi(digits as i32);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        });
        let digits = digits.filter(|_| (0.002..99_999.5).contains(&high.max(-low)));
        TickFormat::Custom(Arc::new(move |value: f64| {
            let value = if value.abs() < step * 1e-6 {
                0.0
            } else {
                value
            };
            let text = match digits {
                Some(digits) => format!("{value:.digits$}"),
                None if value == 0.0 => "0".to_owned(),
                None => format!("{value:.1e}").replace(".0e", "e"),
            };
            text.replace('-', "\u{2212}")
        }))
    }

    /// Positions in bp, or in kb where all ticks are whole ones.
    pub(super) fn format_positions(&self) -> TickFormat {
        let in_kb = self.step % 500.0 == 0.0 && self.high - self.low >= 4000.0;
        TickFormat::Custom(Arc::new(move |value: f64| {
            let text = match value == 0.0 {
                true => "TSS".to_owned(),
                false if in_kb => format!("{} kb", value / 1000.0),
                false => format!("{value:.0} bp"),
            };
            text.replace('-', "\u{2212}")
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_ticks() {
        let axis = Axis::of_values([0.0, 13.2].iter());
        assert_eq!((axis.low, axis.high, axis.step), (0.0, 15.0, 5.0));
        assert_eq!(axis.labels(&axis.format()), ["0", "5", "10", "15"]);
        let axis = Axis::of_values([-0.3, 0.6].iter());
        assert_eq!(axis.labels(&axis.format())[0], "\u{2212}0.50");
        // Nothing to see, and too much of it.
        assert_eq!(Axis::of_values([0.0].iter()).high, 1.0);
        assert_eq!(Axis::of_values([f64::MAX].iter()).high, 1.0);
    }

    #[test]
    fn correlations_end_at_one() {
        let axis = Axis::of_correlations(&[0.5, 0.99], true);
        assert_eq!((axis.low, axis.high), (0.0, 1.0));
        assert!((axis.share(0.25) - 0.25).abs() < 1e-12);
        let axis = Axis::of_correlations(&[0.61, 0.74], false);
        assert!(axis.low >= 0.5 && axis.low <= 0.61 && axis.high < 0.85);
        assert!(Axis::of_correlations(&[-0.2, 0.4], true).low <= -0.2);
        // Nothing, nothing but zero, and one value alone.
        assert_eq!(Axis::of_correlations(&[0.0, 0.0], true).high, 1.0);
        assert_eq!(Axis::of_correlations(&[f64::NAN], true).high, 1.0);
        let axis = Axis::of_correlations(&[0.7], false);
        assert!(axis.low < 0.66 && axis.high > 0.74 && axis.ticks().count() > 3);
    }

    #[test]
    fn positions_in_kb_or_bp() {
        let labels = |range| {
            let axis = Axis::of_positions(range);
            axis.labels(&axis.format_positions())
        };
        let wide = ["\u{2212}10 kb", "\u{2212}5 kb", "TSS", "5 kb", "10 kb"];
        assert_eq!(labels((-10_000.0, 10_000.0)), wide);
        assert_eq!(
            labels((0.0, 100.0)),
            ["TSS", "25 bp", "50 bp", "75 bp", "100 bp"]
        );
    }
}

//! A logarithmic axis: where it begins and ends, where its ticks stand.

/// Least room beside the values, decades; twice it holds two ticks, wherever it lies.
const MARGIN: f64 = 0.35;

/// A logarithmic axis with ticks at 1, or at 1, 2 and 5, of each power of ten.
pub(super) struct LogAxis {
    /// Decimal logarithms of its ends.
    low: f64,
    high: f64,
}

impl LogAxis {
    /// An axis that holds all values, each above zero, with room around them.
    pub(super) fn new(values: impl Iterator<Item = f64>) -> Self {
        let ends = values
            .map(f64::log10)
            .fold((f64::MAX, f64::MIN), |ends, log| {
                (ends.0.min(log), ends.1.max(log))
            });
        let (low, high) = if ends.0 > ends.1 { (0.0, 1.0) } else { ends };
        let margin = ((high - low) * 0.06).max(MARGIN);
        LogAxis {
            low: low - margin,
            high: high + margin,
        }
    }

    /// How far along the axis a value is, 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low)
    }

    /// Its ticks, two or more.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let factors: &[f64] = match self.high - self.low {
            range if range > 3.0 => &[1.0],
            _ => &[1.0, 2.0, 5.0],
        };
        let powers = self.low.floor() as i32..=self.high.ceil() as i32;
        let ticks = powers.flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)));
        ticks
            .filter(|tick| (0.0..=1.0).contains(&self.share(*tick)))
            .collect()
    }
}

/// A positive number of any size, thousands apart.
pub(super) fn number_text(value: f64) -> String {
    if !(0.0009..=9e6).contains(&value) {
        return format!("{value:.0e}").replace('-', "\u{2212}");
    }
    if value < 1.0 {
        return format!("{}", (value * 1000.0).round() / 1000.0);
    }
    let digits = format!("{value:.0}");
    let apart = |(place, digit): (usize, char)| {
        let thousands = place > 0 && (digits.len() - place).is_multiple_of(3);
        thousands.then_some('\u{a0}').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(apart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_logarithmic_axis() {
        let texts = |values: &[f64]| -> Vec<String> {
            let axis = LogAxis::new(values.iter().copied());
            axis.ticks().into_iter().map(number_text).collect()
        };
        let decades = ["0.01", "0.1", "1", "10", "100", "1\u{a0}000"];
        assert_eq!(texts(&[0.008, 2000.0]), decades);
        assert_eq!(texts(&[20.0, 50.0]), ["10", "20", "50", "100"]);
        assert_eq!(texts(&[]), ["0.5", "1", "2", "5", "10", "20"]);
    }
}

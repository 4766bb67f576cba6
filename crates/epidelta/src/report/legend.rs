//! A legend above the axes: in rows, as many entries in each as fit, so that it
//! never covers data.

use kuva::render::render::TextAnchor;

use super::{
    drawing::{Drawing, TICK, Type, color},
    text::{fit, text_width},
};

/// Sample of a colour, the gap after it, the gap between entries, a row, px.
const SAMPLE: f64 = 11.0;
const SAMPLE_GAP: f64 = 6.0;
const ENTRY_GAP: f64 = 22.0;
const ROW: f64 = 18.0;

/// Entries and their places from the legend's upper left corner.
pub(super) struct Legend {
    entries: Vec<(f64, f64, String)>,
    width: f64,
    pub(super) height: f64,
}

impl Legend {
    /// Lays out a legend no wider than `room`, px; each label has the colour of its
    /// place in the list.
    pub(super) fn new<'l>(labels: impl Iterator<Item = &'l str>, room: f64) -> Self {
        let mut legend = Legend {
            entries: Vec::new(),
            width: 0.0,
            height: 0.0,
        };
        let (mut x, mut y) = (0.0, 0.0);
        for label in labels {
            let label = fit(label, TICK, room - SAMPLE - SAMPLE_GAP);
            let width = SAMPLE + SAMPLE_GAP + text_width(&label, TICK);
            if x > 0.0 && x + width > room {
                (x, y) = (0.0, y + ROW);
            }
            legend.entries.push((x, y, label));
            legend.width = legend.width.max(x + width);
            legend.height = y + ROW;
            x += width + ENTRY_GAP;
        }
        legend
    }

    /// Draws it around `middle`, from `top` on.
    pub(super) fn draw(&self, drawing: &mut Drawing, middle: f64, top: f64) {
        let left = middle - self.width / 2.0;
        for (index, (x, y, label)) in self.entries.iter().enumerate() {
            let (x, y) = (left + x, top + y + (ROW - SAMPLE) / 2.0);
            drawing.rect((x, y), (x + SAMPLE, y + SAMPLE), color(index));
            let place = (x + SAMPLE + SAMPLE_GAP, y + SAMPLE - 1.5);
            drawing.text(place, label, Type::new(TICK, TextAnchor::Start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_wide_as_the_room() {
        let labels = ["two-layer-svr", "attentive-chrome", "best DeepDiff variant"];
        let one_row = Legend::new(labels.into_iter(), 1000.0);
        assert_eq!(one_row.height, ROW);
        let three = Legend::new(labels.into_iter(), 160.0);
        assert_eq!(three.height, 3.0 * ROW);
        assert!(three.width <= 160.0);
        assert_eq!(Legend::new([].into_iter(), 160.0).height, 0.0);
    }
}

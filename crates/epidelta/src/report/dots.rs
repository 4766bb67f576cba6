//! A row per method with a dot per pair of cell types and the mean: at one glance
//! who is best and how much pairs differ.

use kuva::render::render::TextAnchor;

use super::{
    axis::Axis,
    drawing::{
        BLACK, Drawing, GREY, GRID, LABEL, NARROWEST, PADDING, TICK, Type, color, title_lines,
    },
    legend::Legend,
    text::{fit, text_width},
};

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dots {
    /// Above the figure.
    pub title: String,
    /// Below the x axis, what a dot's place is.
    pub x_label: String,
    /// Kinds of methods, each with a colour; the legend names them where there are
    /// more than one.
    pub families: Vec<String>,
    /// The methods, in any order.
    pub rows: Vec<DotRow>,
}

/// A method.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DotRow {
    /// Left of the row.
    pub label: String,
    /// Which of the families.
    pub family: usize,
    /// A correlation for each pair; `None` has no dot.
    pub values: Vec<Option<f64>>,
}

impl DotRow {
    fn known(&self) -> impl Iterator<Item = f64> {
        let known = self.values.iter().copied().flatten();
        known.filter(|value| value.is_finite())
    }

    fn mean(&self) -> Option<f64> {
        let count = self.known().count();
        (count > 0).then(|| self.known().sum::<f64>() / count as f64)
    }
}

/// Width of the axes, height of a row, longest label, column of the means, px.
const WIDTH: f64 = 460.0;
const ROW: f64 = 22.0;
const LONGEST_LABEL: f64 = 230.0;
const MEANS: f64 = 50.0;
/// Radius of a dot, half the height of a mean's mark, px.
const DOT: f64 = 3.6;
const MEAN: f64 = 7.5;
/// Behind every other row.
const BAND: &str = "#F5F5F5";

impl Dots {
    /// Draws the figure, the method with the highest mean on top.
    pub fn draw(&self) -> Drawing {
        let mut rows: Vec<(&DotRow, Option<f64>)> =
            self.rows.iter().map(|row| (row, row.mean())).collect();
        let height_of = |mean: Option<f64>| mean.unwrap_or(f64::NEG_INFINITY);
        rows.sort_by(|a, b| height_of(b.1).total_cmp(&height_of(a.1)));
        let values: Vec<f64> = self.rows.iter().flat_map(DotRow::known).collect();
        let axis = Axis::of_correlations(&values, false);

        let widths = self.rows.iter().map(|row| text_width(&row.label, TICK));
        let left = PADDING + widths.fold(30.0, f64::max).min(LONGEST_LABEL) + 14.0;
        let right = left + WIDTH;
        let width = (right + MEANS + PADDING).max(NARROWEST);
        let (title, y) = title_lines(&self.title, width);
        let families = self.families.iter().map(String::as_str);
        let families = families.filter(|_| self.families.len() > 1);
        let legend = Legend::new(families, width - 2.0 * PADDING);
        let top = y + legend.height + 30.0;
        let bottom = top + ROW * rows.len().max(1) as f64;
        let height = bottom + 20.0 + f64::from(LABEL) * 1.8 + PADDING;

        let mut drawing = Drawing::new(width, height);
        drawing.title(&title);
        legend.draw(&mut drawing, width / 2.0, y + 6.0);
        for row in (1..rows.len()).step_by(2) {
            let y = top + row as f64 * ROW;
            drawing.rect((PADDING, y), (width - PADDING, y + ROW), BAND);
        }
        let x_of = |value: f64| left + axis.share(value) * WIDTH;
        let middle = Type::new(TICK, TextAnchor::Middle);
        for (tick, text) in axis.ticks().zip(axis.labels(&axis.format())) {
            drawing.line((x_of(tick), top), (x_of(tick), bottom), GRID, 1.0);
            drawing.line((x_of(tick), bottom), (x_of(tick), bottom + 4.0), BLACK, 1.0);
            drawing.text((x_of(tick), bottom + 17.0), &text, middle);
        }
        drawing.line((left, bottom), (right, bottom), BLACK, 1.0);
        let means = Type::new(TICK, TextAnchor::End);
        drawing.text((right + MEANS, top - 6.0), "mean", means.color(GREY));
        for (index, (row, mean)) in rows.into_iter().enumerate() {
            let y = top + (index as f64 + 0.5) * ROW;
            let label = fit(&row.label, TICK, LONGEST_LABEL);
            drawing.text(
                (left - 12.0, y + 4.0),
                &label,
                Type::new(TICK, TextAnchor::End),
            );
            for value in row.known() {
                drawing.disc((x_of(value), y), DOT, color(row.family), 0.55);
            }
            let place = (right + MEANS, y + 4.0);
            let Some(mean) = mean else {
                drawing.text(place, "n/a", means.color(GREY));
                continue;
            };
            let x = x_of(mean);
            drawing.line((x, y - MEAN), (x, y + MEAN), BLACK, 2.6);
            drawing.bold(place, &format!("{mean:.3}").replace('-', "\u{2212}"), means);
        }
        let x_label = fit(&self.x_label, LABEL, width - 2.0 * PADDING);
        let place = ((left + right) / 2.0, height - PADDING);
        drawing.text(place, &x_label, Type::new(LABEL, TextAnchor::Middle));
        drawing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_method_is_on_top() {
        let row = |label: &str, values: &[Option<f64>]| DotRow {
            label: label.to_owned(),
            family: 0,
            values: values.to_vec(),
        };
        let svg = Dots {
            title: "Methods".to_owned(),
            x_label: "Pearson's r".to_owned(),
            families: vec![],
            rows: vec![
                row("none", &[None, Some(f64::NAN)]),
                row("second", &[Some(0.5), None]),
                row("first", &[Some(0.5), Some(0.75)]),
            ],
        }
        .draw()
        .svg();
        let place = |label: &str| svg.find(&format!(">{label}<")).unwrap();
        assert!(place("first") < place("second") && place("second") < place("none"));
        assert!(svg.contains(">0.625<") && svg.contains(">n/a<"));
        assert_eq!(svg.matches("<circle").count(), 3);
    }
}

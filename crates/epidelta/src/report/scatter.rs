//! Predicted beside observed, a panel for each split: a point per gene, or where there are many
//! how many lie in each small square.

use kuva::render::render::TextAnchor;

use super::{
    axis::Axis,
    drawing::{
        BLACK, Drawing, GREY, GRID, LABEL, NARROWEST, PADDING, TICK, Type, title_lines,
        y_label_lines,
    },
    text::{fit, text_width},
};

/// The figure.
pub(super) struct Scatter<'f> {
    pub title: &'f str,
    pub x_label: &'f str,
    pub y_label: &'f str,
    /// Whether both axes measure the same, so that they are one and a diagonal can be drawn.
    pub comparable: bool,
    /// A title and the points of each panel.
    pub panels: &'f [(String, Vec<(f64, f64)>)],
}

/// Width and height of a panel's axes, between panels, px.
const SIZE: f64 = 270.0;
const GAP: f64 = 34.0;
/// More points than these are counted in squares, so many along each axis.
const MOST_POINTS: usize = 1500;
const SQUARES: usize = 54;
/// The colour of points, and squares from the fewest to the most points.
const POINT: &str = "#0072B2";
const SHADES: [&str; 6] = [
    "#CFE3F1", "#9FC8E3", "#69A9D2", "#3A87BC", "#17629B", "#083D70",
];

impl Scatter<'_> {
    /// Draws the figure.
    pub fn draw(&self) -> Drawing {
        let points = || self.panels.iter().flat_map(|(_, points)| points);
        let xs: Vec<f64> = points().map(|&(x, _)| x).collect();
        let ys: Vec<f64> = points().map(|&(_, y)| y).collect();
        // The same in all panels; where both measure the same, the diagonal is where they agree.
        let [x_axis, y_axis] = match self.comparable {
            true => [Axis::of_values(xs.iter().chain(&ys)); 2],
            false => [Axis::of_values(xs.iter()), Axis::of_values(ys.iter())],
        };
        let x_ticks = x_axis.labels(&x_axis.format());
        let y_ticks = y_axis.labels(&y_axis.format());
        let widest = y_ticks.iter().map(|tick| text_width(tick, TICK));
        let (y_label, room) = y_label_lines(self.y_label, SIZE);
        let left = room + widest.fold(0.0, f64::max) + 8.0;
        let panels = self.panels.len().max(1) as f64;
        let width = (left + panels * SIZE + (panels - 1.0) * GAP + PADDING + 10.0).max(NARROWEST);
        let (title, end) = title_lines(self.title, width);
        let top = end + 32.0;
        let bottom = top + SIZE;
        let height = bottom + 20.0 + f64::from(LABEL) * 1.8 + PADDING;
        let mut drawing = Drawing::new(width, height);
        drawing.title(&title);
        for (index, (title, points)) in self.panels.iter().enumerate() {
            let left = left + index as f64 * (SIZE + GAP);
            let x_of = |value: f64| left + x_axis.share(value) * SIZE;
            let y_of = |value: f64| bottom - y_axis.share(value) * SIZE;
            for (tick, text) in x_axis.ticks().zip(&x_ticks) {
                drawing.line((x_of(tick), top), (x_of(tick), bottom), GRID, 1.0);
                let style = Type::new(TICK, TextAnchor::Middle);
                drawing.text((x_of(tick), bottom + 17.0), text, style);
            }
            for (tick, text) in y_axis.ticks().zip(&y_ticks) {
                drawing.line((left, y_of(tick)), (left + SIZE, y_of(tick)), GRID, 1.0);
                if index == 0 {
                    let style = Type::new(TICK, TextAnchor::End);
                    drawing.text((left - 6.0, y_of(tick) + 4.0), text, style);
                }
            }
            match points.len() > MOST_POINTS {
                true => draw_squares(&mut drawing, points, [&x_axis, &y_axis], (left, bottom)),
                false => {
                    for &(x, y) in points {
                        drawing.disc((x_of(x), y_of(y)), 2.2, POINT, 0.45);
                    }
                }
            }
            if self.comparable {
                let diagonal = [(left, bottom), (left + SIZE, top)];
                drawing.polyline(&diagonal, GREY, 1.0, Some(&[4.0, 3.0]));
            }
            drawing.line((left, bottom), (left + SIZE, bottom), BLACK, 1.0);
            drawing.line((left, top), (left, bottom), BLACK, 1.0);
            let place = (left + SIZE / 2.0, top - 9.0);
            let title = fit(title, LABEL, SIZE + GAP - 6.0);
            drawing.text(place, &title, Type::new(LABEL, TextAnchor::Middle));
        }
        drawing.y_label(&y_label, (top + bottom) / 2.0);
        let middle = left + (panels * SIZE + (panels - 1.0) * GAP) / 2.0;
        let label = fit(self.x_label, LABEL, width - 2.0 * PADDING);
        let style = Type::new(LABEL, TextAnchor::Middle);
        drawing.text((middle, height - PADDING), &label, style);
        drawing
    }
}

/// Shades squares by the logarithm of how many points lie in them.
fn draw_squares(
    drawing: &mut Drawing,
    points: &[(f64, f64)],
    [x_axis, y_axis]: [&Axis; 2],
    (left, bottom): (f64, f64),
) {
    let mut counts = vec![0_usize; SQUARES * SQUARES];
    let place =
        |axis: &Axis, value: f64| ((axis.share(value) * SQUARES as f64) as usize).min(SQUARES - 1);
    for &(x, y) in points {
        counts[place(y_axis, y) * SQUARES + place(x_axis, x)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(2) as f64;
    let side = SIZE / SQUARES as f64;
    for (square, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
        let share = (count as f64).ln() / most.ln();
        let shade = SHADES[((share * SHADES.len() as f64) as usize).min(SHADES.len() - 1)];
        let x = left + (square % SQUARES) as f64 * side;
        let y = bottom - (square / SQUARES) as f64 * side;
        drawing.rect((x, y), (x + side, y - side), shade);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_are_drawn_and_many_counted() {
        let points = |n: usize| -> Vec<(f64, f64)> {
            (0..n)
                .map(|i| (i as f64 / n as f64, (i % 7) as f64 / 7.0))
                .collect()
        };
        let panels = [
            ("few".to_owned(), points(10)),
            ("many".to_owned(), points(3000)),
        ];
        let scatter = Scatter {
            title: "Title",
            x_label: "observed",
            y_label: "predicted",
            comparable: true,
            panels: &panels,
        };
        let svg = scatter.draw().svg();
        assert_eq!(svg.matches("<circle").count(), 10);
        assert!(svg.matches("<rect").count() > 100 && svg.contains(">many<"));
        let empty = Scatter {
            panels: &[],
            ..scatter
        };
        assert!(empty.draw().png(1.0).is_ok());
    }
}

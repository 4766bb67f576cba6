//! What accuracy costs: mean r of each method over the time that its training
//! takes, on a logarithmic axis.

use kuva::render::render::TextAnchor;

use super::{
    axis::Axis,
    drawing::{
        BLACK, Drawing, GREY, GRID, LABEL, PADDING, TICK, Type, color, title_lines, y_label_lines,
    },
    labels::{Area, place},
    legend::Legend,
    log_axis::{LogAxis, number_text},
    text::{fit, text_width},
};

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cost {
    /// Above the figure.
    pub title: String,
    /// Below the x axis; times are in seconds.
    pub x_label: String,
    /// Beside the y axis.
    pub y_label: String,
    /// Kinds of methods, each with a colour; the legend names them where there are
    /// more than one.
    pub families: Vec<String>,
    /// A point for each method.
    pub points: Vec<CostPoint>,
}

/// A method.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CostPoint {
    /// Beside the point.
    pub label: String,
    /// Which of the families.
    pub family: usize,
    /// Time of training, s; above zero, or there is no point.
    pub seconds: f64,
    /// Mean r over the pairs; `None` has no point.
    pub mean_r: Option<f64>,
}

/// Width and height of the axes, px.
const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 380.0;
/// Longest label, radius of a point, px.
const LONGEST_LABEL: f64 = 200.0;
const POINT: f64 = 5.0;
/// Between labels, px.
const LABEL_GAP: f64 = 5.0;

impl Cost {
    /// Draws the figure.
    pub fn draw(&self) -> Drawing {
        let mut known: Vec<(&CostPoint, f64)> = self
            .points
            .iter()
            .filter(|point| point.seconds.is_finite() && point.seconds > 0.0)
            .filter_map(|point| Some((point, point.mean_r.filter(|r| r.is_finite())?)))
            .collect();
        // The best methods choose the places of their labels first.
        known.sort_by(|a, b| b.1.total_cmp(&a.1));
        let values: Vec<f64> = known.iter().map(|(_, r)| *r).collect();
        let y_axis = Axis::of_correlations(&values, false);
        let x_axis = LogAxis::new(known.iter().map(|(point, _)| point.seconds));

        let y_ticks = y_axis.labels(&y_axis.format());
        let widest = y_ticks.iter().map(|tick| text_width(tick, TICK));
        let (y_label, label_room) = y_label_lines(&self.y_label, HEIGHT);
        let left = label_room + widest.fold(0.0, f64::max) + 8.0;
        let right = left + WIDTH;
        let width = right + PADDING + 10.0;
        let (title, y) = title_lines(&self.title, width);
        let families = self.families.iter().map(String::as_str);
        let families = families.filter(|_| self.families.len() > 1);
        let legend = Legend::new(families, width - 2.0 * PADDING);
        let top = y + legend.height + 18.0;
        let bottom = top + HEIGHT;
        let height = bottom + 20.0 + f64::from(LABEL) * 1.8 + PADDING;

        let mut drawing = Drawing::new(width, height);
        drawing.title(&title);
        legend.draw(&mut drawing, width / 2.0, y + 6.0);
        let x_of = |seconds: f64| left + x_axis.share(seconds) * WIDTH;
        let y_of = |r: f64| bottom - y_axis.share(r) * HEIGHT;
        for (tick, text) in y_axis.ticks().zip(&y_ticks) {
            drawing.line((left, y_of(tick)), (right, y_of(tick)), GRID, 1.0);
            let style = Type::new(TICK, TextAnchor::End);
            drawing.text((left - 6.0, y_of(tick) + 4.0), text, style);
        }
        for tick in x_axis.ticks() {
            let x = x_of(tick);
            drawing.line((x, top), (x, bottom), GRID, 1.0);
            drawing.line((x, bottom), (x, bottom + 4.0), BLACK, 1.0);
            let style = Type::new(TICK, TextAnchor::Middle);
            drawing.text((x, bottom + 17.0), &number_text(tick), style);
        }
        drawing.line((left, bottom), (right, bottom), BLACK, 1.0);
        drawing.line((left, top), (left, bottom), BLACK, 1.0);

        let within = Area {
            left: left + 3.0,
            top: top + 2.0,
            right: right + 8.0,
            bottom: bottom - 2.0,
        };
        label_points(&mut drawing, &known, (x_of, y_of), &within);

        let style = Type::new(LABEL, TextAnchor::Middle);
        drawing.y_label(&y_label, (top + bottom) / 2.0);
        let x_label = fit(&self.x_label, LABEL, WIDTH);
        drawing.text(((left + right) / 2.0, height - PADDING), &x_label, style);
        drawing
    }
}

/// Draws points and their labels, a line between those that are apart.
fn label_points(
    drawing: &mut Drawing,
    known: &[(&CostPoint, f64)],
    (x_of, y_of): (impl Fn(f64) -> f64, impl Fn(f64) -> f64),
    within: &Area,
) {
    let place_of = |(point, r): &(&CostPoint, f64)| (x_of(point.seconds), y_of(*r));
    let places: Vec<(f64, f64)> = known.iter().map(place_of).collect();
    let label = |(point, _): &(&CostPoint, f64)| fit(&point.label, TICK, LONGEST_LABEL);
    let labels: Vec<String> = known.iter().map(label).collect();
    let width = |label: &String| text_width(label, TICK) + LABEL_GAP;
    let widths: Vec<f64> = labels.iter().map(width).collect();
    let areas = place(&places, &widths, f64::from(TICK) * 1.15, within);
    for (point, area) in places.iter().zip(&areas) {
        let end = area.nearest(*point);
        if (end.0 - point.0).hypot(end.1 - point.1) > 2.0 * POINT {
            drawing.line(*point, end, GREY, 0.7);
        }
    }
    for ((&point, (method, _)), (area, label)) in
        places.iter().zip(known).zip(areas.iter().zip(&labels))
    {
        drawing.disc(point, POINT, color(method.family), 1.0);
        // To the side where the point is, as the measured width is on the high side.
        let (anchor, x) = match point.0 {
            x if x <= area.left => (TextAnchor::Start, area.left),
            x if x >= area.right => (TextAnchor::End, area.right),
            _ => (TextAnchor::Middle, (area.left + area.right) / 2.0),
        };
        let base_line = area.bottom - f64::from(TICK) * 0.3;
        drawing.text((x, base_line), label, Type::new(TICK, anchor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_without_a_value_have_no_point() {
        let point = |label: &str, seconds, mean_r| CostPoint {
            label: label.to_owned(),
            family: 0,
            seconds,
            mean_r,
        };
        let svg = Cost {
            title: "Cost".to_owned(),
            x_label: "Time (s)".to_owned(),
            y_label: "Mean r".to_owned(),
            families: vec![],
            points: vec![
                point("a", 3.0, Some(0.5)),
                point("b", 0.0, Some(0.5)),
                point("c", 3.0, None),
            ],
        }
        .draw()
        .svg();
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains(">a<") && !svg.contains(">b<"));
    }
}

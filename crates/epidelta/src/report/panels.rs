//! A grid of line plots that share their x axis, one legend and their axis titles.

use kuva::render::{layout::TickFormat, render::TextAnchor};

use super::{
    axis::Axis,
    drawing::{
        BLACK, Drawing, GREY, GRID, LABEL, NARROWEST, PADDING, TICK, Type, title_lines,
        y_label_lines,
    },
    text::{fit, text_width, wrap},
};

/// One plot of the grid.
pub(super) struct Panel {
    pub(super) title: String,
    /// Its lines, the first on top.
    pub(super) lines: Vec<Line>,
    /// Written where there is no line.
    pub(super) instead: String,
    /// Whether its values are shares or correlations, so that its axis ends at one.
    pub(super) ends_at_one: bool,
}

/// A line.
pub(super) struct Line {
    /// Which of the figure's styles.
    pub(super) style: usize,
    /// Finite values at positions that rise.
    pub(super) points: Vec<(f64, f64)>,
    /// Ends of the intervals of the points, where they have them.
    pub(super) intervals: Vec<Option<[f64; 2]>>,
}

/// What a line looks like: a colour, and a dash pattern for print in grey.
pub(super) struct Style {
    pub(super) label: String,
    pub(super) color: &'static str,
    pub(super) dash: Option<&'static [f64]>,
}

/// What the x axis measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum XAxis {
    /// Positions from the TSS, bp, between two of them.
    Positions(f64, f64),
    /// Numbers between two of them.
    Numbers(f64, f64),
}

/// A figure.
pub(super) struct Figure<'f> {
    pub(super) title: &'f str,
    pub(super) x_label: &'f str,
    pub(super) y_label: &'f str,
    pub(super) x_axis: XAxis,
    /// Panels of a row, where that is to be told.
    pub(super) columns: Option<usize>,
    pub(super) styles: &'f [Style],
    pub(super) panels: &'f [Panel],
}

/// Size of a panel's title, px.
const PANEL_TITLE: u32 = 13;
/// Margins around the axes of a panel, px.
const TOP: f64 = 30.0;
const BOTTOM: f64 = 24.0;
const RIGHT: f64 = 26.0;
/// Legend: a row, length of a line's sample, the gap after it, the gap between entries, px.
const LEGEND_ROW: f64 = 17.0;
const SAMPLE: f64 = 28.0;
const SAMPLE_GAP: f64 = 6.0;
const ENTRY_GAP: f64 = 22.0;

/// Panels of a row where panels of marks stand below one another.
pub(super) fn columns_of_marks(marks: usize) -> Option<usize> {
    (1..=6).contains(&marks).then_some(marks)
}

fn columns(panels: usize) -> usize {
    match panels {
        0 | 1 => 1,
        2 | 4 => 2,
        3 | 5 | 6 | 9 => 3,
        7 | 8 | 10..=12 => 4,
        _ => 5,
    }
}

/// Width and height of the axes of each panel, px: a figure is to be read where it is as wide as a
/// page.
fn axes_size(columns: usize) -> (f64, f64) {
    match columns {
        1 => (420.0, 260.0),
        2 => (320.0, 200.0),
        3 => (230.0, 150.0),
        4 => (180.0, 130.0),
        5 => (135.0, 115.0),
        _ => (108.0, 105.0),
    }
}

/// Axes narrower than this have room for three ticks of positions, px.
const NARROW: f64 = 150.0;

/// The place of a panel's axes, px.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Figure<'_> {
    /// Draws the figure.
    pub(super) fn draw(&self) -> Drawing {
        let columns = self.columns.unwrap_or_else(|| columns(self.panels.len()));
        let (axes_width, axes_height) = axes_size(columns);
        let rows = self.panels.len().div_ceil(columns).max(1);
        let (x_axis, x_format) = self.x_axis(axes_width);
        let y_axes: Vec<Axis> = self.panels.iter().map(Panel::y_axis).collect();
        // All panels have the margin that the widest tick label needs, so that axes line up.
        let widest = |labels: Vec<String>| {
            let widths = labels.iter().map(|label| text_width(label, TICK));
            widths.fold(0.0, f64::max)
        };
        let margin = y_axes
            .iter()
            .map(|axis| widest(axis.labels(&axis.format())) + 8.0)
            .fold(
                widest(x_axis.labels(&x_format)) / 2.0 - RIGHT + 4.0,
                f64::max,
            )
            .max(0.0);
        let (cell_width, cell_height) = (margin + axes_width + RIGHT, TOP + axes_height + BOTTOM);
        let grid_height = rows as f64 * cell_height;
        let (y_label, y_label_room) = y_label_lines(self.y_label, grid_height);
        let width = (y_label_room + columns as f64 * cell_width + PADDING).max(NARROWEST);
        let (title, end) = title_lines(self.title, width);
        let legend = self.legend(width);
        let legend_height = legend.last().map_or(0.0, |(_, y, _)| y + LEGEND_ROW);
        let grid_top = end + legend_height + 8.0;
        let x_lines = wrap(self.x_label, LABEL, width - y_label_room - PADDING);
        let x_label_height = x_lines.len() as f64 * f64::from(LABEL) * 1.3;
        let height = grid_top + grid_height + x_label_height + PADDING;

        let mut drawing = Drawing::new(width, height);
        drawing.title(&title);
        self.draw_legend(&mut drawing, &legend, end + 4.0);
        for (index, (panel, y_axis)) in self.panels.iter().zip(&y_axes).enumerate() {
            let (column, row) = (index % columns, index / columns);
            let area = Area {
                left: y_label_room + column as f64 * cell_width + margin,
                top: grid_top + row as f64 * cell_height + TOP,
                width: axes_width,
                height: axes_height,
            };
            self.draw_panel(&mut drawing, panel, area, (&x_axis, &x_format), y_axis);
        }
        drawing.y_label(
            &y_label,
            grid_top + TOP + (grid_height - TOP - BOTTOM) / 2.0,
        );
        let middle = y_label_room + (width - y_label_room - PADDING) / 2.0;
        for (number, line) in (1_u32..).zip(&x_lines) {
            let y = grid_top + grid_height + f64::from(number * LABEL) * 1.3;
            drawing.text((middle, y), line, Type::new(LABEL, TextAnchor::Middle));
        }
        drawing
    }

    fn x_axis(&self, width: f64) -> (Axis, TickFormat) {
        match self.x_axis {
            XAxis::Positions(low, high) => {
                let mut axis = Axis::of_positions((low, high));
                if width < NARROW {
                    axis = axis.with_ticks(2.0);
                }
                (axis, axis.format_positions())
            }
            XAxis::Numbers(low, high) => {
                let axis = Axis::between(low, high);
                (axis, axis.format())
            }
        }
    }

    fn draw_panel(
        &self,
        drawing: &mut Drawing,
        panel: &Panel,
        area: Area,
        (x_axis, x_format): (&Axis, &TickFormat),
        y_axis: &Axis,
    ) {
        let Area {
            left,
            top,
            width,
            height,
        } = area;
        let (right, bottom) = (left + width, top + height);
        let x_of = |x: f64| left + x_axis.share(x).clamp(0.0, 1.0) * width;
        let y_of = |y: f64| bottom - y_axis.share(y).clamp(0.0, 1.0) * height;
        for (tick, text) in y_axis.ticks().zip(y_axis.labels(&y_axis.format())) {
            drawing.line((left, y_of(tick)), (right, y_of(tick)), GRID, 1.0);
            let style = Type::new(TICK, TextAnchor::End);
            drawing.text((left - 6.0, y_of(tick) + 4.0), &text, style);
        }
        for (tick, text) in x_axis.ticks().zip(x_axis.labels(x_format)) {
            drawing.line((x_of(tick), bottom), (x_of(tick), bottom + 4.0), BLACK, 1.0);
            let style = Type::new(TICK, TextAnchor::Middle);
            drawing.text((x_of(tick), bottom + 17.0), &text, style);
        }
        if matches!(self.x_axis, XAxis::Positions(..)) {
            let tss = [(x_of(0.0), top), (x_of(0.0), bottom)];
            drawing.polyline(&tss, GREY, 0.8, Some(&[4.0, 3.0]));
        }
        drawing.line((left, bottom), (right, bottom), BLACK, 1.0);
        drawing.line((left, top), (left, bottom), BLACK, 1.0);
        for line in panel.lines.iter().rev() {
            let style = &self.styles[line.style];
            let mut points: Vec<(f64, f64)> = line
                .points
                .iter()
                .map(|&(x, y)| (x_of(x), y_of(y)))
                .collect();
            if let [(_, y)] = points[..] {
                // A single point has no line: it gets the width of the axis.
                points = vec![(left, y), (right, y)];
            }
            drawing.polyline(&points, style.color, 1.7, style.dash);
            for (&(x, _), interval) in line.points.iter().zip(&line.intervals) {
                if let Some([low, high]) = *interval {
                    let (from, to) = ((x_of(x), y_of(low)), (x_of(x), y_of(high)));
                    drawing.line(from, to, style.color, 1.0);
                }
            }
        }
        if panel.lines.is_empty() {
            for (number, line) in (0_u32..).zip(wrap(&panel.instead, TICK, width - 16.0)) {
                let y = top + height / 3.0 + f64::from(number * TICK) * 1.4;
                let style = Type::new(TICK, TextAnchor::Middle).color(GREY);
                drawing.text((left + width / 2.0, y), &line, style);
            }
        }
        // A long name is set smaller first, then cut.
        let size = (TICK..=PANEL_TITLE)
            .rev()
            .find(|&size| text_width(&panel.title, size) <= width)
            .unwrap_or(TICK);
        let title = fit(&panel.title, size, width);
        let place = (left + width / 2.0, top - 9.0);
        drawing.text(place, &title, Type::new(size, TextAnchor::Middle));
    }

    /// The legend's entries: their places from its upper left corner, in rows.
    fn legend(&self, width: f64) -> Vec<(f64, f64, String)> {
        let room = width - 2.0 * PADDING;
        let (mut x, mut y) = (0.0, 0.0);
        let mut entries = Vec::new();
        for style in self.styles {
            let label = fit(&style.label, TICK, room - SAMPLE - SAMPLE_GAP);
            let entry = SAMPLE + SAMPLE_GAP + text_width(&label, TICK);
            if x > 0.0 && x + entry > room {
                (x, y) = (0.0, y + LEGEND_ROW);
            }
            entries.push((x, y, label));
            x += entry + ENTRY_GAP;
        }
        entries
    }

    fn draw_legend(&self, drawing: &mut Drawing, legend: &[(f64, f64, String)], top: f64) {
        let ends = legend
            .iter()
            .map(|(x, _, label)| x + SAMPLE + SAMPLE_GAP + text_width(label, TICK));
        let left = (drawing.width() - ends.fold(0.0, f64::max)) / 2.0;
        for (style, (x, y, label)) in self.styles.iter().zip(legend) {
            let (x, y) = (left + x, top + y + LEGEND_ROW * 0.75);
            let sample = [(x, y - 4.0), (x + SAMPLE, y - 4.0)];
            drawing.polyline(&sample, style.color, 2.0, style.dash);
            let place = (x + SAMPLE + SAMPLE_GAP, y);
            drawing.text(place, label, Type::new(TICK, TextAnchor::Start));
        }
    }
}

impl Panel {
    fn y_axis(&self) -> Axis {
        let values = self.lines.iter().flat_map(|line| {
            let ends = line.intervals.iter().flatten().flatten().copied();
            line.points.iter().map(|&(_, y)| y).chain(ends)
        });
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        match self.ends_at_one {
            true => Axis::of_correlations(&values, true),
            false => Axis::of_values(values.iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_intervals_and_what_stands_instead() {
        let style = |label: &str, dash| Style {
            label: label.into(),
            color: "#0072B2",
            dash,
        };
        let figure = Figure {
            title: "A title",
            x_label: "Share",
            y_label: "Value",
            x_axis: XAxis::Numbers(0.0, 1.0),
            columns: None,
            styles: &[style("one", None), style("two", Some(&[7.0, 2.5]))],
            panels: &[
                Panel {
                    title: "first".into(),
                    lines: vec![Line {
                        style: 1,
                        points: vec![(0.0, 1.0), (1.0, -0.5)],
                        intervals: vec![None, Some([-0.7, -0.3])],
                    }],
                    instead: String::new(),
                    ends_at_one: true,
                },
                Panel {
                    title: "second".into(),
                    lines: Vec::new(),
                    instead: "no gene".into(),
                    ends_at_one: false,
                },
            ],
        };
        let svg = figure.draw().svg();
        assert_eq!(svg.matches(">no gene<").count(), 1);
        assert!(svg.contains(">first<") && svg.contains(">two<") && svg.contains(">Share<"));
        assert!(
            svg.matches("<path").count() > 10 && !svg.contains("NaN"),
            "{svg}"
        );
        assert!(figure.draw().png(1.0).is_ok());
    }
}

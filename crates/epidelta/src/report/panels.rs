//! A grid of line plots that share their x axis, one legend and their axis titles,
//! as SVG.
//!
//! Title, legend and axis titles are placed around the grid here: the library's
//! figure title does not wrap, its legend is a boxed column, and it has no axis
//! titles for a whole figure.

use kuva::{
    backend::svg::SvgBackend,
    plot::{LinePlot, LineStyle},
    render::{
        annotations::ReferenceLine,
        color::Color,
        figure::Figure as Grid,
        layout::Layout,
        plots::Plot,
        render::{Primitive, Scene, TextAnchor},
    },
};

use super::{
    axis::Axis,
    text::{clean, fit, text_width, wrap},
};

/// One plot of the grid.
pub(super) struct Panel {
    pub(super) title: String,
    /// A line for each of the figure's styles, in their order; each a finite value
    /// for every position.
    pub(super) lines: Vec<Vec<f64>>,
}

/// What a line looks like: a colour, and a dash pattern for print in grey.
pub(super) struct Style {
    pub(super) label: String,
    pub(super) color: &'static str,
    pub(super) dash: Option<&'static str>,
}

/// A figure.
pub(super) struct Figure<'f> {
    pub(super) title: &'f str,
    pub(super) x_label: &'f str,
    pub(super) y_label: &'f str,
    /// Positions, bp from the TSS.
    pub(super) x: &'f [f64],
    /// Where the x axis begins and ends.
    pub(super) x_range: (f64, f64),
    pub(super) styles: &'f [Style],
    pub(super) panels: &'f [Panel],
}

const FONT: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/// Sizes of text, px.
const TITLE: u32 = 16;
const PANEL_TITLE: u32 = 13;
const LABEL: u32 = 12;
const LEGEND: u32 = 11;
const TICK: u32 = 10;
/// Margins around the axes of a panel, px.
const TOP: f64 = 30.0;
const BOTTOM: f64 = 24.0;
const RIGHT: f64 = 24.0;
/// Around the figure, and between panels, px.
const PADDING: f64 = 12.0;
const GAP: f64 = 8.0;
const NARROWEST: f64 = 440.0;
/// Legend: length of a line's sample, the gap after it, the gap between entries, px.
const SAMPLE: f64 = 28.0;
const SAMPLE_GAP: f64 = 6.0;
const ENTRY_GAP: f64 = 22.0;
const GREY: &str = "#808080";

fn columns(panels: usize) -> usize {
    match panels {
        0 | 1 => 1,
        2 | 4 => 2,
        3 | 5 | 6 | 9 => 3,
        7 | 8 | 10..=12 => 4,
        _ => 5,
    }
}

/// Width and height of the axes of each panel, px.
fn axes_size(panels: usize) -> (f64, f64) {
    match panels {
        0 | 1 => (380.0, 240.0),
        2 => (280.0, 190.0),
        _ => (220.0, 150.0),
    }
}

impl Figure<'_> {
    /// Draws the figure.
    pub(super) fn svg(&self) -> String {
        let grid = self.grid();
        let y_label_width = f64::from(LABEL) * 1.6;
        let width = (PADDING + y_label_width + grid.scene.width + PADDING).max(NARROWEST);
        let mut drawn = Vec::new();
        let mut y = self.title(&mut drawn, width);
        y = self.legend(&mut drawn, width, y) + 4.0;

        let (grid_x, grid_y) = (
            (width - grid.scene.width - y_label_width) / 2.0 + y_label_width,
            y,
        );
        let (grid_width, grid_height) = (grid.scene.width, grid.scene.height);
        drawn.push(Primitive::GroupStart {
            transform: Some(format!("translate({grid_x:.2},{grid_y:.2})")),
            title: None,
            extra_attrs: None,
        });
        drawn.extend(grid.scene.elements);
        drawn.push(Primitive::GroupEnd);

        drawn.push(Primitive::Text {
            x: grid_x - f64::from(LABEL) * 0.6,
            y: grid_y + (TOP + grid_height - BOTTOM) / 2.0,
            content: clean(&fit(self.y_label, LABEL, grid_height)),
            size: LABEL,
            anchor: TextAnchor::Middle,
            rotate: Some(-90.0),
            bold: false,
            color: None,
        });
        y = grid_y + grid_height + f64::from(LABEL) * 1.3;
        let middle = grid_x + (grid.left + grid_width - RIGHT) / 2.0;
        let label = fit(self.x_label, LABEL, grid_width);
        drawn.push(text(middle, y, &label, LABEL, TextAnchor::Middle));

        let mut scene = Scene::new(width.round(), (y + PADDING).round());
        scene.font_family = Some(FONT.to_owned());
        scene.text_color = Some("black".to_owned());
        scene.defs = grid.scene.defs;
        scene.elements = drawn;
        let svg = SvgBackend::new().with_pretty(true).render_scene(&scene);
        same_every_time(&svg, &scene)
    }

    /// Draws the panels. All have the margin that the widest tick label needs, so
    /// that their axes line up.
    fn grid(&self) -> DrawnGrid {
        let panels = self.panels.len();
        let columns = columns(panels);
        let (axes_width, axes_height) = axes_size(panels);
        let x_axis = Axis::of_positions(self.x_range);
        let widest = |labels: Vec<String>| {
            let widths = labels.iter().map(|label| text_width(label, TICK));
            widths.fold(0.0, f64::max)
        };
        let y_axes: Vec<Axis> = self
            .panels
            .iter()
            .map(|panel| Axis::of_values(panel.lines.iter().flatten()))
            .collect();
        let left = y_axes
            .iter()
            .map(|axis| widest(axis.labels(&axis.format())) + 10.0)
            .fold(0.0, f64::max)
            .max(widest(x_axis.labels(&x_axis.format_positions())) / 2.0);
        let plots = self.panels.iter().map(|panel| self.lines(panel)).collect();
        let layouts = self.panels.iter().zip(&y_axes).map(|(panel, y_axis)| {
            layout(panel, x_axis, *y_axis, axes_width)
                .with_force_margins(left, RIGHT)
                .with_force_margins_y(TOP, BOTTOM)
        });
        let scene = Grid::new(panels.div_ceil(columns).max(1), columns)
            .with_structure((0..panels).map(|panel| vec![panel]).collect())
            .with_cell_size(left + axes_width + RIGHT, TOP + axes_height + BOTTOM)
            .with_spacing(GAP)
            .with_padding(0.0)
            .with_plots(plots)
            .with_layouts(layouts.collect())
            .render();
        DrawnGrid { scene, left }
    }

    /// The lines of a panel, the first style's on top.
    fn lines(&self, panel: &Panel) -> Vec<Plot> {
        let styled = self.styles.iter().zip(&panel.lines).rev();
        let line = |(style, values): (&Style, &Vec<f64>)| {
            let mut points: Vec<(f64, f64)> =
                self.x.iter().copied().zip(values.iter().copied()).collect();
            if let [(_, value)] = points[..] {
                // A single point has no line: it gets the width of its bin.
                points = vec![(self.x_range.0, value), (self.x_range.1, value)];
            }
            let dash = style.dash.map(|dash| LineStyle::Custom(dash.into()));
            let line = LinePlot::new()
                .with_data(points)
                .with_color(style.color)
                .with_stroke_width(1.6)
                .with_line_style(dash.unwrap_or(LineStyle::Solid));
            Plot::Line(line)
        };
        styled.map(line).collect()
    }

    /// Writes the title in as many lines as it needs; returns where it ends.
    fn title(&self, drawn: &mut Vec<Primitive>, width: f64) -> f64 {
        let mut y = PADDING;
        for line in wrap(self.title, TITLE, 0.93 * (width - 2.0 * PADDING)) {
            y += f64::from(TITLE) * 1.2;
            let mut line = text(width / 2.0, y, &line, TITLE, TextAnchor::Middle);
            if let Primitive::Text { bold, .. } = &mut line {
                *bold = true;
            }
            drawn.push(line);
        }
        y + 8.0
    }

    /// Draws the legend, in one row or else one entry below the other; returns
    /// where it ends.
    fn legend(&self, drawn: &mut Vec<Primitive>, width: f64, mut y: f64) -> f64 {
        let room = width - 2.0 * PADDING;
        let entry = |style: &Style| {
            let label = fit(&style.label, LEGEND, room - SAMPLE - SAMPLE_GAP);
            let width = SAMPLE + SAMPLE_GAP + text_width(&label, LEGEND);
            (label, width)
        };
        let entries: Vec<(String, f64)> = self.styles.iter().map(entry).collect();
        let in_a_row = entries.iter().map(|e| e.1 + ENTRY_GAP).sum::<f64>() - ENTRY_GAP;
        let widest = entries.iter().map(|e| e.1).fold(0.0, f64::max);
        let one_row = in_a_row <= room;
        let mut x = width / 2.0 - if one_row { in_a_row } else { widest } / 2.0;
        for (number, (style, (label, entry_width))) in self.styles.iter().zip(&entries).enumerate()
        {
            if number == 0 || !one_row {
                y += f64::from(LEGEND) * 1.5;
            }
            let line_y = y - f64::from(LEGEND) * 0.35;
            drawn.push(Primitive::Line {
                x1: x,
                y1: line_y,
                x2: x + SAMPLE,
                y2: line_y,
                stroke: Color::from(style.color),
                stroke_width: 2.0,
                stroke_dasharray: style.dash.map(str::to_owned),
            });
            let label_x = x + SAMPLE + SAMPLE_GAP;
            drawn.push(text(label_x, y, label, LEGEND, TextAnchor::Start));
            if one_row {
                x += entry_width + ENTRY_GAP;
            }
        }
        y
    }
}

/// The panels, and the margin left of each one's axes.
struct DrawnGrid {
    scene: Scene,
    left: f64,
}

fn layout(panel: &Panel, x_axis: Axis, y_axis: Axis, width: f64) -> Layout {
    // A long name is set smaller first, then cut.
    let title_size = (TICK..=PANEL_TITLE)
        .rev()
        .find(|&size| text_width(&panel.title, size) <= width)
        .unwrap_or(TICK);
    let tss = ReferenceLine::vertical(0.0)
        .with_color(GREY)
        .with_stroke_width(0.8)
        .with_dasharray("4 3");
    Layout::new((x_axis.low, x_axis.high), (y_axis.low, y_axis.high))
        .with_x_axis_min(x_axis.low)
        .with_x_axis_max(x_axis.high)
        .with_y_axis_min(y_axis.low)
        .with_y_axis_max(y_axis.high)
        .with_x_tick_step(x_axis.step)
        .with_y_tick_step(y_axis.step)
        .with_x_tick_format(x_axis.format_positions())
        .with_y_tick_format(y_axis.format())
        .with_show_grid(false)
        .with_font_family(FONT)
        .with_title(clean(&fit(&panel.title, title_size, width)))
        .with_title_size(title_size)
        .with_tick_size(TICK)
        .with_tick_length(5.0)
        .with_reference_line(tss)
}

fn text(x: f64, y: f64, content: &str, size: u32, anchor: TextAnchor) -> Primitive {
    Primitive::Text {
        x,
        y,
        content: clean(content),
        size,
        anchor,
        rotate: None,
        bold: false,
        color: None,
    }
}

/// Adds the view box, without which the figure does not scale, and numbers the
/// clip paths from 0: the library numbers them through the whole process.
fn same_every_time(svg: &str, scene: &Scene) -> String {
    const START: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" ";
    const ID: &str = "kuva-clip-";
    let view = format!("{START}viewBox=\"0 0 {} {}\" ", scene.width, scene.height);
    let svg = svg.replacen(START, &view, 1);
    let mut seen: Vec<&str> = Vec::new();
    let mut parts = svg.split(ID);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        let (id, rest) = part.split_at(digits);
        let number = seen
            .iter()
            .position(|known| *known == id)
            .unwrap_or_else(|| {
                seen.push(id);
                seen.len() - 1
            });
        out += &format!("{ID}{number}{rest}");
    }
    out
}

//! A drawing: lines, rectangles, circles and text at places in px, and its files.
//!
//! The library's rasterizer draws the same parts with a font of its own, so that
//! PNG needs no fonts of the system and has the same bytes everywhere.

use kuva::{
    RasterBackend,
    backend::svg::SvgBackend,
    render::{
        color::Color,
        render::{Primitive, Scene, TextAnchor, TextSpan},
    },
};

use super::text::{clean, printable, wrap};
use crate::error::{Error, Result};

const FONT: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/// Sizes of text, px.
pub(super) const TITLE: u32 = 16;
pub(super) const LABEL: u32 = 12;
pub(super) const TICK: u32 = 11;
/// From one line of a y axis' label to the next, px.
const UPWARD_LINE: f64 = 16.0;
/// Around a figure, px.
pub(super) const PADDING: f64 = 14.0;
/// Room for a title and a legend, px.
pub(super) const NARROWEST: f64 = 440.0;

pub(super) const BLACK: &str = "#000000";
pub(super) const GREY: &str = "#707070";
/// Lines to read values by.
pub(super) const GRID: &str = "#E3E3E3";
/// The colours of Okabe and Ito that show on white, which the colour-blind tell
/// apart; neighbours differ in brightness too, for print in grey.
pub(super) const COLORS: [&str; 7] = [
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#555555",
];

/// The colour of a series or family; more than there are begin anew.
pub(super) fn color(index: usize) -> &'static str {
    COLORS[index % COLORS.len()]
}

/// A figure that is drawn.
#[derive(Debug)]
pub(super) struct Drawing {
    scene: Scene,
}

/// How a text is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub(super) size: u32,
    pub(super) anchor: TextAnchor,
    pub(super) color: &'static str,
    /// From bottom to top.
    pub(super) upward: bool,
}

impl Type {
    pub(super) fn new(size: u32, anchor: TextAnchor) -> Self {
        Type {
            size,
            anchor,
            color: BLACK,
            upward: false,
        }
    }

    pub(super) fn upward(self) -> Self {
        Type {
            upward: true,
            ..self
        }
    }

    pub(super) fn color(self, color: &'static str) -> Self {
        Type { color, ..self }
    }
}

impl Drawing {
    /// The drawing as SVG, with the view box, without which it does not scale.
    pub fn svg(&self) -> String {
        const START: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" ";
        let Scene { width, height, .. } = self.scene;
        let view = format!("{START}viewBox=\"0 0 {width} {height}\" ");
        let svg = SvgBackend::new().with_pretty(true);
        svg.render_scene(&self.scene).replacen(START, &view, 1)
    }

    /// The drawing as PNG, `scale` pixels for each px of the SVG; 2 is fit for
    /// screens, 4 for print.
    ///
    /// # Errors
    /// When the library cannot encode the picture.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>> {
        let raster = RasterBackend::new().with_scale(scale);
        raster.render_scene(&self.scene).map_err(|problem| {
            Error::data(
                format!("the figure cannot be written as PNG: {problem}"),
                "Take the SVG",
            )
        })
    }

    /// An empty drawing of this size, px.
    pub(super) fn new(width: f64, height: f64) -> Self {
        let mut scene = Scene::new(width.round(), height.round());
        scene.font_family = Some(FONT.to_owned());
        scene.text_color = Some(BLACK.to_owned());
        Drawing { scene }
    }

    /// Writes a text from, around or up to a place on its base line.
    pub(super) fn text(&mut self, (x, y): (f64, f64), content: &str, style: Type) {
        self.scene.elements.push(Primitive::Text {
            x,
            y,
            content: clean(content),
            size: style.size,
            anchor: style.anchor,
            rotate: style.upward.then_some(-90.0),
            bold: false,
            color: Some(Color::from(style.color)),
        });
    }

    /// Writes a text in bold (which the rasterizer knows of spans only).
    pub(super) fn bold(&mut self, (x, y): (f64, f64), content: &str, style: Type) {
        self.scene.elements.push(Primitive::RichText {
            x,
            y,
            spans: vec![TextSpan {
                bold: true,
                ..TextSpan::plain(printable(content))
            }],
            size: style.size,
            anchor: style.anchor,
            color: Some(Color::from(style.color)),
        });
    }

    /// Draws a line. One along an axis moves to the nearest half px, or lines of the
    /// same width would look different in PNG.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str, width: f64) {
        let snap = |a: f64, b: f64| match a == b {
            true => [(a * 2.0).round() / 2.0; 2],
            false => [a, b],
        };
        let ([x1, x2], [y1, y2]) = (snap(from.0, to.0), snap(from.1, to.1));
        self.scene.elements.push(Primitive::Line {
            x1,
            y1,
            x2,
            y2,
            stroke: Color::from(color),
            stroke_width: width,
            stroke_dasharray: None,
        });
    }

    /// Draws a line through points, dashed where a pattern is given: lengths of dashes and gaps in
    /// turn, px.
    pub(super) fn polyline(
        &mut self,
        points: &[(f64, f64)],
        color: &str,
        width: f64,
        dash: Option<&[f64]>,
    ) {
        // Patterns are taken apart here: the rasterizer does not scale them with the drawing.
        let parts = match dash {
            None => vec![points.to_vec()],
            Some(pattern) => dashes(points, pattern),
        };
        let lines = parts.into_iter().map(|points| Primitive::PolyLine {
            points,
            stroke: Color::from(color),
            stroke_width: width,
            stroke_dasharray: None,
        });
        self.scene.elements.extend(lines);
    }

    /// How wide it is, px.
    pub(super) fn width(&self) -> f64 {
        self.scene.width
    }

    /// Fills a rectangle between two corners.
    pub(super) fn rect(&mut self, a: (f64, f64), b: (f64, f64), color: &str) {
        self.scene.elements.push(Primitive::Rect {
            x: a.0.min(b.0),
            y: a.1.min(b.1),
            width: (a.0 - b.0).abs(),
            height: (a.1 - b.1).abs(),
            fill: Color::from(color),
            stroke: None,
            stroke_width: None,
            opacity: None,
        });
    }

    /// A disc; below an opacity of 1, what lies behind shows.
    pub(super) fn disc(&mut self, (cx, cy): (f64, f64), r: f64, color: &str, opacity: f64) {
        self.scene.elements.push(Primitive::Circle {
            cx,
            cy,
            r,
            fill: Color::from(color),
            fill_opacity: Some(opacity),
            stroke: None,
            stroke_width: None,
        });
    }

    /// Writes the label of a y axis, upward around `middle`.
    pub(super) fn y_label(&mut self, lines: &[String], middle: f64) {
        let style = Type::new(LABEL, TextAnchor::Middle).upward();
        for (number, line) in (0_u32..).zip(lines) {
            let x = PADDING + f64::from(number) * UPWARD_LINE + f64::from(LABEL) * 0.8;
            self.text((x, middle), line, style);
        }
    }

    /// Writes the lines of a title, centred.
    pub(super) fn title(&mut self, lines: &[String]) {
        let middle = self.scene.width / 2.0;
        for (number, line) in (1_u32..).zip(lines) {
            let y = PADDING + f64::from(number * TITLE) * 1.2 - 4.0;
            self.bold((middle, y), line, Type::new(TITLE, TextAnchor::Middle));
        }
    }
}

/// The dashes of a line through points.
fn dashes(points: &[(f64, f64)], pattern: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut lengths = pattern.iter().copied().cycle();
    let (Some(&first), Some(mut left)) = (points.first(), lengths.next()) else {
        return parts;
    };
    let mut drawn = true;
    parts.push(vec![first]);
    for ends in points.windows(2) {
        let (mut from, to) = (ends[0], ends[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            // What is no number has no dashes.
            if !length.is_finite() || length <= left {
                left -= length;
                break;
            }
            let share = left / length;
            from = (
                from.0 + share * (to.0 - from.0),
                from.1 + share * (to.1 - from.1),
            );
            match (drawn, parts.last_mut()) {
                (true, Some(part)) => part.push(from),
                _ => parts.push(vec![from]),
            }
            drawn = !drawn;
            // A length of nothing would have no end.
            left = lengths.next().unwrap_or(1.0).max(0.1);
        }
        if let (true, Some(part)) = (drawn, parts.last_mut()) {
            part.push(to);
        }
    }
    parts
}

/// The lines of a y axis' label beside axes of this height, and the room for them
/// from the figure's edge on.
pub(super) fn y_label_lines(label: &str, height: f64) -> (Vec<String>, f64) {
    // Of the ways to break it into as few lines, the one without a short last line.
    let fewest = wrap(label, LABEL, height);
    let balanced = wrap(label, LABEL, height * 0.7);
    let lines = match balanced.len() == fewest.len() {
        true => balanced,
        false => fewest,
    };
    let room = PADDING + lines.len() as f64 * UPWARD_LINE + 5.0;
    (lines, room)
}

/// The lines of a title in a figure of this width, and where it ends.
pub(super) fn title_lines(title: &str, width: f64) -> (Vec<String>, f64) {
    // Bold letters are wider than the measured ones.
    let lines = wrap(title, TITLE, 0.88 * (width - 2.0 * PADDING));
    let end = PADDING + lines.len() as f64 * f64::from(TITLE) * 1.2;
    (lines, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_same_every_time_and_well_formed() {
        let draw = || {
            let mut drawing = Drawing::new(200.0, 50.0);
            let style = Type::new(LABEL, TextAnchor::Middle);
            drawing.text((100.0, 20.0), "A & B <$x$> \u{1}", style);
            drawing.bold((100.0, 40.0), "$5 \u{1}", style);
            drawing
        };
        let (svg, png) = (draw().svg(), draw().png(1.0).unwrap());
        assert_eq!((&svg, &png), (&draw().svg(), &draw().png(1.0).unwrap()));
        assert!(
            svg.contains("A &amp; B &lt;$x$&gt;") && svg.contains(">$5 "),
            "{svg}"
        );
        assert!(svg.contains("viewBox") && !svg.contains('\u{1}'));
        assert!(png.starts_with(b"\x89PNG"));
    }

    #[test]
    fn dashes_go_round_corners() {
        let corner = [(0.0, 0.0), (5.0, 0.0), (5.0, 5.0)];
        let parts = dashes(&corner, &[4.0, 2.0]);
        let expected = [vec![(0.0, 0.0), (4.0, 0.0)], vec![(5.0, 1.0), (5.0, 5.0)]];
        assert_eq!(parts, expected);
        assert!(dashes(&[], &[4.0, 2.0]).is_empty());
    }

    #[test]
    fn no_picture_without_size() {
        assert!(Drawing::new(0.0, 10.0).png(1.0).is_err());
    }
}

//! Groups of bars with intervals, as in Figure 4 of the DeepDiff paper: for each
//! pair of cell types, Pearson's r of a few methods.

use kuva::render::render::TextAnchor;

use super::{
    axis::Axis,
    drawing::{
        BLACK, Drawing, GREY, GRID, LABEL, NARROWEST, PADDING, TICK, Type, color, title_lines,
        y_label_lines,
    },
    group_labels::GroupLabels,
    legend::Legend,
    text::{fit, text_width},
};

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bars {
    /// Above the figure.
    pub title: String,
    /// Below the x axis, what a group is.
    pub x_label: String,
    /// Beside the y axis, what a bar's height is.
    pub y_label: String,
    /// The groups, as "E003/E123".
    pub groups: Vec<String>,
    /// A bar of each group.
    pub series: Vec<Series>,
}

/// The bars of one colour.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    /// In the legend.
    pub label: String,
    /// A bar for each group; `None` is marked as not available.
    pub bars: Vec<Option<Bar>>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    /// Its height, a correlation.
    pub value: f64,
    /// Ends of its interval.
    pub interval: Option<[f64; 2]>,
    /// Written below the bar: which method it is, where that differs by group.
    pub name: Option<String>,
}

/// Height of the axes, px.
const HEIGHT: f64 = 300.0;
/// Widths of a bar and of the space for all, px.
const BAR: std::ops::RangeInclusive<f64> = 12.5..=30.0;
const WIDE: f64 = 900.0;
/// Between groups, in bars.
const GROUP_GAP: f64 = 0.9;
/// Longest name below a bar, px.
const LONGEST_NAME: f64 = 130.0;
/// Size of the names, px.
const NAME: u32 = 10;

impl Bars {
    /// Draws the figure.
    pub fn draw(&self) -> Drawing {
        let axis = Axis::of_correlations(&self.values(), true);
        let format = axis.format();
        let ticks = axis.labels(&format);
        let widest = ticks.iter().map(|tick| text_width(tick, TICK));
        let (y_label, label_room) = y_label_lines(&self.y_label, HEIGHT);
        let left = label_room + widest.fold(0.0, f64::max) + 8.0;

        let (groups, series) = (self.groups.len().max(1) as f64, self.series.len() as f64);
        let bar = (WIDE / groups / (series + GROUP_GAP)).clamp(*BAR.start(), *BAR.end());
        let group = ((series + GROUP_GAP) * bar).max((NARROWEST - left - PADDING) / groups);
        let width = left + groups * group + PADDING;

        let (title, y) = title_lines(&self.title, width);
        let labels = self.series.iter().map(|series| series.label.as_str());
        let legend = Legend::new(labels, width - 2.0 * PADDING);
        let top = y + legend.height + 18.0;
        let bottom = top + HEIGHT;
        let group_labels = GroupLabels::new(&self.groups, group - 6.0);
        let labels_top = bottom + self.longest_name() + 4.0;
        let height = labels_top + group_labels.height + f64::from(LABEL) * 1.6 + PADDING;

        let mut drawing = Drawing::new(width, height);
        drawing.title(&title);
        legend.draw(&mut drawing, width / 2.0, y + 6.0);
        let right = width - PADDING;
        let y_of = |value: f64| bottom - axis.share(value) * HEIGHT;
        for (tick, text) in axis.ticks().zip(&ticks) {
            drawing.line((left, y_of(tick)), (right, y_of(tick)), GRID, 1.0);
            let style = Type::new(TICK, TextAnchor::End);
            drawing.text((left - 6.0, y_of(tick) + 4.0), text, style);
        }
        for index in 0..self.groups.len() {
            let middle = left + (index as f64 + 0.5) * group;
            group_labels.draw(&mut drawing, index, (middle, labels_top));
            for (place, series) in self.series.iter().enumerate() {
                let x = middle + (place as f64 - self.series.len() as f64 / 2.0) * bar;
                let of_group = series.bars.get(index).and_then(Option::as_ref);
                let known = of_group.filter(|bar| bar.value.is_finite());
                draw_bar(&mut drawing, known, (x, bar), place, y_of);
                if let Some(name) = known.and_then(|bar| bar.name.as_ref()) {
                    let style = Type::new(NAME, TextAnchor::End).upward();
                    let name = fit(name, NAME, LONGEST_NAME);
                    drawing.text((x + bar / 2.0 + 3.5, bottom + 6.0), &name, style);
                }
            }
        }
        drawing.line((left, y_of(0.0)), (right, y_of(0.0)), BLACK, 1.0);
        drawing.line((left, top), (left, bottom), BLACK, 1.0);
        let style = Type::new(LABEL, TextAnchor::Middle);
        drawing.y_label(&y_label, (top + bottom) / 2.0);
        let x_label = fit(&self.x_label, LABEL, width - 2.0 * PADDING);
        let place = ((left + right) / 2.0, height - PADDING);
        drawing.text(place, &x_label, style);
        drawing
    }

    /// All that the y axis must hold.
    fn values(&self) -> Vec<f64> {
        let bars = self.series.iter().flat_map(|series| &series.bars).flatten();
        bars.flat_map(|bar| {
            let [low, high] = bar.interval.unwrap_or([bar.value; 2]);
            [bar.value, low, high]
        })
        .collect()
    }

    /// Room below the axes for the bars' names, px.
    fn longest_name(&self) -> f64 {
        let bars = self.series.iter().flat_map(|series| &series.bars).flatten();
        let names = bars.filter_map(|bar| bar.name.as_ref());
        names
            .map(|name| text_width(name, NAME).min(LONGEST_NAME) + 10.0)
            .fold(0.0, f64::max)
    }
}

/// Draws a bar from `x` on, `width` wide, its interval over it.
fn draw_bar(
    drawing: &mut Drawing,
    bar: Option<&Bar>,
    (x, width): (f64, f64),
    place: usize,
    y_of: impl Fn(f64) -> f64,
) {
    let middle = x + width / 2.0;
    let Some(bar) = bar else {
        let style = Type::new(NAME, TextAnchor::Start).upward().color(GREY);
        drawing.text((middle + 3.5, y_of(0.0) - 4.0), "n/a", style);
        return;
    };
    let (from, to) = ((x + 0.5, y_of(0.0)), (x + width - 0.5, y_of(bar.value)));
    drawing.rect(from, to, color(place));
    let interval = bar
        .interval
        .filter(|ends| ends.iter().all(|end| end.is_finite()));
    if let Some(ends) = interval {
        let [low, high] = ends.map(&y_of);
        drawing.line((middle, low), (middle, high), BLACK, 1.2);
        let cap = (width / 5.0).min(4.0);
        for y in [low, high] {
            drawing.line((middle - cap, y), (middle + cap, y), BLACK, 1.2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(values: &[Option<f64>]) -> Bars {
        let bar = |value: &Option<f64>| {
            value.map(|value| Bar {
                value,
                interval: Some([value - 0.05, value + 0.05]),
                name: Some("raw:d".to_owned()),
            })
        };
        Bars {
            title: "A title".to_owned(),
            x_label: "Pair".to_owned(),
            y_label: "Pearson's r".to_owned(),
            groups: (0..values.len()).map(|i| format!("E003/E{i:03}")).collect(),
            series: vec![Series {
                label: "a method".to_owned(),
                bars: values.iter().map(bar).collect(),
            }],
        }
    }

    #[test]
    fn each_bar_or_its_absence_is_marked() {
        let svg = bars(&[Some(0.5), None, Some(-0.1), Some(f64::NAN)])
            .draw()
            .svg();
        assert_eq!(svg.matches(">raw:d<").count(), 2);
        assert_eq!(svg.matches(">n/a<").count(), 2);
        assert_eq!(svg.matches(">E003/").count(), 4);
        assert!(
            !svg.contains("NaN") && svg.contains(">\u{2212}0.2<"),
            "{svg}"
        );
    }

    #[test]
    fn nothing_to_draw_is_a_figure_too() {
        let mut empty = bars(&[]);
        assert!(empty.draw().svg().contains("A title"));
        empty.series.clear();
        assert!(empty.draw().png(1.0).is_ok());
    }
}

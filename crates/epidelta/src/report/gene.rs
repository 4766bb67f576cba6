//! A gene's page: both cell types' signal of each mark, attention over bins below, attention over
//! marks and what the prediction loses without the mark beside.

use kuva::render::render::TextAnchor;

use super::{
    axis::Axis,
    drawing::{
        BLACK, COLORS, Drawing, GREY, GRID, LABEL, NARROWEST, PADDING, TICK, Type, title_lines,
    },
    figure::Figure,
    text::{fit, signed, text_width},
};
use crate::{
    dataset::InputTransform,
    explanation::{Attention, Explained, Strands, axis_in_words, positions},
};

/// Colours of A and B, B's dash pattern.
const A: &str = "#0072B2";
const B: &str = "#D55E00";
const DASH: &[f64] = &[6.0, 2.5];
/// Width of the axes, height of a mark's signal, of a strip of attention, px.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 64.0;
const STRIP: f64 = 9.0;
const STRIP_GAP: f64 = 3.0;
/// Between marks; the columns of attention over marks and of ablation, px.
const GAP: f64 = 26.0;
const COLUMN: f64 = 120.0;
const COLUMN_GAP: f64 = 26.0;
/// Attention of a bin from none to the largest.
const SHADES: [&str; 9] = [
    "#FFFFFF", "#ECECEC", "#D5D5D5", "#BBBBBB", "#9D9D9D", "#7D7D7D", "#5C5C5C", "#393939",
    "#141414",
];

/// What is known of a gene.
pub struct GenePage<'e> {
    /// The name of the figure.
    pub name: &'e str,
    /// The explanation that it is of.
    pub explained: &'e Explained,
    /// The transform by which the signal was made what the method sees.
    pub transform: InputTransform,
    /// The gene, as an index into the pair.
    pub gene: usize,
    /// Its prediction.
    pub predicted: f64,
    /// Whether that is a score of going up rather than a log2 fold change.
    pub classifies: bool,
    /// What each mark contributes to the prediction, `[mark]`.
    pub contributions: &'e [f64],
    /// The attention for the gene, and its place in there, of methods with attention.
    pub attention: Option<(&'e Attention, usize)>,
}

impl GenePage<'_> {
    /// Draws the page.
    pub fn figure(&self) -> Figure {
        let pair = &self.explained.pair;
        let (name, id) = (pair.gene_name(self.gene), pair.gene_id(self.gene));
        let number = signed;
        let observed = number(pair.genes[self.gene].log2_fold_change);
        let title = format!(
            "{name}: observed {observed}, predicted {}",
            number(self.predicted)
        );
        Figure::new(
            self.name,
            format!("Signal, attention and ablation of {id}"),
            "Signal of A and B around the TSS; below it, from white to black, attention over bins of \
             each channel; beside it attention over marks, and what the prediction loses where the \
             mark is made equal in both cell types.",
            self.draw(&title),
        )
    }

    /// The rows of strips of a mark, or of all marks at once: encoders by their places.
    fn encoders(&self, mark: Option<usize>) -> Vec<usize> {
        let Some((attention, _)) = self.attention else {
            return Vec::new();
        };
        let all = 0..attention.encoders.len();
        all.filter(|&encoder| attention.encoders[encoder].mark_index == mark)
            .collect()
    }

    fn draw(&self, title: &str) -> Drawing {
        let pair = &self.explained.pair;
        let of_all = self.encoders(None);
        let label = |encoder: usize| match self.attention {
            Some((attention, _)) => attention.encoders[encoder].channel.clone(),
            None => String::new(),
        };
        let widths = (0..pair.marks().len())
            .flat_map(|mark| self.encoders(Some(mark)))
            .map(|encoder| text_width(&label(encoder), 9));
        let left = PADDING + widths.fold(44.0, f64::max) + 8.0;
        let columns = if self.attention.is_some() { 2.0 } else { 1.0 };
        let width =
            (left + WIDTH + columns * (COLUMN_GAP + COLUMN) + PADDING + 46.0).max(NARROWEST);
        let strips = |count: usize| count as f64 * (STRIP + STRIP_GAP);
        let (lines, end) = title_lines(title, width);
        let top = end + 46.0;
        let heights: f64 = (0..pair.marks().len())
            .map(|mark| HEIGHT + strips(self.encoders(Some(mark)).len()) + GAP)
            .sum();
        let below = match of_all.is_empty() {
            true => 0.0,
            false => strips(of_all.len()) + GAP,
        };
        let mut drawing = Drawing::new(width, top + heights + below + 44.0 + PADDING);
        drawing.title(&lines);
        self.legend(&mut drawing, left, end + 18.0);
        let right = left + WIDTH;
        let heading = Type::new(TICK, TextAnchor::Start).color(GREY);
        let ablation_left = right + columns * COLUMN_GAP + (columns - 1.0) * COLUMN;
        if self.attention.is_some() {
            drawing.text((right + COLUMN_GAP, top - 24.0), "attention", heading);
        }
        let unit = if self.classifies { "score" } else { "log2" };
        let title = format!("ablation ({unit})");
        drawing.text((ablation_left, top - 24.0), &title, heading);

        let largest = self
            .contributions
            .iter()
            .fold(1e-9_f64, |m, x| m.max(x.abs()));
        let betas = self
            .attention
            .map(|(attention, place)| attention.beta_of(place));
        let most = betas
            .unwrap_or_default()
            .iter()
            .fold(1e-9_f32, |m, &x| m.max(x));
        let beta_bar = |drawing: &mut Drawing, encoder: usize, y: f64| {
            let Some(beta) = betas.map(|betas| betas[encoder]) else {
                return;
            };
            let from = right + COLUMN_GAP;
            let to = from + f64::from(beta / most) * COLUMN * 0.6;
            drawing.rect((from, y), (to, y + STRIP), COLORS[2]);
            let text = format!("{beta:.2}");
            drawing.text((to + 4.0, y + 8.5), &text, Type::new(9, TextAnchor::Start));
        };
        let mut y = top;
        for (mark, name) in pair.marks().iter().enumerate() {
            self.draw_signal(&mut drawing, mark, name, (left, y));
            let middle = ablation_left + COLUMN / 2.0;
            let contribution = self.contributions[mark];
            let to = middle + contribution / largest * COLUMN / 2.0;
            let color = if contribution < 0.0 { B } else { A };
            drawing.rect(
                (middle, y + HEIGHT / 2.0 - 7.0),
                (to, y + HEIGHT / 2.0 + 7.0),
                color,
            );
            drawing.line((middle, y), (middle, y + HEIGHT), GREY, 1.0);
            let text = signed(contribution);
            let style = Type::new(TICK, TextAnchor::End);
            let place = (ablation_left + COLUMN + 46.0, y + HEIGHT / 2.0 + 4.0);
            drawing.text(place, &text, style);
            y += HEIGHT + STRIP_GAP;
            for encoder in self.encoders(Some(mark)) {
                self.draw_strip(&mut drawing, encoder, &label(encoder), (left, y));
                beta_bar(&mut drawing, encoder, y);
                y += STRIP + STRIP_GAP;
            }
            y += GAP - STRIP_GAP;
        }
        if !of_all.is_empty() {
            let style = Type::new(TICK, TextAnchor::Start);
            drawing.text((left, y - 4.0), "all marks at once", style);
            for encoder in of_all {
                self.draw_strip(&mut drawing, encoder, &label(encoder), (left, y));
                beta_bar(&mut drawing, encoder, y);
                y += STRIP + STRIP_GAP;
            }
            y += GAP - STRIP_GAP;
        }
        self.x_axis(&mut drawing, (left, y - GAP + 4.0));
        if self.attention.is_some() {
            let note =
                "Strips: attention over the bins of each channel, black the most in the strip.";
            drawing.text((left, y - GAP + 64.0), note, heading);
        }
        drawing
    }

    fn legend(&self, drawing: &mut Drawing, left: f64, y: f64) {
        let pair = &self.explained.pair;
        let [a, b] = pair.cell_types(self.gene);
        let unit = &pair.cells[0].metadata.signal_unit;
        let mut x = left;
        for (name, color, dash) in [(a, A, None), (b, B, Some(DASH))] {
            drawing.polyline(&[(x, y - 4.0), (x + 26.0, y - 4.0)], color, 2.0, dash);
            let text = fit(name, TICK, 180.0);
            drawing.text((x + 32.0, y), &text, Type::new(TICK, TextAnchor::Start));
            x += 32.0 + text_width(&text, TICK) + 20.0;
        }
        let style = Type::new(TICK, TextAnchor::Start).color(GREY);
        let text = fit(&format!("signal in {unit}"), TICK, left + WIDTH - x);
        drawing.text((x, y), &text, style);
    }

    fn is_reversed(&self) -> bool {
        self.explained
            .strands
            .is_reversed(&self.explained.pair, self.gene)
    }

    fn x_of(&self, position: f64) -> f64 {
        let metadata = &self.explained.pair.cells[0].metadata;
        let (upstream, downstream) = (f64::from(metadata.upstream), f64::from(metadata.downstream));
        (position + upstream) / (upstream + downstream) * WIDTH
    }

    fn draw_signal(&self, drawing: &mut Drawing, mark: usize, name: &str, (left, top): (f64, f64)) {
        let pair = &self.explained.pair;
        let bins = pair.bins();
        let signal = pair.seen(self.gene).map(|signal| {
            let mut values: Vec<f64> = signal[mark * bins..][..bins]
                .iter()
                .map(|&x| self.transform.undone(f64::from(x)))
                .collect();
            if self.is_reversed() {
                values.reverse();
            }
            values
        });
        let axis = Axis::of_values(signal.iter().flatten());
        let y_of = |value: f64| top + HEIGHT - axis.share(value).clamp(0.0, 1.0) * HEIGHT;
        let bottom = top + HEIGHT;
        drawing.line((left, top), (left + WIDTH, top), GRID, 1.0);
        drawing.line((left, bottom), (left + WIDTH, bottom), BLACK, 1.0);
        let style = Type::new(9, TextAnchor::End);
        let format = axis.format();
        drawing.text((left - 5.0, top + 4.0), &format.format(axis.high), style);
        drawing.text((left - 5.0, y_of(0.0)), "0", style);
        let tss = left + self.x_of(0.0);
        drawing.polyline(&[(tss, top), (tss, bottom)], GREY, 0.8, Some(&[4.0, 3.0]));
        let positions = positions(pair);
        for (values, color, dash) in [(&signal[1], B, Some(DASH)), (&signal[0], A, None)] {
            let points = positions.iter().zip(values);
            let mut points: Vec<(f64, f64)> = points
                .map(|(&x, &value)| (left + self.x_of(x), y_of(value)))
                .collect();
            if let [(_, y)] = points[..] {
                points = vec![(left, y), (left + WIDTH, y)];
            }
            drawing.polyline(&points, color, 1.4, dash);
        }
        let style = Type::new(LABEL, TextAnchor::Start);
        drawing.text((left + 4.0, top - 5.0), &fit(name, LABEL, WIDTH), style);
    }

    fn draw_strip(&self, drawing: &mut Drawing, encoder: usize, label: &str, at: (f64, f64)) {
        let Some((attention, place)) = self.attention else {
            return;
        };
        let (left, top) = at;
        let bins = self.explained.pair.bins();
        let mut alpha = attention.alpha_of_bins(place, encoder, bins);
        if self.is_reversed() {
            alpha.reverse();
        }
        let most = alpha.iter().fold(f32::MIN_POSITIVE, |m, &x| m.max(x));
        let shade = |x: f32| ((x / most * (SHADES.len() - 1) as f32).round()) as usize;
        let side = WIDTH / bins as f64;
        let mut bin = 0;
        // Neighbours of one shade are one rectangle.
        for run in alpha.chunk_by(|&x, &y| shade(x) == shade(y)) {
            let from = left + bin as f64 * side;
            bin += run.len();
            let to = left + bin as f64 * side;
            drawing.rect((from, top), (to, top + STRIP), SHADES[shade(run[0])]);
        }
        for y in [top, top + STRIP] {
            drawing.line((left, y), (left + WIDTH, y), GRID, 0.5);
        }
        drawing.text(
            (left - 5.0, top + 8.0),
            label,
            Type::new(9, TextAnchor::End),
        );
    }

    fn x_axis(&self, drawing: &mut Drawing, (left, top): (f64, f64)) {
        let metadata = &self.explained.pair.cells[0].metadata;
        let ends = (
            -f64::from(metadata.upstream),
            f64::from(metadata.downstream),
        );
        let axis = Axis::of_positions(ends);
        for (tick, text) in axis.ticks().zip(axis.labels(&axis.format_positions())) {
            let x = left + self.x_of(tick);
            drawing.line((x, top), (x, top + 4.0), BLACK, 1.0);
            drawing.text((x, top + 17.0), &text, Type::new(TICK, TextAnchor::Middle));
        }
        // A gene whose strand is known is drawn upstream first.
        let label = match self.explained.strands {
            Strands::Known => axis_in_words(Strands::UpstreamFirst),
            other => axis_in_words(other),
        };
        let place = (left + WIDTH / 2.0, top + 36.0);
        drawing.text(place, label, Type::new(LABEL, TextAnchor::Middle));
    }
}

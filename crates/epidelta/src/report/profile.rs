//! The mean profile of each mark around the TSS, of the genes with the highest and
//! the lowest expression: the picture by which one sees at once whether strand,
//! marks and bins are right.

use std::{io::Write, path::Path};

use super::{
    drawing::Drawing,
    panels::{Figure, Line, Panel, Style, XAxis},
};
use crate::{
    dataset::{Epigenome, Mark, Orientation},
    error::Result,
    output::write_atomically,
};

/// Share of the genes in each of the two groups: a quarter.
const GROUP: usize = 4;

/// The profiles of a cell type.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    /// Centre of each bin, bp from the TSS, upstream negative.
    pub positions: Vec<f64>,
    /// Genes in each group.
    pub genes: usize,
    /// The lowest expression among the genes with the highest.
    pub high_from: f64,
    /// The highest expression among the genes with the lowest.
    pub low_to: f64,
    /// A profile for each mark.
    pub marks: Vec<MarkProfile>,
}

/// The profiles of one mark, mean signal per bin.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkProfile {
    /// The mark.
    pub mark: Mark,
    /// Of the quarter of the genes with the highest expression.
    pub high: Vec<f64>,
    /// Of the quarter of the genes with the lowest expression.
    pub low: Vec<f64>,
}

impl Profiles {
    /// Computes the profiles. Of genes with the same expression, the first in the
    /// file are taken as the lower ones.
    pub fn of(epigenome: &Epigenome) -> Self {
        let metadata = &epigenome.metadata;
        let genes = &epigenome.genes;
        let mut order: Vec<usize> = (0..genes.len()).collect();
        order.sort_by(|&x, &y| genes[x].expression.total_cmp(&genes[y].expression));
        let size = (genes.len() / GROUP).max(1).min(genes.len());
        let (low, high) = (&order[..size], &order[genes.len() - size..]);
        let expression = |row: Option<&usize>| row.map_or(f64::NAN, |&r| genes[r].expression);
        let mean = |mark: usize, rows: &[usize]| {
            let mut sums = vec![0.0; epigenome.bins];
            for &row in rows {
                let signal = &epigenome.signal_of(row)[mark * epigenome.bins..];
                sums.iter_mut()
                    .zip(signal)
                    .for_each(|(sum, &value)| *sum += f64::from(value));
            }
            sums.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
            sums
        };
        let marks = epigenome.marks.iter().enumerate();
        let centre = |bin: usize| (bin as f64 + 0.5) * f64::from(metadata.bin_size);
        Profiles {
            positions: (0..epigenome.bins)
                .map(|bin| centre(bin) - f64::from(metadata.upstream))
                .collect(),
            genes: size,
            high_from: expression(high.first()),
            low_to: expression(low.last()),
            marks: marks
                .map(|(index, mark)| MarkProfile {
                    mark: mark.clone(),
                    high: mean(index, high),
                    low: mean(index, low),
                })
                .collect(),
        }
    }
}

/// Draws the profiles of a cell type as SVG, which appears whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub fn write_profile_figure(epigenome: &Epigenome, path: &Path, force: bool) -> Result<()> {
    let svg = draw(epigenome, &Profiles::of(epigenome)).svg();
    write_atomically(path, force, |file| file.write_all(svg.as_bytes()))
}

fn draw(epigenome: &Epigenome, profiles: &Profiles) -> Drawing {
    let metadata = &epigenome.metadata;
    let unit = &metadata.expression_unit;
    let group = |which: &str, bound: String| {
        format!(
            "{which} quarter by expression ({bound} {unit}, {} genes)",
            profiles.genes
        )
    };
    let high = group("highest", format!("from {}", short(profiles.high_from)));
    let low = group("lowest", format!("to {}", short(profiles.low_to)));
    let x_label = match metadata.orientation {
        Orientation::Strand => "Position relative to the TSS, upstream negative",
        Orientation::Genome => "Position relative to the TSS, along the genome on both strands",
    };
    let line = |style: usize, values: &[f64]| Line {
        style,
        points: profiles
            .positions
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect(),
        intervals: Vec::new(),
    };
    let panels = profiles.marks.iter().map(|profile| Panel {
        title: profile.mark.clone(),
        lines: vec![line(0, &profile.high), line(1, &profile.low)],
        instead: String::new(),
        ends_at_one: false,
    });
    Figure {
        title: &format!(
            "{}: marks around transcription start sites",
            metadata.cell_type
        ),
        x_label,
        y_label: &format!("Mean per bin ({})", metadata.signal_unit),
        x_axis: XAxis::Positions(
            -f64::from(metadata.upstream),
            f64::from(metadata.downstream),
        ),
        columns: None,
        styles: &[
            Style {
                label: high,
                color: "#D55E00",
                dash: None,
            },
            Style {
                label: low,
                color: "#0072B2",
                dash: Some(&[7.0, 2.5]),
            },
        ],
        panels: &panels.collect::<Vec<_>>(),
    }
    .draw()
}

/// A number in about three digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{SimulationConfig, simulate};

    #[test]
    fn expressed_genes_have_the_promoter_mark_and_lack_the_repressive_one() {
        let simulated = simulate(&SimulationConfig {
            genes: 400,
            bins: 40,
            bin_size: 500,
            ..SimulationConfig::default()
        })
        .unwrap();
        let profiles = Profiles::of(&simulated.cells[0]);
        assert_eq!((profiles.genes, profiles.positions[0]), (100, -9750.0));
        assert!(profiles.high_from > profiles.low_to);
        let of = |mark: &str| profiles.marks.iter().find(|p| p.mark == mark).unwrap();
        let total = |values: &[f64]| values.iter().sum::<f64>();
        assert!(total(&of("H3K4me3").high) > 2.0 * total(&of("H3K4me3").low));
        assert!(total(&of("H3K27me3").high) < total(&of("H3K27me3").low));
        // The gene body lies downstream.
        let body = &of("H3K36me3").high;
        assert!(total(&body[20..]) > 2.0 * total(&body[..20]));
    }

    #[test]
    fn the_figure_is_the_same_every_time_and_well_formed() {
        let mut epigenome = simulate(&SimulationConfig {
            genes: 5,
            bins: 1,
            ..SimulationConfig::default()
        })
        .unwrap()
        .cells
        .remove(0);
        epigenome.marks[0] = "A & B <$x$> \u{1}".into();
        epigenome.signal.fill(0.0);
        let draw = || draw(&epigenome, &Profiles::of(&epigenome)).svg();
        let svg = draw();
        assert_eq!(svg, draw());
        assert!(
            svg.contains("A &amp; B &lt;") && svg.contains("viewBox"),
            "{svg}"
        );
        assert!(!svg.contains("NaN") && !svg.contains('\u{1}'));
        assert_eq!(svg.matches("<svg").count(), 1);
    }
}

//! The figures of an explanation: attention over marks (Figure 5 of the paper) and bins, what
//! marks are worth, deletion and insertion.

use super::{
    drawing::COLORS,
    figure::Figure,
    grouped_bars::{Bar, Bars, Series},
    panels::{self, Line, Panel, Style, XAxis, columns_of_marks},
};
use crate::{
    dataset::Pair,
    explanation::{
        Ablation, Curve, Curves, Direction, Directions, Encoder, Explained, Importance, Mean, Unit,
        axis_in_words, positions,
    },
};

/// Dash patterns, for print in grey.
const DASHES: [Option<&[f64]>; 6] = [
    None,
    Some(&[7.0, 2.5]),
    Some(&[2.0, 2.0]),
    Some(&[9.0, 3.0, 2.0, 3.0]),
    Some(&[4.0, 4.0]),
    Some(&[1.0, 3.0]),
];

/// Every figure of an explanation that there is something to show in.
pub fn explanation_figures(explained: &Explained) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some(directions) = &explained.directions {
        figures.push(mark_attention(directions));
        figures.push(bin_attention(directions, explained));
    }
    figures.push(importance(&explained.importance, &explained.pair));
    if !explained.faithfulness.curves.is_empty() {
        figures.push(curves(&explained.faithfulness.curves));
    }
    figures
}

fn group_label(directions: &Directions, direction: Direction) -> String {
    let genes = directions.genes(direction);
    let genes = format!("{genes} gene{}", if genes == 1 { "" } else { "s" });
    let threshold = directions.threshold;
    match direction {
        Direction::Up => format!("log2 fold change > {threshold} ({genes})"),
        Direction::Down => format!("log2 fold change < \u{2212}{threshold} ({genes})"),
        Direction::All => format!("all ({genes})"),
    }
}

/// Mean attention over marks of the genes that go up and of those that go down: Figure 5.
fn mark_attention(directions: &Directions) -> Figure {
    let of_marks = directions.of_marks();
    let series = |direction: Direction| {
        let bars = of_marks.iter().filter(|of| of.direction == direction);
        Series {
            label: group_label(directions, direction),
            bars: bars.map(|of| of.beta.map(bar)).collect(),
        }
    };
    // Without one of the groups, what all genes have is there to be seen.
    let shortage = directions.shortage();
    let shown: &[Direction] = match shortage {
        None => &[Direction::Up, Direction::Down],
        Some(_) => &Direction::ALL,
    };
    let groups = directions
        .encoders()
        .iter()
        .map(|encoder| format!("{} {}", encoder.channel, encoder.mark));
    let drawing = Bars {
        title: match &shortage {
            None => "Attention over marks, by direction of the change".into(),
            Some(shortage) => format!("Attention over marks ({shortage})"),
        },
        x_label: "Channel and mark".into(),
        y_label: "Mean attention, beta (95 % interval)".into(),
        groups: groups.collect(),
        series: shown.iter().map(|&direction| series(direction)).collect(),
    }
    .draw();
    let description = format!(
        "Mean attention over marks of {} genes that go up and {} that go down",
        directions.genes(Direction::Up),
        directions.genes(Direction::Down)
    );
    let mut caption = "Attention of level II to the encoder of each channel and mark, mean over genes \
                       by their observed change (Figure 5 of the DeepDiff paper). Attention is where \
                       the network looks; whether that moves its predictions, faithfulness tells."
        .to_owned();
    if let Some(shortage) = shortage {
        caption = format!("There is {shortage}. {caption}");
    }
    Figure::new("mark_attention", description, caption, drawing)
}

fn bar(mean: Mean) -> Bar {
    Bar {
        value: mean.mean,
        interval: mean.interval,
        name: None,
    }
}

/// Mean attention over the bins of each channel and mark along the TSS axis.
fn bin_attention(directions: &Directions, explained: &Explained) -> Figure {
    let pair = &explained.pair;
    let positions = positions(pair);
    let of_bins = directions.of_bins();
    let shown = Direction::ALL.into_iter().enumerate();
    let shown: Vec<(usize, Direction)> = shown
        .filter(|&(_, direction)| directions.genes(direction) > 0)
        .collect();
    let panels: Vec<Panel> = directions
        .encoders()
        .iter()
        .map(|encoder| {
            let line = |&(style, direction): &(usize, Direction)| {
                let of = of_bins
                    .iter()
                    .find(|of| of.direction == direction && of.encoder == *encoder)?;
                let alpha = of.alpha.as_ref()?.iter().copied();
                Some(Line {
                    style,
                    points: positions.iter().copied().zip(alpha).collect(),
                    intervals: Vec::new(),
                })
            };
            Panel {
                title: format!("{} {}", encoder.channel, encoder.mark),
                lines: shown.iter().filter_map(line).collect(),
                instead: "no gene".into(),
                ends_at_one: false,
            }
        })
        .collect();
    // The colours that bars of these groups have.
    let styles = COLORS.into_iter().zip(DASHES).zip(Direction::ALL);
    let styles: Vec<Style> = styles
        .map(|((color, dash), direction)| Style {
            label: group_label(directions, direction),
            color,
            dash,
        })
        .collect();
    let first = directions.encoders().first();
    let is_first = |encoder: &&Encoder| first.is_some_and(|of| of.channel == encoder.channel);
    let of_channel = directions.encoders().iter().filter(is_first).count();
    let metadata = &pair.cells[0].metadata;
    let drawing = panels::Figure {
        title: "Attention over bins around the TSS",
        x_label: axis_in_words(explained.strands),
        y_label: "Mean attention of a bin, alpha",
        x_axis: XAxis::Positions(
            -f64::from(metadata.upstream),
            f64::from(metadata.downstream),
        ),
        columns: columns_of_marks(of_channel),
        styles: &styles,
        panels: &panels,
    }
    .draw();
    Figure::new(
        "bin_attention",
        "Mean attention over the bins of each channel and mark around the TSS",
        "Attention of level I over the bins of each channel and mark; it sums to one over the bins.",
        drawing,
    )
}

/// What each mark is worth to the predictions.
fn importance(importance: &[Importance], pair: &Pair) -> Figure {
    let shown = [
        (Ablation::Equal, "made equal in A and B"),
        (Ablation::Zero, "set to zero"),
        (Ablation::Permuted, "taken from another gene"),
    ];
    let series = shown.map(|(ablation, label)| Series {
        label: label.into(),
        bars: pair
            .marks()
            .iter()
            .map(|mark| {
                let is = |of: &&Importance| of.ablation == ablation && of.mark == *mark;
                importance.iter().find(is)?.contribution.map(bar)
            })
            .collect(),
    });
    let drawing = Bars {
        title: "What a prediction loses without a mark".into(),
        x_label: "Mark".into(),
        y_label: "Mean size of the change of the prediction (95 % interval)".into(),
        groups: pair.marks().to_vec(),
        series: series.to_vec(),
    }
    .draw();
    Figure::new(
        "mark_ablation",
        "Mean change of the predictions where each mark is taken away",
        "Mean size of the change of a gene's prediction where the mark is made equal in both cell \
         types, set to zero, or taken from another gene.",
        drawing,
    )
}

/// Deletion and insertion of marks and regions.
fn curves(of_units: &[Curves]) -> Figure {
    let mut panels = Vec::new();
    let mut rankings = Vec::new();
    for curves in of_units {
        for curve in &curves.curves {
            if !rankings.contains(&curve.ranking) {
                rankings.push(curve.ranking);
            }
        }
    }
    rankings.sort();
    for curves in of_units {
        let what = match curves.unit {
            Unit::Mark => "marks",
            Unit::Region => "regions of marks",
        };
        for (verb, deletes) in [("deleted", true), ("inserted", false)] {
            let line = |curve: &Curve| {
                let means = if deletes {
                    &curve.deletion
                } else {
                    &curve.insertion
                };
                let style = rankings
                    .iter()
                    .position(|ranking| *ranking == curve.ranking)?;
                let shares = curves.shares.iter().copied();
                Some(Line {
                    style,
                    points: shares.zip(means.iter().map(|mean| mean.mean)).collect(),
                    intervals: means.iter().map(|mean| mean.interval).collect(),
                })
            };
            panels.push(Panel {
                title: format!("{what} {verb} ({} genes)", curves.genes),
                lines: curves.curves.iter().filter_map(line).collect(),
                instead: String::new(),
                ends_at_one: true,
            });
        }
    }
    let styles: Vec<Style> = rankings
        .iter()
        .enumerate()
        .map(|(index, ranking)| Style {
            label: ranking.in_words().into(),
            color: COLORS[index % COLORS.len()],
            dash: DASHES[index % DASHES.len()],
        })
        .collect();
    let drawing = panels::Figure {
        title: "Does what is ranked first move the prediction?",
        x_label: "Share of marks or regions, in the order of the ranking",
        y_label: "Share of the predicted change (95 % interval)",
        x_axis: XAxis::Numbers(0.0, 1.0),
        columns: None,
        styles: &styles,
        panels: &panels,
    }
    .draw();
    Figure::new(
        "faithfulness",
        "Deletion and insertion curves of marks and regions by attention, gradients, ablation, \
         difference of the signal, and at random",
        "Marks, or regions of marks, are made equal in both cell types in the order of a ranking, or \
         are all equal and become what they were. The faster the share of the predicted change falls, \
         or rises, the better the ranking knows what moves the prediction.",
        drawing,
    )
}

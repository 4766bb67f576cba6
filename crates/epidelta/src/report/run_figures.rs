//! Figures of a run that need no explanation: its history, predictions beside observations, and
//! mean signal of the genes that change most.

use super::{
    drawing::COLORS,
    figure::Figure,
    panels::{self, Line, Panel, Style, XAxis, columns_of_marks},
    scatter::Scatter,
};
use crate::{
    dataset::{InputTransform, Pair, Split},
    evaluation::Predictions,
    explanation::{Strands, axis_in_words, positions},
    training::{EpochRecord, NamedHistory},
};

/// Training and validation, or A and B.
const BOTH: [&str; 2] = [COLORS[0], COLORS[4]];
const DASH: &[f64] = &[6.0, 2.5];

/// Loss and Pearson r of every epoch; of several networks each by itself, one line each.
pub(super) fn history(histories: &[NamedHistory]) -> Figure {
    let epochs = histories.iter().flat_map(|of| &of.history.epochs);
    let last = epochs.map(|epoch| epoch.epoch).max().unwrap_or(1) as f64;
    type Value = fn(&EpochRecord) -> Option<f64>;
    let quantities: [(&str, [Value; 2]); 2] = [
        ("loss", [|e| Some(e.train_loss), |e| Some(e.valid_loss)]),
        ("Pearson r", [|e| e.train_pearson_r, |e| e.valid_pearson_r]),
    ];
    let panel = |(title, values): (&str, [Value; 2])| {
        let lines = values.into_iter().enumerate().flat_map(|(style, value)| {
            histories.iter().map(move |of| {
                let epochs = of.history.epochs.iter();
                let point =
                    |e: &EpochRecord| Some((e.epoch as f64, value(e).filter(|v| v.is_finite())?));
                Line {
                    style,
                    points: epochs.filter_map(point).collect(),
                    intervals: Vec::new(),
                }
            })
        });
        Panel {
            title: title.into(),
            lines: lines.filter(|line| !line.points.is_empty()).collect(),
            instead: "undefined".into(),
            ends_at_one: title != "loss",
        }
    };
    let style = |(index, label): (usize, &str)| Style {
        label: label.into(),
        color: BOTH[index],
        dash: (index == 1).then_some(DASH),
    };
    let styles: Vec<Style> = ["training genes", "validation genes"]
        .into_iter()
        .enumerate()
        .map(style)
        .collect();
    let drawing = panels::Figure {
        title: "History of the training",
        x_label: "Epoch",
        y_label: "Loss, or Pearson r",
        x_axis: XAxis::Numbers(1.0_f64.min(last), last.max(2.0)),
        columns: None,
        styles: &styles,
        panels: &quantities.map(panel),
    }
    .draw();
    let networks = match histories.len() {
        0 | 1 => String::new(),
        several => format!(" A line for each of {several} networks."),
    };
    Figure::new(
        "history",
        "Loss and Pearson r of training and validation genes in every epoch",
        format!(
            "Training genes as their batches were trained on, with dropout; validation genes after \
             each epoch.{networks}"
        ),
        drawing,
    )
}

/// Predicted beside observed, by split.
pub(super) fn predicted_and_observed(predictions: &Predictions, label: &str) -> Figure {
    let splits = [
        (Some(Split::Test), "test genes"),
        (Some(Split::Valid), "validation genes"),
        (Some(Split::Train), "training genes"),
        (None, "genes of no split"),
    ];
    let panels: Vec<(String, Vec<(f64, f64)>)> = splits
        .into_iter()
        .filter_map(|(split, name)| {
            let genes = predictions.genes.iter().filter(|gene| gene.split == split);
            let points = genes.map(|gene| (gene.observed, f64::from(gene.predicted)));
            let points: Vec<(f64, f64)> = points.collect();
            (!points.is_empty()).then(|| (format!("{} {name}", points.len()), points))
        })
        .collect();
    let classifies = predictions.is_classified();
    let drawing = Scatter {
        title: "Predicted and observed",
        x_label: &format!("Observed {label}"),
        y_label: match classifies {
            true => "Predicted score of going up",
            false => "Predicted",
        },
        comparable: !classifies,
        panels: &panels,
    }
    .draw();
    let (description, equal) = match classifies {
        true => (
            "Predicted score of going up beside the observed log2 fold change of the genes of every \
             split",
            "",
        ),
        false => (
            "Predicted beside observed log2 fold change of the genes of every split",
            " The dashed line is where both are equal.",
        ),
    };
    Figure::new(
        "predicted_observed",
        description,
        format!(
            "A point per gene; where there are many, the darker a square, the more genes lie in \
             it.{equal} Only test genes tell how good predictions are: the others trained the model, \
             chose it, or were left out."
        ),
        drawing,
    )
}

/// Mean signal of the tenth of the genes that go up most, and of the tenth that go down most.
pub(super) fn profiles(pair: &Pair, strands: Strands, transform: InputTransform) -> Figure {
    let mut order: Vec<usize> = (0..pair.genes.len()).collect();
    let change = |gene: usize| pair.genes[gene].log2_fold_change;
    order.sort_by(|&x, &y| change(y).total_cmp(&change(x)));
    let tenth = (order.len() / 10).max(1).min(order.len());
    let groups = [&order[..tenth], &order[order.len() - tenth..]];
    let bins = pair.bins();
    let mean = |genes: &[usize], side: usize, mark: usize| {
        let mut sums = vec![0.0_f64; bins];
        // What a cell type lacks was not measured.
        let seen = || genes.iter().filter(|&&gene| !pair.hides(gene, mark));
        for &gene in seen() {
            let signal = &pair.signal(gene)[side][mark * bins..][..bins];
            for (bin, &x) in signal.iter().enumerate() {
                let at = match strands.is_reversed(pair, gene) {
                    true => bins - 1 - bin,
                    false => bin,
                };
                sums[at] += transform.undone(f64::from(x));
            }
        }
        sums.into_iter()
            .map(|sum| sum / seen().count().max(1) as f64)
            .collect::<Vec<_>>()
    };
    let positions = positions(pair);
    let line = |genes: &[usize], side: usize, mark: usize| Line {
        style: side,
        points: positions
            .iter()
            .copied()
            .zip(mean(genes, side, mark))
            .collect(),
        intervals: Vec::new(),
    };
    let panel = |genes: &[usize], direction: &str, mark: usize| {
        let is_seen = genes.iter().any(|&gene| !pair.hides(gene, mark));
        let sides = [0, 1].into_iter().filter(|_| is_seen);
        Panel {
            title: format!("{}, {direction}", pair.marks()[mark]),
            lines: sides.map(|side| line(genes, side, mark)).collect(),
            instead: "a cell type lacks it".into(),
            ends_at_one: false,
        }
    };
    let directions = groups.into_iter().zip(["up", "down"]);
    let marks = || 0..pair.marks().len();
    let panels: Vec<Panel> = directions
        .flat_map(|(genes, direction)| marks().map(move |mark| (genes, direction, mark)))
        .map(|(genes, direction, mark)| panel(genes, direction, mark))
        .collect();
    let cells = match pair.has_several() || pair.genes.is_empty() {
        true => ["A".to_owned(), "B".to_owned()],
        false => pair.cell_types(0).map(str::to_owned),
    };
    let styles: Vec<Style> = cells
        .into_iter()
        .enumerate()
        .map(|(index, label)| Style {
            label,
            color: BOTH[index],
            dash: (index == 1).then_some(DASH),
        })
        .collect();
    let metadata = &pair.cells[0].metadata;
    let drawing = panels::Figure {
        title: "Signal around the TSS of the genes that change most",
        x_label: axis_in_words(strands),
        y_label: &format!("Mean per bin ({})", metadata.signal_unit),
        x_axis: XAxis::Positions(
            -f64::from(metadata.upstream),
            f64::from(metadata.downstream),
        ),
        columns: columns_of_marks(pair.marks().len()),
        styles: &styles,
        panels: &panels,
    }
    .draw();
    Figure::new(
        "profiles",
        "Mean signal of each mark in both cell types, of the genes that go up and down most",
        format!(
            "Mean over the {tenth} genes with the highest, and the {tenth} with the lowest, observed \
             change."
        ),
        drawing,
    )
}

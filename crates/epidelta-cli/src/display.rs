//! How results are shown on a terminal.

mod evaluation;

use std::time::Duration;

use comfy_table::{CellAlignment, ColumnConstraint, Table, presets};
use epidelta::{
    dataset::JoinSummary,
    evaluation::{CellMetrics, Metrics},
    model::PassTime,
    study::{MethodResults, StudyResults},
    training::Profile,
};

pub use evaluation::{baseline_lines, evaluation_details};

/// Items shown of a list that may be long.
const SHOWN: usize = 5;

/// An empty table without rules, numbers to the right.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_constraint(ColumnConstraint::ContentWidth);
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Where the time of a training went.
pub fn profile_table(profile: &Profile) -> Table {
    let mut table = table(&["phase", "seconds", "share", "million steps", "ns per step"]);
    let total = profile.total.as_secs_f64();
    let row = |phase: &str, duration: Duration| {
        let seconds = duration.as_secs_f64();
        let share = 100.0 * seconds / total.max(f64::MIN_POSITIVE);
        vec![
            phase.to_owned(),
            format!("{seconds:.3}"),
            format!("{share:.1} %"),
        ]
    };
    let kernel_row = |time: PassTime| {
        let mut row = row("  recurrent kernel", time.duration);
        row.push(format!("{:.2}", time.steps as f64 / 1e6));
        row.push(format!("{:.1}", time.nanoseconds_per_step()));
        row
    };
    let phases = [
        (
            "forward pass",
            profile.forward,
            Some(profile.kernel.forward),
        ),
        ("losses", profile.losses, None),
        (
            "backward pass",
            profile.backward,
            Some(profile.kernel.backward),
        ),
        ("optimizer", profile.optimizer, None),
        (
            "validation",
            profile.validation,
            Some(profile.kernel.inference),
        ),
    ];
    let mut listed = Duration::ZERO;
    for (phase, duration, kernel) in phases {
        listed += duration;
        table.add_row(row(phase, duration));
        if let Some(kernel) = kernel {
            table.add_row(kernel_row(kernel));
        }
    }
    table.add_row(row("other", profile.total.saturating_sub(listed)));
    table.add_row(row("total", profile.total));
    table
}

/// The measures of every split; `label` says what the label is.
pub fn metrics_table(metrics: &Metrics, label: &str) -> Table {
    let mut table = table(&["split", "task", "genes", "Pearson r", "Spearman r", "MSE"]);
    for (split, of_split) in metrics.splits() {
        let (task, values) = match (of_split.auroc, of_split.accuracy) {
            (None, None) => (
                label.to_owned(),
                [of_split.pearson_r, of_split.spearman_r, of_split.mse].map(number),
            ),
            (auroc, accuracy) => (format!("{label}: up or down"), of_classes(auroc, accuracy)),
        };
        let [first, second, third] = values;
        table.add_row([
            split.to_owned(),
            task,
            of_split.genes.to_string(),
            first,
            second,
            third,
        ]);
        let cells = [("A", &of_split.cell_a), ("B", &of_split.cell_b)];
        for (cell, of_cell) in cells {
            let (task, values) = match of_cell {
                None => continue,
                Some(CellMetrics::Regression {
                    pearson_r,
                    spearman_r,
                    mse,
                }) => (
                    format!("log2 expression in {cell}"),
                    [*pearson_r, *spearman_r, *mse].map(number),
                ),
                Some(CellMetrics::Classification { auroc, accuracy }) => (
                    format!("above median in {cell}"),
                    of_classes(*auroc, *accuracy),
                ),
            };
            let [first, second, third] = values;
            table.add_row([
                split.to_owned(),
                task,
                of_split.genes.to_string(),
                first,
                second,
                third,
            ]);
        }
    }
    table
}

fn number(value: Option<f64>) -> String {
    value.map_or("undefined".into(), |v| format!("{v:.4}"))
}

/// What stands under the measures of fold changes where genes are classified.
fn of_classes(auroc: Option<f64>, accuracy: Option<f64>) -> [String; 3] {
    [
        format!("AUROC {}", number(auroc)),
        format!("accuracy {}", number(accuracy)),
        String::new(),
    ]
}

/// The methods of a study, the best mean r first.
pub fn study_table(results: &StudyResults) -> Table {
    let mut header = vec![
        "method".to_owned(),
        "mean r".into(),
        "median r".into(),
        "mean rank".into(),
        "best on".into(),
    ];
    let relative = results.methods.iter().take(1).flat_map(|m| &m.relative);
    for baseline in relative.map(|relative| &relative.baseline) {
        header.push(format!("mean % over {baseline}"));
        header.push("median %".into());
    }
    header.push("s per fit".into());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = table(&header);
    let digits = |value: Option<f64>, digits: usize| {
        value.map_or("-".into(), |value| format!("{value:.digits$}"))
    };
    let mut methods: Vec<&MethodResults> = results.methods.iter().collect();
    let mean = |method: &MethodResults| method.mean_pearson_r.unwrap_or(f64::MIN);
    methods.sort_by(|x, y| mean(y).total_cmp(&mean(x)));
    for method in methods {
        let mut row = vec![
            method.name.clone(),
            digits(method.mean_pearson_r, 3),
            digits(method.median_pearson_r, 3),
            digits(method.mean_rank, 1),
            method.best_on.to_string(),
        ];
        for relative in &method.relative {
            row.push(digits(relative.mean, 1));
            row.push(digits(relative.median, 1));
        }
        row.push(digits(method.fit_seconds, 1));
        table.add_row(row);
    }
    table
}

/// Cell-specific regression beside classification.
pub fn study_auxiliary_table(results: &StudyResults) -> Table {
    let mut table = table(&[
        "cell-specific task",
        "regression: r",
        "classification: r",
        "better on",
        "p",
        "cells' own r",
        "cells' AUROC",
    ]);
    for row in &results.auxiliary {
        table.add_row([
            row.variant.clone(),
            number(row.regression_pearson_r),
            number(row.classification_pearson_r),
            format!("{} of {}", row.classification_better_on, row.pairs),
            number(row.p),
            number(row.cells_pearson_r),
            number(row.cells_auroc),
        ]);
    }
    table
}

/// Notes the genes that joining two cell types dropped.
pub fn list_dropped(join: &JoinSummary) {
    list_some("genes only in A, dropped", &join.only_a);
    list_some("genes only in B, dropped", &join.only_b);
    list_some(
        "genes without a label in the table, dropped",
        &join.without_label,
    );
    for (cell_type, mark) in &join.lacking {
        tracing::warn!(
            "{cell_type} has no {mark}: the mark is hidden in every pair with this cell type"
        );
    }
    if !join.left_out.is_empty() {
        tracing::warn!(
            "marks left out, since no pair has them in both cell types or the run was trained \
             without them: {}",
            join.left_out.join(", ")
        );
    }
    if join.labels_reversed {
        tracing::warn!(
            "the labels of the table go the other way than the expressions of A and B: is the \
             table B over A? If so, swap --a and --b"
        );
    }
}

/// Notes how many items there are and names the first; all of them with `-v`.
pub fn list_some(what: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let shown = items.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    let more = if items.len() > SHOWN { ", ..." } else { "" };
    tracing::warn!("{what}: {} ({}{more})", items.len(), shown.join(", "));
    if items.len() > SHOWN {
        tracing::debug!("all {what}: {}", items.join(", "));
    }
}

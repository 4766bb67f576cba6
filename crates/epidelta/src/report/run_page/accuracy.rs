//! How good the predictions are.

use maud::{Markup, html};

use super::RunReport;
use crate::report::page::{interval, number, table};

impl RunReport<'_> {
    pub(super) fn accuracy(&self, drawn: Markup) -> Markup {
        let classifies = self.predictions.is_classified();
        let rows: Vec<Vec<String>> = self
            .metrics
            .splits()
            .map(|(name, metrics)| {
                let mut row = vec![
                    name.to_owned(),
                    metrics.genes.to_string(),
                    number(metrics.pearson_r, 3),
                    interval(metrics.pearson_interval, 3),
                    number(metrics.spearman_r, 3),
                ];
                match classifies {
                    true => row.extend([number(metrics.auroc, 3), number(metrics.aupr, 3)]),
                    false => row.push(number(metrics.mse, 3)),
                }
                row
            })
            .collect();
        let mut columns = vec!["Genes of", "#Genes", "#Pearson r", "#95 %", "#Spearman r"];
        match classifies {
            true => columns.extend(["#AUROC", "#AUPR"]),
            false => columns.push("#Mean squared error"),
        }
        let caption = "Measures by split, with the 95 % bootstrap interval over genes";
        html! {
            (drawn)
            (table(caption, &columns, &rows))
            (self.baselines())
        }
    }

    pub(super) fn baselines(&self) -> Markup {
        let Some(of_run) = &self.of_training else {
            return html! {};
        };
        let rows: Vec<Vec<String>> = of_run
            .baselines
            .iter()
            .filter_map(|(name, metrics)| {
                let all = [&metrics.test, &metrics.valid, &metrics.new_cell_types];
                let of_split = all.into_iter().flatten().next()?;
                let difference = of_split.difference;
                Some(vec![
                    name.clone(),
                    or_nothing(of_split.pearson_r.or(of_split.auroc)),
                    or_nothing(of_split.mse),
                    difference.map_or(String::new(), |of| number(of.difference(), 3)),
                    interval(difference.map(|of| of.interval), 3),
                ])
            })
            .collect();
        let measure = match self.predictions.is_classified() {
            true => "#AUROC",
            false => "#Pearson r",
        };
        let ceiling = of_run.noise_ceiling.as_ref();
        let ceiling = ceiling.and_then(|all| all.splits().next());
        html! {
            @if !rows.is_empty() {
                (table(
                    "What simple methods make of the same genes, and how much better the run's method is",
                    &["Baseline", measure, "#Mean squared error", "#Difference", "#95 %"],
                    &rows,
                ))
            }
            @if let Some((split, ceiling)) = ceiling {
                p {
                    "The noise of the labels is estimated to leave a Pearson r of at most about "
                    (number(Some(ceiling.pearson_r), 3)) " (" (split) " genes)."
                }
            }
        }
    }
}

/// A number, where it is one.
fn or_nothing(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| number(Some(value), 3))
}

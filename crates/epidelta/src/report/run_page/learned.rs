//! What the run learned: what marks are worth, and whether that can be believed.

use maud::{Markup, html};

use super::RunReport;
use crate::{
    explanation::{Ablation, Agreement, Direction, MarkAttention, Unit, rounded},
    report::page::{interval, number, table},
};

/// Weights of a linear model that are shown.
const COEFFICIENTS: usize = 15;

impl RunReport<'_> {
    pub(super) fn marks(&self, drawn: Markup) -> Markup {
        let genes = self.explained.choice.measured.len();
        let rows: Vec<Vec<String>> = self
            .explained
            .importance
            .iter()
            .filter(|of| {
                [Ablation::Equal, Ablation::Zero, Ablation::Permuted].contains(&of.ablation)
            })
            .map(|of| {
                let what = match of.ablation {
                    Ablation::Equal => "made equal in A and B",
                    Ablation::Zero => "set to zero",
                    _ => "taken from another gene",
                };
                let size = of.contribution;
                vec![
                    of.mark.clone(),
                    what.to_owned(),
                    number(size.map(|mean| mean.mean), 3),
                    interval(size.and_then(|mean| mean.interval), 3),
                    number(of.loss.map(|loss| loss.difference), 3),
                    interval(of.loss.map(|loss| loss.interval), 3),
                ]
            })
            .collect();
        let caption = format!(
            "Predictions of {genes} genes without each mark: how much they change, and what Pearson r loses"
        );
        let columns = [
            "Mark",
            "Ablation",
            "#Mean size of change",
            "#95 %",
            "#Loss of Pearson r",
            "#95 %",
        ];
        html! { (drawn) (table(&caption, &columns, &rows)) (self.coefficients()) }
    }

    /// The numbers of the figure of attention over marks.
    pub(super) fn attention_table(&self) -> Markup {
        let Some(directions) = &self.explained.directions else {
            return html! {};
        };
        let of_marks = directions.of_marks();
        let rows: Vec<Vec<String>> = directions
            .encoders()
            .iter()
            .map(|encoder| {
                let of = |direction: Direction| {
                    let is =
                        |of: &&MarkAttention| of.direction == direction && of.encoder == *encoder;
                    let beta = of_marks.iter().find(is).and_then(|of| of.beta);
                    [
                        number(beta.map(|beta| beta.mean), 3),
                        interval(beta.and_then(|beta| beta.interval), 3),
                    ]
                };
                let of_directions = Direction::ALL.map(of).concat();
                [
                    vec![encoder.channel.clone(), encoder.mark.clone()],
                    of_directions,
                ]
                .concat()
            })
            .collect();
        let counts = Direction::ALL
            .map(|direction| format!("{} {}", directions.genes(direction), direction.name()));
        let caption = format!(
            "Attention over marks, mean over genes with its 95 % interval ({})",
            counts.join(", ")
        );
        let columns = [
            "Channel", "Mark", "#Up", "#95 %", "#Down", "#95 %", "#All", "#95 %",
        ];
        html! {
            details {
                summary { "Numbers" }
                (table(&caption, &columns, &rows))
            }
        }
    }

    /// The largest weights of a linear model.
    pub(super) fn coefficients(&self) -> Markup {
        let mut largest: Vec<_> = self.explained.coefficients.iter().collect();
        largest.sort_by(|x, y| y.weight.abs().total_cmp(&x.weight.abs()));
        largest.truncate(COEFFICIENTS);
        let pair = &self.explained.pair;
        let metadata = &pair.cells[0].metadata;
        let position = |bin: usize| rounded(metadata.position(bin) as f64, 0);
        let rows: Vec<Vec<String>> = largest
            .into_iter()
            .map(|of| {
                vec![
                    pair.marks()[of.mark].clone(),
                    of.channel.name().to_owned(),
                    position(of.bins.start),
                    position(of.bins.end),
                    number(Some(of.weight), 3),
                ]
            })
            .collect();
        let caption = "The largest weights of the model, for each standard deviation of a feature over \
                       the training genes (coefficients.tsv of epidelta explain has all)";
        html! {
            @if !rows.is_empty() {
                (table(
                    caption,
                    &["Mark", "Channel", "#From (bp)", "#To (bp)", "#Weight"],
                    &rows,
                ))
            }
        }
    }

    pub(super) fn faithfulness(&self, drawn: Markup) -> Markup {
        let found = &self.explained.faithfulness;
        let areas: Vec<Vec<String>> = found
            .curves
            .iter()
            .flat_map(|curves| {
                curves.curves.iter().map(|curve| {
                    vec![
                        curve.ranking.in_words().to_owned(),
                        unit_in_words(curves.unit).to_owned(),
                        curve.deletion_area.in_words(),
                        curve.insertion_area.in_words(),
                    ]
                })
            })
            .collect();
        let agreements: Vec<Vec<String>> = found
            .agreements
            .iter()
            .map(|Agreement { of, unit, rho }| {
                let words = |name: &str| name.replace('-', " ");
                vec![
                    format!("{} and {}", words(&of[0]), words(&of[1])),
                    format!("{unit}s"),
                    rho.map_or(0, |rho| rho.genes).to_string(),
                    rho.map_or("undefined".into(), |rho| rho.in_words()),
                ]
            })
            .collect();
        let precisions: Vec<Vec<String>> = found
            .precisions
            .iter()
            .map(|of| {
                vec![
                    of.ranking.in_words().to_owned(),
                    unit_in_words(of.unit).to_owned(),
                    of.precision_at_k
                        .map_or("undefined".into(), |mean| mean.in_words()),
                    number(Some(of.by_chance), 2),
                ]
            })
            .collect();
        html! {
            p.verdict { (found.verdict) }
            ul { @for sentence in &found.findings { li { (sentence) } } }
            (drawn)
            @if !areas.is_empty() {
                (table(
                    &format!(
                        "Areas under the curves of {} genes, mean and 95 % interval: of deletion the \
                         smaller, of insertion the larger is better",
                        found.moved_genes
                    ),
                    &["Ranking", "Of", "#Deletion", "#Insertion"],
                    &areas,
                ))
            }
            (table(
                "Spearman's rho, mean over genes and 95 % interval; genes of which a ranking does not \
                 vary do not count",
                &["Rankings", "Of", "#Genes", "#rho"],
                &agreements,
            ))
            @if !precisions.is_empty() {
                (table(
                    "Share of truly different units among the first k of a ranking, where k differ",
                    &["Ranking", "Of", "#Precision at k", "#By chance"],
                    &precisions,
                ))
            }
        }
    }
}

fn unit_in_words(unit: Unit) -> &'static str {
    match unit {
        Unit::Mark => "marks",
        Unit::Region => "regions of marks",
    }
}

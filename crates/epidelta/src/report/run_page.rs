//! The report of a run: a section of the page in each file.

mod accuracy;
mod data;
mod genes;
mod learned;
mod summary;

use std::{fs, path::Path};

use maud::{Markup, html};

use super::{
    explanation::explanation_figures,
    figure::Figure,
    gene_data::{BUDGET, GeneAttention},
    page::{Page, Section, figure},
    run_figures::{history, predicted_and_observed, profiles},
};
use crate::{
    error::{Error, Result},
    evaluation::{Metrics, Predictions},
    explanation::Explained,
    run::{Run, RunMetrics},
    training::read_histories,
};

/// What a report of a run is made of.
pub struct RunReport<'r> {
    /// The run.
    pub run: &'r Run,
    /// What was found about it.
    pub explained: &'r Explained,
    /// Attention of all genes, where there is any.
    pub attention: &'r GeneAttention,
    /// Predictions of all genes of the pair, in its order.
    pub predictions: &'r Predictions,
    /// Their measures.
    pub metrics: Metrics,
    /// The measures that training wrote, where the data are those of the training.
    pub of_training: Option<RunMetrics>,
    /// What the labels are, in words.
    pub label: String,
}

/// A report: the page, and its figures.
#[derive(Debug)]
pub struct Report {
    /// The page.
    pub html: String,
    /// The figures in it.
    pub figures: Vec<Figure>,
}

/// A page that is sent by mail should not be larger, bytes.
const LARGEST: usize = 19_500_000;

impl RunReport<'_> {
    /// Makes the report.
    ///
    /// # Errors
    /// When the run's files cannot be read, or a prediction is not a finite number.
    pub fn report(&self) -> Result<Report> {
        let Run { description, .. } = self.run;
        let pair = &self.explained.pair;
        let histories = match description.settings.method.training() {
            Some(_) => read_histories(&self.run.path.join("history.tsv"))?,
            None => Vec::new(),
        };
        let transform = description.settings.transform_of_bins();
        let mut figures = vec![
            predicted_and_observed(self.predictions, &self.label),
            profiles(pair, self.explained.strands, transform),
        ];
        if !histories.is_empty() {
            figures.push(history(&histories));
        }
        figures.extend(explanation_figures(self.explained));
        let drawn = |name: &str| {
            let found = figures.iter().find(|figure| figure.name == name);
            html! { @if let Some(found) = found { (figure(found)) } }
        };
        let mut sections = vec![
            section("summary", "Summary", self.summary()),
            section("data", "Data", self.data()?),
        ];
        if !histories.is_empty() {
            sections.push(section(
                "training",
                "Training",
                self.training(&histories, drawn("history")),
            ));
        }
        sections.push(section(
            "accuracy",
            "Accuracy",
            self.accuracy(drawn("predicted_observed")),
        ));
        sections.push(section("profiles", "Signal", drawn("profiles")));
        if self.explained.directions.is_some() {
            let both = html! {
                (drawn("mark_attention"))
                (self.attention_table())
                (drawn("bin_attention"))
            };
            sections.push(section("attention", "Attention", both));
        }
        sections.push(section(
            "marks",
            "What marks are worth",
            self.marks(drawn("mark_ablation")),
        ));
        sections.push(section(
            "faithfulness",
            "Can it be believed?",
            self.faithfulness(drawn("faithfulness")),
        ));
        sections.push(section("genes", "Genes", self.genes()?));
        let cells = match pair.has_several() {
            true => format!("{} pairs of cell types", pair.names().len()),
            false => pair.cell_types(0).join(" and "),
        };
        let mut page = Page {
            title: format!("{} on {cells}", description.head.method),
            subtitle: format!("A run of epidelta: {}", self.label),
            sections,
            data: None,
        };
        let genes = self.gene_data()?;
        let mut budget = BUDGET;
        // How well the pages compress is known only then.
        let html = loop {
            page.data = Some(genes.json(budget)?);
            let html = page.html();
            if html.len() <= LARGEST || budget < BUDGET / 64 {
                break html;
            }
            budget = budget * 3 / 4;
        };
        Ok(Report { html, figures })
    }
}

fn section(id: &'static str, title: &'static str, body: Markup) -> Section {
    Section { id, title, body }
}

/// Writes the figures of a report into a folder, as SVG and PNG.
///
/// # Errors
/// When one cannot be drawn or written.
pub fn write_figures(figures: &[Figure], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    figures.iter().try_for_each(|figure| figure.write(folder))
}

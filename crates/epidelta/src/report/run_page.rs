//! The report of a run.

use std::{fs, path::Path};

use maud::{Markup, html};

use super::{
    explanation::explanation_figures,
    figure::Figure,
    gene_data::{BUDGET, GeneAttention, GeneData, genes_with_page},
    page::{Page, Section, facts, figure, interval, number, table},
    run_figures::{history, predicted_and_observed, profiles},
};
use crate::{
    dataset::{Pair, Split},
    error::{Error, Result},
    evaluation::{Metrics, Predictions, SplitMetrics},
    explanation::{Ablation, Agreement, Explained, Unit},
    provenance::Provenance,
    run::{Run, RunMetrics},
    training::{NamedHistory, read_histories},
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
/// Test genes in the table of those predicted to change most.
const TOP: usize = 15;

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
            let both = html! { (drawn("mark_attention")) (drawn("bin_attention")) };
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
        let cells = match pair.is_of_several() {
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
            if html.len() <= LARGEST || budget < BUDGET / 8 {
                break html;
            }
            budget = budget * 3 / 4;
        };
        Ok(Report { html, figures })
    }

    /// The split that predictions are judged by.
    fn judged(&self) -> Option<(&'static str, &SplitMetrics)> {
        self.metrics.splits().next()
    }

    fn summary(&self) -> Markup {
        let head = &self.run.description.head;
        let mut known = vec![
            ("Method", head.method.to_string()),
            ("Genes", self.explained.pair.genes.len().to_string()),
        ];
        if let Some((split, metrics)) = self.judged() {
            let r = number(metrics.pearson_r, 3);
            let ends = interval(metrics.pearson_interval, 3);
            known.push(("Pearson r", format!("{r} ({split} genes)")));
            known.push(("95 % interval", ends));
            if let Some(auroc) = metrics.auroc {
                known.push(("AUROC", number(Some(auroc), 3)));
            }
        }
        html! {
            (facts(&known))
            p.verdict { (self.explained.faithfulness.verdict) }
            h3 { "What to keep in mind" }
            ul.caveats { @for caveat in self.caveats() { li { (caveat) } } }
        }
    }

    /// What applies to this very run.
    fn caveats(&self) -> Vec<String> {
        let mut caveats = vec![
            "A mark that moves the prediction need not move the gene: what is shown is what the \
             method learned from cells as they are, in which marks go together."
                .to_owned(),
        ];
        match self.judged() {
            Some(("test", _)) => caveats.push(
                "Only test genes tell how good predictions are; training genes trained the method, \
                 and validation genes chose among its epochs or settings."
                    .into(),
            ),
            Some((split, _)) => {
                caveats.push(format!("There are no test genes: the measures are of {split} genes."));
            }
            None => caveats.push("Nothing could be measured.".into()),
        }
        if let Some((_, metrics)) = self.judged()
            && metrics.genes < 500
        {
            caveats.push(format!(
                "{} genes are few: mind the intervals rather than the numbers.",
                metrics.genes
            ));
        }
        caveats.extend(self.not_better_than_linear());
        let directions = self.explained.directions.as_ref();
        if let Some(shortage) = directions.and_then(|directions| directions.shortage()) {
            caveats.push(format!("In the figures of attention there is {shortage}."));
        }
        if directions.is_none() {
            caveats.push("The method has no attention.".into());
        }
        if !self.explained.strands.is_oriented() {
            caveats.push(
                "Strands are not known: bins run along the genome, and upstream and downstream are \
                 mixed in all means along the TSS axis."
                    .into(),
            );
        }
        let join = &self.explained.join;
        for (cell, mark) in &join.lacking {
            caveats.push(format!(
                "{cell} lacks {mark}, which is hidden in every pair with it."
            ));
        }
        let dropped = join.only_a.len() + join.only_b.len();
        if dropped > 0 {
            caveats.push(format!(
                "{dropped} genes are in one cell type only and were left out."
            ));
        }
        let incomplete = self.explained.attributions.iter().flatten();
        let incomplete = incomplete.filter(|of| !of.is_complete()).count();
        if incomplete > 0 {
            caveats.push(format!(
                "Integrated gradients of {incomplete} genes do not sum to the difference of their \
                 predictions."
            ));
        }
        if self.of_training.is_none() {
            caveats.push("The data are not those that the run was trained on.".into());
        }
        caveats
    }

    fn not_better_than_linear(&self) -> Option<String> {
        let baselines = &self.of_training.as_ref()?.baselines;
        let of = |name: &str| baselines.get(name)?.test.as_ref()?.difference;
        let (name, found) = ["ridge", "logistic"]
            .into_iter()
            .find_map(|name| Some((name, of(name)?)))?;
        let [low, high] = found.interval;
        (low <= 0.0).then(|| {
            let words = if high < 0.0 {
                "worse than"
            } else {
                "not shown to be better than"
            };
            format!(
                "On the test genes the method is {words} a linear model ({name}) of the same genes."
            )
        })
    }

    fn data(&self) -> Result<Markup> {
        let explained = self.explained;
        let metadata = &explained.pair.cells[0].metadata;
        let shape = [
            ("Marks", explained.pair.marks().join(", ")),
            (
                "Bins",
                format!("{} of {} bp", explained.pair.bins(), metadata.bin_size),
            ),
            (
                "Window",
                format!(
                    "{} bp upstream, {} bp downstream",
                    metadata.upstream, metadata.downstream
                ),
            ),
            ("Signal", metadata.signal_unit.clone()),
            ("Expression", metadata.expression_unit.clone()),
            ("Label", self.label.clone()),
        ];
        let files: Vec<Vec<String>> = explained
            .files
            .iter()
            .map(|file| {
                let name = file.path.file_name().unwrap_or(file.path.as_os_str());
                vec![
                    file.cell_type.clone(),
                    name.to_string_lossy().into_owned(),
                    file.sha256.clone(),
                ]
            })
            .collect();
        let mut sources = Vec::new();
        for cell in &explained.pair.cells {
            let Some(text) = &cell.metadata.provenance else {
                continue;
            };
            // One that another program wrote need not be of this form.
            let Ok(made) = serde_json::from_str::<Provenance>(text) else {
                continue;
            };
            for source in made.sources {
                let reads = source
                    .reads
                    .map_or(String::new(), |reads| reads.depth.to_string());
                sources.push(vec![
                    cell.metadata.cell_type.clone(),
                    source.role,
                    source.name,
                    reads,
                    source.sha256.chars().take(12).collect(),
                ]);
            }
        }
        let settings = self.run.path.join("run.toml");
        let settings = fs::read_to_string(&settings).map_err(Error::io("read", &settings))?;
        let head = &self.run.description.head;
        Ok(html! {
            (facts(&shape))
            (table("Files of the cell types", &["Cell type", "File", "SHA-256"], &files))
            @if !sources.is_empty() {
                details {
                    summary { "What the files were made from" }
                    (table(
                        "Sources",
                        &["Cell type", "Used as", "File", "#Reads that count", "SHA-256 (first 12)"],
                        &sources,
                    ))
                }
            }
            p {
                "Method " (head.method) ", preset " (head.preset) ", seed " (head.seed)
                ", epidelta " (head.epidelta) "."
            }
            details {
                summary { "All settings (run.toml)" }
                pre tabindex="0" { code { (settings) } }
            }
        })
    }

    fn training(&self, histories: &[NamedHistory], drawn: Markup) -> Markup {
        let epochs: usize = histories.iter().map(|of| of.history.epochs.len()).sum();
        let of_run = self.of_training.as_ref();
        let chosen = of_run.and_then(|metrics| metrics.epochs.as_ref());
        let seconds = of_run.and_then(|metrics| metrics.fit_seconds);
        html! {
            p {
                (epochs) " epochs"
                @if let Some(chosen) = chosen {
                    "; the best by validation genes: " (chosen.best_epoch)
                }
                @if let Some(seconds) = seconds { "; " (number(Some(seconds), 1)) " s" }
                "."
            }
            (drawn)
        }
    }

    fn accuracy(&self, drawn: Markup) -> Markup {
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

    fn baselines(&self) -> Markup {
        let Some(of_run) = &self.of_training else {
            return html! {};
        };
        let rows: Vec<Vec<String>> = of_run
            .baselines
            .iter()
            .filter_map(|(name, metrics)| {
                let of_split = metrics.test.as_ref().or(metrics.valid.as_ref())?;
                let difference = of_split.difference;
                Some(vec![
                    name.clone(),
                    number(of_split.pearson_r.or(of_split.auroc), 3),
                    difference.map_or(String::new(), |of| number(of.difference(), 3)),
                    interval(difference.map(|of| of.interval), 3),
                ])
            })
            .collect();
        let ceiling = of_run.noise_ceiling.as_ref();
        let ceiling = ceiling.and_then(|all| all.splits().next());
        html! {
            @if !rows.is_empty() {
                (table(
                    "What simple methods make of the same genes: Pearson r, or AUROC where genes are \
                     classified, and how much better the run's method is",
                    &["Baseline", "#Pearson r", "#Difference", "#95 %"],
                    &rows,
                ))
            }
            @if let Some((split, ceiling)) = ceiling {
                p {
                    "Noise leaves a Pearson r of at most " (number(Some(ceiling.pearson_r), 3))
                    " (" (split) " genes)."
                }
            }
        }
    }

    fn marks(&self, drawn: Markup) -> Markup {
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
        let caption = format!("Predictions of {genes} genes without each mark");
        let columns = [
            "Mark",
            "Ablation",
            "#Mean change",
            "#95 %",
            "#Loss of Pearson r",
            "#95 %",
        ];
        html! { (drawn) (table(&caption, &columns, &rows)) }
    }

    fn faithfulness(&self, drawn: Markup) -> Markup {
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
            (table(
                &format!(
                    "Areas under the curves of {} genes, mean and 95 % interval: of deletion the \
                     smaller, of insertion the larger is better",
                    found.moved_genes
                ),
                &["Ranking", "Of", "#Deletion", "#Insertion"],
                &areas,
            ))
            (table(
                &format!("Spearman's rho, mean over {} genes and 95 % interval", found.genes),
                &["Rankings", "Of", "#rho"],
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

    fn genes(&self) -> Result<Markup> {
        let pair = &self.explained.pair;
        let mut order: Vec<usize> = pair.in_split(Split::Test);
        if order.is_empty() {
            order = (0..pair.genes.len()).collect();
        }
        let predicted = |gene: usize| f64::from(self.predictions.genes[gene].predicted);
        order.sort_by(|&x, &y| predicted(y).abs().total_cmp(&predicted(x).abs()));
        order.truncate(TOP);
        let contributions = self.explained.contributions(&order)?;
        let rows: Vec<Vec<String>> = order
            .iter()
            .zip(contributions)
            .map(|(&gene, contributions)| {
                let record = pair.record(gene, 0);
                let id = &record.gene_id;
                let name = match &record.gene_name {
                    Some(name) if name != id => format!("{name} ({id})"),
                    _ => id.clone(),
                };
                let marks = pair.marks().iter().zip(contributions);
                let strongest = marks.max_by(|x, y| x.1.abs().total_cmp(&y.1.abs()));
                let strongest = strongest.map_or(String::new(), |(mark, contribution)| {
                    format!("{mark} ({})", signed(contribution))
                });
                let mut row = vec![name];
                if pair.is_of_several() {
                    row.push(pair.cell_types(gene).join("/"));
                }
                row.extend([
                    signed(pair.genes[gene].log2_fold_change),
                    signed(predicted(gene)),
                    strongest,
                ]);
                row
            })
            .collect();
        let mut columns = vec![
            "Gene",
            "#Observed",
            "#Predicted",
            "Strongest mark by ablation",
        ];
        if pair.is_of_several() {
            columns.insert(1, "Pair");
        }
        let which = match pair.in_split(Split::Test).is_empty() {
            true => "genes",
            false => "test genes",
        };
        let caption = format!(
            "The {} {which} that are predicted to change most",
            rows.len()
        );
        Ok(html! {
            (table(&caption, &columns, &rows))
            h3 { "All genes" }
            div #gene-browser {
                noscript { p { "The table of all genes needs a browser that runs scripts." } }
            }
        })
    }

    fn gene_data(&self) -> Result<GeneData<'_>> {
        let settings = &self.run.description.settings;
        let pair: &Pair = &self.explained.pair;
        let attention = self
            .explained
            .directions
            .is_some()
            .then_some(self.attention);
        let encoders = self.explained.directions.as_ref();
        let encoders = encoders.map_or(0, |directions| directions.encoders().len());
        let named = &self.explained.choice.named;
        let pages = genes_with_page(pair, self.predictions, encoders, named);
        let genes = match &pages {
            Some(genes) => genes.clone(),
            None => (0..pair.genes.len()).collect(),
        };
        Ok(GeneData {
            pair,
            strands: self.explained.strands,
            transform: settings.transform_of_bins(),
            predictions: self.predictions,
            label: self.label.clone(),
            classifies: self.predictions.is_classified(),
            attention,
            pages,
            contributions: self.explained.contributions(&genes)?,
        })
    }
}

fn section(id: &'static str, title: &'static str, body: Markup) -> Section {
    Section { id, title, body }
}

fn unit_in_words(unit: Unit) -> &'static str {
    match unit {
        Unit::Mark => "marks",
        Unit::Region => "regions of marks",
    }
}

fn signed(value: f64) -> String {
    format!("{value:+.2}").replace('-', "\u{2212}")
}

/// Writes the figures of a report into a folder, as SVG and PNG.
///
/// # Errors
/// When one cannot be drawn or written.
pub fn write_figures(figures: &[Figure], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    figures.iter().try_for_each(|figure| figure.write(folder))
}

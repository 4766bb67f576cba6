//! The summary of a run's report, and what to keep in mind about it.

use maud::{Markup, html};

use super::RunReport;
use crate::{
    evaluation::SplitMetrics,
    report::page::{facts, interval, number},
};

impl RunReport<'_> {
    /// The split that predictions are judged by.
    pub(super) fn judged(&self) -> Option<(&'static str, &SplitMetrics)> {
        self.metrics.splits().next()
    }

    pub(super) fn summary(&self) -> Markup {
        let head = &self.run.description.head;
        let mut known = vec![
            ("Method", head.method.to_string()),
            (
                match self.explained.pair.has_several() {
                    true => "Genes, once for each pair",
                    false => "Genes",
                },
                self.explained.pair.genes.len().to_string(),
            ),
        ];
        if let Some((split, metrics)) = self.judged() {
            match metrics.auroc {
                Some(auroc) => {
                    let auroc = number(Some(auroc), 3);
                    known.push(("AUROC", format!("{auroc} ({split} genes)")));
                }
                None => {
                    let r = number(metrics.pearson_r, 3);
                    known.push(("Pearson r", format!("{r} ({split} genes)")));
                    known.push(("95 % interval", interval(metrics.pearson_interval, 3)));
                }
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
    pub(super) fn caveats(&self) -> Vec<String> {
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
                "The measures rest on few genes ({}): mind the intervals rather than the numbers.",
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
        if self.predictions.is_classified() {
            caveats.push(
                "The method classifies: what is predicted is a score of going up, and Pearson r is \
                 that of the score with the log2 fold change."
                    .into(),
            );
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
        let dropped = [
            (join.only_a.len(), "only in A of a pair"),
            (join.only_b.len(), "only in B of a pair"),
            (join.without_label.len(), "not in the table of labels"),
            (join.neither_up_nor_down, "neither up nor down"),
        ];
        for (genes, why) in dropped.into_iter().filter(|&(genes, _)| genes > 0) {
            caveats.push(format!(
                "Genes that were left out, since they are {why}: {genes}."
            ));
        }
        if join.labels_reversed {
            caveats.push(
                "The labels of the table go the other way than the expressions: is A over B what \
                 they are?"
                    .into(),
            );
        }
        if !join.left_out.is_empty() {
            caveats.push(format!(
                "Marks that were not used: {}.",
                join.left_out.join(", ")
            ));
        }
        if self.explained.pair.has_several() {
            caveats.push(
                "A gene stands in every pair. Intervals of Pearson r take that into account; those \
                 of means over genes do not, and are too narrow."
                    .into(),
            );
        }
        let incomplete = self.explained.incomplete();
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

    pub(super) fn not_better_than_linear(&self) -> Option<String> {
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
}

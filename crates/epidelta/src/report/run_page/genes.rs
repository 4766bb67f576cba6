//! The genes of a run's report: those that change most, and all of them to be searched.

use std::collections::HashMap;

use maud::{Markup, html};

use super::RunReport;
use crate::{
    dataset::Split,
    error::Result,
    report::{
        gene_data::{BUDGET, GeneData, listed},
        page::table,
        text::signed,
    },
};

/// Test genes in the table of those predicted to change most.
const TOP: usize = 15;

impl RunReport<'_> {
    pub(super) fn genes(&self) -> Result<Markup> {
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
                let (name, id) = (pair.gene_name(gene), pair.gene_id(gene));
                let name = match name == id {
                    true => id.to_owned(),
                    false => format!("{name} ({id})"),
                };
                let marks = pair.marks().iter().zip(contributions);
                let strongest = marks.max_by(|x, y| x.1.abs().total_cmp(&y.1.abs()));
                let strongest = strongest.filter(|(_, contribution)| contribution.abs() >= 0.005);
                let strongest = strongest.map_or("none".into(), |(mark, contribution)| {
                    format!("{mark} ({})", signed(contribution))
                });
                let mut row = vec![name];
                if pair.has_several() {
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
        if pair.has_several() {
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

    /// What the script shows all genes from.
    pub(super) fn gene_data(&self) -> Result<GeneData<'_>> {
        let settings = &self.run.description.settings;
        let pair = &self.explained.pair;
        let named = &self.explained.choice.named;
        let (listed, order) = listed(pair, self.predictions, named);
        let mut data = GeneData {
            pair,
            strands: self.explained.strands,
            transform: settings.transform_of_bins(),
            predictions: self.predictions,
            label: self.label.clone(),
            classifies: self.predictions.is_classified(),
            attention: self
                .explained
                .directions
                .is_some()
                .then_some(self.attention),
            listed,
            order,
            contributions: HashMap::new(),
        };
        let places = data.with_page(BUDGET);
        let genes: Vec<usize> = places.iter().map(|&place| data.listed[place]).collect();
        let contributions = self.explained.contributions(&genes)?;
        data.contributions = places.into_iter().zip(contributions).collect();
        Ok(data)
    }
}

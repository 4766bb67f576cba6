//! Labels that come from a table, and genes that are classified.

use super::{JoinSummary, Pair, PairedGene};
use crate::{
    dataset::label::{LabelConfig, LabelDirection, Task},
    error::{Error, Result},
    expression::GeneTable,
};

impl Pair {
    /// Takes the log2 fold change, A over B, of every gene from a table, such as
    /// DESeq2's, in place of the ratio of the expressions; where the label is to be B
    /// over A, with the other sign. Genes that the table lacks are dropped
    /// and told in the summary, and whether the table goes the other way than the
    /// expressions. The cell-specific tasks keep the expressions.
    ///
    /// # Errors
    /// When the table has none of the genes.
    pub fn take_labels(
        &mut self,
        table: &GeneTable,
        direction: LabelDirection,
        summary: &mut JoinSummary,
    ) -> Result<()> {
        let mut without_label = Vec::new();
        let cells = &self.cells;
        let id_of = |gene: &PairedGene| cells[gene.cells[0]].genes[gene.rows[0]].gene_id.as_str();
        let mut both: Vec<(f64, f64)> = Vec::new();
        let mut rows = table.rows_of(self.genes.iter().map(id_of)).into_iter();
        let mut label = || {
            Some(direction.log2_fold_change(table.rows[rows.next()??].1, 0.0))
                .filter(|l| !l.is_nan())
        };
        self.genes.retain_mut(|gene| match label() {
            Some(label) => {
                both.push((gene.log2_fold_change, label));
                gene.log2_fold_change = label;
                true
            }
            None => {
                without_label.push(id_of(gene).to_owned());
                false
            }
        });
        if self.genes.is_empty() {
            let id = |id: Option<&String>| id.cloned().unwrap_or_default();
            return Err(Error::data(
                format!(
                    "the table of labels has none of the genes: its ids are like {}, the genes' \
                     like {}",
                    id(table.rows.first().map(|row| &row.0)),
                    id(without_label.first())
                ),
                "Give a table with the same kind of gene id in its first column",
            ));
        }
        summary.without_label = without_label;
        summary.labels_reversed = both.len() >= ENOUGH_GENES && correlation(&both) < REVERSED;
        Ok(())
    }

    /// Drops the genes that are neither up nor down, where genes are classified.
    ///
    /// # Errors
    /// When none is left.
    pub fn keep_classified(&mut self, label: LabelConfig, summary: &mut JoinSummary) -> Result<()> {
        if label.task == Task::Regression {
            return Ok(());
        }
        let before = self.genes.len();
        self.genes
            .retain(|gene| label.class_of(gene.log2_fold_change).is_some());
        summary.neither_up_nor_down = before - self.genes.len();
        if self.genes.is_empty() {
            return Err(Error::data(
                format!(
                    "no gene has a |log2 fold change| of {} or more",
                    label.min_change
                ),
                "Set label.min_change lower",
            ));
        }
        Ok(())
    }
}

/// Genes from which on, and correlation below which, labels are taken to go the other
/// way than the expressions.
const ENOUGH_GENES: usize = 20;
const REVERSED: f64 = -0.2;

/// Pearson correlation of pairs; 0 where one of them does not vary.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (x - mean_x, y - mean_y);
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    let r = xy / (xx * yy).sqrt();
    if r.is_finite() { r } else { 0.0 }
}

//! Two cell types joined by gene, with the label of every gene: the log2 fold
//! change of its expression.

use std::{collections::HashMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    batch::InputTransform,
    epigenome::{Epigenome, Mark, Split},
};
use crate::{
    error::{Error, Result},
    expression::GeneTable,
};

/// Which cell type stands in the numerator of the fold change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelDirection {
    /// `log2((A + p) / (B + p))`, as the paper words it.
    AOverB,
    /// `log2((B + p) / (A + p))`, as the published code computes it.
    BOverA,
}

/// What is asked of a gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Its log2 fold change.
    #[default]
    Regression,
    /// Whether it goes up (its log2 fold change is above zero) or down.
    Classification,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Regression => "regression",
            Task::Classification => "classification",
        })
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        [Task::Regression, Task::Classification]
            .into_iter()
            .find(|task| task.to_string() == text)
            .ok_or_else(|| format!("{text:?} is not a task (regression or classification)"))
    }
}

/// How expression becomes a label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelConfig {
    /// Numerator and denominator.
    pub direction: LabelDirection,
    /// `p`, added to both expressions, in their unit.
    pub pseudocount: f64,
    /// Fold changes, or up versus down.
    pub task: Task,
    /// The least |log2 fold change| of genes that are classified; those that change
    /// less, or not at all, are neither up nor down and are dropped.
    pub min_change: f64,
}

impl LabelConfig {
    /// What the label is, in words.
    pub fn in_words(&self) -> String {
        let direction = match self.direction {
            LabelDirection::AOverB => "A over B",
            LabelDirection::BOverA => "B over A",
        };
        format!("log2 fold change, {direction}")
    }

    /// Whether a gene of this log2 fold change goes up; none where genes are not
    /// classified, or it is neither up nor down.
    pub fn class_of(&self, log2_fold_change: f64) -> Option<bool> {
        let changes = log2_fold_change != 0.0 && log2_fold_change.abs() >= self.min_change;
        (self.task == Task::Classification && changes).then_some(log2_fold_change > 0.0)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        if !(self.pseudocount.is_finite() && self.pseudocount > 0.0) {
            return Err(Error::setting(
                "label.pseudocount",
                format!("{} is not a positive number", self.pseudocount),
                "Use 1, the default",
            ));
        }
        if !(self.min_change.is_finite() && self.min_change >= 0.0) {
            return Err(Error::setting(
                "label.min_change",
                format!("{} is out of range", self.min_change),
                "Give a log2 fold change, such as 1 for twice or half",
            ));
        }
        Ok(())
    }
}

impl Default for LabelConfig {
    fn default() -> Self {
        LabelConfig {
            direction: LabelDirection::AOverB,
            pseudocount: 1.0,
            task: Task::Regression,
            min_change: 1.0,
        }
    }
}

/// A gene that both cell types have.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedGene {
    /// Row in cell type A.
    pub row_a: usize,
    /// Row in cell type B.
    pub row_b: usize,
    /// The split, once assigned.
    pub split: Option<Split>,
    /// The label: log2 fold change of expression.
    pub log2_fold_change: f64,
    /// `log2(A + pseudocount)`, the target of cell type A's own task.
    pub log2_expression_a: f64,
    /// `log2(B + pseudocount)`.
    pub log2_expression_b: f64,
}

impl PairedGene {
    /// Log2 expression in A and in B.
    pub fn log2_expression(&self) -> [f64; 2] {
        [self.log2_expression_a, self.log2_expression_b]
    }
}

/// What joining two cell types kept and dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinSummary {
    /// Genes in both.
    pub joined: usize,
    /// Genes only in A, dropped.
    pub only_a: Vec<String>,
    /// Genes only in B, dropped.
    pub only_b: Vec<String>,
    /// Genes in both that a table of labels lacks, dropped.
    pub without_label: Vec<String>,
    /// Whether the labels of a table go the other way than the expressions.
    pub labels_reversed: bool,
    /// Genes that change too little to be classified, dropped.
    pub neither_up_nor_down: usize,
}

/// Two cell types and the genes that they share, in A's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Cell type A.
    pub a: Epigenome,
    /// Cell type B, its marks in A's order.
    pub b: Epigenome,
    /// The shared genes.
    pub genes: Vec<PairedGene>,
}

impl Pair {
    /// Joins two cell types by gene id. The order of the genes and of the marks
    /// may differ between the two.
    ///
    /// # Errors
    /// When marks, bins or window differ, or when no gene is in both.
    pub fn join(a: Epigenome, b: Epigenome, label: LabelConfig) -> Result<(Self, JoinSummary)> {
        label.check()?;
        let b = with_marks_of(&a, b)?;
        same_kind(&a, &b)?;
        let rows_b: HashMap<&str, usize> = b
            .genes
            .iter()
            .enumerate()
            .map(|(row, gene)| (gene.gene_id.as_str(), row))
            .collect();
        let mut genes = Vec::new();
        let mut only_a = Vec::new();
        let mut in_both = vec![false; b.genes.len()];
        for (row_a, gene) in a.genes.iter().enumerate() {
            let Some(&row_b) = rows_b.get(gene.gene_id.as_str()) else {
                only_a.push(gene.gene_id.clone());
                continue;
            };
            in_both[row_b] = true;
            let other = &b.genes[row_b];
            let log2_expression_a = (gene.expression + label.pseudocount).log2();
            let log2_expression_b = (other.expression + label.pseudocount).log2();
            let log2_fold_change = match label.direction {
                LabelDirection::AOverB => ((gene.expression + label.pseudocount)
                    / (other.expression + label.pseudocount))
                    .log2(),
                LabelDirection::BOverA => ((other.expression + label.pseudocount)
                    / (gene.expression + label.pseudocount))
                    .log2(),
            };
            genes.push(PairedGene {
                row_a,
                row_b,
                split: None,
                log2_fold_change,
                log2_expression_a,
                log2_expression_b,
            });
        }
        if genes.is_empty() {
            return Err(no_common_gene(&a, &b));
        }
        let only_b = b
            .genes
            .iter()
            .zip(&in_both)
            .filter(|&(_, &joined)| !joined)
            .map(|(gene, _)| gene.gene_id.clone())
            .collect();
        let summary = JoinSummary {
            joined: genes.len(),
            only_a,
            only_b,
            without_label: Vec::new(),
            labels_reversed: false,
            neither_up_nor_down: 0,
        };
        Ok((Pair { a, b, genes }, summary))
    }

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
        let sign = match direction {
            LabelDirection::AOverB => 1.0,
            LabelDirection::BOverA => -1.0,
        };
        let mut without_label = Vec::new();
        let genes = &self.a.genes;
        let id_of = |gene: &PairedGene| genes[gene.row_a].gene_id.as_str();
        let mut both: Vec<(f64, f64)> = Vec::new();
        let mut rows = table.rows_of(self.genes.iter().map(id_of)).into_iter();
        let mut label = || Some(sign * table.rows[rows.next()??].1).filter(|l| !l.is_nan());
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

    /// The gene id of a joined gene.
    pub fn gene_id(&self, gene: usize) -> &str {
        &self.a.genes[self.genes[gene].row_a].gene_id
    }

    /// The split that the files give a joined gene, if they do.
    ///
    /// # Errors
    /// When the two files contradict each other.
    pub fn split_in_files(&self, gene: usize) -> Result<Option<Split>> {
        let PairedGene { row_a, row_b, .. } = self.genes[gene];
        match (self.a.genes[row_a].split, self.b.genes[row_b].split) {
            (Some(x), Some(y)) if x != y => Err(Error::data(
                format!(
                    "gene {} is in split {x} of {} and in split {y} of {}",
                    self.gene_id(gene),
                    self.a.metadata.cell_type,
                    self.b.metadata.cell_type
                ),
                "Make both files with the same split, or set split.method to \
                 \"random\" or \"chromosome\"",
            )),
            (x, y) => Ok(x.or(y)),
        }
    }

    /// The joined genes of a split.
    pub fn in_split(&self, split: Split) -> Vec<usize> {
        (0..self.genes.len())
            .filter(|&gene| self.genes[gene].split == Some(split))
            .collect()
    }

    /// The marks of both cell types.
    pub fn marks(&self) -> &[Mark] {
        &self.a.marks
    }

    /// The bins of every mark.
    pub fn bins(&self) -> usize {
        self.a.bins
    }

    /// Applies the input transform to the signal of both cell types.
    ///
    /// # Errors
    /// As [`Pair::check_transform`].
    pub fn transformed(mut self, transform: InputTransform) -> Result<Self> {
        self.check_transform(transform)?;
        transform.apply(&mut self.a.signal);
        transform.apply(&mut self.b.signal);
        Ok(self)
    }

    /// Checks that the input transform is defined for the signal of both cell types.
    ///
    /// # Errors
    /// When the signal is negative where the transform is not defined.
    pub fn check_transform(&self, transform: InputTransform) -> Result<()> {
        for epigenome in [&self.a, &self.b] {
            let negative = epigenome.signal.iter().position(|&v| v < 0.0);
            if let (InputTransform::Log1p, Some(at)) = (transform, negative) {
                let gene = at / (epigenome.marks.len() * epigenome.bins);
                return Err(Error::data(
                    format!(
                        "the signal of gene {} in {} is negative, which the transform log1p \
                         does not take",
                        epigenome.genes[gene].gene_id, epigenome.metadata.cell_type
                    ),
                    "Use --set input.transform=arcsinh",
                ));
            }
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

fn no_common_gene(a: &Epigenome, b: &Epigenome) -> Error {
    let example = |e: &Epigenome| e.genes.first().map_or("none", |g| &g.gene_id).to_owned();
    Error::data(
        format!(
            "no gene is in both cell types: {} has ids like {}, {} like {}",
            a.metadata.cell_type,
            example(a),
            b.metadata.cell_type,
            example(b)
        ),
        "Make both files with the same annotation, so that the ids agree",
    )
}

/// B with its marks in A's order.
fn with_marks_of(a: &Epigenome, mut b: Epigenome) -> Result<Epigenome> {
    if a.marks == b.marks {
        return Ok(b);
    }
    let position = |mark: &Mark| b.marks.iter().position(|m| m == mark);
    let order: Option<Vec<usize>> = a.marks.iter().map(position).collect();
    let order = order.filter(|_| a.marks.len() == b.marks.len());
    let Some(order) = order else {
        return Err(Error::data(
            format!(
                "the marks differ: {} has {}; {} has {}",
                a.metadata.cell_type,
                a.marks.join(", "),
                b.metadata.cell_type,
                b.marks.join(", ")
            ),
            "Make both files with the same marks",
        ));
    };
    let mut signal = Vec::with_capacity(b.signal.len());
    for rows in b.signal.chunks(b.marks.len() * b.bins) {
        for &mark in &order {
            signal.extend_from_slice(&rows[mark * b.bins..][..b.bins]);
        }
    }
    b.signal = signal;
    b.marks.clone_from(&a.marks);
    Ok(b)
}

fn same_kind(a: &Epigenome, b: &Epigenome) -> Result<()> {
    let window = |e: &Epigenome| {
        let m = &e.metadata;
        format!(
            "{} bins of {} bp, {} bp upstream, {} bp downstream, {} orientation, signal in {}, \
             expression in {}",
            e.bins,
            m.bin_size,
            m.upstream,
            m.downstream,
            m.orientation.name(),
            m.signal_unit,
            m.expression_unit
        )
    };
    let (of_a, of_b) = (window(a), window(b));
    if of_a == of_b {
        return match (&a.metadata.genome, &b.metadata.genome) {
            (Some(x), Some(y)) if x != y => Err(Error::data(
                format!(
                    "{} is of genome {x}, {} of {y}",
                    a.metadata.cell_type, b.metadata.cell_type
                ),
                "Make both files with the same genome",
            )),
            _ => Ok(()),
        };
    }
    Err(Error::data(
        format!(
            "the data differ in kind: {} has {of_a}; {} has {of_b}",
            a.metadata.cell_type, b.metadata.cell_type
        ),
        "Make both files with the same bins, window, orientation and units",
    ))
}

//! Pairs of cell types joined by gene, with the label of every gene: the log2 fold
//! change of its expression.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    epigenome::{Epigenome, GeneRecord, Mark, Split},
    input::{BinOrder, InputTransform},
    label::{LabelConfig, LabelDirection, Normalization, Task},
};
use crate::{
    error::{Error, Result},
    expression::GeneTable,
};

/// A gene in two cell types, A and B.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedGene {
    /// Which cell types A and B are, as indices into [`Pair::cells`].
    pub cells: [usize; 2],
    /// The gene's rows in them.
    pub rows: [usize; 2],
    /// The split, once assigned.
    pub split: Option<Split>,
    /// The split that the two cell types belong to, where cell types are held out.
    pub cell_split: Split,
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

/// What joining cell types kept and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinSummary {
    /// Genes in both cell types of a pair, over all pairs.
    pub joined: usize,
    /// Genes only in A, dropped.
    pub only_a: Vec<String>,
    /// Genes only in B, dropped.
    pub only_b: Vec<String>,
    /// Cell types that lack a mark, and the mark.
    pub lacking: Vec<(String, Mark)>,
    /// Marks that no pair has in both cell types, or that are not asked for.
    pub left_out: Vec<Mark>,
    /// Genes in both that a table of labels lacks, dropped.
    pub without_label: Vec<String>,
    /// Whether the labels of a table go the other way than the expressions.
    pub labels_reversed: bool,
    /// Genes that change too little to be classified, dropped.
    pub neither_up_nor_down: usize,
}

/// One or several pairs of cell types, and the genes that both cell types of a pair have,
/// pair after pair, within a pair in A's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The cell types, all with the same marks in the same order: A and B of the only pair,
    /// or any number of which pairs are made.
    pub cells: Vec<Epigenome>,
    /// Which marks each cell type lacks: its signal there is zero.
    lacks: Vec<Vec<bool>>,
    /// Which of the cell types that train each is, if it is one of them.
    identities: Vec<Option<usize>>,
    /// Splits for which cell types are held out.
    held_out: BTreeSet<Split>,
    /// Whether it was made of a list of pairs.
    several: bool,
    /// A gene of a pair each.
    pub genes: Vec<PairedGene>,
}

impl Pair {
    /// Joins two cell types by gene id. The order of the genes and of the marks
    /// may differ between the two.
    ///
    /// # Errors
    /// As [`Pair::join_all`].
    pub fn join(a: Epigenome, b: Epigenome, label: LabelConfig) -> Result<(Self, JoinSummary)> {
        let cells = vec![a, b];
        let common = label.normalization.common_library_size(cells.iter());
        Self::join_all(cells, &[[0, 1]], None, label, common)
    }

    /// Joins pairs of cell types, given as indices, by gene id. The marks are those `wanted`,
    /// or else all that both cell types of some pair have, in the order in which they come
    /// first. Expression is scaled to a common library size, if there is one.
    ///
    /// # Errors
    /// When the cell types differ in bins, window or units, when two of a pair have no gene or
    /// no mark in common, or when none of the wanted marks is there.
    pub fn join_all(
        cells: Vec<Epigenome>,
        pairs: &[[usize; 2]],
        wanted: Option<&[Mark]>,
        label: LabelConfig,
        common_library_size: Option<f64>,
    ) -> Result<(Self, JoinSummary)> {
        label.check()?;
        for cell in cells.iter().skip(1) {
            same_kind(&cells[0], cell)?;
        }
        let mut summary = JoinSummary::default();
        let marks = wanted.map_or_else(|| shared_marks(&cells, pairs), <[Mark]>::to_vec);
        summary.left_out = present_marks(&cells);
        summary.left_out.retain(|mark| !marks.contains(mark));
        let factors: Vec<f64> = cells
            .iter()
            .map(|cell| Normalization::factor(cell, common_library_size))
            .collect();
        let mut joined = Pair {
            lacks: cells.iter().map(|cell| lacks(cell, &marks)).collect(),
            cells: Vec::with_capacity(cells.len()),
            identities: Vec::new(),
            held_out: BTreeSet::new(),
            several: false,
            genes: Vec::new(),
        };
        for (cell, lacks) in cells.into_iter().zip(&joined.lacks) {
            let lacking = marks.iter().zip(lacks).filter(|&(_, &lacks)| lacks);
            summary
                .lacking
                .extend(lacking.map(|(mark, _)| (cell.metadata.cell_type.clone(), mark.clone())));
            joined.cells.push(cell.with_marks(&marks));
        }
        joined.identify(&joined.cell_names(), |_| true);
        let rows: Vec<HashMap<&str, usize>> = joined.cells.iter().map(rows_by_id).collect();
        for &cells in pairs {
            let [a, b] = cells.map(|cell| &joined.cells[cell]);
            let of_pair = join_genes([a, b], &rows[cells[1]], &mut summary);
            if of_pair.is_empty() {
                return Err(no_common_gene(a, b));
            }
            if (0..marks.len()).all(|mark| cells.iter().any(|&cell| joined.lacks[cell][mark])) {
                return Err(no_common_mark(a, b, wanted));
            }
            let log2 = |cell: usize, row: usize| {
                let expression = joined.cells[cell].genes[row].expression;
                (expression * factors[cell] + label.pseudocount).log2()
            };
            joined.genes.extend(of_pair.into_iter().map(|rows| {
                let [a, b] = [0, 1].map(|i| log2(cells[i], rows[i]));
                PairedGene {
                    cells,
                    rows,
                    split: None,
                    cell_split: Split::Train,
                    log2_fold_change: label.direction.log2_fold_change(a, b),
                    log2_expression_a: a,
                    log2_expression_b: b,
                }
            }));
        }
        summary.joined = joined.genes.len();
        Ok((joined, summary))
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

    /// The same, told to be of a list of pairs.
    #[must_use]
    pub fn of_several(mut self) -> Self {
        self.several = true;
        self
    }

    /// The gene id of a joined gene.
    pub fn gene_id(&self, gene: usize) -> &str {
        &self.record(gene, 0).gene_id
    }

    /// The names of a joined gene's cell types.
    pub fn cell_types(&self, gene: usize) -> [&str; 2] {
        let cells = self.genes[gene].cells;
        cells.map(|cell| self.cells[cell].metadata.cell_type.as_str())
    }

    /// The names of the cell types.
    pub fn cell_names(&self) -> Vec<String> {
        let names = self.cells.iter().map(|cell| &cell.metadata.cell_type);
        names.cloned().collect()
    }

    /// Tells the cell types by their names among those of a run, where these trained.
    pub fn identify(&mut self, names: &[String], trained: impl Fn(&str) -> bool) {
        let place = |name: &String| {
            let place = names.iter().position(|of_run| of_run == name);
            place.filter(|_| trained(name))
        };
        self.identities = self.cell_names().iter().map(place).collect();
    }

    /// Which of the cell types that train those of a joined gene are. One that is held out is
    /// none of them.
    pub fn identities(&self, gene: usize) -> [Option<usize>; 2] {
        self.genes[gene].cells.map(|cell| self.identities[cell])
    }

    /// The names of the cell types of every pair, in the order of the genes.
    pub fn names(&self) -> Vec<[String; 2]> {
        let mut cells: Vec<[usize; 2]> = self.genes.iter().map(|gene| gene.cells).collect();
        cells.dedup();
        let name = |cell: usize| self.cells[cell].metadata.cell_type.clone();
        cells.into_iter().map(|pair| pair.map(name)).collect()
    }

    /// What A's file (`side` 0) or B's (`side` 1) tells of a joined gene.
    pub fn record(&self, gene: usize, side: usize) -> &GeneRecord {
        let PairedGene { cells, rows, .. } = &self.genes[gene];
        &self.cells[cells[side]].genes[rows[side]]
    }

    /// The signal of a joined gene in A and in B, `[mark, bin]` each. A mark that one of the
    /// two lacks is to be hidden in both: see [`Pair::hides`].
    pub fn signal(&self, gene: usize) -> [&[f32]; 2] {
        let PairedGene { cells, rows, .. } = &self.genes[gene];
        [0, 1].map(|side| self.cells[cells[side]].signal_of(rows[side]))
    }

    /// Whether a mark of a joined gene is hidden, because A or B lacks it.
    pub fn hides(&self, gene: usize, mark: usize) -> bool {
        self.genes[gene]
            .cells
            .iter()
            .any(|&cell| self.lacks[cell][mark])
    }

    /// Whether any cell type lacks a mark.
    pub fn lacks_marks(&self) -> bool {
        self.lacks.iter().flatten().any(|&lacks| lacks)
    }

    /// Does something with a mark hidden in every cell type.
    pub fn without_mark<R>(&mut self, mark: usize, with: impl FnOnce(&Self) -> R) -> R {
        let lacked: Vec<bool> = self.lacks.iter().map(|lacks| lacks[mark]).collect();
        self.lacks.iter_mut().for_each(|lacks| lacks[mark] = true);
        let result = with(self);
        for (lacks, lacked) in self.lacks.iter_mut().zip(lacked) {
            lacks[mark] = lacked;
        }
        result
    }

    /// The split that the files give a joined gene, if they do.
    ///
    /// # Errors
    /// When the two files contradict each other.
    pub fn split_in_files(&self, gene: usize) -> Result<Option<Split>> {
        match [0, 1].map(|side| self.record(gene, side).split) {
            [Some(x), Some(y)] if x != y => {
                let [a, b] = self.cell_types(gene);
                Err(Error::data(
                    format!(
                        "gene {} is in split {x} of {a} and in split {y} of {b}",
                        self.gene_id(gene)
                    ),
                    "Make both files with the same split, or set split.method to \
                     \"random\" or \"chromosome\"",
                ))
            }
            [x, y] => Ok(x.or(y)),
        }
    }

    /// Gives every gene of every pair the split that its two cell types belong to.
    pub(crate) fn hold_out_cells(&mut self, splits: impl Fn([&str; 2]) -> Split) {
        let splits: Vec<Split> = (0..self.genes.len())
            .map(|gene| splits(self.cell_types(gene)))
            .collect();
        self.held_out = splits
            .iter()
            .copied()
            .filter(|&s| s != Split::Train)
            .collect();
        for (gene, split) in self.genes.iter_mut().zip(splits) {
            gene.cell_split = split;
        }
    }

    /// What a joined gene is used for: its split, in the cell types that are held out for it
    /// where there are any, and in those that train where there are none; else for nothing.
    pub fn role(&self, gene: usize) -> Option<Split> {
        let gene = &self.genes[gene];
        let split = gene.split?;
        let cell_split = match self.held_out.contains(&split) {
            true => split,
            false => Split::Train,
        };
        (gene.cell_split == cell_split).then_some(split)
    }

    /// The joined genes that are used for a split.
    pub fn in_split(&self, split: Split) -> Vec<usize> {
        let genes = 0..self.genes.len();
        genes
            .filter(|&gene| self.role(gene) == Some(split))
            .collect()
    }

    /// Whether there may be several pairs, so that a gene id does not tell a joined gene.
    pub fn is_of_several(&self) -> bool {
        self.several
    }

    /// The marks of all cell types.
    pub fn marks(&self) -> &[Mark] {
        &self.cells[0].marks
    }

    /// The bins of every mark.
    pub fn bins(&self) -> usize {
        self.cells[0].bins
    }

    /// The pair with the bins of its genes in order.
    #[must_use]
    pub fn oriented(mut self, order: BinOrder) -> Self {
        self.cells.iter_mut().for_each(|cell| order.apply(cell));
        self
    }

    /// Checks that a transform is defined for the signal of all cell types.
    ///
    /// # Errors
    /// When the signal is negative where the transform is not defined.
    pub fn check_transform(&self, transform: InputTransform) -> Result<()> {
        self.cells.iter().try_for_each(|cell| transform.check(cell))
    }

    /// The pair with its signal transformed.
    #[must_use]
    pub fn transformed(mut self, transform: InputTransform) -> Self {
        for cell in &mut self.cells {
            transform.apply(&mut cell.signal);
        }
        self
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

/// The genes that both cell types of a pair have, as their rows.
fn join_genes(
    [a, b]: [&Epigenome; 2],
    rows_b: &HashMap<&str, usize>,
    summary: &mut JoinSummary,
) -> Vec<[usize; 2]> {
    let mut joined = Vec::with_capacity(a.genes.len());
    let mut in_both = vec![false; b.genes.len()];
    for (row_a, gene) in a.genes.iter().enumerate() {
        match rows_b.get(gene.gene_id.as_str()) {
            Some(&row_b) => {
                in_both[row_b] = true;
                joined.push([row_a, row_b]);
            }
            None => summary.only_a.push(gene.gene_id.clone()),
        }
    }
    let only_b = b.genes.iter().zip(&in_both).filter(|&(_, &joined)| !joined);
    summary
        .only_b
        .extend(only_b.map(|(gene, _)| gene.gene_id.clone()));
    joined
}

fn rows_by_id(cell: &Epigenome) -> HashMap<&str, usize> {
    let genes = cell.genes.iter().enumerate();
    genes
        .map(|(row, gene)| (gene.gene_id.as_str(), row))
        .collect()
}

/// The marks that both cell types of some pair have, in the order in which they come first.
pub(crate) fn shared_marks(cells: &[Epigenome], pairs: &[[usize; 2]]) -> Vec<Mark> {
    let mut marks = present_marks(cells);
    marks.retain(|mark| {
        let has = |&cell: &usize| cells[cell].marks.contains(mark);
        pairs.iter().any(|pair| pair.iter().all(has))
    });
    marks
}

/// All marks, in the order in which they come first.
fn present_marks(cells: &[Epigenome]) -> Vec<Mark> {
    let mut seen = HashSet::new();
    let marks = cells.iter().flat_map(|cell| &cell.marks);
    marks.filter(|&mark| seen.insert(mark)).cloned().collect()
}

/// Which of these marks a cell type lacks.
fn lacks(cell: &Epigenome, marks: &[Mark]) -> Vec<bool> {
    marks
        .iter()
        .map(|mark| !cell.marks.contains(mark))
        .collect()
}

fn no_common_mark(a: &Epigenome, b: &Epigenome, wanted: Option<&[Mark]>) -> Error {
    let (a, b) = (&a.metadata.cell_type, &b.metadata.cell_type);
    match wanted {
        None | Some([]) => Error::data(
            format!("no mark is in both {a} and {b}"),
            "Make the files with marks of the same names",
        ),
        Some(marks) => Error::data(
            format!(
                "none of the marks that the run was trained on, {}, is in both {a} and {b}",
                marks.join(", ")
            ),
            "Make the files with these marks",
        ),
    }
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

//! Pairs of cell types joined by gene, with the label of every gene: the log2 fold
//! change of its expression.

mod edited;
mod join;
mod labels;

use std::collections::BTreeSet;

pub use join::JoinSummary;
pub(crate) use join::shared_marks;

use super::{
    epigenome::{Epigenome, GeneRecord, Mark, Split},
    input::{BinOrder, InputTransform},
};
use crate::error::{Error, Result};

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

    /// The signal of a joined gene in A and in B, `[mark, bin]` each, as networks see it: that of
    /// hidden marks is zero.
    pub fn seen(&self, gene: usize) -> [Vec<f32>; 2] {
        let bins = self.bins();
        let mut signal = self.signal(gene).map(<[f32]>::to_vec);
        for mark in (0..self.marks().len()).filter(|&mark| self.hides(gene, mark)) {
            for side in &mut signal {
                side[mark * bins..(mark + 1) * bins].fill(0.0);
            }
        }
        signal
    }

    /// The symbol of a joined gene, or its id.
    pub fn gene_name(&self, gene: usize) -> &str {
        let record = self.record(gene, 0);
        record.gene_name.as_ref().unwrap_or(&record.gene_id)
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

    /// Gives every gene of every pair the split that its two cell types belong to, and tells
    /// for which splits cell types are held out, of these pairs or others.
    pub(crate) fn hold_out_cells(
        &mut self,
        held_out: BTreeSet<Split>,
        splits: impl Fn([&str; 2]) -> Split,
    ) {
        let splits: Vec<Split> = (0..self.genes.len())
            .map(|gene| splits(self.cell_types(gene)))
            .collect();
        self.held_out = held_out;
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

    /// A split that no joined gene is used for, if there is one.
    pub fn empty_split(&self) -> Option<Split> {
        let mut splits = Split::ALL.into_iter();
        splits.find(|&split| self.in_split(split).is_empty())
    }

    /// Whether there may be several pairs, so that a gene id does not tell a joined gene.
    pub fn is_of_several(&self) -> bool {
        self.several
    }

    /// Whether there are several pairs indeed, so that a gene stands in more than one.
    pub fn has_several(&self) -> bool {
        let mut genes = self.genes.windows(2);
        genes.any(|two| two[0].cells != two[1].cells)
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
            cell.signal.transform(transform);
        }
        self
    }
}

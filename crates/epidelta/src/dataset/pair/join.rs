//! Cell types joined by gene.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Pair, PairedGene};
use crate::{
    dataset::{
        epigenome::{Epigenome, Mark, Split},
        label::{LabelConfig, library_sizes},
    },
    error::{Error, Result},
};

/// What joining cell types kept and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinSummary {
    /// Genes in both cell types of a pair, over all pairs.
    pub joined: usize,
    /// Genes only in A of some pair, dropped from it; each once.
    pub only_a: Vec<String>,
    /// Genes only in B of some pair, dropped from it; each once.
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

impl Pair {
    /// Joins two cell types by gene id. The order of the genes and of the marks
    /// may differ between the two.
    ///
    /// # Errors
    /// As [`Pair::join_all`].
    pub fn join(a: Epigenome, b: Epigenome, label: LabelConfig) -> Result<(Self, JoinSummary)> {
        let cells = vec![a, b];
        let common = label.normalization.common_library_size(&cells, |_| true);
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
        same_kind(&cells)?;
        let mut summary = JoinSummary::default();
        let marks = wanted.map_or_else(|| shared_marks(&cells, pairs), <[Mark]>::to_vec);
        summary.left_out = present_marks(&cells);
        summary.left_out.retain(|mark| !marks.contains(mark));
        let sizes = library_sizes(&cells);
        let factors: Vec<f64> = cells
            .iter()
            .zip(sizes)
            .map(|(cell, own)| match common_library_size {
                Some(common) if own > 0.0 && cell.metadata.is_in_reads() => common / own,
                _ => 1.0,
            })
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
        // A gene that a cell type lacks is dropped from every pair with it.
        for dropped in [&mut summary.only_a, &mut summary.only_b] {
            let mut seen = HashSet::new();
            dropped.retain(|id| seen.insert(id.clone()));
        }
        Ok((joined, summary))
    }
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

/// Refuses cell types that differ in bins, window, units or genome.
fn same_kind(cells: &[Epigenome]) -> Result<()> {
    let name = |cell: &Epigenome| cell.metadata.cell_type.clone();
    let Some(first) = cells.first() else {
        return Ok(());
    };
    let of_first = kind(first);
    if let Some((other, of_other)) = cells
        .iter()
        .map(|cell| (cell, kind(cell)))
        .find(|(_, kind)| *kind != of_first)
    {
        return Err(Error::data(
            format!(
                "the data differ in kind: {} has {of_first}; {} has {of_other}",
                name(first),
                name(other)
            ),
            "Make both files with the same bins, window, orientation and units",
        ));
    }
    let mut genomes = cells
        .iter()
        .filter_map(|cell| Some((cell, cell.metadata.genome.as_ref()?)));
    let Some((first, of_first)) = genomes.next() else {
        return Ok(());
    };
    match genomes.find(|(_, genome)| *genome != of_first) {
        None => Ok(()),
        Some((other, of_other)) => Err(Error::data(
            format!(
                "{} is of genome {of_first}, {} of {of_other}",
                name(first),
                name(other)
            ),
            "Make both files with the same genome",
        )),
    }
}

/// What must be the same in all cell types, in words.
fn kind(cell: &Epigenome) -> String {
    let of = &cell.metadata;
    format!(
        "{} bins of {} bp, {} bp upstream, {} bp downstream, {} orientation, signal in {}, \
         expression in {}",
        cell.bins,
        of.bin_size,
        of.upstream,
        of.downstream,
        of.orientation.name(),
        of.signal_unit,
        of.expression_unit
    )
}

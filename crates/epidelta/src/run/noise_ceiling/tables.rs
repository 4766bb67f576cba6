//! Noise ceilings from tables of reads and of replicates.

use super::{Noise, NoiseCeilings, expression_of, reads};
use crate::{
    dataset::{LabelConfig, Split, Task},
    error::{Error, Result},
    evaluation::{CountedGene, NoiseCeiling, Predictions, ReplicatedGene, spearman_r},
    expression::GeneTable,
};

/// Reads and expression of a cell type's genes that correlate less (Spearman) are not of
/// the same sample.
const SAME_SAMPLE: f64 = 0.5;

impl NoiseCeilings {
    /// By the noise of counting, given the reads of each gene in A and in B: of expression
    /// that is proportional to a gene's reads, as RPKM and TPM. Genes that a table lacks
    /// do not count.
    ///
    /// # Errors
    /// When genes are classified or their expression is not known, a number of reads is
    /// not whole, the reads are not those of the expression, or the ceiling is undefined.
    pub fn of_counts(
        predictions: &Predictions,
        label: &LabelConfig,
        tables: [&GeneTable; 2],
        seed: u64,
    ) -> Result<Self> {
        let known = known(predictions, label)?;
        let [a, b] = tables.map(|table| values_of(table, predictions));
        let mut genes = Vec::with_capacity(known.len());
        for (index, expression) in known.into_iter().enumerate() {
            let (Some(in_a), Some(in_b)) = (a[index], b[index]) else {
                genes.push(None);
                continue;
            };
            let reads = reads([in_a, in_b]).ok_or_else(|| {
                let gene = &predictions.genes[index].gene_id;
                Error::data(
                    format!(
                        "the numbers of reads of gene {gene}, {in_a} and {in_b}, are not whole"
                    ),
                    "Give a table of raw read counts, not normalized",
                )
            })?;
            genes.push(Some(CountedGene { expression, reads }));
        }
        check_same_sample(&genes, tables)?;
        Self::per_gene(Noise::Counting, predictions, &genes, |genes| {
            NoiseCeiling::of_counts(genes, label.pseudocount, seed)
        })
    }

    /// By all that replicates differ in, given a table for each replicate of A and of B,
    /// in the unit of the expression. Genes that a table lacks do not count.
    ///
    /// # Errors
    /// When genes are classified, a cell type has fewer than two replicates, or the
    /// ceiling is undefined.
    pub fn of_replicates(
        predictions: &Predictions,
        label: &LabelConfig,
        replicates: [&[GeneTable]; 2],
        seed: u64,
    ) -> Result<Self> {
        check_regression(label)?;
        if replicates.iter().any(|of_cell| of_cell.len() < 2) {
            return Err(Error::data(
                "a cell type has fewer than two replicates",
                "Name at least two columns of each cell type",
            ));
        }
        let values = replicates.map(|of_cell| {
            let tables = of_cell.iter().map(|table| values_of(table, predictions));
            tables.collect::<Vec<_>>()
        });
        let of_gene = |gene: usize| {
            let [a, b] = values.each_ref().map(|of_cell| {
                let of_cell = of_cell.iter().map(|values| values[gene]);
                of_cell.collect::<Option<Vec<f64>>>()
            });
            let replicates = [a?, b?];
            Some(ReplicatedGene { replicates })
        };
        let genes: Vec<_> = (0..predictions.genes.len()).map(of_gene).collect();
        Self::per_gene(Noise::Replicates, predictions, &genes, |genes| {
            NoiseCeiling::of_replicates(genes, label.pseudocount, seed)
        })
    }

    /// From genes that are known, in the order of the predictions.
    fn per_gene<G: Clone>(
        noise: Noise,
        predictions: &Predictions,
        genes: &[Option<G>],
        ceiling: impl Fn(&[G]) -> Option<NoiseCeiling>,
    ) -> Result<Self> {
        if genes.iter().all(Option::is_none) {
            let id = predictions.genes.first().map_or("", |gene| &gene.gene_id);
            return Err(Error::data(
                format!("the table has none of the run's genes, whose ids are like {id:?}"),
                "Give a table with the same kind of gene id in its first column",
            ));
        }
        let of_split = |split: Option<Split>| {
            let genes = predictions.genes.iter().zip(genes);
            let genes = genes.filter(|(gene, _)| gene.split == split);
            let known: Vec<G> = genes.filter_map(|(_, known)| known.clone()).collect();
            ceiling(&known)
        };
        let lacking = genes.iter().filter(|gene| gene.is_none()).count();
        Self::of_splits(noise, lacking, of_split).ok_or_else(|| {
            Error::data(
                "there are too few genes for a noise ceiling, or their labels do not vary",
                "Give at least 20 genes of a split whose expression differs between A and B",
            )
        })
    }
}

fn check_regression(label: &LabelConfig) -> Result<()> {
    match label.task {
        Task::Regression => Ok(()),
        Task::Classification => Err(Error::data(
            "there is no noise ceiling of genes that are classified",
            "Give a run of regression",
        )),
    }
}

/// The expression of every gene.
fn known(predictions: &Predictions, label: &LabelConfig) -> Result<Vec<[f64; 2]>> {
    check_regression(label)?;
    let genes = predictions.genes.iter();
    let known: Option<Vec<[f64; 2]>> = genes.map(|gene| expression_of(gene, label)).collect();
    known.ok_or_else(|| {
        Error::data(
            "the run's predictions.tsv is of an earlier version and lacks the expression",
            "Train the run again",
        )
    })
}

/// The value of a table for each gene.
fn values_of(table: &GeneTable, predictions: &Predictions) -> Vec<Option<f64>> {
    let ids = predictions.genes.iter().map(|gene| gene.gene_id.as_str());
    let rows = table.rows_of(ids).into_iter();
    rows.map(|row| row.map(|row| table.rows[row].1)).collect()
}

fn check_same_sample(genes: &[Option<CountedGene>], tables: [&GeneTable; 2]) -> Result<()> {
    for (cell, table) in tables.into_iter().enumerate() {
        let known = genes.iter().flatten();
        let (reads, expression): (Vec<f64>, Vec<f64>) = known
            .map(|gene| (gene.reads[cell] as f64, gene.expression[cell]))
            .unzip();
        if spearman_r(&reads, &expression).is_some_and(|r| r < SAME_SAMPLE) {
            return Err(Error::data(
                format!(
                    "the reads in column {:?} do not go with the expression of cell type {}",
                    table.column,
                    ["A", "B"][cell]
                ),
                "Give the reads that the expression was computed from",
            ));
        }
    }
    Ok(())
}

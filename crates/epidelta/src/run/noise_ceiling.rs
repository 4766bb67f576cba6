//! The noise ceiling of a run's labels, per split, from what is known of their noise:
//! expression in reads, a table of reads, or one of replicates.

mod tables;

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{LabelConfig, Pair, Split, Task},
    evaluation::{CountedGene, GenePrediction, NoiseCeiling},
};

/// The largest number of reads: whole numbers above it are not all told apart.
const MOST_READS: f64 = (1_u64 << 53) as f64;
/// Noise ceilings per split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseCeilings {
    /// What is known of the noise.
    pub noise: Noise,
    /// Genes that do not count, since a table lacks them.
    #[serde(default)]
    pub lacking_genes: usize,
    /// Test genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test: Option<NoiseCeiling>,
    /// Validation genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid: Option<NoiseCeiling>,
    /// Training genes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub train: Option<NoiseCeiling>,
    /// Genes that have no split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub without_split: Option<NoiseCeiling>,
}

/// Which noise a ceiling is due to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Noise {
    /// That of counting reads, alone.
    Counting,
    /// All that replicates differ in.
    Replicates,
}

impl NoiseCeilings {
    /// By the noise of counting, where the expression of a pair's cell types is itself the
    /// reads: whole numbers. None where it is not, where genes are classified, and where it is
    /// undefined. The labels have to be the ratios of the expressions.
    pub fn of_pair(pair: &Pair, label: &LabelConfig, seed: u64) -> Option<Self> {
        let in_reads = pair.cells.iter().all(|cell| cell.metadata.is_in_reads());
        if label.task == Task::Classification || !in_reads {
            return None;
        }
        let counted = |index: usize| {
            let gene = &pair.genes[index];
            let of_files = [0, 1].map(|side| pair.record(index, side).expression);
            let without_split = gene.split.is_none();
            Some((
                pair.role(index).map(Some).or(without_split.then_some(None)),
                CountedGene {
                    expression: expressions(gene.log2_expression(), label),
                    reads: reads(of_files)?,
                },
            ))
        };
        let counted: Option<Vec<_>> = (0..pair.genes.len()).map(counted).collect();
        let counted = counted?;
        Self::of_splits(Noise::Counting, 0, |split| {
            let of_split = counted
                .iter()
                .filter(|(of_gene, _)| *of_gene == Some(split));
            let genes: Vec<CountedGene> = of_split.map(|(_, gene)| *gene).collect();
            NoiseCeiling::of_counts(&genes, label.pseudocount, seed)
        })
    }

    fn of_splits(
        noise: Noise,
        lacking_genes: usize,
        of_split: impl Fn(Option<Split>) -> Option<NoiseCeiling>,
    ) -> Option<Self> {
        let ceilings = NoiseCeilings {
            noise,
            lacking_genes,
            test: of_split(Some(Split::Test)),
            valid: of_split(Some(Split::Valid)),
            train: of_split(Some(Split::Train)),
            without_split: of_split(None),
        };
        let any = ceilings.splits().next().is_some();
        any.then_some(ceilings)
    }

    /// The splits that have a ceiling, with their names, test first.
    pub fn splits(&self) -> impl Iterator<Item = (&'static str, &NoiseCeiling)> {
        [
            ("test", &self.test),
            ("valid", &self.valid),
            ("train", &self.train),
            ("without split", &self.without_split),
        ]
        .into_iter()
        .filter_map(|(name, ceiling)| ceiling.as_ref().map(|ceiling| (name, ceiling)))
    }
}

/// The expression of a gene in A and in B, in its unit.
fn expression_of(gene: &GenePrediction, label: &LabelConfig) -> Option<[f64; 2]> {
    gene.log2_expression.map(|log2| expressions(log2, label))
}

/// Expressions, in their unit, of their logarithms. Where one is a whole number but for the
/// rounding of its logarithm, it is that number.
fn expressions(log2: [f64; 2], label: &LabelConfig) -> [f64; 2] {
    let of_cell = |log2: f64| {
        let expression = (log2.exp2() - label.pseudocount).max(0.0);
        let whole = expression.round();
        match (expression - whole).abs() <= 1e-9 * (1.0 + expression) {
            true => whole,
            false => expression,
        }
    };
    log2.map(of_cell)
}

/// Numbers of reads, if they are some.
fn reads(values: [f64; 2]) -> Option<[u64; 2]> {
    let is_count = |v: f64| (0.0..=MOST_READS).contains(&v) && v.fract() == 0.0;
    values
        .into_iter()
        .all(is_count)
        .then(|| values.map(|v| v as u64))
}

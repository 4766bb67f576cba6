//! Which genes are looked at closely, and which way their bins run.

use std::collections::HashMap;

use rand::seq::SliceRandom;

use crate::{
    dataset::{BinOrder, Orientation, Pair, Split},
    error::{Error, Result},
    genome::Strand,
    random::{Purpose, generator},
};

/// Genes that every ablation is made of, at most.
const MEASURED: usize = 5000;

/// The genes that are looked at closely, as indices into the pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneChoice {
    /// Those that predictions are measured by: the test genes, or all where there are none; of
    /// many 5,000, drawn at random.
    pub measured: Vec<usize>,
    /// A sample of them.
    pub sample: Vec<usize>,
    /// Those that were asked for.
    pub named: Vec<usize>,
}

impl GeneChoice {
    /// Draws a sample of so many genes, and finds those that are named by id or symbol.
    ///
    /// # Errors
    /// When a name is unknown.
    pub fn new(pair: &Pair, sample: usize, names: &[String], seed: u64) -> Result<Self> {
        let mut measured = pair.in_split(Split::Test);
        if measured.is_empty() {
            measured = (0..pair.genes.len()).collect();
        }
        let draw = |genes: &[usize], count: usize, index: u64| {
            let mut drawn = genes.to_vec();
            drawn.shuffle(&mut generator(seed, Purpose::Explanation, index));
            drawn.truncate(count);
            drawn.sort_unstable();
            drawn
        };
        let measured = draw(&measured, MEASURED, 4);
        let drawn = draw(&measured, sample, 0);
        Ok(GeneChoice {
            named: find(pair, names)?,
            measured,
            sample: drawn,
        })
    }

    /// Those of the sample and those that were asked for, each once, in the pair's order.
    pub fn close(&self) -> Vec<usize> {
        let mut genes = [self.sample.as_slice(), &self.named].concat();
        genes.sort_unstable();
        genes.dedup();
        genes
    }
}

/// The genes of these ids or symbols; of several pairs, in all of them.
fn find(pair: &Pair, names: &[String]) -> Result<Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for gene in 0..pair.genes.len() {
        let record = pair.record(gene, 0);
        places.entry(&record.gene_id).or_default().push(gene);
        if let Some(name) = &record.gene_name
            && *name != record.gene_id
        {
            places.entry(name).or_default().push(gene);
        }
    }
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        match places.get(name.as_str()) {
            Some(genes) => found.extend(genes),
            None => unknown.push(name.as_str()),
        }
    }
    if !unknown.is_empty() {
        return Err(Error::data(
            format!("the data have no gene {}", unknown.join(", ")),
            "Give ids or symbols as they stand in the data (`epidelta predict` lists the ids)",
        ));
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|gene| seen.insert(*gene));
    Ok(found)
}

/// Which way the bins of genes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strands {
    /// Upstream first, in all.
    UpstreamFirst,
    /// Along the genome, where all strands are known: genes on the reverse strand are turned
    /// round for what is drawn along the TSS axis.
    Known,
    /// Along the genome, where some strand is not known.
    AlongGenome,
}

impl Strands {
    /// Those of a pair whose bins a method sees in this order.
    pub fn of(pair: &Pair, order: BinOrder) -> Self {
        let known = (0..pair.genes.len()).all(|gene| pair.record(gene, 0).strand.is_some());
        let cells = &pair.cells;
        let by_strand = |orientation| orientation == Orientation::Strand;
        match cells
            .iter()
            .all(|cell| by_strand(cell.metadata.orientation))
        {
            true => Strands::UpstreamFirst,
            false if known && order == BinOrder::Strand => Strands::UpstreamFirst,
            false if known => Strands::Known,
            false => Strands::AlongGenome,
        }
    }

    /// Whether a gene's bins run downstream first.
    pub(crate) fn is_reversed(self, pair: &Pair, gene: usize) -> bool {
        self == Strands::Known && pair.record(gene, 0).strand == Some(Strand::Reverse)
    }

    /// Whether the TSS axis runs from upstream to downstream.
    pub fn is_oriented(self) -> bool {
        self != Strands::AlongGenome
    }
}

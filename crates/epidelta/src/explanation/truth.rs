//! What is known of simulated genes: which bins of which marks differ between the cell types,
//! and how much of that a ranking finds.

use std::{collections::HashMap, path::Path};

use serde::Serialize;

use super::{
    curves::{Scores, Unit, ranked},
    genes::Strands,
    mean::Mean,
    regions::Regions,
};
use crate::{
    dataset::{Pair, read_truth},
    error::{Error, Place, Result},
};

/// Which bins carry the difference of each gene.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// By gene id, `[mark, bin]`.
    of_genes: HashMap<String, Vec<bool>>,
}

/// How many of the first units of a ranking are causal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Precision {
    /// What is ranked.
    pub unit: Unit,
    /// By what.
    pub ranking: super::Ranking,
    /// Mean over genes of the share of causal units among the first k, where a gene has k causal
    /// units.
    pub precision_at_k: Option<Mean>,
    /// The share of causal units among all: what any order finds.
    pub by_chance: f64,
}

impl Truth {
    /// Reads `truth.parquet` of two simulated cell types, for the marks and bins of a pair. Its
    /// bins are upstream first; those of genes whose bins run the other way are turned round.
    ///
    /// # Errors
    /// When the file cannot be read, or is of other marks, bins or genes; when there are several
    /// pairs, or the way of the bins is not known.
    pub fn read(path: &Path, pair: &Pair, strands: Strands) -> Result<Self> {
        if pair.has_several() {
            return Err(Error::data(
                "a truth is of two cell types, and these are several pairs",
                "Explain one pair, with --a and --b",
            ));
        }
        if !strands.is_oriented() {
            return Err(Error::data(
                "the truth is upstream first, and which way the bins of the data run is not known",
                "Prepare the data with strands",
            ));
        }
        let of_genes = read_truth(path, pair.marks(), pair.bins())?;
        let mut truth = Truth {
            of_genes: of_genes.into_iter().collect(),
        };
        for gene in (0..pair.genes.len()).filter(|&gene| strands.is_reversed(pair, gene)) {
            if let Some(bins) = truth.of_genes.get_mut(pair.gene_id(gene)) {
                bins.chunks_mut(pair.bins()).for_each(<[bool]>::reverse);
            }
        }
        let known = (0..pair.genes.len()).filter(|&gene| truth.of(pair, gene).is_some());
        if known.count() == 0 {
            let found = "genes that the data do not have";
            let remedy = "Give the truth.parquet of the simulation that made the data";
            return Err(Error::content(
                path,
                Place::File,
                "genes of the data",
                found,
                remedy,
            ));
        }
        Ok(truth)
    }

    fn of(&self, pair: &Pair, gene: usize) -> Option<&[bool]> {
        self.of_genes.get(pair.gene_id(gene)).map(Vec::as_slice)
    }

    /// How much of the truth rankings of some genes' units find. Genes of which no unit is
    /// causal, or every one, tell nothing and do not count.
    pub(super) fn precision(
        &self,
        pair: &Pair,
        genes: &[usize],
        unit: Unit,
        regions: Regions,
        scores: &[Scores],
    ) -> Vec<Precision> {
        let causal: Vec<Option<Vec<bool>>> = genes
            .iter()
            .map(|&gene| {
                let bins = self.of(pair, gene)?;
                let units: Vec<bool> = (0..regions.len())
                    .map(|region| bins[regions.in_signal(region)].contains(&true))
                    .collect();
                let some = units.contains(&true) && units.contains(&false);
                some.then_some(units)
            })
            .collect();
        let shares = causal
            .iter()
            .flatten()
            .map(|units| units.iter().filter(|&&is| is).count() as f64 / units.len() as f64);
        let shares: Vec<f64> = shares.collect();
        let by_chance = shares.iter().fold(0.0, |sum, x| sum + x) / shares.len().max(1) as f64;
        let of_ranking = |scores: &Scores| {
            let of_gene = |(scores, causal): (&Vec<f64>, &Option<Vec<bool>>)| {
                let causal = causal.as_ref()?;
                let k = causal.iter().filter(|&&is| is).count();
                let found = ranked(scores).into_iter().take(k);
                let found = found.filter(|&unit| causal[unit]).count();
                Some(found as f64 / k as f64)
            };
            let of_genes = scores.of_genes.iter().zip(&causal);
            let found: Vec<f64> = of_genes.filter_map(of_gene).collect();
            Precision {
                unit,
                ranking: scores.ranking,
                precision_at_k: Mean::of(&found),
                by_chance,
            }
        };
        scores.iter().map(of_ranking).collect()
    }
}

//! Which genes train, which choose, which test.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{epigenome::Split, pair::Pair};
use crate::{
    error::{Error, Result},
    random::{Purpose, generator},
};

/// Where the split comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitMethod {
    /// The files' own split where they have one, else `Random`.
    Auto,
    /// The files' own split; genes without one are an error.
    File,
    /// Genes at random, by the run's seed.
    Random,
    /// Whole chromosomes, so that neighbouring genes do not leak.
    Chromosome,
}

/// How genes are divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Where the split comes from.
    pub method: SplitMethod,
    /// Validation genes for `random`: a share below 1, or a number of genes.
    pub valid: f64,
    /// Test genes for `random`: a share below 1, or a number of genes.
    pub test: f64,
    /// Validation chromosomes for `chromosome`.
    pub valid_chromosomes: Vec<String>,
    /// Test chromosomes for `chromosome`.
    pub test_chromosomes: Vec<String>,
}

impl Default for SplitConfig {
    fn default() -> Self {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        SplitConfig {
            method: SplitMethod::Auto,
            valid: 0.2,
            test: 0.2,
            valid_chromosomes: names(&["chr3", "chr17"]),
            test_chromosomes: names(&["chr1", "chr8", "chr21"]),
        }
    }
}

impl SplitConfig {
    /// Assigns a split to every gene of a pair.
    ///
    /// # Errors
    /// When the wanted split cannot be made from the data, or leaves train,
    /// valid or test without a gene.
    pub fn assign(&self, pair: &mut Pair, seed: u64) -> Result<()> {
        let in_file = pair.genes.iter().any(|gene| {
            pair.a.genes[gene.row_a]
                .split
                .or(pair.b.genes[gene.row_b].split)
                .is_some()
        });
        match self.method {
            SplitMethod::Auto if in_file => from_file(pair)?,
            SplitMethod::File => from_file(pair)?,
            SplitMethod::Auto | SplitMethod::Random => {
                let sizes = self.sizes(pair.genes.len())?;
                let splits = random_splits(pair.genes.len(), sizes, seed);
                for (gene, split) in pair.genes.iter_mut().zip(splits) {
                    gene.split = Some(split);
                }
            }
            SplitMethod::Chromosome => self.by_chromosome(pair)?,
        }
        for split in Split::ALL {
            if pair.in_split(split).is_empty() {
                return Err(Error::data(
                    format!("the {split} split has no gene"),
                    "Give files with train, valid and test genes, or set split.method \
                     (random or chromosome) and its sizes",
                ));
            }
        }
        Ok(())
    }

    /// Numbers of validation and test genes among `genes`.
    fn sizes(&self, genes: usize) -> Result<(usize, usize)> {
        let size = |setting: &str, wanted: f64| -> Result<usize> {
            if !(wanted.is_finite() && wanted >= 0.0) {
                return Err(Error::setting(
                    setting,
                    format!("{wanted} is neither a share nor a number of genes"),
                    "Give a share below 1, such as 0.2, or a number of genes",
                ));
            }
            let number = if wanted < 1.0 {
                wanted * genes as f64
            } else {
                wanted
            };
            Ok(number.round() as usize)
        };
        let (valid, test) = (
            size("split.valid", self.valid)?,
            size("split.test", self.test)?,
        );
        if valid.saturating_add(test) >= genes {
            return Err(Error::setting(
                "split.valid, split.test",
                format!("{valid} + {test} genes leave none of {genes} for training"),
                "Make them smaller",
            ));
        }
        Ok((valid, test))
    }

    fn by_chromosome(&self, pair: &mut Pair) -> Result<()> {
        for gene in &mut pair.genes {
            let record = &pair.a.genes[gene.row_a];
            let Some(chrom) = &record.chrom else {
                return Err(Error::data(
                    format!(
                        "gene {} has no chromosome, which split.method = \"chromosome\" needs",
                        record.gene_id
                    ),
                    "Import with --genes annotation.gtf, or choose another split method",
                ));
            };
            gene.split = Some(if self.test_chromosomes.contains(chrom) {
                Split::Test
            } else if self.valid_chromosomes.contains(chrom) {
                Split::Valid
            } else {
                Split::Train
            });
        }
        Ok(())
    }
}

fn from_file(pair: &mut Pair) -> Result<()> {
    for gene in 0..pair.genes.len() {
        let split = pair.split_in_files(gene)?;
        if split.is_none() {
            return Err(Error::data(
                format!("gene {} has no split in either file", pair.gene_id(gene)),
                "Give every gene a split, or set split.method to \"random\" or \"chromosome\"",
            ));
        }
        pair.genes[gene].split = split;
    }
    Ok(())
}

/// The split of each of `genes` genes: `(valid, test)` of them drawn at random.
pub(super) fn random_splits(genes: usize, (valid, test): (usize, usize), seed: u64) -> Vec<Split> {
    let mut order: Vec<usize> = (0..genes).collect();
    order.shuffle(&mut generator(seed, Purpose::Split, 0));
    let mut splits = vec![Split::Train; genes];
    for (rank, gene) in order.into_iter().enumerate() {
        if rank < valid {
            splits[gene] = Split::Valid;
        } else if rank < valid + test {
            splits[gene] = Split::Test;
        }
    }
    splits
}

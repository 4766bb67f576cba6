//! Which genes train, which choose, which test.

use std::collections::{BTreeSet, HashMap};

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{epigenome::Split, pair::Pair};
use crate::{
    error::{Error, Result},
    genome::same_chrom,
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
    /// Genes at random, by `split.seed`.
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
    /// Seed of `random`. It is not the run's, so that runs of several seeds are
    /// tested on the same genes.
    pub seed: u64,
    /// Validation chromosomes for `chromosome`.
    pub valid_chromosomes: Vec<String>,
    /// Test chromosomes for `chromosome`.
    pub test_chromosomes: Vec<String>,
    /// Cell types held out to choose by: no pair with one of them trains.
    pub valid_cell_types: Vec<String>,
    /// Cell types held out to test on: no pair with one of them trains or chooses.
    pub test_cell_types: Vec<String>,
}

impl Default for SplitConfig {
    fn default() -> Self {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        SplitConfig {
            method: SplitMethod::Auto,
            valid: 0.2,
            test: 0.2,
            seed: 1,
            valid_chromosomes: names(&["chr3", "chr17"]),
            test_chromosomes: names(&["chr1", "chr8", "chr21"]),
            valid_cell_types: Vec::new(),
            test_cell_types: Vec::new(),
        }
    }
}

impl SplitConfig {
    /// Assigns a split to every gene of a pair.
    ///
    /// # Errors
    /// When the wanted split cannot be made from the data, or leaves train,
    /// valid or test without a gene.
    pub fn assign(&self, pair: &mut Pair) -> Result<()> {
        match self.method {
            SplitMethod::Auto if Self::is_in_files(pair) => from_file(pair)?,
            SplitMethod::File => from_file(pair)?,
            SplitMethod::Auto | SplitMethod::Random => {
                // Drawn in the order of the ids, so that neither the files' order
                // nor which cell type is A changes the split, and a gene is in the same
                // split in all pairs.
                let ids: BTreeSet<&str> = (0..pair.genes.len()).map(|g| pair.gene_id(g)).collect();
                let sizes = self.sizes(ids.len())?;
                let splits = random_splits(ids.len(), sizes, self.seed);
                let of_id: HashMap<&str, Split> = ids.into_iter().zip(splits).collect();
                let splits: Vec<Split> = (0..pair.genes.len())
                    .map(|gene| of_id[pair.gene_id(gene)])
                    .collect();
                for (gene, split) in pair.genes.iter_mut().zip(splits) {
                    gene.split = Some(split);
                }
            }
            SplitMethod::Chromosome => self.by_chromosome(pair)?,
        }
        self.hold_out_cell_types(pair)?;
        match pair.empty_split() {
            None => Ok(()),
            Some(split) => Err(Error::data(
                format!("the {split} split has no gene"),
                self.remedy_for_empty_split(pair),
            )),
        }
    }

    /// The split of a pair of cell types: that of the more held out of the two.
    pub fn cell_split(&self, cell_types: [&str; 2]) -> Split {
        let holds = |list: &[String]| list.iter().any(|name| cell_types.contains(&name.as_str()));
        match (holds(&self.test_cell_types), holds(&self.valid_cell_types)) {
            (true, _) => Split::Test,
            (false, true) => Split::Valid,
            (false, false) => Split::Train,
        }
    }

    /// The splits for which cell types are held out.
    pub(crate) fn holds_out_cells(&self) -> BTreeSet<Split> {
        let lists = [
            (Split::Valid, &self.valid_cell_types),
            (Split::Test, &self.test_cell_types),
        ];
        let held_out = lists.into_iter().filter(|(_, list)| !list.is_empty());
        held_out.map(|(split, _)| split).collect()
    }

    /// Whether a pair of cell types trains.
    pub fn trains(&self, [a, b]: &[String; 2]) -> bool {
        self.cell_split([a, b]) == Split::Train
    }

    /// Whether a cell type is in one of these pairs that trains.
    pub fn trains_cell_type(&self, pairs: &[[String; 2]], name: &str) -> bool {
        pairs
            .iter()
            .any(|pair| self.trains(pair) && pair.iter().any(|of_pair| of_pair == name))
    }

    /// Gives every pair of cell types its split.
    fn hold_out_cell_types(&self, pair: &mut Pair) -> Result<()> {
        let names: BTreeSet<&str> = (0..pair.genes.len())
            .flat_map(|gene| pair.cell_types(gene))
            .collect();
        let (valid, test) = (&self.valid_cell_types, &self.test_cell_types);
        let wrong = |setting: &str, name: &str, problem: &str| {
            let names: Vec<&str> = names.iter().copied().collect();
            Err(Error::setting(
                setting,
                format!("{name} {problem}"),
                format!(
                    "Name some of the cell types of the pairs: {}",
                    names.join(", ")
                ),
            ))
        };
        for (setting, list) in [("valid", valid), ("test", test)] {
            let setting = format!("split.{setting}_cell_types");
            if let Some(name) = list.iter().find(|name| !names.contains(name.as_str())) {
                return wrong(&setting, name, "is in no pair");
            }
        }
        if let Some(name) = valid.iter().find(|name| test.contains(name)) {
            let settings = "split.valid_cell_types, split.test_cell_types";
            return wrong(settings, name, "is in both");
        }
        pair.hold_out_cells(self.holds_out_cells(), |cell_types| {
            self.cell_split(cell_types)
        });
        let pairs = pair.names();
        pair.identify(&pair.cell_names(), |name| {
            self.trains_cell_type(&pairs, name)
        });
        Ok(())
    }

    fn remedy_for_empty_split(&self, pair: &Pair) -> String {
        if !(self.valid_cell_types.is_empty() && self.test_cell_types.is_empty()) {
            return "Hold out fewer cell types: pairs of two others have to be left to train, and \
                    each held out needs one without a cell type of the other list"
                .into();
        }
        if self.method != SplitMethod::Chromosome {
            return "Give files with train, valid and test genes, or set split.method \
                    (random or chromosome) and its sizes"
                .into();
        }
        let genes = 0..pair.genes.len();
        let present: BTreeSet<&str> = genes.filter_map(|gene| chromosome(pair, gene)).collect();
        let present: Vec<&str> = present.into_iter().collect();
        format!(
            "Set split.valid_chromosomes and split.test_chromosomes to some of the data's: {}",
            present.join(", ")
        )
    }

    /// Whether the files of a pair give any gene a split.
    pub fn is_in_files(pair: &Pair) -> bool {
        // Files that contradict each other do give one.
        let given = |gene| !matches!(pair.split_in_files(gene), Ok(None));
        (0..pair.genes.len()).any(given)
    }

    /// Where the split comes from, in words.
    pub fn in_words(&self, in_files: bool) -> String {
        match self.method {
            SplitMethod::Auto if in_files => "the files' own".into(),
            SplitMethod::File => "the files' own".into(),
            SplitMethod::Auto | SplitMethod::Random => format!("random, seed {}", self.seed),
            SplitMethod::Chromosome => "by chromosome".into(),
        }
    }

    /// Checks the sizes.
    ///
    /// # Errors
    /// When one is negative or not a number.
    pub fn check(&self) -> Result<()> {
        for (setting, size) in [("split.valid", self.valid), ("split.test", self.test)] {
            if !(size.is_finite() && size >= 0.0) {
                return Err(Error::setting(
                    setting,
                    format!("{size} is neither a share nor a number of genes"),
                    "Give a share below 1, such as 0.2, or a number of genes",
                ));
            }
        }
        Ok(())
    }

    /// Numbers of validation and test genes among `genes`.
    fn sizes(&self, genes: usize) -> Result<(usize, usize)> {
        self.check()?;
        let size = |wanted: f64| {
            let number = if wanted < 1.0 {
                wanted * genes as f64
            } else {
                wanted
            };
            number.round() as usize
        };
        let (valid, test) = (size(self.valid), size(self.test));
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
        let (valid, test) = (&self.valid_chromosomes, &self.test_chromosomes);
        let is_in = |list: &[String], chrom: &str| {
            same_chrom(chrom, list.iter().map(String::as_str)).is_some()
        };
        if let Some(chrom) = valid.iter().find(|chrom| is_in(test, chrom)) {
            return Err(Error::setting(
                "split.valid_chromosomes, split.test_chromosomes",
                format!("{chrom} is in both"),
                "Name each chromosome once",
            ));
        }
        let remedy = "choose another split.method";
        give_splits(pair, remedy, |pair, gene| {
            let Some(chrom) = chromosome(pair, gene) else {
                return Err(Error::data(
                    format!(
                        "gene {} has no chromosome, which split.method = \"chromosome\" needs",
                        pair.gene_id(gene)
                    ),
                    "Import with --genes annotation.gtf, or choose another split method",
                ));
            };
            Ok(match (is_in(test, chrom), is_in(valid, chrom)) {
                (true, _) => Split::Test,
                (false, true) => Split::Valid,
                (false, false) => Split::Train,
            })
        })
    }
}

fn chromosome(pair: &Pair, gene: usize) -> Option<&str> {
    let [a, b] = [0, 1].map(|side| pair.record(gene, side).chrom.as_deref());
    a.or(b)
}

fn from_file(pair: &mut Pair) -> Result<()> {
    let remedy = "set split.method to \"random\" or \"chromosome\"";
    give_splits(pair, remedy, |pair, gene| {
        pair.split_in_files(gene)?.ok_or_else(|| {
            Error::data(
                format!("gene {} has no split in either file", pair.gene_id(gene)),
                format!("Give every gene a split, or {remedy}"),
            )
        })
    })
}

/// Gives every joined gene a split; files that give one gene two splits are refused.
fn give_splits(
    pair: &mut Pair,
    remedy: &str,
    split_of: impl Fn(&Pair, usize) -> Result<Split>,
) -> Result<()> {
    let mut splits: Vec<Split> = Vec::with_capacity(pair.genes.len());
    let mut of_id: HashMap<&str, Split> = HashMap::new();
    for gene in 0..pair.genes.len() {
        let split = split_of(pair, gene)?;
        let id = pair.gene_id(gene);
        let first = *of_id.entry(id).or_insert(split);
        if first != split {
            let [a, b] = pair.cell_types(gene);
            return Err(Error::data(
                format!("gene {id} is in split {split} in {a} and {b}, and in {first} elsewhere"),
                format!("Make all files with the same split or annotation, or {remedy}"),
            ));
        }
        splits.push(split);
    }
    for (gene, split) in pair.genes.iter_mut().zip(splits) {
        gene.split = Some(split);
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

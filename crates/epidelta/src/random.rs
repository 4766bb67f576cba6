//! Random numbers: one seed per run, an independent stream per purpose, so that
//! adding a draw in one place never changes another.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights,
    /// The order of the training genes; `index` is the epoch.
    Shuffle,
    /// Dropout masks; `index` is the optimizer step.
    Dropout,
    /// The assignment of genes to train, valid and test.
    Split,
    /// Simulated data; `index` is the gene.
    Simulation,
    /// Where simulated reads lie; `index` is the file.
    Reads,
    /// The folds of cross-validation; with `index` 1 the genes that are compared in it.
    Folds,
    /// The samples and features of a forest's trees; `index` is the number of features
    /// that it sees.
    Forest,
    /// The genes and features of boosted trees.
    Boosting,
    /// The genes of bootstrap samples.
    Bootstrap,
    /// The marks and cell types that training hides; `index` is the optimizer step.
    Hidden,
    /// The halves of reads or replicates; `index` is the draw.
    NoiseCeiling,
    /// What explanations draw: with `index` 0 the genes that are looked at, 1 genes put in the
    /// place of others, 2 random orders, 3 the genes of bootstrap samples, 4 those that are
    /// measured.
    Explanation,
}

/// The generator of a purpose; `index` separates its parts (epochs, genes).
pub fn generator(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    // ChaCha has 2^64 streams per key: 8 bits tell the purpose, 56 the index.
    generator.set_stream((purpose as u64) << 56 | index);
    generator
}

//! Methods beside one another over many cell-type pairs: how sure each r is, who
//! is better on a pair, and whether that holds over the pairs.
//!
//! A pair of cell types is the unit of all tests here: the genes of one pair share
//! their cell types' quirks, so they are no independent evidence about methods.

mod chi_square;
mod bootstrap;
mod difference;
mod holm;
mod ranks;
mod relative;
mod wilcoxon;

pub use bootstrap::{Draws, pearson_interval};
pub use difference::{Difference, auroc_difference, pearson_difference};
pub use holm::holm;
pub use ranks::{Friedman, Ranking};
pub use relative::Relative;
pub use wilcoxon::{SignedRank, signed_rank};

//! How good predictions are: correlation and error per split, for the fold
//! change and for the cell-specific tasks, how sure these numbers are and how high they
//! could be; and methods beside one another.

mod average_precision;
mod calls;
mod cell_metrics;
mod comparison;
mod expression_tiers;
mod metrics;
mod noise_ceiling;
mod predictions;
mod spread;
mod summary;

pub use average_precision::average_precision;
pub use calls::{CallMetrics, Calls};
pub use cell_metrics::CellMetrics;
pub use comparison::{
    Difference, Draws, Friedman, Ranking, Relative, SignedRank, auroc_difference, holm,
    pearson_difference, pearson_interval, signed_rank,
};
pub use expression_tiers::{ExpressedMetrics, Tier, TierMetrics};
pub(crate) use metrics::mean;
pub use metrics::{auroc, mean_squared_error, median, pearson_r, spearman_r};
pub use noise_ceiling::{CountedGene, NoiseCeiling, ReplicatedGene};
pub use predictions::{CellPrediction, GenePrediction, OfPair, Predictions};
pub use spread::{Coverage, SpreadCalibration, SpreadGroup, SpreadMetrics};
pub(crate) use summary::genes_of_rows;
pub use summary::{Metrics, SplitMetrics};

//! How good predictions are: correlation and error per split, for the fold
//! change and for the cell-specific tasks; and methods beside one another.

mod comparison;
mod metrics;
mod predictions;
mod summary;

pub use comparison::{
    Friedman, Ranking, Relative, SignedRank, holm, pearson_interval, signed_rank,
};
pub(crate) use metrics::mean;
pub use metrics::{auroc, mean_squared_error, median, pearson_r, spearman_r};
pub use predictions::{CellPrediction, GenePrediction, Predictions};
pub use summary::{CellMetrics, Metrics, SplitMetrics};

//! What a run learned, shown and tested: attention, attribution of predictions to marks and
//! bins, and whether attention can be believed.
//!
//! All that asks "what if the signal were otherwise" starts from
//! [`Pair::edited`](crate::dataset::Pair::edited): copies of genes with their signal changed,
//! predicted as any gene is, so it holds for every method. Attention and gradients are of networks
//! alone.
//!
//! Contributions are taken against signal that is equal in both cell types, the mean of A's and
//! B's: where nothing differs, nothing explains a difference.

mod ablation;
mod agreement;
mod attention;
mod curves;
mod directions;
mod explain;
mod faithfulness;
mod genes;
mod gradients;
mod mean;
mod parquet_table;
mod perturbation;
mod predictor;
mod quadrature;
mod regions;
mod tables;
mod truth;
mod verdict;

pub use ablation::{Ablation, GeneAblation, Importance, ablate};
pub use agreement::Agreement;
pub use attention::{ALL_MARKS, Attention, Encoder, attention, attention_in_parts};
pub use curves::{Curve, Curves, Ranking, Unit};
pub use directions::{BinAttention, Direction, Directions, MarkAttention};
pub use explain::{ExplainConfig, Explained, Step, explain};
pub use faithfulness::{Faithfulness, RegionAblation};
pub use genes::{GeneChoice, Strands};
pub use gradients::{Attribution, Baseline, attributions};
pub use mean::Mean;
pub(crate) use mean::rounded;
pub use parquet_table::{AttentionTable, write_attributions};
pub use perturbation::{Perturbation, Perturbed, perturb};
pub use predictor::Predictor;
pub use tables::write_tables;
pub(crate) use tables::{axis_in_words, positions};
pub use truth::{Precision, Truth};

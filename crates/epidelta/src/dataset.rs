//! From files to batches: an [`Epigenome`] is one cell type, a [`Pair`] joins
//! two of them and labels every gene, a [`Batch`] is what a model sees.

mod batch;
mod epigenome;
mod epigenome_file;
mod import_deepdiff;
mod input;
mod label;
mod pair;
mod pair_list;
mod parquet_check;
mod prepare;
mod sealed_parquet;
mod simulate;
mod split;

pub use batch::{Batch, shuffled};
pub use epigenome::{
    Epigenome, EpigenomeOutline, GeneRecord, Mark, Metadata, Orientation, READS, Signal, Split,
};
pub use epigenome_file::{read_epigenome, read_epigenome_outline, write_epigenome};
pub use import_deepdiff::{DeepDiffFiles, ImportSummary, import_deepdiff};
pub use input::{BinOrder, InputConfig, InputTransform};
pub use label::{LabelConfig, LabelDirection, Normalization, Task};
pub(crate) use pair::shared_marks;
pub use pair::{JoinSummary, Pair, PairedGene};
pub use pair_list::{PairList, read_pairs};
pub use prepare::{
    CellTypeFiles, Genes, GenesConfig, PrepareConfig, PrepareCost, PrepareSummary, Scale, Track,
    TrackSummary, differs_from_prepared, prepare, read_marks, read_samples,
};
pub use simulate::{Simulated, SimulationConfig, parent, read_truth, simulate};
pub use split::{SplitConfig, SplitMethod};

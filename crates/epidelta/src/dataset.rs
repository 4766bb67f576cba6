//! From files to batches: an [`Epigenome`] is one cell type, a [`Pair`] joins
//! two of them and labels every gene, a [`Batch`] is what a model sees.

mod batch;
mod epigenome;
mod epigenome_file;
mod import_deepdiff;
mod pair;
mod prepare;
mod simulate;
mod split;

pub use batch::{Batch, InputTransform, shuffled};
pub use epigenome::{Epigenome, GeneRecord, Mark, Metadata, Orientation, READS, Split};
pub use epigenome_file::{read_epigenome, write_epigenome};
pub use import_deepdiff::{DeepDiffFiles, ImportSummary, import_deepdiff};
pub use pair::{JoinSummary, LabelConfig, LabelDirection, Pair, PairedGene, Task};
pub use prepare::{
    CellTypeFiles, Genes, GenesConfig, PrepareConfig, PrepareSummary, Scale, Track, TrackSummary,
    prepare, read_marks, read_samples,
};
pub use simulate::{Simulated, SimulationConfig, parent, simulate};
pub use split::{SplitConfig, SplitMethod};

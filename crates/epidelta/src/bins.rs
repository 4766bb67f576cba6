//! Windows around genes, cut into bins, and what falls into each bin: how many
//! reads, or which mean value.
//!
//! Bins of a window have one width and no gaps. A window may reach over a
//! chromosome's end (its bins there stay empty) and overlap other windows (a read
//! counts in each).

mod count;
mod index;
mod mean;
mod windows;

pub use count::{CountRule, CountedPart, ReadCounter, StrandRule};
pub use index::{NameNotes, WindowIndex};
pub use mean::{MeanSignal, Missing};
pub use windows::{Bins, Edges, Window, Windows};

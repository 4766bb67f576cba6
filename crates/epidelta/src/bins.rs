//! Windows around genes, cut into bins, and what falls into each bin: how many
//! reads, or which mean value.
//!
//! Bins of a window have one width and no gaps. A window may reach over a
//! chromosome's end (its bins there stay empty) and overlap other windows (a read
//! counts in each).

mod chroms;
mod count;
mod mean;
mod windows;

pub use chroms::{Chroms, NameNotes};
pub use count::{CountRule, ReadCounter, Rule, StrandRule};
pub use mean::{MeanSignal, Missing};
pub use windows::{Bins, Edges, Window, Windows};

//! Figures: what is computed, what is drawn and what it looks like are apart. A
//! file per figure computes; `panels` draws a grid of line plots, the same bytes
//! for the same numbers.

mod axis;
mod panels;
mod profile;
mod text;

pub use profile::{MarkProfile, Profiles, write_profile_figure};

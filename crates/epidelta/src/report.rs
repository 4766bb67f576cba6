//! Figures: what is computed, what is drawn and what it looks like are apart. A
//! file per figure says what it shows; `panels` draws a grid of line plots, `drawing`
//! turns lines, boxes and text into SVG or PNG, the same bytes for the same numbers.

mod axis;
mod cost;
mod dots;
mod drawing;
mod group_labels;
mod grouped_bars;
mod labels;
mod legend;
mod log_axis;
mod panels;
mod profile;
mod study;
mod text;

pub use profile::{MarkProfile, Profiles, write_profile_figure};
pub use study::write_study_figures;

//! Figures and pages: what is computed, what is drawn and what it looks like are apart. A file
//! per figure says what it shows; `panels` draws a grid of line plots, `drawing` turns lines, boxes
//! and text into SVG or PNG, the same bytes for the same numbers. `run_page` and `study_page` put
//! them on a page, whose style and script lie in `page/`.

mod axis;
mod cost;
mod dots;
mod drawing;
mod explanation;
mod figure;
mod gene;
mod gene_data;
mod group_labels;
mod grouped_bars;
mod labels;
mod legend;
mod log_axis;
mod page;
mod panels;
mod profile;
mod run_figures;
mod run_page;
mod scatter;
mod study;
mod study_page;
mod text;

pub use explanation::explanation_figures;
pub use figure::Figure;
pub use gene::GenePage;
pub use gene_data::GeneAttention;
pub use profile::{MarkProfile, Profiles, write_profile_figure};
pub use run_page::{Report, RunReport, write_figures};
pub use study::write_study_figures;
pub use study_page::{is_study, study_page};

//! Learners on plain matrices, a row per gene and a column per feature: support vector
//! machines, feature weights, forests, boosted trees, linear models. They know nothing
//! of marks and cell types; `baseline` makes methods of them.

pub mod boosting;
pub mod forest;
pub mod linear;
pub mod matrix;
mod neighbours;
pub mod relieff;
pub mod svm;

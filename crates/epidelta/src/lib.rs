//! Which chromatin changes make a gene switch between two cell types?

#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod error;
pub mod genome;
pub mod annotation;
pub mod provenance;
pub mod output;
pub mod random;
pub mod dataset;
pub mod model;
pub mod evaluation;
pub mod training;
pub mod run;

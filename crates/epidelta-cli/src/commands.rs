//! One file per verb.

pub mod demo;
pub mod evaluate;
pub mod explain;
pub mod import;
pub mod inspect;
pub mod predict;
pub mod prepare;
pub mod simulate;
pub mod report;
pub mod study;
pub mod train;

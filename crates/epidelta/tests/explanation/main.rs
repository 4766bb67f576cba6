//! Explanations: equal to PyTorch, and right where the truth is known.

#[path = "../common/mod.rs"]
mod common;
mod cells;
mod golden;
mod known;
mod linear;
mod parity;

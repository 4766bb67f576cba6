//! Tests of the public interface.

mod accuracy;
mod behaviour;
mod finite_differences;
mod problem;
mod reference;

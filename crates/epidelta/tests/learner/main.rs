//! Learners beside scikit-learn, scikit-rebate and PyTorch: the expected numbers in
//! `tests/golden` were made by scripts in `tools/reference`.

#[path = "../common/mod.rs"]
mod common;
mod deep_chrome;
mod forest;
mod relieff;
mod svm;

//! `truth.parquet` of a simulation.
#![no_main]

use epidelta::dataset::read_truth;
use epidelta_fuzz::{BINS, file, pair, target};

target!(|data| {
    let _ = read_truth(&file("truth.parquet", data), pair().marks(), BINS);
});

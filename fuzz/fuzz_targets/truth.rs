//! `truth.parquet` of a simulation.
#![no_main]

use epidelta::dataset::read_truth;
use epidelta_fuzz::{BINS, file, pair, sealed_parquet, target};

target!(|data| {
    let data = &sealed_parquet(data);
    let _ = read_truth(&file("truth.parquet", data), pair().marks(), BINS);
});

//! `epigenome.parquet`, joined with itself.
//!
//! A file without a checksum of its own is accepted, and the seeds have none, so that damage
//! reaches what is behind it.
#![no_main]

use epidelta::{
    dataset::{Pair, read_epigenome},
    method::{Method, Preset, Settings},
};
use epidelta_fuzz::{file, target};

target!(|data| {
    if let Ok(epigenome) = read_epigenome(&file("epigenome.parquet", data)) {
        let label = Settings::of(Method::Ridge, Preset::Tuned).label;
        let _ = Pair::join(epigenome.clone(), epigenome, label);
    }
});

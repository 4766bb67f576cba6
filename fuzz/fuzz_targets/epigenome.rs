//! `epigenome.parquet`, joined with itself.
#![no_main]

use epidelta::{
    dataset::{Pair, read_epigenome},
    method::{Method, Preset, Settings},
};
use epidelta_fuzz::{file, sealed_parquet, target};

target!(|data| {
    let data = &sealed_parquet(data);
    if let Ok(epigenome) = read_epigenome(&file("epigenome.parquet", data)) {
        let label = Settings::of(Method::Ridge, Preset::Tuned).label;
        let _ = Pair::join(epigenome.clone(), epigenome, label);
    }
});

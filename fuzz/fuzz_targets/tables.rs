//! Tables of expression, of fold changes, of chromosome sizes, and lists of files.
#![no_main]

use std::sync::Once;

use epidelta::{
    dataset::{read_marks, read_pairs, read_samples},
    expression::{read_expression, read_fold_changes},
    genome::read_chrom_sizes,
};
use epidelta_fuzz::{choose, file, target};

/// The files that the lists of the seeds name.
static LISTED: Once = Once::new();

target!(|data| {
    let Some((choice, bytes)) = choose(data) else {
        return;
    };
    LISTED.call_once(|| {
        for name in [
            "a.bam",
            "b.bam",
            "c.bw",
            "A.parquet",
            "B.parquet",
            "C.parquet",
        ] {
            file(name, b"");
        }
    });
    let path = file("table.tsv", bytes);
    let ids = || ["ENSG01.1", "ENSG02", "G1"].into_iter();
    match choice % 8 {
        0 => {
            if let Ok(table) = read_expression(&path, None, "E003") {
                table.rows_of(ids());
            }
        }
        1 => {
            if let Ok(table) = read_expression(&path, Some("2"), "E003") {
                table.rows_of(ids());
            }
        }
        2 => {
            if let Ok(table) = read_fold_changes(&path, None) {
                table.rows_of(ids());
            }
        }
        3 => drop(read_chrom_sizes(&path)),
        4 => drop(read_marks(&path)),
        5 => drop(read_samples(&path, None, None)),
        6 => drop(read_samples(&path, Some(&path), Some("E003"))),
        _ => drop(read_pairs(&path)),
    }
});

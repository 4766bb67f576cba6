//! Lists of pairs of cell types, and what runs on them write.

#![allow(dead_code, reason = "each test uses some of it")]

use epidelta::{
    dataset::{Epigenome, read_epigenome, write_epigenome},
    model::{Tensors, read_tensors},
};

use super::Workplace;

/// A short training.
pub const SHORT: &str = "--set training.epochs=2 --set training.batch_size=16";

/// Four cell types, and a list of three pairs of which two are one pair both ways.
pub fn lineage() -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --cell-types 4 --genes 120 --bins 40 -o sim");
    workplace.write(
        "sim/pairs.tsv",
        "a\tb\nA.parquet\tB.parquet\nB.parquet\tA.parquet\nA.parquet\tC.parquet\n",
    );
    workplace
}

/// Changes a cell type's file.
pub fn change(workplace: &Workplace, from: &str, to: &str, with: impl FnOnce(&mut Epigenome)) {
    let mut cell = read_epigenome(&workplace.path(from)).unwrap();
    with(&mut cell);
    write_epigenome(&cell, &workplace.path(to), true).unwrap();
}

pub fn without(workplace: &Workplace, from: &str, to: &str, mark: &str) {
    change(workplace, from, to, |cell| {
        let marks: Vec<String> = cell.marks.iter().filter(|m| *m != mark).cloned().collect();
        *cell = cell.clone().with_marks(&marks);
    });
}

pub fn weights(workplace: &Workplace, run: &str) -> Tensors {
    read_tensors(&workplace.path(run).join("model.safetensors")).unwrap()
}

pub fn rows(table: &str) -> Vec<Vec<String>> {
    let rows = table.lines().skip(1);
    rows.map(|row| row.split('\t').map(str::to_owned).collect())
        .collect()
}

/// The column `predicted`.
pub fn predicted(table: &str) -> Vec<f32> {
    rows(table)
        .iter()
        .map(|row| row[3].parse().unwrap())
        .collect()
}

//! What must not leak: held-out cell types, and the genes of a run that another goes on from.

mod common;

use common::Workplace;
use epidelta::dataset::{read_epigenome, write_epigenome};

const SHORT: &str = "--set training.epochs=1";

fn lineage() -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --cell-types 4 --genes 120 --bins 40 -o sim");
    workplace
}

/// A column of predictions.tsv, by its number, of genes in order.
fn column(table: &str, number: usize) -> Vec<String> {
    let rows = table.lines().skip(1);
    rows.map(|row| row.split('\t').nth(number).unwrap().to_owned())
        .collect()
}

fn renamed(workplace: &Workplace, from: &str, to: &str, name: &str) {
    let mut cell = read_epigenome(&workplace.path(from)).unwrap();
    cell.metadata.cell_type = name.into();
    write_epigenome(&cell, &workplace.path(to), true).unwrap();
}

#[test]
fn a_cell_type_that_is_held_out_is_as_unknown_as_one_of_another_name() {
    let workplace = lineage();
    workplace.succeed(&format!(
        "train --pairs sim/pairs.tsv --test-cell-types D {SHORT} -o run"
    ));
    renamed(&workplace, "sim/D.parquet", "other.parquet", "never seen");
    for (file, output) in [("sim/D.parquet", "d.tsv"), ("other.parquet", "other.tsv")] {
        workplace.succeed(&format!(
            "predict --run run --a sim/B.parquet --b {file} -o {output}"
        ));
    }
    let predicted = |table: &str| column(&workplace.text(table), 3);
    assert_eq!(predicted("d.tsv"), predicted("other.tsv"));
    // One that trained is known by its name.
    renamed(&workplace, "sim/B.parquet", "b.parquet", "never seen");
    workplace.succeed("predict --run run --a b.parquet --b sim/D.parquet -o b.tsv");
    assert_ne!(predicted("d.tsv"), predicted("b.tsv"));
}

#[test]
fn genes_stay_in_the_splits_of_the_run_that_training_goes_on_from() {
    let workplace = lineage();
    let train = "train --a sim/A.parquet --b sim/B.parquet";
    workplace.succeed(&format!("{train} {SHORT} -o run"));
    let of_run = column(&workplace.text("run/predictions.tsv"), 1);
    let on =
        "train --a sim/A.parquet --b sim/C.parquet --set split.method=random --set split.seed=7";
    workplace.succeed(&format!("{on} {SHORT} --init run -o on"));
    assert_eq!(column(&workplace.text("on/predictions.tsv"), 1), of_run);
    // Alone, the same settings divide the genes otherwise.
    workplace.succeed(&format!("{on} {SHORT} -o alone"));
    assert_ne!(column(&workplace.text("alone/predictions.tsv"), 1), of_run);
}

#[test]
fn training_does_not_go_on_from_other_labels_or_signal_or_from_what_is_held_out() {
    let workplace = lineage();
    workplace.succeed(&format!(
        "train --pairs sim/pairs.tsv --test-cell-types D {SHORT} -o run"
    ));
    let on = format!("train --a sim/A.parquet --b sim/D.parquet {SHORT} --init run -o no");
    for setting in [
        "label.normalization=none",
        "label.direction=b-over-a",
        "input.transform=arcsinh",
    ] {
        workplace.fail(
            &format!("{on} --set {setting}"),
            &["learned from other labels or signal", "run.toml"],
        );
    }
    workplace.fail(
        &format!("train --pairs sim/pairs.tsv --test-cell-types C {SHORT} --init run -o no"),
        &["was trained on C, which is to be held out"],
    );
    workplace.fail(
        "train --a sim/A.parquet --b sim/D.parquet --set training.freeze_encoders=true -o no",
        &["training.freeze_encoders", "--init"],
    );
}

#[test]
fn files_of_a_list_are_no_place_for_results() {
    let workplace = lineage();
    workplace.succeed(&format!("train --pairs sim/pairs.tsv {SHORT} -o run"));
    workplace.fail(
        "predict --run run --pairs sim/pairs.tsv -o sim/D.parquet --force",
        &["would replace the input"],
    );
    let noise = "evaluate --run run --pairs sim/pairs.tsv --counts none.tsv";
    let outcome = workplace.run(noise);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
}

/// The noise ceiling is that of the very genes that are measured.
#[test]
fn ceilings_are_of_the_genes_that_are_tested() {
    let workplace = lineage();
    workplace.succeed(&format!(
        "train --pairs sim/pairs.tsv --test-cell-types D {SHORT} -o run"
    ));
    let metrics: serde_json::Value =
        serde_json::from_str(&workplace.text("run/metrics.json")).unwrap();
    for split in ["train", "valid", "test"] {
        let genes = &metrics[split]["genes"];
        assert_eq!(&metrics["noise_ceiling"][split]["genes"], genes, "{split}");
    }
    let known = &metrics["baselines"]["nearest-known-cell-type"]["new_cell_types"];
    assert!(known["pearson_r"].as_f64().is_some(), "{known}");
}

/// A run.toml of before there were new settings is taken as it was meant.
#[test]
fn what_an_older_run_did_not_set_is_not_set_by_the_preset() {
    let workplace = lineage();
    let train = "train --a sim/A.parquet --b sim/B.parquet --method raw";
    workplace.succeed(&format!("{train} {SHORT} -o run"));
    let older: String = workplace
        .text("run/run.toml")
        .lines()
        .filter(|line| {
            let new = [
                "normalization",
                "schedule",
                "weight_decay",
                "averaged_share",
                "bins_per_step",
            ];
            !new.iter().any(|name| line.starts_with(name))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    workplace.write("older.toml", older);
    let again = "train --a sim/A.parquet --b sim/B.parquet --config older.toml -o again";
    workplace.succeed(again);
    let text: toml::Table = workplace.text("again/run.toml").parse().unwrap();
    assert_eq!(text["label"]["normalization"].as_str(), Some("none"));
    assert_eq!(text["training"]["schedule"].as_str(), Some("constant"));
    assert_eq!(text["model"]["bins_per_step"].as_integer(), Some(1));
}

//! Cell types that are held out of training, to choose by or to test on.

mod common;

use std::fs;

use common::lists::{SHORT, change, lineage, rows, weights};
use serde_json::Value;

#[test]
fn cell_types_that_are_held_out_train_nothing() {
    let workplace = lineage();
    let list = "a\tb\nA.parquet\tB.parquet\nB.parquet\tC.parquet\nA.parquet\tD.parquet\n";
    workplace.write("sim/pairs.tsv", list);
    // The same, D's genes expressed and marked otherwise.
    fs::create_dir(workplace.path("other")).unwrap();
    workplace.write("other/pairs.tsv", list);
    for cell in ["A", "B", "C", "D"] {
        let file = format!("{cell}.parquet");
        change(
            &workplace,
            &format!("sim/{file}"),
            &format!("other/{file}"),
            |of| {
                if cell == "D" {
                    for (index, gene) in of.genes.iter_mut().enumerate() {
                        gene.expression = (index * index) as f64;
                    }
                    of.signal.iter_mut().for_each(|value| *value += 3.0);
                }
            },
        );
    }
    let held_out = "--set split.test_cell_types=[\"D\"]";
    for (method, settings, model) in [
        ("epidelta", SHORT, "model.safetensors"),
        ("raw-aux", SHORT, "model.safetensors"),
        ("ridge", "", "model.json"),
    ] {
        for data in ["sim", "other"] {
            let train = format!("train --pairs {data}/pairs.tsv --method {method} {settings}");
            workplace.succeed(&format!("{train} {held_out} -o {method}-{data}"));
            workplace.succeed(&format!("{train} -o {method}-{data}-all"));
        }
        let of = |run: &str| workplace.read(&format!("{method}-{run}/{model}"));
        assert!(of("sim") == of("other"), "{method}");
        assert!(of("sim-all") != of("other-all"), "{method}");
        if model == "model.safetensors" {
            let history = |run: &str| workplace.text(&format!("{method}-{run}/history.tsv"));
            assert_eq!(history("sim"), history("other"), "{method}");
        }
    }
    // What a cell type has of its own stays zero in one that is held out.
    let own = &weights(&workplace, "epidelta-sim")["cell_types.hidden"];
    let rows: Vec<bool> = own
        .values
        .chunks(own.shape[1])
        .map(|row| row.iter().all(|&value| value == 0.0))
        .collect();
    assert_eq!(rows, [false, false, false, true]);
}

/// What is measured of cell types that are held out is measured of them alone.
#[test]
fn the_measures_of_a_split_are_of_the_cell_types_held_out_for_it() {
    let workplace = lineage();
    workplace.write(
        "sim/pairs.tsv",
        "a\tb\nA.parquet\tB.parquet\nA.parquet\tC.parquet\nA.parquet\tD.parquet\n",
    );
    let (pairs, held_out) = (
        "--pairs sim/pairs.tsv",
        "--set split.valid_cell_types=[\"C\"] --set split.test_cell_types=[\"D\"]",
    );
    let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    for (method, settings) in [("epidelta", "--set training.epochs=1"), ("ridge", "")] {
        workplace.succeed(&format!(
            "train {pairs} --method {method} {settings} {held_out} -o {method}"
        ));
        let table = workplace.text(&format!("{method}/predictions.tsv"));
        let splits: Vec<String> = rows(&table).iter().map(|row| row[1].clone()).collect();
        for (of_pair, split, genes) in [
            (&splits[..120], "train", 72),
            (&splits[120..240], "valid", 24),
            (&splits[240..], "test", 24),
        ] {
            let of_split = of_pair.iter().filter(|found| *found == split).count();
            let of_none = of_pair.iter().filter(|found| *found == "NA").count();
            assert_eq!(
                (of_split, of_none),
                (genes, 120 - genes),
                "{method} {split}"
            );
        }
        let metrics = json(&workplace.text(&format!("{method}/metrics.json")));
        for (split, genes) in [("train", 72), ("valid", 24), ("test", 24)] {
            assert_eq!(metrics[split]["genes"], genes, "{method}");
        }
        if method == "epidelta" {
            let history = rows(&workplace.text("epidelta/history.tsv"));
            let told: f64 = history[0][4].parse().unwrap();
            assert!((metrics["valid"]["pearson_r"].as_f64().unwrap() - told).abs() < 1e-6);
            let of_last = metrics["last_epoch"]["test"]["pearson_r"].as_f64().unwrap();
            assert!((metrics["test"]["pearson_r"].as_f64().unwrap() - of_last).abs() < 1e-6);
        }
        workplace.succeed(&format!("predict --run {method} {pairs} -o {method}.tsv"));
        assert_eq!(workplace.text(&format!("{method}.tsv")), table);
        // The pair of a cell type that was held out, alone.
        let d = "--a sim/A.parquet --b sim/D.parquet";
        let of_d = workplace.succeed(&format!("evaluate --run {method} {d} --json"));
        let (alone, listed) = (&json(&of_d.stdout)["test"], &metrics["test"]);
        assert_eq!(alone["genes"], listed["genes"], "{method}");
        let r = |of: &Value| of["pearson_r"].as_f64().unwrap();
        assert!((r(alone) - r(listed)).abs() < 1e-6, "{method}");
        assert!(json(&of_d.stdout)["train"].is_null());
    }
}

/// Cell types held out for validation choose the epoch.
#[test]
fn cell_types_are_held_out_to_choose_by() {
    let workplace = lineage();
    workplace.write(
        "sim/pairs.tsv",
        "a\tb\nA.parquet\tB.parquet\nB.parquet\tC.parquet\nA.parquet\tD.parquet\n",
    );
    let train = |setting: &str, run: &str| {
        workplace.succeed(&format!(
            "train --pairs sim/pairs.tsv {SHORT} {setting} -o {run}"
        ));
        let history = workplace.text(&format!("{run}/history.tsv"));
        let of = |column: usize| -> Vec<String> {
            rows(&history)
                .iter()
                .map(|row| row[column].clone())
                .collect()
        };
        (of(1), of(2))
    };
    let test = train("--set split.test_cell_types=[\"C\",\"D\"]", "test");
    let both = train(
        "--set split.test_cell_types=[\"C\"] --set split.valid_cell_types=[\"D\"]",
        "both",
    );
    assert_eq!(test.0, both.0, "the same pair trains");
    assert_ne!(test.1, both.1, "another pair chooses");
}

/// A list without the cell type that the run held out has new genes, but no new genes in a new
/// cell type, which is what the run's test measures.
#[test]
fn a_part_of_a_list_has_the_splits_of_the_whole() {
    let workplace = lineage();
    let held_out = "--test-cell-types C";
    workplace.succeed(&format!(
        "train --pairs sim/pairs.tsv --method ridge {held_out} -o run"
    ));
    workplace.write(
        "sim/part.tsv",
        "a\tb\nA.parquet\tB.parquet\nB.parquet\tA.parquet\n",
    );
    workplace.succeed("predict --run run --pairs sim/part.tsv -o part.tsv");
    let (whole, part) = (
        workplace.text("run/predictions.tsv"),
        workplace.text("part.tsv"),
    );
    let first: Vec<&str> = whole.lines().take(1 + 240).collect();
    assert_eq!(part.lines().collect::<Vec<_>>(), first);
    let of_part = workplace.succeed("evaluate --run run --pairs sim/part.tsv --json");
    let of_part: Value = serde_json::from_str(&of_part.stdout).unwrap();
    let of_run = workplace.text("run/metrics.json");
    let of_run: Value = serde_json::from_str(&of_run).unwrap();
    assert!(of_part["test"].is_null(), "{of_part}");
    assert_eq!(of_run["test"]["genes"], 24);
    assert_eq!(of_part["new_genes"], of_run["new_genes"]);
}

/// A cell type to choose by that has no pair but with one to test on would leave nothing.
#[test]
fn cell_types_to_choose_by_need_a_pair_of_their_own() {
    let workplace = lineage();
    workplace.write(
        "sim/pairs.tsv",
        "a\tb\nA.parquet\tB.parquet\nC.parquet\tD.parquet\n",
    );
    workplace.fail(
        "train --pairs sim/pairs.tsv --method ridge --valid-cell-types C --test-cell-types D -o run",
        &["the valid split has no gene", "Hold out fewer cell types"],
    );
}

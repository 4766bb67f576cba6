//! `epidelta study` with models of many pairs.

mod common;

use std::collections::BTreeMap;

use common::Workplace;
use epidelta::evaluation::pearson_r;

const CELL_TYPES: &str = "[cell_types]\nA = \"A.parquet\"\nB = \"B.parquet\"\nC = \"C.parquet\"\n\
                          D = \"D.parquet\"\n[settings]\ntraining.epochs = 2\n";

const METHODS: &str = r#"["ridge", "epidelta",
    { name = "together", method = "epidelta", trained_on = "all-pairs" },
    { name = "new", method = "epidelta", trained_on = "other-cell-types" },
    { name = "new-ridge", method = "ridge", trained_on = "other-cell-types" }]"#;

/// Four cell types and a study of some of their pairs.
fn study(pairs: &str, methods: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 120 --bins 20 --cell-types 4 -o sim");
    let description =
        format!("baselines = [\"ridge\"]\npairs = {pairs}\nmethods = {methods}\n{CELL_TYPES}");
    workplace.write("sim/study.toml", description);
    workplace
}

/// A table's rows, by the names of the columns.
fn rows(table: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = table.lines().map(|line| line.split('\t'));
    let names: Vec<&str> = lines.next().unwrap().collect();
    lines
        .map(|row| names.iter().zip(row).map(|(n, v)| ((*n).into(), v.into())))
        .map(Iterator::collect)
        .collect()
}

#[test]
fn models_of_many_pairs_stand_beside_those_of_one() {
    let workplace = study(r#"[["A", "B"], ["C", "D"], ["B", "A"]]"#, METHODS);
    workplace.succeed("study sim/study.toml -o study");
    let text = |name: &str| workplace.text(&format!("study/{name}"));
    let pearson = rows(&text("pearson.tsv"));
    assert_eq!(pearson.len(), 3 * 5);
    for row in &pearson {
        assert_eq!(row["genes"], "24", "{row:?}");
        let new = row["new_cell_types_pearson_r"] != "NA";
        assert_eq!(new, row["method"].starts_with("new"), "{row:?}");
        assert!(row["valid_pearson_r"].parse::<f64>().is_ok(), "{row:?}");
    }
    // One model of all pairs, and what its predictions of each say.
    let together = rows(&text("runs/all-pairs/together/seed-1/predictions.tsv"));
    assert_eq!(together.len(), 3 * 120);
    for [a, b] in [["A", "B"], ["C", "D"], ["B", "A"]] {
        let of_pair = together.iter().filter(|row| {
            [&row["cell_type_a"], &row["cell_type_b"]] == [a, b] && row["split"] == "test"
        });
        let (observed, predicted): (Vec<f64>, Vec<f64>) = of_pair
            .map(|row| ["observed", "predicted"].map(|name| row[name].parse::<f64>().unwrap()))
            .map(|[observed, predicted]| (observed, predicted))
            .unzip();
        let name = format!("{a}/{b}");
        let mut of_method = pearson.iter().filter(|row| row["method"] == "together");
        let found = of_method.find(|row| row["pair"] == name).unwrap();
        let found: f64 = found["pearson_r"].parse().unwrap();
        assert!((found - pearson_r(&observed, &predicted).unwrap()).abs() < 1e-6);
    }
    // Another for each pair, which saw neither of its cell types.
    for (folder, held_out, trained) in [
        ("A_vs_B", ["A", "B"], [["C", "D"], ["A", "B"]]),
        ("C_vs_D", ["C", "D"], [["A", "B"], ["C", "D"]]),
        ("B_vs_A", ["B", "A"], [["C", "D"], ["B", "A"]]),
    ] {
        let path = format!("study/runs/{folder}/new/seed-1/run.toml");
        let run: toml::Table = workplace.text(&path).parse().unwrap();
        let names = |value: &toml::Value| -> Vec<String> {
            let names = value.as_array().unwrap().iter();
            names
                .map(|name| name.as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(&run["split"]["test_cell_types"]), held_out);
        let pairs = run["pairs"].as_array().unwrap();
        let mut pairs: Vec<Vec<String>> = pairs.iter().map(names).collect();
        let mut trained = trained.to_vec();
        if folder == "C_vs_D" {
            trained.push(["B", "A"]);
        }
        pairs.sort();
        trained.sort_unstable();
        assert_eq!(pairs, trained, "{folder}");
    }
    let differences = rows(&text("differences.tsv"));
    assert_eq!(differences.len(), 3 * 4);
    assert!(differences.iter().all(|row| row["difference"] != "NA"));
    let failures = rows(&text("runs.tsv"));
    assert_eq!(failures.len(), 3 * 5);
    assert!(failures.iter().all(|row| row["failure"] == "NA"));

    // Resumed, nothing is made again.
    let before: Vec<String> = ["pearson.tsv", "differences.tsv", "study.json", "cost.tsv"]
        .map(|name| text(name))
        .to_vec();
    let resumed = workplace.succeed("study sim/study.toml -o study --resume");
    assert!(!resumed.stderr.contains("left:"), "{}", resumed.stderr);
    let after: Vec<String> = ["pearson.tsv", "differences.tsv", "study.json", "cost.tsv"]
        .map(|name| text(name))
        .to_vec();
    assert_eq!(before, after);
}

#[test]
fn what_cannot_be_trained_on_many_pairs_is_told_first() {
    let of = |method: &str, trained_on: &str| {
        format!(r#"[{{ name = "m", method = "{method}", trained_on = "{trained_on}" }}, "ridge"]"#)
    };
    for (pairs, methods, part) in [
        (
            r#"[["A", "B"], ["C", "D"], ["A", "C"]]"#,
            of("epidelta", "other-cell-types"),
            "method m: without A/C: the train split has no gene",
        ),
        (
            r#"[["A", "B"], ["C", "D"]]"#,
            of("deep-chrome", "all-pairs"),
            "method m: deep-chrome is a network for A and one for B",
        ),
        (
            r#"[["A", "B"], { a = "C", b = "D", labels = "table.tsv" }]"#,
            of("raw", "all-pairs"),
            "method m: the labels of C/D come from a table",
        ),
        (
            r#"[["A", "B"], ["C", "D"]]"#,
            of("raw", "everything"),
            "method m: \"everything\" is nothing that a method is trained on",
        ),
    ] {
        let workplace = study(pairs, &methods);
        let rows = (1..=120).map(|gene| format!("SIMG{gene:08}\t1.0\n"));
        let table: String = rows.collect();
        workplace.write("sim/table.tsv", format!("gene\tlog2FoldChange\n{table}"));
        workplace.fail("study sim/study.toml -o study", &[part]);
    }
    let workplace = study(r#"[["A", "B"], ["C", "X"]]"#, &of("raw", "all-pairs"));
    let description = workplace.text("sim/study.toml").replace("\nD =", "\nX =");
    workplace.write("sim/study.toml", description);
    workplace.fail(
        "study sim/study.toml -o study",
        &[
            "method m: models of many pairs know cell types by their names",
            "X is D in",
        ],
    );
}

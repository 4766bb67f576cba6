//! `epidelta study` with models of many pairs.

mod common;

use std::{collections::BTreeMap, fs, time::SystemTime};

use common::{
    Workplace,
    lists::{change, without},
};
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
fn named_rows(table: &str) -> Vec<BTreeMap<String, String>> {
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
    let pearson = named_rows(&text("pearson.tsv"));
    assert_eq!(pearson.len(), 3 * 5);
    for row in &pearson {
        assert_eq!(row["genes"], "24", "{row:?}");
        let new = row["new_cell_types_pearson_r"] != "NA";
        assert_eq!(new, row["method"].starts_with("new"), "{row:?}");
        assert!(row["valid_pearson_r"].parse::<f64>().is_ok(), "{row:?}");
    }
    // One model of all pairs, and what its predictions of each say.
    let together = named_rows(&text("runs/all-pairs/together/seed-1/predictions.tsv"));
    assert_eq!(together.len(), 3 * 120);
    for [a, b] in [["A", "B"], ["C", "D"], ["B", "A"]] {
        let of_pair = together.iter().filter(|row| {
            [&row["cell_type_a"], &row["cell_type_b"]] == [a, b] && row["split"] == "test"
        });
        // Measured by the labels of models of the pair alone.
        let alone = named_rows(&text(&format!(
            "runs/{a}_vs_{b}/ridge/seed-1/predictions.tsv"
        )));
        let labels: BTreeMap<&String, &String> = alone
            .iter()
            .map(|row| (&row["gene_id"], &row["observed"]))
            .collect();
        let number = |text: &String| text.parse::<f64>().unwrap();
        let differs = |row: &&BTreeMap<String, String>| {
            (number(labels[&row["gene_id"]]) - number(&row["observed"])).abs() > 1e-3
        };
        assert!(of_pair.clone().any(|row| differs(&row)), "the same labels");
        let (observed, predicted): (Vec<f64>, Vec<f64>) = of_pair
            .map(|row| (number(labels[&row["gene_id"]]), number(&row["predicted"])))
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
    let differences = named_rows(&text("differences.tsv"));
    assert_eq!(differences.len(), 3 * 4);
    assert!(differences.iter().all(|row| row["difference"] != "NA"));
    let failures = named_rows(&text("runs.tsv"));
    assert_eq!(failures.len(), 3 * 5);
    assert!(failures.iter().all(|row| row["failure"] == "NA"));

    // Resumed, nothing is made again.
    let tables = || ["pearson.tsv", "differences.tsv", "study.json", "cost.tsv"].map(text);
    let before = tables();
    let resumed = workplace.succeed("study sim/study.toml -o study --resume");
    assert!(!resumed.stderr.contains("left:"), "{}", resumed.stderr);
    let after = tables();
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
        (
            r#"[["A", "B"], ["C", "D"]]"#,
            of(
                "raw",
                "all-pairs\", set = { split.test_cell_types = [\"A\"] }, preset = \"tuned",
            ),
            "method m: a study holds out cell types by trained_on",
        ),
    ] {
        let workplace = study(pairs, &methods);
        let table: String = (1..=120)
            .map(|gene| format!("SIMG{gene:08}\t1.0\n"))
            .collect();
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

/// The runs that a study made or kept, by the time that their description was written.
fn written(workplace: &Workplace) -> BTreeMap<String, SystemTime> {
    let mut folders = vec![workplace.path("study/runs")];
    let mut written = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("run.toml") {
                let run = path.strip_prefix(workplace.path("study/runs")).unwrap();
                let at = fs::metadata(&path).unwrap().modified().unwrap();
                written.insert(run.parent().unwrap().display().to_string(), at);
            }
        }
    }
    written
}

#[test]
fn what_another_list_of_pairs_changes_is_made_again() {
    let workplace = study(r#"[["A", "B"], ["C", "D"]]"#, METHODS);
    workplace.succeed("study sim/study.toml -o study");
    let first = written(&workplace);
    assert_eq!(first.len(), 2 * 4 + 1);
    let again = |first: &BTreeMap<String, SystemTime>| -> Vec<String> {
        workplace.succeed("study sim/study.toml -o study --resume");
        let runs = written(&workplace).into_iter();
        runs.filter(|(run, at)| first.get(run) != Some(at))
            .map(|(run, _)| run)
            .collect()
    };
    let describe = |from: &str, to: &str| {
        let description = workplace.text("sim/study.toml");
        assert!(description.contains(from));
        workplace.write("sim/study.toml", description.replace(from, to));
    };
    // One pair more: the model of all pairs, and that of C and D, for which it trains too.
    describe(r#"["C", "D"]]"#, r#"["C", "D"], ["B", "A"]]"#);
    let made = again(&first);
    let expected = |run: &&String| {
        run.starts_with("B_vs_A")
            || *run == "all-pairs/together/seed-1"
            || run.starts_with("C_vs_D/new")
    };
    assert_eq!(made.len(), 4 + 1 + 2, "{made:?}");
    assert_eq!(made.iter().filter(expected).count(), made.len(), "{made:?}");
    // Another file of D: whatever reads it, so all but the models of A and B alone.
    let second = written(&workplace);
    change(&workplace, "sim/D.parquet", "sim/D.parquet", |cell| {
        cell.genes[0].expression += 1.0;
    });
    let made = again(&second);
    let kept: Vec<&String> = second.keys().filter(|run| !made.contains(run)).collect();
    assert_eq!(
        kept,
        [
            "A_vs_B/epidelta/seed-1",
            "A_vs_B/ridge/seed-1",
            "B_vs_A/epidelta/seed-1",
            "B_vs_A/ridge/seed-1"
        ]
    );
    // Another kind of training under the same name.
    let third = written(&workplace);
    describe(
        r#"{ name = "new", method = "epidelta", trained_on = "other-cell-types" }"#,
        r#"{ name = "new", method = "epidelta" }"#,
    );
    let made = again(&third);
    assert!(made.iter().all(|run| run.contains("/new/")), "{made:?}");
    assert_eq!(made.len(), 3);
}

#[test]
fn pairs_of_other_genes_need_a_split_that_does_not_depend_on_them() {
    let methods = METHODS.replace("\"epidelta\",\n    {", "{");
    let workplace = study(r#"[["A", "B"], ["C", "D"]]"#, &methods);
    change(&workplace, "sim/D.parquet", "sim/D.parquet", |cell| {
        let values = cell.marks.len() * cell.bins;
        cell.genes.drain(..30);
        cell.signal.drain(..30 * values);
    });
    let description = workplace.text("sim/study.toml");
    let random = format!("{description}split.method = \"random\"\n");
    workplace.write("sim/study.toml", random);
    workplace.fail(
        "study sim/study.toml -o study",
        &[
            "method together",
            "it would be tested on other genes of C/D",
            "split.method",
        ],
    );
    workplace.write(
        "sim/study.toml",
        format!("{description}split.method = \"chromosome\"\n"),
    );
    workplace.succeed("study sim/study.toml -o study");
    let pearson = named_rows(&workplace.text("study/pearson.tsv"));
    for pair in ["A/B", "C/D"] {
        let of_pair = pearson.iter().filter(|row| row["pair"] == pair);
        let genes: Vec<&String> = of_pair.map(|row| &row["genes"]).collect();
        assert!(genes.iter().all(|count| *count == genes[0]), "{genes:?}");
    }
}

/// Marks are those of the pairs that train, as the runs take them.
#[test]
fn lists_of_cell_types_that_lack_marks_are_checked_first() {
    let ridge = r#"["raw", "ridge", { name = "m", method = "ridge", trained_on = "all-pairs" }]"#;
    let workplace = study(r#"[["A", "B"], ["C", "D"]]"#, ridge);
    without(&workplace, "sim/C.parquet", "sim/C.parquet", "H3K9me3");
    workplace.fail(
        "study sim/study.toml -o study",
        &["method m: C has no H3K9me3, and ridge needs every mark"],
    );
    let raw = r#"["raw", "ridge", { name = "m", method = "raw", trained_on = "all-pairs" }]"#;
    let description = workplace.text("sim/study.toml").replace(ridge, raw);
    workplace.write("sim/study.toml", description);
    let said = workplace.succeed("study sim/study.toml -o study").stderr;
    assert!(said.contains("C has no H3K9me3"), "{said}");
}

/// One choice for a model of all pairs, and one failure of it.
#[test]
fn a_model_of_all_pairs_is_one() {
    let methods = r#"["ridge", { name = "m", method = "raw-d", trained_on = "all-pairs" }]"#;
    let workplace = study(r#"[["A", "B"], ["C", "D"]]"#, methods);
    let description = workplace.text("sim/study.toml");
    let tuned = |values: &str| {
        let tune = format!("[tune.m]\ntraining.learning_rate = {values}\n");
        workplace.write("sim/study.toml", format!("{description}{tune}"));
    };
    tuned("[1e-2, 3e-3, 1e-9]");
    workplace.succeed("study sim/study.toml -o study");
    let pearson = named_rows(&workplace.text("study/pearson.tsv"));
    let chosen: Vec<&String> = pearson
        .iter()
        .filter(|row| row["method"] == "m")
        .map(|row| &row["chosen"])
        .collect();
    assert_eq!(chosen.len(), 2);
    assert_eq!(chosen[0], chosen[1]);
    // It is best by the mean over the pairs.
    let runs = named_rows(&workplace.text("study/runs.tsv"));
    assert_eq!(runs.len(), 2 + 3 * 2);
    let mut means: BTreeMap<&String, f64> = BTreeMap::new();
    for run in runs.iter().filter(|run| run["method"] == "m") {
        let valid: f64 = run["valid_pearson_r"].parse().unwrap();
        *means.entry(&run["tried"]).or_default() += valid / 2.0;
    }
    let best = means.iter().max_by(|x, y| x.1.total_cmp(y.1)).unwrap();
    assert_eq!(best.0, &chosen[0]);
    tuned("[1e30]");
    let outcome = workplace.run("study sim/study.toml -o study --resume");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("1 of 3 runs failed"),
        "{}",
        outcome.stderr
    );
}

/// Cell-specific tasks are compared between variants that are trained on the same pairs.
#[test]
fn variants_of_other_training_are_not_compared() {
    let methods = r#"["ridge", "aux",
        { name = "aux-all", method = "aux", trained_on = "all-pairs" },
        { name = "aux-all-up", method = "aux", trained_on = "all-pairs",
          set = { model.auxiliary = "classification" } }]"#;
    let workplace = study(r#"[["A", "B"], ["C", "D"]]"#, methods);
    workplace.succeed("study sim/study.toml -o study");
    let auxiliary = named_rows(&workplace.text("study/auxiliary.tsv"));
    let variants: Vec<&String> = auxiliary.iter().map(|row| &row["variant"]).collect();
    assert_eq!(variants, ["aux-all"]);
}

//! Training and predicting on lists of pairs of cell types, on cell types that lack marks, and
//! from a run's weights.

mod common;

use std::{collections::BTreeMap, fs};

use common::{
    Workplace,
    lists::{SHORT, change, lineage, predicted, rows, weights, without},
};
use epidelta::dataset::read_epigenome;
use serde_json::Value;

#[test]
fn a_list_of_pairs_trains_predicts_and_evaluates() {
    let workplace = lineage();
    for method in ["epidelta", "raw", "ridge"] {
        let settings = if method == "ridge" { "" } else { SHORT };
        workplace.succeed(&format!(
            "train --pairs sim/pairs.tsv --method {method} {settings} -o {method}"
        ));
        let run: toml::Table = workplace
            .text(&format!("{method}/run.toml"))
            .parse()
            .unwrap();
        let names = run["cell_types"].as_array().unwrap().iter();
        let names: Vec<&str> = names.map(|of| of["cell_type"].as_str().unwrap()).collect();
        assert_eq!(names, ["A", "B", "C"], "{method}");
        assert_eq!(
            run["pairs"].to_string(),
            r#"[["A", "B"], ["B", "A"], ["A", "C"]]"#
        );
        assert!(!run.contains_key("a") && !run.contains_key("b"));

        let table = workplace.text(&format!("{method}/predictions.tsv"));
        assert_eq!(table.lines().count(), 1 + 3 * 120);
        let mut splits: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows(&table) {
            splits
                .entry(row[0].clone())
                .or_default()
                .push(row[1].clone());
        }
        assert_eq!(splits.len(), 120);
        for (gene, splits) in splits {
            assert_eq!(splits, vec![splits[0].clone(); 3], "{method} {gene}");
        }

        workplace.succeed(&format!(
            "predict --run {method} --pairs sim/pairs.tsv -o {method}.tsv"
        ));
        assert_eq!(workplace.text(&format!("{method}.tsv")), table);
        let of_data = format!("evaluate --run {method} --pairs sim/pairs.tsv --json");
        let of_data: Value = serde_json::from_str(&workplace.succeed(&of_data).stdout).unwrap();
        let of_run = workplace.text(&format!("{method}/metrics.json"));
        let of_run: Value = serde_json::from_str(&of_run).unwrap();
        assert_eq!(of_data["test"], of_run["test"], "{method}");
        assert_eq!(of_run["test"]["genes"], 3 * 24);
        // A run on many pairs predicts a single one.
        workplace.succeed(&format!(
            "predict --run {method} --a sim/A.parquet --b sim/B.parquet -o one.tsv --force"
        ));
        let first: Vec<&str> = table.lines().take(121).collect();
        assert_eq!(workplace.text("one.tsv").lines().collect::<Vec<_>>(), first);
    }
    // The default method's second pair is its first turned round.
    let table = predicted(&workplace.text("epidelta/predictions.tsv"));
    let (forth, back) = (&table[..120], &table[120..240]);
    assert!(forth.iter().map(|change| -change).eq(back.iter().copied()));
}

/// Networks that may meet other cell types learn to do without knowing them.
#[test]
fn several_pairs_hide_cell_types_in_training() {
    let workplace = lineage();
    workplace.write("one.tsv", "a\tb\nsim/B.parquet\tsim/D.parquet\n");
    let hidden = |arguments: &str| -> Option<f64> {
        workplace.succeed(&format!("train {arguments} {SHORT} -o run --force"));
        let run: toml::Table = workplace.text("run/run.toml").parse().unwrap();
        run["training"].get("hidden_cell_types")?.as_float()
    };
    assert_eq!(hidden("--pairs sim/pairs.tsv"), Some(0.2));
    assert_eq!(hidden("--pairs sim/pairs.tsv --method raw"), Some(0.0));
    assert_eq!(hidden("--pairs one.tsv"), Some(0.0));
    let set = "--set training.hidden_cell_types";
    assert_eq!(hidden(&format!("--pairs sim/pairs.tsv {set}=0")), Some(0.0));
    workplace.write("known.toml", "[training]\nhidden_cell_types = 0.1\n");
    let config = "--pairs sim/pairs.tsv --config known.toml";
    assert_eq!(hidden(config), Some(0.1));
}

#[test]
fn a_list_of_one_pair_is_that_pair() {
    let workplace = lineage();
    workplace.write("one.tsv", "a\tb\nsim/B.parquet\tsim/D.parquet\n");
    for method in ["epidelta", "raw-aux-siamese", "ridge"] {
        let (settings, model) = match method {
            "ridge" => ("", "model.json"),
            _ => (SHORT, "model.safetensors"),
        };
        let train = format!("--method {method} {settings} --force");
        workplace.succeed(&format!("train --pairs one.tsv {train} -o listed"));
        workplace.succeed(&format!(
            "train --a sim/B.parquet --b sim/D.parquet {train} -o given"
        ));
        let of = |run: &str| workplace.read(&format!("{run}/{model}"));
        assert!(of("listed") == of("given"), "{method} {model}");
        // The list's predictions tell which pair they are of.
        let listed = workplace.text("listed/predictions.tsv");
        let of_pair =
            |line: &str| -> Vec<String> { line.rsplitn(5, '\t').map(str::to_owned).collect() };
        let plain: Vec<String> = listed
            .lines()
            .map(|line| of_pair(line)[4].clone())
            .collect();
        let given = workplace.text("given/predictions.tsv");
        assert_eq!(plain, given.lines().collect::<Vec<_>>(), "{method}");
        let header = of_pair(listed.lines().next().unwrap());
        assert_eq!(
            header[..4],
            ["cell_split", "gene_split", "cell_type_b", "cell_type_a"]
        );
        assert!(
            listed
                .lines()
                .skip(1)
                .all(|line| of_pair(line)[2..4] == ["D", "B"])
        );
    }
}

#[test]
fn lists_that_cannot_be_used_say_why() {
    let workplace = lineage();
    let train = format!("train --pairs list.tsv {SHORT} -o run");
    fs::copy(
        workplace.path("sim/A.parquet"),
        workplace.path("sim/A2.parquet"),
    )
    .unwrap();
    for (lines, parts) in [
        (
            "sim/A.parquet\tsim/none.parquet\n",
            &["list.tsv, line 2", "sim/none.parquet, which is not there"][..],
        ),
        (
            "sim/A.parquet\tsim/B.parquet\nsim/A.parquet\t./sim/B.parquet\n",
            &["list.tsv, line 3", "each pair once"],
        ),
        (
            "sim/A.parquet\t./sim/A.parquet\n",
            &["list.tsv, line 2", "two cell types"],
        ),
        (
            "sim/A.parquet\tsim/B.parquet\nsim/A2.parquet\tsim/B.parquet\n",
            &["list.tsv names two files of cell type A", "sim/A2.parquet"],
        ),
        ("", &["list.tsv"]),
    ] {
        workplace.write("list.tsv", format!("a\tb\n{lines}"));
        workplace.fail(&train, parts);
    }
    workplace.write("list.tsv", "a\tc\nsim/A.parquet\tsim/B.parquet\n");
    workplace.fail(&train, &["list.tsv", "b"]);

    let train = format!("train --pairs sim/pairs.tsv {SHORT} -o run");
    for (settings, parts) in [
        (
            "--set split.test_cell_types=[\"E\"]",
            &["split.test_cell_types", "E is in no pair", "A, B, C"][..],
        ),
        (
            "--set split.valid_cell_types=[\"A\"] --set split.test_cell_types=[\"A\"]",
            &["split.valid_cell_types", "A is in both"],
        ),
        (
            "--set split.test_cell_types=[\"A\"]",
            &["the train split has no gene"],
        ),
    ] {
        workplace.fail(&format!("{train} {settings}"), parts);
    }
    for wrong in [
        "train --pairs sim/pairs.tsv --a sim/A.parquet --b sim/B.parquet -o run",
        "train --a sim/A.parquet -o run",
        "train --pairs sim/pairs.tsv --labels sim/pairs.tsv -o run",
    ] {
        assert_eq!(workplace.run(wrong).code, Some(2), "{wrong}");
    }
    workplace.fail("train -o run", &["--a and --b", "--pairs"]);
}

#[test]
fn a_mark_that_a_cell_type_lacks_is_hidden_in_its_pairs() {
    let workplace = lineage();
    without(&workplace, "sim/C.parquet", "sim/C.parquet", "H3K9me3");
    let train = "train --pairs sim/pairs.tsv";
    for method in ["epidelta", "raw"] {
        let said = workplace
            .succeed(&format!("{train} --method {method} {SHORT} -o {method}"))
            .stderr;
        assert!(
            said.contains("C has no H3K9me3: the mark is hidden"),
            "{said}"
        );
        assert_eq!(said.matches("has no").count(), 1, "{said}");
        workplace.succeed(&format!(
            "predict --run {method} --pairs sim/pairs.tsv -o {method}.tsv"
        ));
        let table = workplace.text(&format!("{method}/predictions.tsv"));
        assert_eq!(workplace.text(&format!("{method}.tsv")), table);
        // What A's signal of the mark is makes no difference beside C, and does beside B.
        fs::create_dir(workplace.path("other")).ok();
        for cell in ["A", "B", "C"] {
            let file = format!("{cell}.parquet");
            change(
                &workplace,
                &format!("sim/{file}"),
                &format!("other/{file}"),
                |of| {
                    let mark = of.marks.iter().position(|mark| mark == "H3K9me3");
                    if let (Some(mark), "A") = (mark, cell) {
                        let bins = of.bins;
                        for gene in of.signal.chunks_mut(5 * bins) {
                            gene[mark * bins..][..bins].fill(9.0);
                        }
                    }
                },
            );
        }
        workplace.write("other/pairs.tsv", workplace.text("sim/pairs.tsv"));
        workplace.succeed(&format!(
            "predict --run {method} --pairs other/pairs.tsv -o {method}-other.tsv"
        ));
        let other = predicted(&workplace.text(&format!("{method}-other.tsv")));
        let before = predicted(&table);
        assert_eq!(before[240..], other[240..], "{method}");
        assert_ne!(before[..120], other[..120], "{method}");
    }
    workplace.fail(
        &format!("{train} --method ridge -o ridge"),
        &["C has no H3K9me3", "ridge needs every mark"],
    );
}

#[test]
fn data_with_other_marks_than_the_run_are_predicted_with_a_warning() {
    let workplace = lineage();
    let both = "--a sim/A.parquet --b sim/B.parquet";
    workplace.succeed(&format!("train {both} {SHORT} -o run"));
    workplace.succeed(&format!("train {both} --method ridge -o ridge"));
    workplace.succeed(&format!("predict --run run {both} -o whole.tsv"));
    // B without a mark: what it costs was measured on the validation genes.
    without(&workplace, "sim/B.parquet", "few.parquet", "H3K4me3");
    let few = "--a sim/A.parquet --b few.parquet";
    let said = workplace
        .succeed(&format!("predict --run run {few} -o few.tsv"))
        .stderr;
    let metrics: Value = serde_json::from_str(&workplace.text("run/metrics.json")).unwrap();
    let without_it = metrics["valid_pearson_r_without"]["H3K4me3"]
        .as_f64()
        .unwrap();
    let with_all = metrics["valid"]["pearson_r"].as_f64().unwrap();
    assert!(
        said.contains("B has no H3K4me3")
            && said.contains(&format!(
                "Pearson r was {without_it:.3} without it, {with_all:.3} with all marks"
            )),
        "{said}"
    );
    assert_eq!(
        metrics["valid_pearson_r_without"]
            .as_object()
            .unwrap()
            .len(),
        5
    );
    // And measured rightly: the validation genes without the mark, as data that lack it.
    let few = rows(&workplace.text("few.tsv"));
    let valid = few.iter().filter(|row| row[1] == "valid");
    let (observed, found): (Vec<f64>, Vec<f64>) = valid
        .map(|row| {
            (
                row[2].parse::<f64>().unwrap(),
                row[3].parse::<f64>().unwrap(),
            )
        })
        .unzip();
    let r = epidelta::evaluation::pearson_r(&observed, &found).unwrap();
    assert!((r - without_it).abs() < 1e-6, "{r} {without_it}");

    workplace.fail(
        "predict --run ridge --a sim/A.parquet --b few.parquet -o no.tsv",
        &["B has no H3K4me3", "ridge needs every mark"],
    );
    // Marks that the run does not know change nothing.
    for (cell, file) in [("A", "a.parquet"), ("B", "b.parquet")] {
        change(&workplace, &format!("sim/{cell}.parquet"), file, |of| {
            let mut marks = vec!["H3K27ac".to_owned()];
            marks.extend_from_slice(&of.marks);
            *of = of.clone().with_marks(&marks);
        });
    }
    for (run, whole) in [("run", "whole.tsv"), ("ridge", "ridge/predictions.tsv")] {
        let predict =
            format!("predict --run {run} --a a.parquet --b b.parquet -o more.tsv --force");
        let said = workplace.succeed(&predict).stderr;
        assert!(
            said.contains("marks left out") && said.contains("H3K27ac"),
            "{said}"
        );
        assert_eq!(workplace.text("more.tsv"), workplace.text(whole), "{run}");
    }
    // Without any mark in common there is nothing to see.
    for mark in ["H3K4me1", "H3K9me3", "H3K27me3", "H3K36me3"] {
        without(&workplace, "few.parquet", "few.parquet", mark);
    }
    workplace.fail(
        "predict --run run --a sim/A.parquet --b few.parquet -o no.tsv",
        &[],
    );
}

const STILL: &str = "--set training.epochs=1 --set training.learning_rate=1e-12";

#[test]
fn training_goes_on_from_a_run_on_other_pairs() {
    let workplace = lineage();
    workplace.succeed(&format!("train --pairs sim/pairs.tsv {SHORT} -o first"));
    // The pair of A, which the run knows, and D, which it does not, in another order.
    let other = "--a sim/D.parquet --b sim/A.parquet";
    workplace.succeed(&format!("train {other} {STILL} --init first -o second"));
    workplace.succeed(&format!("predict --run first {other} -o first.tsv"));
    let (first, second) = (
        predicted(&workplace.text("first.tsv")),
        predicted(&workplace.text("second/predictions.tsv")),
    );
    for (first, second) in first.iter().zip(&second) {
        assert!((first - second).abs() < 1e-4, "{first} {second}");
    }
    assert!(first.iter().any(|change| change.abs() > 0.1));
    let [before, after] = ["first", "second"].map(|run| weights(&workplace, run));
    for name in [
        "cell_types.hidden",
        "cell_types.output",
        "cell_types.linear",
    ] {
        let (before, after) = (&before[name], &after[name]);
        let columns = before.shape[1];
        assert_eq!(after.shape, [2, columns]);
        let (of_d, of_a) = after.values.split_at(columns);
        let near = |x: &[f32], y: &[f32]| x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-6);
        assert!(near(of_a, &before.values[..columns]), "{name}");
        assert!(near(of_d, &vec![0.0; columns]), "{name}");
    }
    // Frozen, the encoders are the run's to the last bit.
    workplace.succeed(&format!(
        "train {other} {SHORT} --init first --set training.freeze_encoders=true -o frozen"
    ));
    let frozen = weights(&workplace, "frozen");
    for (name, tensor) in &before {
        let encoders = ["marks.", "all_marks.", "level_two."];
        if encoders.iter().any(|prefix| name.starts_with(prefix)) {
            assert_eq!(tensor, &frozen[name], "{name}");
        }
    }
    assert_ne!(before["hidden.weight"], frozen["hidden.weight"]);

    workplace.fail(
        &format!("train {other} --method raw {SHORT} --init first -o no"),
        &[
            "first is a run of epidelta, not of raw",
            "--method epidelta",
        ],
    );
    workplace.fail(
        &format!("train {other} --method ridge --init first -o no"),
        &["--init", "ridge has no weights"],
    );
    workplace.fail(
        &format!("train {other} {SHORT} --set model.hidden_bins=8 --init first -o no"),
        &["first/model.safetensors", "has shape"],
    );
    workplace.succeed("simulate --genes 60 --bins 30 -o wide");
    workplace.fail(
        &format!("train --a wide/A.parquet --b wide/B.parquet {SHORT} --init first -o no"),
        &["the run was trained on 40 bins", "30 bins"],
    );
    workplace.fail(
        &format!("train {other} {SHORT} --init sim -o no"),
        &["sim/run.toml"],
    );
}

#[test]
fn cell_types_are_prepared_with_the_marks_that_each_has() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 20 --reads -o sim");
    let samples = workplace.text("sim/samples.tsv");
    let of_b = |row: &&str| !(row.starts_with("B\t") && row.contains("\tH3K9me3\t"));
    let fewer: Vec<&str> = samples.lines().filter(of_b).collect();
    assert_eq!(fewer.len() + 1, samples.lines().count());
    workplace.write("sim/samples.tsv", fewer.join("\n") + "\n");
    workplace.succeed(
        "prepare --samples sim/samples.tsv --genes sim/genes.gtf --expression sim/counts.tsv \
         --upstream 1000 --downstream 1000 -o cells",
    );
    let marks = |cell: &str| {
        let path = workplace.path(&format!("cells/{cell}.parquet"));
        read_epigenome(&path).unwrap().marks
    };
    assert_eq!(marks("A").len(), 5);
    assert_eq!(marks("B").len(), 4);
    let train = format!("train --a cells/A.parquet --b cells/B.parquet {SHORT} -o run");
    let said = workplace.succeed(&train).stderr;
    assert!(
        said.contains("marks left out") && said.contains("H3K9me3"),
        "{said}"
    );
}

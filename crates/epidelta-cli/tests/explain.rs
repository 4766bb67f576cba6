//! `epidelta explain` through the program.

mod common;

use std::fs;

use common::{Workplace, import_sample, sample_genes};
use serde_json::Value;

/// Simulated cell types and a short run.
fn trained(method: &str, settings: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 120 --bins 20 --bin-size 1000 -o sim");
    train(&workplace, method, settings, "run");
    workplace
}

fn train(workplace: &Workplace, method: &str, settings: &str, output: &str) {
    workplace.succeed(&format!(
        "train --a sim/A.parquet --b sim/B.parquet --method {method} {settings} -o {output}"
    ));
}

const SHORT: &str = "--set training.epochs=2";

/// The header and the rows of a table.
fn table(workplace: &Workplace, name: &str) -> (String, Vec<Vec<String>>) {
    let text = workplace.text(name);
    let mut lines = text.lines();
    let header = lines.next().unwrap().to_owned();
    let rows = lines.map(|line| line.split('\t').map(str::to_owned).collect());
    (header, rows.collect())
}

fn names(workplace: &Workplace, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(workplace.path(folder)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn everything_is_written_and_the_same_whatever_the_threads() {
    let workplace = trained("raw-aux", SHORT);
    let asked = "explain --run run --threshold 2 --genes SIM7,SIMG00000003 --set A:H3K27me3=B \
                 --set A:H3K4me3@-500..500=zero,B:H3K4me3=A --truth sim/truth.parquet";
    let first = workplace.succeed(&format!("{asked} -o one --threads 1"));
    let second = workplace.succeed(&format!("{asked} -o two --threads 2"));
    assert_eq!(
        first.stdout.replace("wrote one", ""),
        second.stdout.replace("wrote two", "")
    );
    let written = names(&workplace, "one");
    let expected = [
        "ablation.tsv",
        "attention.parquet",
        "attribution.parquet",
        "bin_attention.png",
        "bin_attention.svg",
        "bin_attention.tsv",
        "curves.tsv",
        "explain.toml",
        "faithfulness.json",
        "faithfulness.png",
        "faithfulness.svg",
        "genes",
        "mark_ablation.png",
        "mark_ablation.svg",
        "mark_attention.png",
        "mark_attention.svg",
        "mark_attention.tsv",
        "marks.tsv",
        "perturbations.tsv",
        "regions.tsv",
    ];
    assert_eq!(written, expected);
    for name in written.iter().filter(|name| *name != "genes") {
        let of = |folder: &str| workplace.read(&format!("{folder}/{name}"));
        assert!(of("one") == of("two"), "{name} depends on the threads");
    }
    let pages =
        ["SIMG00000003", "SIMG00000007"].map(|id| [format!("{id}.png"), format!("{id}.svg")]);
    assert_eq!(names(&workplace, "one/genes"), pages.concat());

    // Every column of every table is told by the help.
    let help = workplace.succeed("explain --help").stdout;
    for name in written.iter().filter(|name| name.ends_with(".tsv")) {
        assert!(help.contains(name), "explain --help does not name {name}");
        let (header, rows) = table(&workplace, &format!("one/{name}"));
        for column in header.split('\t') {
            assert!(
                help.contains(column),
                "help does not name {column} of {name}"
            );
        }
        let columns = header.split('\t').count();
        assert!(
            rows.len() > 4 - usize::from(name == "perturbations.tsv"),
            "{name}"
        );
        assert!(rows.iter().all(|row| row.len() == columns), "{name}");
        assert!(
            !workplace.text(&format!("one/{name}")).contains("NaN"),
            "{name}"
        );
    }
    let (header, rows) = table(&workplace, "one/perturbations.tsv");
    assert_eq!(
        header,
        "gene_id\tsplit\tgene_name\tperturbation\tpredicted\tperturbed\tchange"
    );
    assert_eq!(rows.len(), 4);
    let number = |text: &String| text.parse::<f64>().unwrap();
    for row in rows {
        assert_eq!(number(&row[5]) - number(&row[4]), number(&row[6]));
    }
    // The test genes, each mark, five ablations.
    let (_, rows) = table(&workplace, "one/ablation.tsv");
    assert_eq!(rows.len(), 24 * 5 * 5);
    assert!(rows.iter().all(|row| row[1] == "test"));
    let (_, rows) = table(&workplace, "one/regions.tsv");
    assert_eq!(rows.len(), 24 * 5 * 20);
    assert_eq!([&rows[0][3], &rows[0][4]], ["-10000", "-9000"]);

    let json = workplace
        .succeed(&format!("{asked} -o three --json"))
        .stdout;
    let printed: Value = serde_json::from_str(&json).unwrap();
    let written: Value = serde_json::from_str(&workplace.text("one/faithfulness.json")).unwrap();
    assert_eq!(printed, written);
    assert!(!printed["verdict"].as_str().unwrap().is_empty());
    assert!(first.stdout.contains(printed["verdict"].as_str().unwrap()));
    // Attention and gradients against ablation, over marks and over regions.
    assert_eq!(printed["agreements"].as_array().unwrap().len(), 2 * 5);
    let gap = printed["largest_completeness_gap"].as_f64().unwrap();
    assert!(gap.abs() < 1e-3, "{gap}");
}

#[test]
fn a_threshold_beyond_all_genes_is_told_with_one_that_is_not() {
    let workplace = trained("epidelta", SHORT);
    let outcome = workplace.succeed("explain --run run --threshold 99 -o far");
    let warning = "there is no gene beyond |log2 fold change| > 99: --threshold ";
    let advice = outcome
        .stderr
        .split(warning)
        .nth(1)
        .unwrap_or_else(|| panic!("{outcome:?}"));
    let suggested = advice.split_whitespace().next().unwrap();
    assert!(
        workplace
            .text("far/mark_attention.svg")
            .contains("no gene beyond")
    );
    let (_, rows) = table(&workplace, "far/mark_attention.tsv");
    assert!(
        rows.iter()
            .any(|row| row[0] == "up" && row[1] == "0" && row[4] == "NA")
    );
    let outcome = workplace.succeed(&format!(
        "explain --run run --threshold {suggested} -o near"
    ));
    assert!(!outcome.stderr.contains("beyond"), "{outcome:?}");
    let (_, rows) = table(&workplace, "near/mark_attention.tsv");
    assert!(rows.iter().all(|row| row[1] != "0"));
}

#[test]
fn methods_without_attention_are_explained_by_ablation() {
    for (method, settings) in [
        ("boosting", ""),
        ("deep-chrome", SHORT),
        ("svr", "--set svr.costs=[1]"),
    ] {
        let workplace = trained(method, settings);
        let outcome = workplace.succeed("explain --run run -o out --sample 24");
        assert!(
            outcome.stderr.contains("has no attention"),
            "{method}: {outcome:?}"
        );
        assert!(
            outcome.stdout.contains("no attention"),
            "{method}: {outcome:?}"
        );
        let written = names(&workplace, "out");
        for name in [
            "attention.parquet",
            "mark_attention.svg",
            "bin_attention.tsv",
        ] {
            assert!(
                !written.iter().any(|found| found == name),
                "{method}: {name}"
            );
        }
        let has_gradients = written.iter().any(|name| name == "attribution.parquet");
        assert_eq!(has_gradients, method == "deep-chrome");
        assert!(table(&workplace, "out/marks.tsv").1.len() == 25, "{method}");
    }
    let workplace = trained("lasso", "");
    workplace.succeed("explain --run run -o out");
    let (header, rows) = table(&workplace, "out/coefficients.tsv");
    assert_eq!(header, "channel\tmark\tfrom\tto\tweight");
    assert!(rows.iter().any(|row| row[4] != "0"));
}

#[test]
fn other_seeds_and_many_pairs() {
    let workplace = trained("epidelta", SHORT);
    train(
        &workplace,
        "epidelta",
        &format!("{SHORT} --seed 2"),
        "second",
    );
    train(&workplace, "raw", SHORT, "raw");
    let outcome = workplace.succeed("explain --run run --compare second -o out");
    assert!(outcome.stdout.contains("with another seed"), "{outcome:?}");
    workplace.fail(
        "explain --run run --compare raw -o no",
        &[
            "raw is a run of raw, the explained one of epidelta",
            "nothing but --seed",
        ],
    );
    workplace.fail(
        "explain --run run --compare run -o no",
        &["has the very weights of the explained run"],
    );
    train(
        &workplace,
        "epidelta",
        "--set training.epochs=3 --seed 2",
        "longer",
    );
    workplace.fail(
        "explain --run run --compare longer -o no",
        &["longer has other settings than the explained run"],
    );
    workplace.succeed("simulate --genes 90 --bins 20 --cell-types 3 -o many");
    workplace.succeed(&format!("train --pairs many/pairs.tsv {SHORT} -o pairs"));
    workplace.succeed("explain --run pairs -o of-pairs --genes SIM3 --sample 20");
    let (header, rows) = table(&workplace, "of-pairs/ablation.tsv");
    assert!(header.starts_with("gene_id\tcell_type_a\tcell_type_b\tsplit\tmark"));
    assert!(rows.iter().any(|row| row[1] == "A" && row[2] == "C"));
    // A gene is in every pair.
    let pairs = workplace.text("many/pairs.tsv").lines().count() - 1;
    assert_eq!(names(&workplace, "of-pairs/genes").len(), 2 * pairs);
    workplace.fail(
        "explain --run pairs --truth sim/truth.parquet -o no",
        &["these are several pairs", "--a and --b"],
    );
    // One of them alone is one pair, of which the truth may be known.
    workplace.succeed("simulate --genes 90 --bins 20 -o two");
    workplace.succeed(
        "explain --run pairs --a two/A.parquet --b two/B.parquet --truth two/truth.parquet -o known \
         --sample 20",
    );
    assert!(
        workplace
            .text("known/faithfulness.json")
            .contains("precision_at_k")
    );
    // In the other direction.
    workplace
        .succeed("explain --run pairs --a many/B.parquet --b many/A.parquet -o one --sample 20");
}

#[test]
fn where_nothing_differs_nothing_is_said() {
    let workplace = trained("epidelta", SHORT);
    // Both cell types of the same signal.
    let outcome =
        workplace.succeed("explain --run run --a sim/A.parquet --b sim/A.parquet -o same");
    assert!(
        outcome.stdout.contains("No prediction changes"),
        "{outcome:?}"
    );
    for name in names(&workplace, "same") {
        if name.ends_with(".svg") || name.ends_with(".tsv") || name.ends_with(".json") {
            assert!(
                !workplace.text(&format!("same/{name}")).contains("NaN"),
                "{name}"
            );
        }
    }
    workplace.succeed("report run --a sim/A.parquet --b sim/A.parquet -o same.html");
    // One gene more than none.
    let outcome = workplace.succeed("explain --run run --sample 2 -o few");
    assert!(outcome.stdout.contains("too few to tell"), "{outcome:?}");
}

#[test]
fn unusable_input_is_refused() {
    let workplace = trained("epidelta", SHORT);
    let fail = |arguments: &str, parts: &[&str]| {
        workplace.fail(&format!("explain --run run {arguments} -o out"), parts);
    };
    fail(
        "--genes SIM7,NOPE",
        &["the data have no gene NOPE", "ids or symbols"],
    );
    fail(
        "--set A:H3K99=B",
        &["no mark \"H3K99\"", "H3K4me1, H3K4me3"],
    );
    fail("--threshold -1", &["--threshold: -1 is out of range"]);
    fail("--sample 1", &["--sample: 1 is out of range"]);
    fail("--truth sim/A.parquet", &["sim/A.parquet", "true or false"]);
    fail("--truth run/run.toml", &["run/run.toml", "truth.parquet"]);
    let outcome = workplace.run("explain --run run --set nonsense -o out");
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("CELL:MARK=SOURCE"), "{outcome:?}");

    // Other marks, other bins, other truth.
    workplace.succeed("simulate --genes 60 --bins 10 -o other");
    fail(
        "--a other/A.parquet --b other/B.parquet",
        &[
            "the run was trained on 20 bins of 1000 bp",
            "the data given have 10 bins",
        ],
    );
    fail(
        "--truth other/truth.parquet",
        &["a list of 20 true or false"],
    );
    // Outputs replace neither inputs nor what is there.
    workplace.fail(
        "explain --run run -o run --force",
        &["run is not an earlier result"],
    );
    workplace.succeed("explain --run run -o out");
    fail("", &["out already exists", "--force"]);
    workplace.succeed("explain --run run -o out --force");
    fs::create_dir(workplace.path("mine")).unwrap();
    workplace.write("mine/notes.txt", "mine");
    workplace.fail(
        "explain --run run -o mine --force",
        &["mine is not an earlier result"],
    );

    // Data that moved or changed since training.
    fs::rename(
        workplace.path("sim/B.parquet"),
        workplace.path("sim/moved.parquet"),
    )
    .unwrap();
    workplace.fail(
        "explain --run run -o new",
        &[
            "B.parquet, which the run was trained on, is not there",
            "--a and --b",
        ],
    );
    workplace.succeed("explain --run run --a sim/A.parquet --b sim/moved.parquet -o new");
    fs::copy(
        workplace.path("sim/A.parquet"),
        workplace.path("sim/B.parquet"),
    )
    .unwrap();
    workplace.fail(
        "explain --run run -o newer",
        &["is not what the run was trained on any more"],
    );
    fs::rename(
        workplace.path("sim/moved.parquet"),
        workplace.path("sim/B.parquet"),
    )
    .unwrap();

    // Runs of another version, damaged, or none.
    workplace.fail("explain --run nowhere -o newer", &["nowhere/run.toml"]);
    let description = workplace.text("run/run.toml");
    workplace.write(
        "run/run.toml",
        description.replacen("format = 2", "format = 3", 1),
    );
    workplace.fail(
        "explain --run run -o newer",
        &["expected format = 2, found 3"],
    );
    workplace.write("run/run.toml", description);
    let mut weights = workplace.read("run/model.safetensors");
    let last = weights.len() - 1;
    weights[last] ^= 1;
    workplace.write("run/model.safetensors", &weights);
    workplace.fail("explain --run run -o newer", &["the model with SHA-256"]);
    weights.truncate(100);
    workplace.write("run/model.safetensors", weights);
    workplace.fail("explain --run run -o newer", &["model.safetensors"]);
}

#[test]
fn strands_turn_the_axis_round() {
    let Some(genes) = sample_genes() else {
        return;
    };
    let workplace = Workplace::new();
    import_sample(&workplace, "", "").unwrap();
    import_sample(&workplace, ".known", &genes).unwrap();
    for (of, axis) in [("", "strands are not known"), (".known", "upstream first")] {
        workplace.succeed(&format!(
            "train --a E123{of}.parquet --b E003{of}.parquet {SHORT} --set input.order=\"file\" -o run{of}"
        ));
        workplace.succeed(&format!("explain --run run{of} --sample 20 -o explain{of}"));
        let figure = workplace.text(&format!("explain{of}/bin_attention.svg"));
        assert!(figure.contains(axis), "{axis}");
    }
    // The same network sees the same bins; only the mean along the axis is turned round.
    let means = |of: &str| table(&workplace, &format!("explain{of}/bin_attention.tsv")).1;
    assert_ne!(means(""), means(".known"));
    let ablations = |of: &str| workplace.text(&format!("explain{of}/ablation.tsv"));
    assert_eq!(ablations(""), ablations(".known"));
}

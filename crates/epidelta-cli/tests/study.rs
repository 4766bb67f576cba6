//! `epidelta study` through the program.

mod common;

use std::{
    fs,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::Workplace;

const METHODS: &str = r#"["ridge", "two-layer-svr", "attentive-chrome", "raw-d",
    { name = "raw-d-wide", method = "raw-d", set = { model.hidden_bins = 8 } }, "aux",
    { name = "aux-classification", method = "aux", set = { model.auxiliary = "classification" } }]"#;

const TABLES: [&str; 7] = [
    "pearson.tsv",
    "methods.tsv",
    "comparisons.tsv",
    "differences.tsv",
    "auxiliary.tsv",
    "runs.tsv",
    "study.json",
];
/// That do not tell the time.
const FIGURES: [&str; 4] = [
    "pearson_by_pair.svg",
    "pearson_by_pair.png",
    "methods.svg",
    "methods.png",
];

/// Four cell types and a study of three of their pairs.
fn study(settings: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 100 --bins 16 --cell-types 4 -o sim");
    workplace.write("sim/study.toml", description(settings));
    workplace
}

fn description(settings: &str) -> String {
    format!(
        "pairs = [[\"A\", \"B\"], [\"A\", \"C\"], [\"B\", \"D\"]]\nmethods = {METHODS}\n{settings}\n\
         [cell_types]\nA = \"A.parquet\"\nB = \"B.parquet\"\nC = \"C.parquet\"\n\
         D = \"D.parquet\"\n\n[settings]\ntraining.epochs = 2\nsvr.costs = [1.0]\n"
    )
}

fn column(table: &str, name: &str) -> Vec<String> {
    let mut lines = table.lines();
    let header = lines.next().unwrap().split('\t');
    let index = header.clone().position(|column| column == name).unwrap();
    let fields = lines.map(|line| {
        assert_eq!(line.split('\t').count(), header.clone().count(), "{line}");
        line.split('\t').nth(index).unwrap().to_owned()
    });
    fields.collect()
}

#[test]
fn a_study_makes_tables_and_figures() {
    let workplace = study("seeds = [1, 2]");
    let outcome = workplace.succeed("study sim/study.toml -o study");
    let (runs, pairs, methods) = (42, 3, 7);
    let table = |name: &str| workplace.text(&format!("study/{name}"));
    assert_eq!(column(&table("runs.tsv"), "failure"), vec!["NA"; runs]);
    let pearson = table("pearson.tsv");
    assert_eq!(column(&pearson, "method").len(), pairs * methods);
    assert_eq!(column(&pearson, "seeds"), vec!["2"; pairs * methods]);
    let numbers = |table: &str, name: &str| -> Vec<f64> {
        let fields = column(table, name).into_iter();
        fields.map(|field| field.parse().unwrap()).collect()
    };
    let [r, low, high] = ["pearson_r", "low_95", "high_95"].map(|name| numbers(&pearson, name));
    for ((r, low), high) in r.iter().zip(&low).zip(&high) {
        assert!(low < r && r < high, "{low} {r} {high}");
    }
    // The mean over seeds of what the runs say.
    let of_run = |seed: u64| -> f64 {
        let path = format!("study/runs/A_vs_B/raw-d/seed-{seed}/metrics.json");
        let metrics: serde_json::Value = serde_json::from_str(&workplace.text(&path)).unwrap();
        metrics["test"]["pearson_r"].as_f64().unwrap()
    };
    let raw_d = column(&pearson, "method")
        .iter()
        .position(|m| m == "raw-d")
        .unwrap();
    assert!((r[raw_d] - (of_run(1) + of_run(2)) / 2.0).abs() < 1e-12);

    let by_method = table("methods.tsv");
    assert_eq!(column(&by_method, "method").len(), methods);
    let ranks = numbers(&by_method, "mean_rank");
    let sum: f64 = ranks.iter().sum();
    assert!((sum - 28.0).abs() < 1e-9, "{ranks:?}"); // 1 + ... + 7
    // Relative performance is by the formula, and that of the baseline itself is none.
    let relative = numbers(&by_method, "mean_percent_over_two-layer-svr");
    let of = |name: &str| -> Vec<f64> {
        let rows = column(&pearson, "method").into_iter().zip(&r);
        rows.filter(|(method, _)| method == name)
            .map(|(_, &r)| r)
            .collect()
    };
    let (ridge, svr) = (of("ridge"), of("two-layer-svr"));
    let percent = ridge.iter().zip(&svr).map(|(r, b)| 100.0 * (r - b) / b);
    assert!((relative[0] - percent.sum::<f64>() / 3.0).abs() < 1e-9);
    assert_eq!(relative[1], 0.0);

    // Cell-specific classification beside regression: means of what stands elsewhere.
    let auxiliary = table("auxiliary.tsv");
    assert_eq!(column(&auxiliary, "variant"), ["aux"]);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    for (name, method) in [
        ("regression_pearson_r", "aux"),
        ("classification_pearson_r", "aux-classification"),
    ] {
        assert!((numbers(&auxiliary, name)[0] - mean(&of(method))).abs() < 1e-12);
    }
    // Every method beside both baselines, and beside the best where it is another.
    let comparisons = table("comparisons.tsv");
    let than = column(&comparisons, "than");
    for baseline in ["two-layer-svr", "attentive-chrome"] {
        assert_eq!(
            than.iter().filter(|than| *than == baseline).count(),
            methods - 1
        );
    }
    let rows = column(&comparisons, "method").into_iter().zip(than);
    let row = rows
        .collect::<Vec<_>>()
        .iter()
        .position(|row| *row == ("ridge".into(), "two-layer-svr".into()))
        .unwrap();
    let differences: Vec<f64> = ridge.iter().zip(&svr).map(|(r, b)| r - b).collect();
    let found = numbers(&comparisons, "mean_difference")[row];
    assert!((found - mean(&differences)).abs() < 1e-12);
    // Pair by pair the same differences, each in its interval.
    let by_pair = table("differences.tsv");
    let rows: Vec<usize> = (0..column(&by_pair, "pair").len())
        .filter(|&row| {
            column(&by_pair, "method")[row] == "ridge"
                && column(&by_pair, "baseline")[row] == "two-layer-svr"
        })
        .collect();
    assert_eq!(rows.len(), pairs);
    let [difference, low, high] =
        ["difference", "low_95", "high_95"].map(|name| numbers(&by_pair, name));
    for (&row, expected) in rows.iter().zip(&differences) {
        assert!((difference[row] - expected).abs() < 1e-12);
        assert!(low[row] < difference[row] && difference[row] < high[row]);
    }
    assert_eq!(difference.len(), pairs * 2 * (methods - 1));
    // Of three pairs all signs alike are the least likely: 2 of 8.
    let p = numbers(&comparisons, "p")[row];
    let alike = differences.iter().all(|d| *d > 0.0) || differences.iter().all(|d| *d < 0.0);
    assert!(p >= 0.25 && (p == 0.25) == alike, "{p} {differences:?}");
    assert_eq!(column(&table("cost.tsv"), "method").len(), methods);
    for figure in FIGURES.into_iter().chain(["cost.svg", "cost.png"]) {
        assert!(
            workplace.read(&format!("study/{figure}")).len() > 1000,
            "{figure}"
        );
    }
    let figure = table("pearson_by_pair.svg");
    assert!(figure.contains("A/B") && figure.contains("best DeepDiff variant"));
    assert!(
        outcome.stdout.contains("mean % over two-layer-svr"),
        "{}",
        outcome.stdout
    );

    // What is there is not replaced unasked, and kept when asked to go on.
    workplace.fail("study sim/study.toml -o study", &["already exists"]);
    let before: Vec<Vec<u8>> = TABLES
        .map(|name| workplace.read(&format!("study/{name}")))
        .into();
    let again = workplace.succeed("study sim/study.toml -o study --resume");
    assert!(!again.stderr.contains("of 42 runs,"), "{}", again.stderr);
    for (name, before) in TABLES.iter().zip(before) {
        assert!(workplace.read(&format!("study/{name}")) == before, "{name}");
    }
    // Changed settings are run anew, those of the others kept.
    let changed = description("seeds = [1, 2]").replace("hidden_bins = 8", "hidden_bins = 4");
    workplace.write("sim/study.toml", changed);
    let again = workplace.succeed("study sim/study.toml -o study --resume");
    assert_eq!(
        again.stderr.matches("raw-d-wide").count(),
        6,
        "{}",
        again.stderr
    );
    assert!(!again.stderr.contains("ridge"), "{}", again.stderr);
    // So are all of a pair whose data changed.
    workplace.succeed("simulate --genes 100 --bins 16 --cell-types 4 --switching 0.9 -o other");
    fs::copy(
        workplace.path("other/D.parquet"),
        workplace.path("sim/D.parquet"),
    )
    .unwrap();
    let again = workplace.succeed("study sim/study.toml -o study --resume");
    assert_eq!(
        again.stderr.matches("B/D, ridge").count(),
        2,
        "{}",
        again.stderr
    );
    assert!(!again.stderr.contains("A/B, ridge"), "{}", again.stderr);
    // One program at a time.
    let lock = fs::File::options()
        .write(true)
        .open(workplace.path("study/study.lock"))
        .unwrap();
    lock.lock().unwrap();
    for how in ["--resume", "--force"] {
        workplace.fail(
            &format!("study sim/study.toml -o study {how}"),
            &["another epidelta", "writing into study"],
        );
    }
    drop(lock);
    // A run that lost its model is made again.
    let model = "study/runs/A_vs_C/ridge/seed-2/model.json";
    fs::remove_file(workplace.path(model)).unwrap();
    let again = workplace.succeed("study sim/study.toml -o study --resume");
    assert_eq!(
        again.stderr.matches("A/C, ridge").count(),
        1,
        "{}",
        again.stderr
    );
    assert!(workplace.path(model).exists());
    fs::remove_file(workplace.path("study/study.lock")).unwrap();
    workplace.fail(
        "study sim/study.toml -o study --resume",
        &["study has no study.lock"],
    );
}

/// A folder with a file called study.toml may be anything of the user's.
#[test]
fn only_a_study_is_replaced() {
    let workplace = study("");
    fs::create_dir(workplace.path("project")).unwrap();
    workplace.write("project/study.toml", "my own");
    workplace.write("project/notes", "my own");
    for how in ["--force", "--resume"] {
        workplace.fail(
            &format!("study sim/study.toml -o project {how}"),
            &["project"],
        );
        assert_eq!(workplace.text("project/study.toml"), "my own");
    }
    // Nor what is read: a table of labels.
    workplace.succeed("study sim/study.toml -o made");
    workplace.write("made/deseq2.tsv", "gene\tlog2FoldChange\n");
    let labelled = description("").replace(
        "[\"A\", \"B\"]",
        "{ a = \"A\", b = \"B\", labels = \"../made/deseq2.tsv\" }",
    );
    workplace.write("sim/study.toml", labelled);
    workplace.fail(
        "study sim/study.toml -o made --force",
        &["would replace the input"],
    );
}

#[test]
fn labels_of_a_table_go_the_way_of_the_label() {
    let workplace = study("");
    // The table of a differential analysis, A over B: some number of each gene.
    let changes: String = (1..=100)
        .map(|gene| format!("SIMG{gene:08}\t{}\n", f64::from(gene * 7 % 11) - 5.0))
        .collect();
    workplace.write("sim/deseq2.tsv", format!("gene\tlog2FoldChange\n{changes}"));
    let text = "pairs = [{ a = \"A\", b = \"B\", labels = \"deseq2.tsv\" }]\n\
        methods = [\"ridge\", { name = \"code\", method = \"ridge\", preset = \"reference\" }]\n\
        [cell_types]\nA = \"A.parquet\"\nB = \"B.parquet\"\n\
        [settings]\nlabel.normalization = \"none\"\n";
    workplace.write("sim/study.toml", text);
    workplace.succeed("study sim/study.toml -o study");
    let observed = |method: &str| -> Vec<f64> {
        let path = format!("study/runs/A_vs_B/{method}/seed-1/predictions.tsv");
        let numbers = column(&workplace.text(&path), "observed").into_iter();
        numbers.map(|number| number.parse().unwrap()).collect()
    };
    // The published code labels B over A.
    let turned: Vec<f64> = observed("code").iter().map(|value| -value).collect();
    assert_eq!(observed("ridge"), turned);
    assert_eq!(observed("ridge")[1], 14.0 % 11.0 - 5.0);
    // Beside each other they are turned the same way.
    workplace.write("sim/study.toml", format!("baselines = [\"ridge\"]\n{text}"));
    workplace.succeed("study sim/study.toml -o study --resume");
    let differences = workplace.text("study/differences.tsv");
    let difference: f64 = column(&differences, "difference")[0].parse().unwrap();
    assert!(difference.abs() < 0.3, "{differences}");
    workplace.write("sim/study.toml", text.replace("labels =", "label ="));
    workplace.fail("study sim/study.toml -o no", &["sim/study.toml"]);
}

#[test]
fn a_study_that_was_killed_goes_on_to_the_same_tables() {
    let workplace = study("");
    // Long enough to be killed in the middle.
    let longer = description("").replace("training.epochs = 2", "training.epochs = 30");
    workplace.write("sim/study.toml", longer);
    workplace.succeed("study sim/study.toml -o whole --jobs 1");
    let mut killed = Command::new(env!("CARGO_BIN_EXE_epidelta"))
        .args(["study", "sim/study.toml", "-o", "killed"])
        .current_dir(workplace.path(""))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // After some runs, in the middle of others.
    let third = workplace.path("killed/runs/A_vs_B/attentive-chrome/seed-1/run.toml");
    let started = Instant::now();
    while !third.exists() && started.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(third.exists());
    assert!(!workplace.path("killed/study.json").exists());
    // What a run leaves that is interrupted.
    let leftover = "killed/runs/A_vs_B/raw-d/.epidelta-leftover";
    fs::create_dir_all(workplace.path(leftover)).unwrap();
    workplace.succeed("study sim/study.toml -o killed --resume");
    assert!(!workplace.path(leftover).exists());
    for name in TABLES.into_iter().chain(FIGURES) {
        let of = |study: &str| workplace.read(&format!("{study}/{name}"));
        assert!(of("whole") == of("killed"), "{name}");
    }
}

#[test]
fn a_run_that_fails_is_reported_and_the_others_go_on() {
    let workplace = study("");
    let diverging = description("").replace(
        "{ model.hidden_bins = 8 }",
        "{ training.learning_rate = 1e30, training.max_gradient_norm = 1e30 }",
    );
    workplace.write("sim/study.toml", diverging);
    let outcome = workplace.run("study sim/study.toml -o study");
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("3 of 21 runs failed"),
        "{}",
        outcome.stderr
    );
    let runs = workplace.text("study/runs.tsv");
    let failures = column(&runs, "failure")
        .into_iter()
        .zip(column(&runs, "method"));
    for (failure, method) in failures {
        assert_eq!(
            failure.contains("not finite"),
            method == "raw-d-wide",
            "{method}: {failure}"
        );
    }
    let pearson = workplace.text("study/pearson.tsv");
    let missing = column(&pearson, "pearson_r")
        .into_iter()
        .filter(|r| r == "NA");
    assert_eq!(missing.count(), 3);
    // The others are ranked and compared without it.
    let ranks = column(&workplace.text("study/methods.tsv"), "mean_rank");
    assert_eq!(ranks.iter().filter(|rank| *rank == "NA").count(), 1);
    let sum: f64 = ranks
        .iter()
        .filter_map(|rank| rank.parse::<f64>().ok())
        .sum();
    assert!((sum - 21.0).abs() < 1e-9, "{ranks:?}"); // 1 + ... + 6
    assert!(workplace.read("study/methods.png").len() > 1000);
}

#[test]
fn tuning_is_by_validation_genes() {
    let workplace = study("");
    let text = format!(
        "{}\n[tune.ridge]\nfeatures.windows = [[1], [4]]\nlinear.penalties = [[1e6], [1.0]]\n",
        description("")
            .replace(METHODS, r#"["ridge", "raw-d"]"#)
            .replace("svr.costs = [1.0]", "")
    );
    workplace.write("sim/study.toml", text);
    workplace.succeed("study sim/study.toml -o study");
    let runs = workplace.text("study/runs.tsv");
    let rows: Vec<((String, String), (String, String))> = column(&runs, "pair")
        .into_iter()
        .zip(column(&runs, "method"))
        .zip(
            column(&runs, "chosen")
                .into_iter()
                .zip(column(&runs, "valid_pearson_r")),
        )
        .collect();
    assert_eq!(rows.len(), 3 * (4 + 1));
    for pair in ["A/B", "A/C", "B/D"] {
        let ridge = rows
            .iter()
            .filter(|row| row.0 == (pair.into(), "ridge".into()));
        let of_pair: Vec<(bool, f64)> = ridge
            .map(|(_, (chosen, r))| (chosen == "true", r.parse().unwrap()))
            .collect();
        let highest = of_pair.iter().map(|(_, r)| *r).fold(f64::MIN, f64::max);
        let chosen: Vec<f64> = of_pair
            .iter()
            .filter(|row| row.0)
            .map(|row| row.1)
            .collect();
        assert_eq!(chosen, [highest]);
    }
    let chosen = column(&workplace.text("study/pearson.tsv"), "chosen");
    assert!(chosen[0].contains("features.windows=["), "{}", chosen[0]);
}

#[test]
fn everything_wrong_is_told_at_once_before_anything_runs() {
    let workplace = study("");
    workplace.succeed("simulate --genes 30 --bins 8 --seed 2 -o other");
    workplace.write(
        "sim/study.toml",
        r#"pairs = [["A", "B"], ["A", "E"], ["A", "A"], ["A", "B"], ["A", "other"], ["A", "lost"],
    { a = "C", b = "D", labels = "no.tsv" }]
methods = ["ridge", "random", "logistic", "ridge", { name = "x y", method = "raw" },
    { name = "fast", method = "raw", set = { training.epochz = 3 } },
    { name = "none", method = "raw", set = { training.batch_size = 0 } },
    { name = "slow", method = "raw", preset = "best" },
    { name = "apart", method = "raw", set = { split.seed = 7 } }]
baselines = ["two-layer-svr"]
seeds = [1, 1]
[cell_types]
A = "A.parquet"
B = "B.parquet"
C = "C.parquet"
D = "D.parquet"
other = "../other/A.parquet"
lost = "lost.parquet"
[settings]
training.epochs = 2
forest.trees = [5]
[tune.raw]
training.epochs = [2, 3]
"#,
    );
    workplace.fail(
        "study sim/study.toml -o study",
        &[
            "sim/study.toml",
            "E is not among the cell types",
            "A, A: a cell type beside itself",
            "A, B: it stands twice",
            "pair A/other: the data differ in kind",
            "cell type lost: cannot read sim/lost.parquet",
            "pair C/D: cannot read sim/no.tsv",
            "method random: \"random\" is not a method",
            "method logistic: a study compares fold changes",
            "method ridge: it stands twice",
            "\"x y\" cannot be the name of a folder",
            "method fast: setting training.epochz: there is no such setting",
            "method none: setting training.batch_size: it is 0",
            "method slow: \"best\" is not a preset",
            "method apart: split",
            "baselines: two-layer-svr is not among the methods",
            "seeds: one stands twice",
            "settings.forest.trees: no method of the study has it",
            "tune.raw: there is no such method",
        ],
    );
    // What runs would stumble over.
    let text = description("").replace(METHODS, r#"["ridge", "raw-d"]"#);
    let text = text.replace("svr.costs = [1.0]", "");
    for (setting, part) in [
        ("label.pseudocount = -1.0", "label.pseudocount"),
        (
            "split.method = \"chromosome\"\nsplit.valid_chromosomes = [\"chrQ\"]",
            "the valid split has no gene",
        ),
        (
            "split.method = \"random\"\nsplit.test = 100.0",
            "pair A/B: ",
        ),
    ] {
        workplace.write("sim/study.toml", format!("{text}{setting}\n"));
        workplace.fail("study sim/study.toml -o study", &[part]);
    }
    // What the data are too small for.
    let wide = description("").replace(
        METHODS,
        r#"["deep-chrome", { name = "wide", method = "deep-chrome-raw", set = { model.pool = 9 } }]"#,
    );
    workplace.write("sim/study.toml", wide.replace("svr.costs = [1.0]", ""));
    workplace.fail(
        "study sim/study.toml -o study",
        &["method wide", "nothing of 16 bins"],
    );
    workplace.write("sim/study.toml", "pairs = [[\"A\"]]\nmethods = []\n");
    workplace.fail(
        "study sim/study.toml -o study",
        &["sim/study.toml, line 1", "a pair is [\"A\", \"B\"]"],
    );
    workplace.fail(
        "study sim/none.toml -o study",
        &["cannot read sim/none.toml"],
    );
    workplace.write("sim/study.toml", description(""));
    workplace.fail(
        "study sim/study.toml -o sim --force",
        &["would replace the input"],
    );
    workplace.write("notes", "mine");
    workplace.fail("study sim/study.toml -o notes --force", &["notes"]);
    assert_eq!(workplace.text("notes"), "mine");
}

/// A mark that one cell type of a pair lacks is left out of that pair, for every method.
#[test]
fn a_cell_type_may_lack_a_mark() {
    let workplace = study("");
    let file = workplace.path("sim/D.parquet");
    let d = epidelta::dataset::read_epigenome(&file).unwrap();
    let few = d.clone().with_marks(&d.marks[..3]);
    epidelta::dataset::write_epigenome(&few, &file, true).unwrap();
    let said = workplace.succeed("study sim/study.toml -o study").stderr;
    let told = "B/D: marks that only one of the two has are left out: H3K27me3, H3K36me3";
    assert!(said.contains(told), "{said}");
    assert!(!said.contains("A/B: "), "{said}");
    let run = workplace.text("study/runs/B_vs_D/ridge/seed-1/run.toml");
    let run: toml::Table = run.parse().unwrap();
    assert_eq!(run["data"]["marks"].as_array().unwrap().len(), 3);

    // A cell type of marks of which B has none.
    let mut other = d;
    other
        .marks
        .iter_mut()
        .for_each(|mark| mark.push_str("-other"));
    epidelta::dataset::write_epigenome(&other, &file, true).unwrap();
    workplace.fail(
        "study sim/study.toml -o other",
        &["pair B/D: no mark is in both B and D"],
    );
}

#[test]
fn simulated_cell_types_come_with_a_study_of_every_method() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 120 --bins 20 --cell-types 9 -o sim");
    let text = workplace.text("sim/study.toml");
    for method in [
        "raw-aux-siamese",
        "deep-chrome-raw",
        "two-layer-svr",
        "boosting",
    ] {
        assert!(text.contains(&format!("\"{method}\"")), "{method}");
    }
    assert_eq!(text.matches("[\"").count(), 10, "{text}");
    let short = text.replace("training.epochs = 8", "training.epochs = 1");
    workplace.write(
        "sim/study.toml",
        short.replace("svr.compare", "svr.costs = [1.0]\nsvr.compare"),
    );
    workplace.succeed("study sim/study.toml -o study");
    assert_eq!(
        column(&workplace.text("study/methods.tsv"), "pairs"),
        vec!["10"; 18]
    );
}

//! Methods that are no DeepDiff, through the program.

mod common;

use common::{Workplace, shared};
use serde_json::Value;

const DATA: &str = "--a sim/A.parquet --b sim/B.parquet";

/// Settings that make fits small.
const NETWORK: &str = "--set training.epochs=2 --set training.batch_size=20";
const METHODS: [(&str, &str, &str); 10] = [
    ("attentive-chrome", NETWORK, "model.safetensors"),
    ("deep-chrome", NETWORK, "model.safetensors"),
    ("deep-chrome-raw", NETWORK, "model.safetensors"),
    ("svr", "--set svr.costs=[1]", "model.postcard"),
    ("two-layer-svr", "--set svr.costs=[1]", "model.postcard"),
    (
        "relieff-forest",
        "--set forest.trees=[5,20]",
        "model.postcard",
    ),
    ("ridge", "", "model.json"),
    ("lasso", "", "model.json"),
    ("logistic", "", "model.json"),
    ("boosting", "", "model.json"),
];

fn simulated(genes: usize) -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed(&format!("simulate --genes {genes} --bins 20 -o sim"));
    workplace
}

fn metrics(workplace: &Workplace, run: &str) -> Value {
    workplace.metrics(run)
}

#[test]
fn every_method_trains_predicts_and_evaluates_whatever_the_thread_count() {
    let workplace = simulated(120);
    for (method, settings, model) in METHODS {
        for preset in ["tuned", "reference"] {
            let run = format!("{method}-{preset}");
            let train = format!("train {DATA} --method {method} --preset {preset} {settings}");
            workplace.succeed(&format!("{train} --threads 1 -o {run}"));
            workplace.succeed(&format!("{train} --threads 2 -o {run}-again"));
            for file in [model, "predictions.tsv", "run.toml"] {
                let of = |run: &str| workplace.read(&format!("{run}/{file}"));
                assert!(of(&run) == of(&format!("{run}-again")), "{run}: {file}");
            }
            workplace.succeed(&format!("predict --run {run} {DATA} -o {run}.tsv"));
            // Genes that are neither up nor down were not there to learn from.
            let predicted = workplace.text(&format!("{run}.tsv"));
            let predicted = predicted.lines().filter(|row| !row.contains("\tNA\t"));
            let trained = workplace.text(&format!("{run}/predictions.tsv"));
            assert!(predicted.eq(trained.lines()), "{run}");
            let metrics = metrics(&workplace, &run);
            assert!(metrics["fit_seconds"].as_f64().unwrap() >= 0.0);
            let evaluated = workplace.succeed(&format!("evaluate --run {run} --json"));
            let evaluated: Value = serde_json::from_str(&evaluated.stdout).unwrap();
            assert_eq!(evaluated, metrics, "{run}");
            let is_network = model == "model.safetensors";
            let history = workplace.path(&run).join("history.tsv");
            assert_eq!(history.exists(), is_network, "{run}");
            assert_eq!(metrics["best_epoch"].is_null(), !is_network, "{run}");
            assert_eq!(metrics["choices"].is_null(), is_network, "{run}");
            let per_cell = ["attentive-chrome", "deep-chrome"].contains(&method);
            assert_eq!(metrics["test"]["cell_a"].is_object(), per_cell, "{run}");
            assert_eq!(metrics["best_epoch"].is_array(), per_cell, "{run}");
        }
    }
}

/// Networks of single cell types are trained alone: swapping A and B turns the sign.
#[test]
fn a_network_per_cell_type_is_subtracted_in_the_direction_of_the_label() {
    let workplace = simulated(60);
    let swapped = "--a sim/B.parquet --b sim/A.parquet";
    for method in ["attentive-chrome", "deep-chrome"] {
        let train = format!("--method {method} {NETWORK}");
        workplace.succeed(&format!("train {DATA} {train} -o {method}"));
        workplace.succeed(&format!("train {swapped} {train} -o {method}-swapped"));
        let reversed = "--set label.direction=b-over-a";
        workplace.succeed(&format!(
            "train {DATA} {train} {reversed} -o {method}-reversed"
        ));
        let predicted = |run: String| -> Vec<f64> {
            let text = workplace.text(&format!("{run}/predictions.tsv"));
            let rows = text.lines().skip(1);
            rows.map(|row| row.split('\t').nth(3).unwrap().parse().unwrap())
                .collect()
        };
        let forth = predicted(method.into());
        let back: Vec<f64> = forth.iter().map(|value| -value).collect();
        assert_eq!(predicted(format!("{method}-swapped")), back);
        assert_eq!(predicted(format!("{method}-reversed")), back);
        let history = workplace.text(&format!("{method}/history.tsv"));
        assert!(history.lines().next().unwrap().ends_with("\tcell"));
        assert_eq!(
            history.lines().filter(|line| line.ends_with("\tb")).count(),
            2
        );
    }
}

#[test]
fn cell_specific_classification_has_an_auroc() {
    let workplace = simulated(60);
    for method in ["attentive-chrome", "deep-chrome"] {
        let set = "--set model.cell_task=classification";
        workplace.succeed(&format!(
            "train {DATA} --method {method} {set} {NETWORK} -o {method}"
        ));
        let metrics = metrics(&workplace, method);
        for cell in ["cell_a", "cell_b"] {
            assert!(metrics["test"][cell]["auroc"].is_number(), "{method}");
        }
        let header = workplace.text(&format!("{method}/predictions.tsv"));
        assert!(header.starts_with("gene_id\tsplit\tobserved\tpredicted\tabove_median_a\t"));
    }
}

#[test]
fn up_versus_down_leaves_out_genes_that_are_neither() {
    let workplace = simulated(150);
    for (method, settings, _) in METHODS.into_iter().chain([("raw-d", NETWORK, "")]) {
        let train = format!("train {DATA} --method {method} --task classification {settings}");
        if ["attentive-chrome", "deep-chrome", "ridge", "lasso"].contains(&method) {
            workplace.fail(
                &format!("{train} -o {method}"),
                &[&format!("{method} does no classification"), "logistic"],
            );
            continue;
        }
        let said = workplace.succeed(&format!("{train} -o {method}")).stderr;
        assert!(said.contains("neither up nor down"), "{said}");
        let text = workplace.text(&format!("{method}/predictions.tsv"));
        assert!(
            text.starts_with("gene_id\tsplit\tobserved\tpredicted\tup\tobserved_a\tobserved_b\n")
        );
        for row in text.lines().skip(1) {
            let fields: Vec<&str> = row.split('\t').collect();
            let observed: f64 = fields[2].parse().unwrap();
            assert!(observed.abs() >= 1.0, "{row}");
            assert_eq!(fields[4], if observed > 0.0 { "1" } else { "0" });
        }
        let metrics = metrics(&workplace, method);
        let auroc = metrics["train"]["auroc"].as_f64().unwrap();
        // Two epochs make no network yet.
        assert!(auroc > 0.75 || settings == NETWORK, "{method}: {auroc}");
        assert!(metrics["test"]["accuracy"].is_number() && metrics["test"]["mse"].is_null());
        // Predictions are for every gene; those that are neither have no class.
        workplace.succeed(&format!("predict --run {method} {DATA} -o {method}.tsv"));
        let all = workplace.text(&format!("{method}.tsv"));
        assert_eq!(all.lines().count(), 151);
        let classified = all.lines().filter(|row| !row.contains("\tNA\t"));
        assert!(classified.eq(text.lines()), "{method}");
        let evaluated = workplace.succeed(&format!("evaluate --run {method} {DATA} --json"));
        let evaluated: Value = serde_json::from_str(&evaluated.stdout).unwrap();
        assert_eq!(evaluated["test"], metrics["test"], "{method}");
    }
    workplace.fail(
        &format!("train {DATA} --method logistic --task regression -o no"),
        &["logistic does no regression", "ridge"],
    );
    workplace.fail(
        &format!("train {DATA} --method logistic --set label.min_change=99 -o no"),
        &["|log2 fold change| of 99", "label.min_change"],
    );
}

#[test]
fn settings_of_methods_have_ranges() {
    let workplace = simulated(60);
    for (method, setting, part) in [
        ("svr", "svr.costs=[]", "svr.costs"),
        ("svr", "svr.costs=[-1]", "svr.costs"),
        ("svr", "svr.channels=[\"a\",\"a\"]", "svr.channels"),
        ("two-layer-svr", "svr.folds=1", "svr.folds"),
        (
            "two-layer-svr",
            "training.epochs=1",
            "training: there is no such setting",
        ),
        ("relieff-forest", "relieff.features=[0]", "relieff.features"),
        ("relieff-forest", "forest.trees=[]", "forest.trees"),
        (
            "relieff-forest",
            "forest.trees=[100000000000]",
            "forest.trees",
        ),
        ("ridge", "linear.penalties=[0]", "linear.penalties"),
        ("lasso", "features.windows=[]", "features.windows"),
        (
            "boosting",
            "boosting.learning_rate=2",
            "boosting.learning_rate",
        ),
        (
            "deep-chrome",
            "model.filter_width=30",
            "leave nothing of 20 bins",
        ),
        ("deep-chrome", "model.dropout=1", "model.dropout"),
        ("deep-chrome", "model.channels=[\"a\"]", "deep-chrome-raw"),
        ("deep-chrome-raw", "model.channels=[]", "model.channels"),
        ("ridge", "label.min_change=-1", "label.min_change"),
        (
            "relieff-forest",
            "relieff.formula.ranked-regression.sigma=0",
            "sigma",
        ),
        (
            "attentive-chrome",
            "model.hidden_bins=0",
            "model.hidden_bins",
        ),
    ] {
        let train = format!("train {DATA} --method {method} --set {setting} -o run");
        workplace.fail(&train, &[part]);
    }
    workplace.fail(
        &format!("train {DATA} --method ridge --init sim/A.parquet -o run"),
        &["--init", "ridge has no weights"],
    );
    let wrong = workplace.run(&format!("train {DATA} --method linear -o run"));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("two-layer-svr"), "{}", wrong.stderr);
}

/// What an earlier version wrote lacks what came later.
#[test]
fn runs_of_an_earlier_version_are_read() {
    let workplace = simulated(60);
    workplace.succeed(&format!("train {DATA} --method raw-d {NETWORK} -o run"));
    let run = workplace.text("run/run.toml");
    let without: String = run
        .lines()
        .filter(|line| {
            let of_today = ["task =", "min_change =", "history_sha256 =", "# sha256 of"];
            !of_today.iter().any(|start| line.starts_with(start))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(without.lines().count() + 4, run.lines().count());
    workplace.write("run/run.toml", without.replace("format = 2", "format = 1"));
    let mut metrics = metrics(&workplace, "run");
    metrics.as_object_mut().unwrap().remove("fit_seconds");
    workplace.write("run/metrics.json", metrics.to_string());
    workplace.succeed("evaluate --run run");
    workplace.succeed(&format!("predict --run run {DATA} -o p.tsv"));
    assert_eq!(
        workplace.text("p.tsv"),
        workplace.text("run/predictions.tsv")
    );
}

/// A model of other data under the right name, with its checksum in run.toml.
#[test]
fn a_model_of_another_size_is_refused() {
    for (method, settings, model) in METHODS {
        if ["logistic", "boosting"].contains(&method) {
            continue;
        }
        let workplace = simulated(60);
        workplace.succeed("simulate --genes 60 --bins 24 -o wide");
        let train = format!("--method {method} {settings} --set split.seed=1");
        // Every bin, so that the number of features differs.
        let every_bin = match method {
            "ridge" | "lasso" => "--set features.windows=[0]",
            _ => "",
        };
        workplace.succeed(&format!("train {DATA} {train} {every_bin} -o run"));
        let wide = "--a wide/A.parquet --b wide/B.parquet";
        workplace.succeed(&format!("train {wide} {train} {every_bin} -o other"));
        // Networks with attention take any number of bins, a machine any bin that is there.
        if ["attentive-chrome", "svr"].contains(&method) {
            continue;
        }
        let checksum = |run: &str| -> String {
            let text = workplace.text(&format!("{run}/run.toml"));
            let line = text.lines().find(|line| line.starts_with("weights_sha256"));
            line.unwrap().to_owned()
        };
        let text = workplace.text("run/run.toml");
        workplace.seal(
            "run/run.toml",
            &text.replace(&checksum("run"), &checksum("other")),
        );
        std::fs::copy(
            workplace.path(&format!("other/{model}")),
            workplace.path(&format!("run/{model}")),
        )
        .unwrap();
        workplace.fail(
            &format!("predict --run run {DATA} -o p.tsv"),
            &[&format!("run/{model}")],
        );
    }
}

/// Trees whose children do not come after them would never end.
#[test]
fn trees_that_go_round_are_refused() {
    let workplace = simulated(120);
    workplace.succeed(&format!("train {DATA} --method boosting -o run"));
    let model = workplace.text("run/model.json");
    for (field, number) in [
        ("left_child", "0"),
        ("right_child", "4294967295"),
        ("split_feature", "4294967295"),
    ] {
        let from = format!("\"{field}\": ");
        let at = model.find(&from).unwrap() + from.len();
        let end = at + model[at..].find(',').unwrap();
        workplace.write(
            "run/model.json",
            format!("{}{number}{}", &model[..at], &model[end..]),
        );
        let text = workplace.text("run/run.toml");
        let line = text
            .lines()
            .find(|line| line.starts_with("weights_sha256"))
            .unwrap();
        let sha256 = epidelta::provenance::sha256(&workplace.path("run/model.json")).unwrap();
        let changed = text.replace(line, &format!("weights_sha256 = \"{sha256}\""));
        workplace.seal("run/run.toml", &changed);
        workplace.fail(
            &format!("predict --run run {DATA} -o p.tsv"),
            &["run/model.json"],
        );
    }
}

/// Test Pearson r on the published sample beside scikit-learn's on the same protocol
/// (tools/reference/baselines_sample.py): 0.05 is what the draw of folds and trees, and
/// of weights, moves it by. The forest on raw counts is less steady: one or two of its
/// features make 0.42 to 0.54 of scikit-learn's too.
#[test]
fn the_published_sample_gives_what_scikit_learn_gives() {
    let Some(folder) = shared("data/deepdiff-sample") else {
        return;
    };
    let workplace = Workplace::new();
    for (cell, name) in [("Cell1", "E123"), ("Cell2", "E003")] {
        let file = |kind: &str| {
            folder
                .join(format!("{cell}.{kind}.csv"))
                .display()
                .to_string()
        };
        workplace.succeed(&format!(
            "import deepdiff --name {name} --expression {} --train {} --valid {} --test {} \
             -o {name}.parquet",
            file("expr"),
            file("train"),
            file("valid"),
            file("test")
        ));
    }
    let difference = "--set svr.channels=[\"difference\"]";
    let means = "--set features.windows=[1]";
    let raw = "--set input.transform=none";
    let attentive =
        "--preset reference --set training.learning_rate=1e-3 --set input.transform=log1p";
    for (method, settings, expected, tolerance) in [
        ("svr", format!("{raw} {difference}"), 0.38, 0.05),
        ("svr", difference.into(), 0.44, 0.05),
        ("two-layer-svr", format!("{raw} {difference}"), 0.51, 0.05),
        ("two-layer-svr", difference.into(), 0.59, 0.05),
        ("relieff-forest", raw.into(), 0.48, 0.07),
        ("relieff-forest", String::new(), 0.67, 0.05),
        ("ridge", means.into(), 0.690, 0.05),
        ("lasso", means.into(), 0.692, 0.05),
        ("attentive-chrome", attentive.into(), 0.68, 0.05),
    ] {
        workplace.succeed(&format!(
            "train --a E123.parquet --b E003.parquet --method {method} {settings} \
             --set label.normalization=none -o run --force"
        ));
        let r = metrics(&workplace, "run")["test"]["pearson_r"]
            .as_f64()
            .unwrap();
        assert!(
            (r - expected).abs() <= tolerance,
            "{method} {settings}: {r}"
        );
    }
}

//! What `epidelta train` and `epidelta evaluate` tell beside Pearson's r.

mod common;

use common::Workplace;
use serde_json::Value;

const DATA: &str = "--a sim/A.parquet --b sim/B.parquet";

fn simulated(genes: usize) -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed(&format!("simulate --genes {genes} --bins 20 -o sim"));
    workplace
}

fn metrics(workplace: &Workplace, run: &str) -> Value {
    workplace.metrics(run)
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn a_result_stands_beside_simple_methods_and_its_own_uncertainty() {
    let workplace = simulated(300);
    let train = format!("train {DATA} --method boosting");
    let said = workplace
        .succeed(&format!("{train} --threads 1 -o run"))
        .stdout;
    assert!(said.contains("baseline ridge: test Pearson r 0."), "{said}");
    let of_run = metrics(&workplace, "run");
    let test = &of_run["test"];
    let r = test["pearson_r"].as_f64().unwrap();
    let interval = numbers(&test["pearson_interval"]);
    assert!(interval[0] < r && r < interval[1], "{test}");
    let genes = |value: &Value| value["genes"].as_u64().unwrap();
    let tiers = test["tiers"].as_array().unwrap();
    assert_eq!(tiers.iter().map(genes).sum::<u64>(), genes(test));
    let expressed = tiers[1..].iter().map(genes).sum::<u64>();
    assert_eq!(expressed, genes(&test["expressed"]));
    for direction in ["up", "down"] {
        let call = &test["calls"][direction];
        let share = call["share"].as_f64().unwrap();
        assert!((share - genes(call) as f64 / genes(test) as f64).abs() < 1e-12);
        assert!(call["aupr"].as_f64().unwrap() > share, "{call}");
    }
    // Simulated expression is in reads, so its noise is known.
    let ceiling = of_run["noise_ceiling"]["test"]["pearson_r"]
        .as_f64()
        .unwrap();
    assert!(ceiling > r && ceiling < 1.0, "{ceiling} {r}");

    // The very ridge that one would train.
    workplace.succeed(&format!("train {DATA} --method ridge -o ridge"));
    let of_ridge = metrics(&workplace, "ridge");
    let ridge = &of_run["baselines"]["ridge"]["test"];
    for measure in ["pearson_r", "mse"] {
        assert_eq!(ridge[measure], of_ridge["test"][measure]);
    }
    let difference = ridge["difference"]["pearson_r"].as_f64().unwrap();
    let expected = r - of_ridge["test"]["pearson_r"].as_f64().unwrap();
    assert!((difference - expected).abs() < 1e-12);
    let interval = numbers(&ridge["difference"]["interval"]);
    assert!(interval[0] < difference && difference < interval[1]);
    assert!(of_ridge["baselines"]["ridge"].is_null());
    let no_signal = &of_ridge["baselines"]["mean"]["test"]["mse"];
    assert!(no_signal.as_f64() > of_ridge["test"]["mse"].as_f64());
    // Beside a network too, whose signal is transformed bin by bin.
    let network = "--method raw-d --set training.epochs=1";
    workplace.succeed(&format!("train {DATA} {network} -o network"));
    let beside_network = &metrics(&workplace, "network")["baselines"]["ridge"]["test"];
    assert_eq!(beside_network["pearson_r"], of_ridge["test"]["pearson_r"]);
    let said = workplace.succeed("evaluate --run network").stdout;
    assert!(said.contains("than ridge: Pearson r -"), "{said}");

    // All of it is the same on any number of threads.
    workplace.succeed(&format!("{train} --threads 2 -o again"));
    let mut again = metrics(&workplace, "again");
    again["fit_seconds"] = of_run["fit_seconds"].clone();
    assert_eq!(again, of_run);
    let said = workplace.succeed("evaluate --run run").stdout;
    for part in [
        "AUPR by chance",
        "95 % interval",
        "noise ceiling",
        "counting",
        "no signal",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    // Other data have a ceiling of their own, but no baselines.
    let swapped = "--a sim/B.parquet --b sim/A.parquet --json";
    let other = workplace
        .succeed(&format!("evaluate --run run {swapped}"))
        .stdout;
    let other: Value = serde_json::from_str(&other).unwrap();
    assert!(other["noise_ceiling"]["test"].is_object() && other["baselines"].is_null());
}

#[test]
fn classified_genes_stand_beside_logistic_regression() {
    let workplace = simulated(400);
    let train = format!("train {DATA} --task classification --method");
    workplace.succeed(&format!("{train} boosting -o run"));
    workplace.succeed(&format!("{train} logistic -o logistic"));
    let of_run = metrics(&workplace, "run");
    let logistic = &of_run["baselines"]["logistic"]["test"];
    let of_logistic = metrics(&workplace, "logistic");
    for measure in ["auroc", "accuracy"] {
        assert_eq!(logistic[measure], of_logistic["test"][measure]);
    }
    assert!(logistic["difference"]["auroc"].is_number());
    let majority = &of_run["baselines"]["majority"]["test"]["accuracy"];
    assert!(majority.as_f64().unwrap() >= 0.3);
    let test = &of_run["test"];
    assert!(test["aupr"].is_number() && test["share_up"].is_number());
    for meaningless in ["calls", "tiers", "expressed"] {
        assert!(test[meaningless].is_null(), "{meaningless}");
    }
    assert!(of_run["noise_ceiling"].is_null());
    let said = workplace.succeed("evaluate --run run").stdout;
    assert!(said.contains("baseline logistic: test AUROC"), "{said}");
    workplace.fail(
        "evaluate --run run --counts sim/none.tsv",
        &["sim/none.tsv"],
    );
}

/// A beside itself: labels that do not vary make no correlation, and no failure.
#[test]
fn measures_of_labels_that_do_not_vary_are_absent() {
    let workplace = simulated(60);
    workplace.succeed(
        "train --a sim/A.parquet --b sim/A.parquet --method raw-d --set training.epochs=1 -o run",
    );
    let metrics = metrics(&workplace, "run");
    assert!(metrics["test"]["pearson_interval"].is_null());
    assert!(metrics["test"]["calls"]["up"]["aupr"].is_null());
    assert!(metrics["baselines"]["ridge"]["test"]["difference"].is_null());
    assert_eq!(metrics["baselines"]["mean"]["test"]["mse"], 0.0);
    workplace.succeed("evaluate --run run");
}

/// As an ensemble would write it.
#[test]
fn the_spread_of_an_ensemble_is_calibrated() {
    let workplace = simulated(300);
    workplace.succeed(&format!("train {DATA} --method ridge -o run"));
    let table = workplace.text("run/predictions.tsv");
    let with_spread: Vec<String> = table
        .lines()
        .enumerate()
        .map(|(row, line)| {
            let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let spread = match row {
                0 => "spread".into(),
                _ => (0.1 + (row % 7) as f64 / 20.0).to_string(),
            };
            fields.insert(4, spread);
            fields.join("\t") + "\n"
        })
        .collect();
    workplace.write("run/predictions.tsv", with_spread.concat());
    let sha256 = |name: &str| epidelta::provenance::sha256(&workplace.path(name)).unwrap();
    let text = workplace.text("run/run.toml");
    let line = text
        .lines()
        .find(|line| line.starts_with("predictions_sha256"))
        .unwrap();
    let sha256 = format!("predictions_sha256 = \"{}\"", sha256("run/predictions.tsv"));
    workplace.seal("run/run.toml", &text.replace(line, &sha256));
    let said = workplace.succeed("evaluate --run run").stdout;
    assert!(
        said.contains("spread of the ensemble: Spearman r"),
        "{said}"
    );
    assert!(said.contains("95 % hold "), "{said}");
    let printed = workplace.succeed("evaluate --run run --json").stdout;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert!(printed["spread_calibration"]["constant"].as_f64().unwrap() > 0.0);
    for split in ["test", "valid", "train"] {
        let spread = &printed[split]["spread"];
        assert_eq!(spread["coverage"].as_array().unwrap().len(), 4, "{split}");
        assert_eq!(spread["fifths"].as_array().unwrap().len(), 5, "{split}");
    }
    // A number that is none.
    let bad = with_spread.concat().replacen("\t0.1\t", "\tmuch\t", 1);
    workplace.write("run/predictions.tsv", bad);
    let text = workplace.text("run/run.toml");
    let of_bad = epidelta::provenance::sha256(&workplace.path("run/predictions.tsv")).unwrap();
    workplace.seal(
        "run/run.toml",
        &text.replace(&sha256, &format!("predictions_sha256 = \"{of_bad}\"")),
    );
    workplace.fail("evaluate --run run", &["a number in column spread", "much"]);
}

#[test]
fn the_ceiling_from_tables() {
    let workplace = simulated(300);
    workplace.succeed(&format!("train {DATA} --method ridge -o run"));
    let expression = |cell: &str| -> Vec<f64> {
        let path = workplace.path(&format!("sim/{cell}.parquet"));
        let genes = epidelta::dataset::read_epigenome(&path).unwrap().genes;
        genes.iter().map(|gene| gene.expression).collect()
    };
    let (a, b) = (expression("A"), expression("B"));
    let table = |header: &str, row: &dyn Fn(usize) -> String| -> String {
        let rows: String = (0..a.len())
            .map(|g| format!("SIMG{:08}\t{}\n", g + 1, row(g)))
            .collect();
        format!("gene_id\t{header}\n{rows}")
    };
    // The run's own reads give the ceiling that it has.
    workplace.write(
        "counts.tsv",
        table("A\tB", &|g| format!("{}\t{}", a[g], b[g])),
    );
    let ceiling = |arguments: &str| -> Value {
        let printed = workplace.succeed(&format!("evaluate --run run --json {arguments}"));
        let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
        printed["noise_ceiling"].clone()
    };
    assert_eq!(
        ceiling("--counts counts.tsv"),
        metrics(&workplace, "run")["noise_ceiling"]
    );
    workplace.write(
        "named.tsv",
        table("x\ty", &|g| format!("{}\t{}", a[g], b[g])),
    );
    let named = "--counts named.tsv --counts-column-a x --counts-column-b y";
    assert_eq!(ceiling(named), ceiling("--counts counts.tsv"));

    let fails = |arguments: &str, parts: &[&str]| {
        workplace.fail(&format!("evaluate --run run {arguments}"), parts);
    };
    fails("--counts none.tsv", &["cannot read none.tsv"]);
    fails(
        "--counts named.tsv",
        &["named.tsv", "\"A\"", "--counts-column-a"],
    );
    let swapped = "--counts named.tsv --counts-column-a x --counts-column-b x";
    fails(swapped, &["the reads of one column", "--counts-column-b"]);
    workplace.write(
        "bad.tsv",
        table("A\tB", &|g| format!("-{}\t{}", a[g] + 1.0, b[g])),
    );
    fails("--counts bad.tsv", &["bad.tsv, line 2", "not negative"]);
    workplace.write(
        "bad.tsv",
        table("A\tB", &|g| format!("{}\t{}", a[g] + 0.5, b[g])),
    );
    fails("--counts bad.tsv", &["SIMG00000001", "not whole"]);
    workplace.write(
        "bad.tsv",
        table("A\tB", &|g| format!("{}\t{}", g * 7 % 300, b[g])),
    );
    fails(
        "--counts bad.tsv",
        &["do not go with the expression of cell type A"],
    );
    let few: String = workplace
        .text("counts.tsv")
        .lines()
        .take(6)
        .map(|l| format!("{l}\n"))
        .collect();
    workplace.write("bad.tsv", few);
    fails("--counts bad.tsv", &["too few genes"]);
    workplace.write("bad.tsv", "gene_id\tA\tB\nother\t1\t2\n");
    fails("--counts bad.tsv", &["none of the run's genes", "SIMG"]);
    let wrong = workplace.run(&format!("evaluate --run run {DATA} --counts counts.tsv"));
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);

    // Replicates that differ by more than counting.
    let noisy = |of: f64, by: usize| (of * (1.0 + (by % 11) as f64 / 11.0)).round();
    let row = |g: usize| {
        let cells = [
            noisy(a[g], g * 3),
            noisy(a[g], g * 5),
            noisy(b[g], g * 7),
            noisy(b[g], g * 9),
        ];
        cells.map(|v| v.to_string()).join("\t")
    };
    workplace.write("replicates.tsv", table("A1\tA2\tB1\tB2", &row));
    let replicates = "--replicates replicates.tsv --replicates-a A1,A2 --replicates-b";
    let found = ceiling(&format!("{replicates} B1,B2"));
    assert_eq!(found["noise"], "replicates");
    let found = found["test"]["pearson_r"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&found), "{found}");
    fails(&format!("{replicates} B1"), &["fewer than two replicates"]);
    fails(&format!("{replicates} B1,B1"), &["\"B1\" stands twice"]);
    fails(
        &format!("{replicates} B1,B9"),
        &["replicates.tsv", "\"B9\""],
    );

    // Labels of a table have another noise.
    let labels = table("log2FoldChange", &|g| (g % 7).to_string());
    workplace.write("deseq2.tsv", labels);
    workplace.succeed(&format!(
        "train {DATA} --labels deseq2.tsv --method ridge -o labelled"
    ));
    assert!(metrics(&workplace, "labelled")["noise_ceiling"].is_null());
    let evaluate = "evaluate --run labelled --counts counts.tsv";
    workplace.fail(evaluate, &["labels of the run are of a table"]);
}

/// A predictions.tsv without the observed expression, as earlier versions wrote it.
#[test]
fn runs_without_the_observed_expression_are_read() {
    let workplace = simulated(60);
    workplace.succeed(&format!("train {DATA} --method ridge -o run"));
    let table = workplace.text("run/predictions.tsv");
    assert!(table.starts_with("gene_id\tsplit\tobserved\tpredicted\tobserved_a\tobserved_b\n"));
    let earlier: String = table
        .lines()
        .map(|line| line.split('\t').take(4).collect::<Vec<_>>().join("\t") + "\n")
        .collect();
    workplace.write("run/predictions.tsv", &earlier);
    let text = workplace.text("run/run.toml");
    let line = text
        .lines()
        .find(|line| line.starts_with("predictions_sha256"))
        .unwrap();
    let sha256 = epidelta::provenance::sha256(&workplace.path("run/predictions.tsv")).unwrap();
    workplace.seal(
        "run/run.toml",
        &text.replace(line, &format!("predictions_sha256 = \"{sha256}\"")),
    );
    let printed = workplace.succeed("evaluate --run run --json").stdout;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert!(printed["test"]["tiers"].is_null() && printed["test"]["calls"].is_object());
    workplace.write("counts.tsv", "gene_id\tA\tB\nSIMG00000001\t1\t2\n");
    workplace.fail(
        "evaluate --run run --counts counts.tsv",
        &["earlier version"],
    );
}

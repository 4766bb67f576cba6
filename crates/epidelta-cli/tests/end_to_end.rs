//! From data to measures through the program.

mod common;

use common::{Workplace, shared};

fn simulated(genes: usize, bins: usize) -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed(&format!("simulate --genes {genes} --bins {bins} -o sim"));
    workplace
}

const DATA: &str = "--a sim/A.parquet --b sim/B.parquet";

#[test]
fn every_variant_trains_predicts_and_evaluates() {
    let workplace = simulated(60, 20);
    for method in [
        "raw-d",
        "raw-c",
        "raw",
        "aux",
        "raw-aux",
        "aux-siamese",
        "raw-aux-siamese",
    ] {
        for preset in ["reference", "paper", "tuned"] {
            let run = format!("{method}-{preset}");
            workplace.succeed(&format!(
                "train {DATA} --method {method} --preset {preset} --set training.epochs=2 -o {run}"
            ));
            assert_eq!(
                workplace
                    .text(&format!("{run}/history.tsv"))
                    .lines()
                    .count(),
                3
            );
            // Predictions made again from the saved weights are the same.
            workplace.succeed(&format!("predict --run {run} {DATA} -o {run}.tsv"));
            assert_eq!(
                workplace.text(&format!("{run}.tsv")),
                workplace.text(&format!("{run}/predictions.tsv"))
            );
            // So are the measures, from the table and from the data.
            let metrics = workplace.metrics(&run);
            for data in ["", DATA] {
                let evaluate = format!("evaluate --run {run} --json {data}");
                let printed = workplace.succeed(&evaluate).stdout;
                let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
                for split in ["test", "valid", "train"] {
                    assert_eq!(printed[split], metrics[split], "{evaluate}");
                    assert!(metrics[split]["genes"].as_u64() > Some(0));
                }
                if data.is_empty() {
                    assert_eq!(printed, metrics, "{evaluate}");
                }
            }
            let has_cells = !method.starts_with("raw") || method.contains("aux");
            assert_eq!(metrics["test"]["cell_a"].is_object(), has_cells, "{run}");
        }
    }
}

#[test]
fn numbers_do_not_depend_on_the_thread_count() {
    let workplace = simulated(60, 40);
    for threads in [1, 2] {
        workplace.succeed(&format!(
            "--threads {threads} train {DATA} --set training.epochs=3 -o run{threads}"
        ));
    }
    for file in [
        "history.tsv",
        "model.safetensors",
        "predictions.tsv",
        "run.toml",
    ] {
        let of = |run: &str| workplace.read(&format!("{run}/{file}"));
        assert!(of("run1") == of("run2"), "{file} differs");
    }
    // And they do depend on the seed.
    workplace.succeed(&format!(
        "--seed 2 train {DATA} --set training.epochs=3 -o other"
    ));
    assert_ne!(
        workplace.text("run1/history.tsv"),
        workplace.text("other/history.tsv")
    );
}

#[test]
fn a_profile_tells_where_the_time_went() {
    let (genes, bins, marks, epochs) = (3000, 20, 5, 2);
    let workplace = simulated(genes, bins);
    let printed = workplace
        .succeed(&format!(
            "train {DATA} --method raw-d --set training.epochs={epochs} \
             --set model.bins_per_step=1 --profile -o run"
        ))
        .stdout;
    let row = |phase: &str, after: &str| -> Vec<String> {
        let lines = printed.lines().skip_while(|line| !line.contains(after));
        let row = lines.map(str::trim).find(|line| line.starts_with(phase));
        let row = row.unwrap_or_else(|| panic!("no {phase} in {printed}"));
        let values = row[phase.len()..].split_whitespace();
        values.map(str::to_owned).collect()
    };
    let seconds = |phase: &str| row(phase, "phase")[0].parse::<f64>().unwrap();
    let phases = [
        "forward pass",
        "losses",
        "backward pass",
        "optimizer",
        "validation",
        "other",
    ];
    let sum: f64 = phases.into_iter().map(seconds).sum();
    let total = seconds("total");
    assert!(total > 0.0 && (sum - total).abs() < 0.01, "{printed}");

    // Every mark's bins and then the marks, in two directions, for every gene.
    let metrics: serde_json::Value =
        serde_json::from_str(&workplace.text("run/metrics.json")).unwrap();
    for (phase, split) in [
        ("forward pass", "train"),
        ("backward pass", "train"),
        ("validation", "valid"),
    ] {
        let genes = metrics[split]["genes"].as_u64().unwrap();
        let steps = (epochs * genes * 2 * (marks * bins as u64 + marks)) as f64;
        let kernel = row("recurrent kernel", phase);
        let number = |column: usize| kernel[column].parse::<f64>().unwrap();
        assert_eq!(
            kernel[3],
            format!("{:.2}", steps / 1e6),
            "{phase}: {printed}"
        );
        let in_kernel = number(0);
        assert!(in_kernel > 0.0 && in_kernel <= seconds(phase), "{printed}");
        let of_step = 1e9 * in_kernel / steps;
        assert!(
            (number(4) / of_step - 1.0).abs() < 0.1,
            "{of_step} {printed}"
        );
    }
    assert!(printed.contains(" genes/s)"), "{printed}");
}

#[test]
fn training_learns_what_the_simulation_knows() {
    let workplace = simulated(500, 40);
    workplace.succeed(&format!(
        "train {DATA} --method raw --set training.epochs=12 -o run"
    ));
    let printed = workplace.succeed("evaluate --run run --json").stdout;
    let metrics: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let r = metrics["test"]["pearson_r"].as_f64().unwrap();
    assert!(r > 0.75, "test Pearson r {r}");
}

#[test]
fn classification_tasks_report_auroc() {
    let workplace = simulated(60, 20);
    workplace.succeed(&format!(
        "train {DATA} --method aux --set model.auxiliary=classification \
         --set training.epochs=2 -o run"
    ));
    let table = workplace.text("run/predictions.tsv");
    let header = table.lines().next().unwrap();
    assert!(header.ends_with(
        "above_median_a\tprobability_a\tabove_median_b\tprobability_b\tobserved_a\tobserved_b"
    ));
    let printed = workplace.succeed("evaluate --run run --json").stdout;
    let metrics: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(metrics["test"]["cell_a"]["auroc"].is_number(), "{printed}");
}

#[test]
fn a_run_repeats_from_its_own_run_toml() {
    let workplace = simulated(60, 20);
    workplace.succeed(&format!(
        "--seed 5 train {DATA} --method raw-c --preset paper --set training.epochs=2 -o run"
    ));
    workplace.succeed(&format!("train {DATA} --config run/run.toml -o again"));
    for file in ["run.toml", "history.tsv", "model.safetensors"] {
        assert!(
            workplace.read(&format!("run/{file}")) == workplace.read(&format!("again/{file}")),
            "{file} differs"
        );
    }
}

#[test]
fn training_continues_from_given_weights() {
    let workplace = simulated(60, 20);
    workplace.succeed(&format!(
        "train {DATA} --method raw --set training.epochs=4 -o first"
    ));
    workplace.succeed(&format!(
        "train {DATA} --method raw --set training.epochs=1 --init first/model.safetensors -o second"
    ));
    let first_loss = |run: &str| -> f64 {
        let history = workplace.text(&format!("{run}/history.tsv"));
        let row: Vec<&str> = history.lines().nth(1).unwrap().split('\t').collect();
        row[1].parse().unwrap()
    };
    assert!(first_loss("second") < first_loss("first"));
}

#[test]
fn strand_orientation_flips_genes_on_the_reverse_strand() {
    let workplace = Workplace::new();
    common::deepdiff_csv(&workplace, "A", 2, 6);
    let gene = |id: &str, strand: &str| {
        format!("chr1\tX\tgene\t20001\t30000\t.\t{strand}\t.\tgene_id \"{id}.7\";\n")
    };
    let genes = ["G0000", "G0001", "G1000", "G1001", "G2000", "G2001"];
    let annotation: String = genes
        .iter()
        .map(|id| gene(id, if id.ends_with('0') { "-" } else { "+" }))
        .collect();
    workplace.write("genes.gtf", annotation);
    let import = common::import_command("A") + " --genes genes.gtf --orient ";
    workplace.succeed(&(import.clone() + "genome"));
    let genome = epidelta::dataset::read_epigenome(&workplace.path("A.parquet")).unwrap();
    workplace.succeed(&(import + "strand --force"));
    let strand = epidelta::dataset::read_epigenome(&workplace.path("A.parquet")).unwrap();
    for (row, record) in genome.genes.iter().enumerate() {
        let reverse = record.gene_id.ends_with('0');
        assert_eq!(record.tss, Some(if reverse { 29_999 } else { 20_000 }));
        for mark in 0..2 {
            let mut bins = genome.signal_of(row)[mark * 6..][..6].to_vec();
            if reverse {
                bins.reverse();
            }
            assert_eq!(strand.signal_of(row)[mark * 6..][..6], bins[..]);
        }
    }
}

#[test]
fn published_sample_imports_and_learns() {
    let Some(data) = shared("data") else { return };
    let workplace = Workplace::new();
    let sample = data.join("deepdiff-sample");
    for (cell, name) in [("Cell1", "E123"), ("Cell2", "E003")] {
        let file = |part: &str| {
            sample
                .join(format!("{cell}.{part}.csv"))
                .display()
                .to_string()
        };
        let genes = data
            .join("genes/gencode_10_genes.gtf.gz")
            .display()
            .to_string();
        let (expression, train, valid, test) =
            (file("expr"), file("train"), file("valid"), file("test"));
        let output = format!("{name}.parquet");
        let outcome = workplace.run_words(&[
            "import",
            "deepdiff",
            "--name",
            name,
            "--expression",
            &expression,
            "--train",
            &train,
            "--valid",
            &valid,
            "--test",
            &test,
            "--genes",
            &genes,
            "-o",
            &output,
        ]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    let printed = workplace.succeed("inspect E123.parquet --json").stdout;
    let inside: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(inside["genes"], 600);
    assert_eq!(inside["bins"], 200);
    // The sum of the H3K4me1 column of Cell1's three files (awk).
    assert_eq!(inside["marks"][0]["total"], 356_360.0);
    workplace.succeed(
        "train --a E123.parquet --b E003.parquet --method raw --preset reference \
         --set training.learning_rate=1e-3 --set training.epochs=4 -o run",
    );
    let printed = workplace.succeed("evaluate --run run --json").stdout;
    let metrics: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let r = metrics["test"]["pearson_r"].as_f64().unwrap();
    assert!(r > 0.4, "test Pearson r {r}");
}

#[test]
fn the_script_of_the_reference_table_runs() {
    let Some(sample) = shared("data/deepdiff-sample") else {
        return;
    };
    let workplace = Workplace::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = std::process::Command::new("bash")
        .arg(root.join("tools/reference/published_sample.sh"))
        .args([&sample, &workplace.path("reference")])
        .env("EPIDELTA", env!("CARGO_BIN_EXE_epidelta"))
        .envs([("SEEDS", "1"), ("EPOCHS", "1")])
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows: Vec<Vec<&str>> = stdout.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(rows.len(), 9, "{stdout}");
    for row in &rows[1..] {
        assert!(row[1].parse::<f64>().is_ok() && row[2] == "1", "{row:?}");
    }
}

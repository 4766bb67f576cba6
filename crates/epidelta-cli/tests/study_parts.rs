//! A study in parts: `epidelta study plan`, `run` and `collect`, as on a cluster.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use bytes::Bytes;
use common::Workplace;
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};

/// A method of each kind, one that is tuned, and models of many pairs.
const STUDY: &str = r#"
pairs = [["A", "B"], ["C", "D"]]
seeds = [1, 2]
marks = ["H3K4me1", "H3K4me3", "H3K9me3", "H3K27me3", "H3K36me3"]
methods = ["ridge", "raw-d", "svr",
    { name = "together", method = "ridge", trained_on = "all-pairs" },
    { name = "new-cells", method = "ridge", trained_on = "other-cell-types" }]
baselines = ["ridge"]
[cell_types]
A = "A.parquet"
B = "B.parquet"
C = "C.parquet"
D = "D.parquet"
[settings]
training.epochs = 2
svr.costs = [1.0]
[tune.svr]
svr.epsilon = [0.1, 0.5]
"#;

/// Of each pair and seed four runs of methods trained on it and one of other cell types, and one
/// of all pairs for each seed.
const RUNS: usize = 2 * 2 * (4 + 1) + 2;

fn simulated(study: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 80 --bins 12 --cell-types 4 -o sim");
    workplace.write("sim/study.toml", study);
    workplace
}

/// The column `run` of a plan.
fn runs(plan: &str) -> Vec<String> {
    let rows = plan.lines().skip(1);
    rows.map(|row| row.split('\t').next().unwrap().to_owned())
        .collect()
}

/// Every file below a folder, by its path within it.
fn files(folder: &Path) -> Vec<PathBuf> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, root, found),
                false => found.push(path.strip_prefix(root).unwrap().to_owned()),
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn start(workplace: &Workplace, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_epidelta"))
        .args(arguments.split_whitespace())
        .current_dir(workplace.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn runs_made_one_by_one_come_to_what_the_whole_study_does() {
    let workplace = simulated(STUDY);
    workplace.succeed("study sim/study.toml -o whole --jobs 2");
    let plan = workplace.succeed("study plan sim/study.toml").stdout;
    let runs = runs(&plan);
    assert_eq!(runs.len(), RUNS);
    // Many begin at once, while there is no folder yet.
    let begin = |run: &String| {
        start(
            &workplace,
            &format!("study run sim/study.toml {run} -o parts"),
        )
    };
    let begun: Vec<Child> = runs[..6].iter().map(begin).collect();
    for mut child in begun {
        assert!(child.wait().unwrap().success());
    }
    for run in runs[6..].iter().rev() {
        workplace.succeed(&format!(
            "--threads 1 study run sim/study.toml {run} -o parts"
        ));
    }
    let collected = workplace.succeed("study collect sim/study.toml -o parts");
    assert!(collected.stdout.contains("new-cells"), "{collected:?}");
    assert_eq!(
        files(&workplace.path("whole")),
        files(&workplace.path("parts"))
    );
    workplace.same_study("whole", "parts");
    for run in &runs {
        let of = |study: &str| workplace.read(&format!("{study}/{run}/predictions.tsv"));
        assert!(of("whole") == of("parts"), "{run}");
        assert_eq!(
            workplace.metrics(&format!("whole/{run}"))["test"],
            workplace.metrics(&format!("parts/{run}"))["test"]
        );
    }
    // Each takes up what the other has made.
    let before = fs::metadata(workplace.path(&format!("parts/{}/run.toml", runs[0]))).unwrap();
    workplace.succeed("study sim/study.toml -o parts --resume");
    workplace.succeed(&format!("study run sim/study.toml {} -o parts", runs[0]));
    let after = fs::metadata(workplace.path(&format!("parts/{}/run.toml", runs[0]))).unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap());
}

#[test]
fn a_plan_names_every_run_and_what_it_takes() {
    let workplace = simulated(STUDY);
    let plan = workplace.succeed("study plan sim/study.toml").stdout;
    let quick = workplace
        .succeed("study plan sim/study.toml --quick")
        .stdout;
    assert_eq!(plan, quick);
    workplace.succeed("study plan sim/study.toml --format json -o plan.json");
    workplace.fail("study plan sim/study.toml -o plan.json", &["--force"]);
    let json: serde_json::Value = serde_json::from_str(&workplace.text("plan.json")).unwrap();
    assert_eq!(json["epidelta"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["cell_types"][0]["genes"], 80);
    let of_json = json["runs"].as_array().unwrap();
    assert_eq!(of_json.len(), RUNS);
    for (row, run) in plan.lines().skip(1).zip(of_json) {
        let fields: Vec<&str> = row.split('\t').collect();
        for (name, field) in ["run", "pair", "method", "tried"].iter().zip(&fields) {
            assert_eq!(run[name], *field, "{row}");
        }
        let [minutes, memory] = [6, 7].map(|column| fields[column].parse::<f64>().unwrap());
        assert!(minutes >= 0.0 && memory > 1.0, "{row}");
        let minutes_of_json = run["minutes"].as_f64().unwrap();
        assert!(
            minutes_of_json > 0.0 && (minutes - minutes_of_json).abs() < 1e-3,
            "{row}"
        );
    }
    let checksum = |run: usize| of_json[run]["settings_sha256"].clone();
    assert_ne!(checksum(0), checksum(1)); // other seeds
    let other = STUDY.replace("training.epochs = 2", "training.epochs = 3");
    workplace.write("sim/study.toml", other);
    workplace.succeed("study plan sim/study.toml --format json -o other.json");
    let json: serde_json::Value = serde_json::from_str(&workplace.text("other.json")).unwrap();
    for (run, other) in of_json.iter().zip(json["runs"].as_array().unwrap()) {
        // Networks alone have epochs.
        let changed = run["settings_sha256"] != other["settings_sha256"];
        assert_eq!(changed, run["method"] == "raw-d", "{run}");
    }
}

#[test]
fn cell_types_that_are_not_prepared_are_planned_by_their_samples() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --reads --genes 60 --bins 10 --cell-types 4 -o sim");
    workplace.write(
        "study.toml",
        STUDY.replace("\"A.parquet\"", "\"cells/A.parquet\""),
    );
    for name in ["B", "C", "D"] {
        fs::copy(
            workplace.path(&format!("sim/{name}.parquet")),
            workplace.path(&format!("{name}.parquet")),
        )
        .unwrap();
    }
    let samples = "--samples sim/samples.tsv --expression sim/counts.tsv";
    let unknown = workplace.succeed(&format!("study plan study.toml {samples}"));
    let row = |plan: &str| plan.lines().nth(1).unwrap().to_owned();
    assert!(row(&unknown.stdout).ends_with("A,B\tNA\tNA"), "{unknown:?}");
    assert!(unknown.stderr.contains("--genes and --bins"), "{unknown:?}");
    let known = format!("study plan study.toml {samples} --genes 60 --bins 10");
    let known = workplace.succeed(&known).stdout;
    let without_samples = workplace.succeed("study plan study.toml --genes 60 --bins 10");
    assert_eq!(known, without_samples.stdout);
    let prepare = "--samples sim/samples.tsv --genes sim/genes.gtf --expression sim/counts.tsv \
                   --upstream 500 --downstream 500";
    let checked = workplace
        .succeed(&format!("prepare {prepare} --check"))
        .stdout;
    let mut rows = checked.lines();
    assert_eq!(
        rows.next(),
        Some("cell_type\tgenes\tmarks\tbins\tbytes\tminutes\tmemory_mb")
    );
    assert!(
        rows.next().unwrap().starts_with("A\t60\t5\t10\t"),
        "{checked}"
    );
    assert_eq!(rows.count(), 3);
    workplace.succeed(&format!("prepare {prepare} --cell-type A -o cells"));
    assert_eq!(
        fs::read_dir(workplace.path("cells")).unwrap().count(),
        1,
        "one cell type alone"
    );
    let prepared = workplace.succeed("study plan study.toml").stdout;
    assert_eq!(known, prepared);
    workplace.fail(
        &format!("prepare {prepare} --cell-type X -o cells"),
        &["sim/samples.tsv has no cell type X"],
    );
}

/// A file as another program writes it, of a format that is not known yet.
fn of_newer_format(parquet: Vec<u8>) -> Vec<u8> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(parquet)).unwrap();
    let mut metadata = reader.schema().metadata().clone();
    metadata.insert("epidelta.format", "7");
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let schema = batch.schema().as_ref().clone().with_metadata(metadata);
    let batch = batch.with_schema(Arc::new(schema)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn what_is_wrong_with_samples_is_found_at_plan_time_all_of_it() {
    let workplace = simulated(STUDY);
    let present = workplace.read("sim/D.parquet");
    let newer = of_newer_format(present.clone());
    workplace.write("sim/D.parquet", newer);
    workplace.write("reads.bam", "");
    workplace.write("counts.tsv", "gene\tA\n");
    workplace.write(
        "samples.tsv",
        "cell_type\tmark\tpath\n\
         A\tH3K4me1\treads.bam\n\
         A\tH3K4me3\tmissing.bam\n\
         A\tH3K27me33\tcounts.tsv\n\
         a\tH3K4me1\treads.bam\n\
         A\tH3K9me3\treads.bam\n\
         A\n",
    );
    let missing = STUDY.replace("\"A.parquet\"", "\"not-there/A.parquet\"");
    workplace.write("sim/study.toml", missing.replace("\"raw-d\"", "\"rawd\""));
    workplace.fail(
        "study plan sim/study.toml --samples samples.tsv --expression counts.tsv",
        &[
            "method rawd",
            "line 3",
            "missing.bam, which is not there",
            "line 5: expected A, or a name that differs in more than case",
            "line 6: expected each file once",
            "line 7: expected a value in column mark",
            "cell type D",
            "made by a newer epidelta",
        ],
    );
    // What is known of the marks of samples that can be read.
    workplace.write(
        "samples.tsv",
        "cell_type\tmark\tpath\nA\tH3K4me1\treads.bam\nA\tH3K27me33\tcounts.tsv\n",
    );
    workplace.fail(
        "study plan sim/study.toml --samples samples.tsv --expression counts.tsv",
        &[
            "cell type A: unknown marks H3K27me33 and no H3K4me3, H3K9me3, H3K27me3, H3K36me3",
            "cell type D",
            "method rawd",
        ],
    );
    workplace.fail(
        "study plan sim/study.toml --quick",
        &[
            "cell type A",
            "not-there/A.parquet is not there",
            "cell type D",
        ],
    );
    // The checks of the whole study know them too.
    workplace.write("sim/study.toml", STUDY.replace("\"H3K9me3\", ", ""));
    workplace.fail(
        "study sim/study.toml -o out",
        &["cell type B: unknown marks H3K9me3", "newer epidelta"],
    );
    let without = STUDY.replace("marks = ", "# marks = ");
    workplace.write(
        "sim/study.toml",
        without.replace("\"A.parquet\"", "\"X.parquet\""),
    );
    workplace.write("sim/D.parquet", present);
    let warned = workplace
        .succeed("study plan sim/study.toml --samples samples.tsv --expression counts.tsv");
    assert!(
        warned.stderr.contains("A alone has H3K27me33"),
        "{}",
        warned.stderr
    );
}

#[test]
fn a_part_that_cannot_be_used_is_told() {
    let workplace = simulated(STUDY);
    let first = "runs/A_vs_B/ridge/seed-1";
    workplace.fail(
        "study run sim/study.toml runs/A_vs_B/lasso/seed-1 -o parts",
        &["no run runs/A_vs_B/lasso/seed-1", "study plan"],
    );
    workplace.fail(
        &format!("study run sim/study.toml {first} -o parts --planned-by 0.0.9"),
        &["planned by epidelta 0.0.9", env!("CARGO_PKG_VERSION")],
    );
    workplace.fail(
        &format!("study run sim/study.toml {first} -o sim"),
        &["sim would replace the input"],
    );
    fs::create_dir(workplace.path("other")).unwrap();
    workplace.write("other/file", "");
    workplace.fail(
        &format!("study run sim/study.toml {first} -o other"),
        &["other is there and is no study"],
    );
    workplace.fail("study collect sim/study.toml -o other", &["is no study"]);
    workplace.fail("study collect sim/study.toml -o parts", &["is no study"]);
    workplace.fail("--seed 3 study plan sim/study.toml", &["seeds"]);

    workplace.succeed("study sim/study.toml -o parts");
    let table = workplace.read("parts/pearson.tsv");
    // One is gone, one is damaged, one is of other settings.
    fs::remove_dir_all(workplace.path("parts").join(first)).unwrap();
    workplace.write("parts/runs/A_vs_B/ridge/seed-2/predictions.tsv", "gene\n");
    let other = STUDY.replace(
        "\"raw-d\"",
        "{ name = \"raw-d\", method = \"raw-d\", set = { training.learning_rate = 0.5 } }",
    );
    workplace.write("sim/study.toml", other);
    let problems = [
        "6 runs are missing",
        "A/B, ridge, seed 1: cannot read",
        "A/B, ridge, seed 2: ",
        "C/D, raw-d, seed 2: it is of other data or settings",
        "--partial",
    ];
    workplace.fail("study collect sim/study.toml -o parts", &problems);
    assert!(workplace.read("parts/pearson.tsv") == table);
    workplace.succeed("study collect sim/study.toml -o parts --partial");
    let runs = workplace.text("parts/runs.tsv");
    let failures = runs.lines().skip(1).filter(|row| !row.ends_with("\tNA"));
    assert_eq!(failures.count(), 6, "{runs}");
    // What is missing is made, and what is of other settings is made anew.
    for run in runs_of_failures() {
        workplace.succeed(&format!("study run sim/study.toml {run} -o parts"));
    }
    workplace.succeed("study collect sim/study.toml -o parts");
    workplace.succeed("study sim/study.toml -o whole");
    workplace.same_study("whole", "parts");
}

fn runs_of_failures() -> Vec<String> {
    let mut runs: Vec<String> = [1, 2]
        .map(|seed| format!("runs/A_vs_B/ridge/seed-{seed}"))
        .into();
    for pair in ["A_vs_B", "C_vs_D"] {
        runs.extend([1, 2].map(|seed| format!("runs/{pair}/raw-d/seed-{seed}")));
    }
    runs
}

#[test]
#[cfg(unix)]
fn a_run_that_is_cancelled_keeps_its_state_and_goes_on() {
    let workplace = simulated(&STUDY.replace("training.epochs = 2", "training.epochs = 400"));
    let run = "runs/A_vs_B/raw-d/seed-1";
    let command = format!("--threads 1 study run sim/study.toml {run} -o");
    workplace.succeed(&format!("{command} whole"));
    let mut child = start(&workplace, &format!("{command} parts"));
    let state = workplace.path(&format!("parts/{run}/checkpoint"));
    let has_state = || {
        let names = fs::read_dir(&state).into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .any(|name| name.ends_with(".safetensors"))
    };
    let started = Instant::now();
    while !has_state() && started.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(1));
    }
    let cancelled = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(cancelled.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(has_state());
    workplace.fail("study collect sim/study.toml -o parts", &["not finished"]);
    let again = workplace.succeed(&format!("{command} parts"));
    assert!(
        again.stderr.contains("going on after epoch"),
        "{}",
        again.stderr
    );
    for name in ["model.safetensors", "predictions.tsv", "history.tsv"] {
        let of = |study: &str| workplace.read(&format!("{study}/{run}/{name}"));
        assert!(of("whole") == of("parts"), "{name}");
    }
}

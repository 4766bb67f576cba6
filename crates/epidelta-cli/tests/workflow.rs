//! The Snakemake workflow of `workflow/`, run by the Snakemake that `EPIDELTA_SNAKEMAKE` names.

mod common;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::Workplace;

const STUDY: &str = r#"
pairs = [["A", "B"], ["A", "C"], ["B", "C"]]
seeds = [1]
marks = ["H3K4me1", "H3K4me3", "H3K9me3", "H3K27me3", "H3K36me3"]
methods = ["ridge", "raw-d", "attentive-chrome"]
baselines = ["ridge"]
[cell_types]
A = "cells/A.parquet"
B = "cells/B.parquet"
C = "cells/C.parquet"
[settings]
training.epochs = 2
"#;

const CONFIG: &str = r#"
study: study.toml
samples: sim/samples.tsv
prepare:
  genes: sim/genes.gtf
  expression: sim/counts.tsv
  options: "--upstream 1000 --downstream 1000"
"#;

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// Runs Snakemake on the workflow; `None` (said on stderr) where there is none.
fn snakemake(workplace: &Workplace, config: &str, arguments: &str) -> Option<Output> {
    let Some(snakemake) = std::env::var_os("EPIDELTA_SNAKEMAKE") else {
        eprintln!("skipped: EPIDELTA_SNAKEMAKE is not set");
        return None;
    };
    let epidelta = env!("CARGO_BIN_EXE_epidelta");
    workplace.write("config.yaml", format!("epidelta: {epidelta}\n{config}"));
    let mut command = Command::new(snakemake);
    command
        .arg("--snakefile")
        .arg(root().join("workflow/Snakefile"))
        .args(["--configfile", "config.yaml", "--cores", "2"])
        .args(arguments.split_whitespace())
        .env("XDG_CACHE_HOME", workplace.path("cache"))
        .current_dir(workplace.path(""));
    Some(command.output().unwrap())
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn succeed(workplace: &Workplace, config: &str, arguments: &str) -> Option<String> {
    let output = snakemake(workplace, config, arguments)?;
    assert!(output.status.success(), "{}", told(&output));
    Some(told(&output))
}

/// A folder and all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn the_commands_of_its_readme_run() {
    let Some(snakemake) = std::env::var_os("EPIDELTA_SNAKEMAKE") else {
        eprintln!("skipped: EPIDELTA_SNAKEMAKE is not set");
        return;
    };
    let workplace = Workplace::new();
    for folder in ["workflow", "config"] {
        copy(&root().join(folder), &workplace.path(folder));
    }
    let page = fs::read_to_string(root().join("workflow/README.md")).unwrap();
    let commands = page.lines().filter(|line| {
        let first = line.split(' ').next().unwrap_or_default();
        ["epidelta", "snakemake"].contains(&first)
    });
    let commands: Vec<&str> = commands.collect();
    assert_eq!(commands.len(), 5, "{commands:?}");
    let small = "simulate --reads --cell-types 3 --genes 60 --bins 20";
    workplace.write("mine.yaml", "study: sim/study.toml\nresults: mine\n");
    let programs = [
        Path::new(env!("CARGO_BIN_EXE_epidelta")),
        Path::new(&snakemake),
    ];
    let mut path: Vec<PathBuf> = programs.map(|of| of.parent().unwrap().into()).into();
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    for command in commands {
        if command.contains("profiles/slurm") {
            // tools/slurm-test/run.sh runs that.
            continue;
        }
        let (before, after) = command
            .split_once("--genes 200 --bins 40")
            .unwrap_or((command, ""));
        let command = match after {
            "" => command.to_owned(),
            _ => format!(
                "{}{small}{after}",
                &before[..before.find("simulate").unwrap()]
            ),
        };
        let mut shell = Command::new("bash");
        let shell = shell
            .args(["-euc", &command])
            .current_dir(workplace.path(""));
        let output = shell
            .env("PATH", std::env::join_paths(&path).unwrap())
            .env("XDG_CACHE_HOME", workplace.path("cache"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {}", told(&output));
    }
    for results in ["results", "mine"] {
        assert!(workplace.path(results).join("report.html").exists());
    }
}

/// Jobs of each rule, from the table of a dry run.
fn jobs(of_dry_run: &str, rule: &str) -> usize {
    let (_, table) = of_dry_run.split_once("Job stats:").unwrap_or_default();
    let row = table
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{rule} ")));
    row.map_or(0, |count| count.trim().parse().unwrap())
}

#[test]
fn the_workflow_makes_what_the_study_makes() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --reads --cell-types 3 --genes 60 --bins 20 -o sim");
    workplace.write("study.toml", STUDY);
    let Some(planned) = succeed(&workplace, CONFIG, "--dry-run") else {
        return;
    };
    let counts = ["prepare", "check_study", "train", "collect", "report"];
    assert_eq!(
        counts.map(|rule| jobs(&planned, rule)),
        [3, 1, 9, 1, 1],
        "{planned}"
    );
    succeed(&workplace, CONFIG, "").unwrap();
    assert!(
        workplace
            .text("results/report.html")
            .contains("attentive-chrome")
    );

    workplace.succeed("study study.toml -o whole");
    workplace.same_study("whole", "results/study");
    for pair in ["A_vs_B", "A_vs_C", "B_vs_C"] {
        for file in ["ridge/seed-1/model.json", "raw-d/seed-1/model.safetensors"] {
            let of = |study: &str| workplace.read(&format!("{study}/runs/{pair}/{file}"));
            assert!(of("whole") == of("results/study"), "{pair}/{file}");
        }
    }
    // Logs and benchmarks of every job.
    let log = workplace.text("results/logs/train/A_vs_B/raw-d/seed-1.log");
    assert!(
        log.contains("epoch 2/2") && log.contains("Pearson r"),
        "{log}"
    );
    let benchmark = workplace.text("results/benchmarks/train/B_vs_C/ridge/seed-1.tsv");
    assert!(benchmark.contains("max_rss"), "{benchmark}");

    // Nothing is made twice, and other settings change the runs that have them.
    let again = succeed(&workplace, CONFIG, "--dry-run").unwrap();
    assert!(again.contains("Nothing to be done"), "{again}");
    workplace.write("study.toml", STUDY.replace("epochs = 2", "epochs = 3"));
    let changed = succeed(&workplace, CONFIG, "--dry-run").unwrap();
    assert_eq!(jobs(&changed, "train"), 6, "{changed}");
    assert_eq!(jobs(&changed, "prepare"), 0, "{changed}");
    // An earlier run stands until the new one does, and is replaced by it.
    succeed(&workplace, CONFIG, "").unwrap();
    workplace.succeed("study study.toml -o whole --force");
    workplace.same_study("whole", "results/study");
}

/// What is stale must be known: a table of other data than it seems is worse than none.
#[test]
fn what_is_made_of_something_else_is_made_again() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --reads --cell-types 3 --genes 60 --bins 20 -o sim");
    let study = r#"
pairs = [{ a = "A", b = "B", labels = "labels.tsv" }, ["A", "C"]]
methods = ["ridge"]
[cell_types]
A = "./cells/A.parquet"
B = "cells/B.parquet"
C = "cells/C.parquet"
"#;
    workplace.write("study.toml", study);
    let genes = workplace.text("sim/counts.tsv");
    let genes = genes
        .lines()
        .skip(1)
        .map(|row| row.split('\t').next().unwrap());
    let labels = |shift: usize| -> String {
        let rows = genes.clone().enumerate();
        let rows = rows.map(|(i, gene)| format!("{gene}\t{}\n", (i * 7 + shift) % 11));
        format!("gene\tlog2FoldChange\n{}", rows.collect::<String>())
    };
    workplace.write("labels.tsv", labels(0));
    if succeed(&workplace, CONFIG, "").is_none() {
        return;
    }
    let planned = |counts: [usize; 3]| {
        let told = succeed(&workplace, CONFIG, "--dry-run").unwrap();
        let found = ["prepare", "train", "collect"].map(|rule| jobs(&told, rule));
        assert_eq!(found, counts, "{told}");
    };
    let up_to_date = || {
        succeed(&workplace, CONFIG, "").unwrap();
        workplace.succeed("study study.toml -o whole --force");
        assert!(workplace.read("whole/study.json") == workplace.read("results/study/study.json"));
        planned([0, 0, 0]);
    };
    up_to_date();
    // A table that is gone.
    fs::remove_file(workplace.path("results/study/pearson.tsv")).unwrap();
    planned([0, 0, 1]);
    up_to_date();
    // Labels, and everything that is checked beside them.
    workplace.write("labels.tsv", labels(3));
    planned([0, 2, 1]);
    up_to_date();
    // Another file for a mark.
    let sheet = workplace.text("sim/samples.tsv");
    let swapped = sheet
        .replace("reads/C_H3K4me1.bam", "reads/X")
        .replace("reads/C_H3K4me3.bam", "reads/C_H3K4me1.bam")
        .replace("reads/X", "reads/C_H3K4me3.bam");
    assert_ne!(sheet, swapped);
    workplace.write("sim/samples.tsv", swapped);
    planned([1, 2, 1]);
    up_to_date();
    // Expression, of all cell types.
    let counts = workplace.text("sim/counts.tsv").replace("\t1", "\t2");
    workplace.write("sim/counts.tsv", counts);
    planned([3, 2, 1]);
    up_to_date();
    // A model of all pairs, of which there is one more.
    let together = "methods = [\"ridge\", { name = \"together\", method = \"ridge\", trained_on = \"all-pairs\" }]";
    let study = study
        .replace(
            "{ a = \"A\", b = \"B\", labels = \"labels.tsv\" }",
            "[\"A\", \"B\"]",
        )
        .replace("methods = [\"ridge\"]", together);
    workplace.write("study.toml", &study);
    up_to_date();
    workplace.write(
        "study.toml",
        study.replace("[\"A\", \"C\"]", "[\"A\", \"C\"], [\"B\", \"C\"]"),
    );
    planned([0, 2, 1]);
    up_to_date();
}

#[test]
fn a_run_that_fails_keeps_nothing_from_being_made_but_the_tables() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --cell-types 3 --genes 60 --bins 20 -o cells");
    let diverging = STUDY.replace(
        "\"raw-d\"",
        "{ name = \"raw-d\", method = \"raw-d\", set = { training.learning_rate = 1e30 } }",
    );
    workplace.write("study.toml", diverging);
    let config = "study: study.toml\n";
    let Some(failed) = snakemake(&workplace, config, "--keep-going") else {
        return;
    };
    assert!(!failed.status.success());
    assert!(
        workplace
            .path("results/study/runs/A_vs_B/ridge/seed-1/run.toml")
            .exists()
    );
    assert!(!workplace.path("results/study/pearson.tsv").exists());
    let log = workplace.text("results/logs/train/A_vs_B/raw-d/seed-1.log");
    assert!(log.contains("is not finite"), "{log}");
    workplace.succeed("study collect study.toml -o results/study --partial");
}

#[test]
fn what_is_wrong_is_told_before_the_first_job() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --reads --cell-types 3 --genes 20 --bins 8 -o sim");
    workplace.write("study.toml", STUDY);
    let sheet = workplace.text("sim/samples.tsv");
    let bad = sheet
        .replacen("reads/A_H3K4me3.bam", "reads/missing.bam", 1)
        .replacen("B\tH3K9me3", "B\tH3K9me33", 1)
        .replacen("C\tH3K36me3", "c\tH3K36me3", 1);
    workplace.write("sim/samples.tsv", &bad);
    let Some(failed) = snakemake(&workplace, CONFIG, "--dry-run") else {
        return;
    };
    let told_of_bad = told(&failed);
    assert!(!failed.status.success());
    for part in [
        "missing.bam, which is not there",
        "differs in more than case",
    ] {
        assert!(
            told_of_bad.contains(part),
            "{part:?} is not in {told_of_bad}"
        );
    }
    workplace.write(
        "sim/samples.tsv",
        sheet.replacen("B\tH3K9me3", "B\tH3K9me33", 1),
    );
    let told_of_mark = told(&snakemake(&workplace, CONFIG, "--dry-run").unwrap());
    assert!(
        told_of_mark.contains("cell type B: unknown marks H3K9me33"),
        "{told_of_mark}"
    );
    // So are a config that is none, and a program that is not there.
    workplace.write("sim/samples.tsv", sheet);
    let misspelt = CONFIG.replace("options", "option");
    let told_of_key = told(&snakemake(&workplace, &misspelt, "--dry-run").unwrap());
    assert!(told_of_key.contains("option"), "{told_of_key}");
    let elsewhere = format!("{CONFIG}results: {}\n", "elsewhere");
    let told_of_results = succeed(&workplace, &elsewhere, "--dry-run").unwrap();
    assert!(
        told_of_results.contains("elsewhere/report.html"),
        "{told_of_results}"
    );
    let no_program = format!("{CONFIG}epidelta: ./no-such-program\n");
    let told_of_program = told(&snakemake(&workplace, &no_program, "--dry-run").unwrap());
    assert!(
        told_of_program.contains("cannot start ./no-such-program"),
        "{told_of_program}"
    );
}

#[test]
fn the_ten_pairs_are_planned_and_the_workflow_has_no_lint() {
    let workplace = Workplace::new();
    let example = root().join("examples/remc");
    fs::create_dir_all(workplace.path("examples/remc/reads")).unwrap();
    for name in ["samples.tsv", "study.toml"] {
        fs::copy(
            example.join(name),
            workplace.path("examples/remc").join(name),
        )
        .unwrap();
    }
    // What is downloaded, in as small as it can be.
    let gzip = |name: &str, text: &str| {
        let file = fs::File::create(workplace.path("examples/remc").join(name)).unwrap();
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap();
    };
    let sheet = workplace.text("examples/remc/samples.tsv");
    let rows = sheet
        .lines()
        .skip(1)
        .map(|row| row.split('\t').collect::<Vec<_>>());
    let mut cells: Vec<&str> = rows.clone().map(|row| row[0]).collect();
    cells.dedup();
    rows.for_each(|row| gzip(row[2], "chr1\t90000\t90036\tN\t1000\t+\n"));
    let gene = "chr1\tGENCODE\tgene\t100001\t105000\t.\t+\t.\tgene_id \"G1\"; gene_type \
                \"protein_coding\"; gene_name \"G\";\n";
    gzip("gen10.long.gtf.gz", gene);
    let table = format!(
        "gene_id\t{}\nG1{}\n",
        cells.join("\t"),
        "\t1".repeat(cells.len())
    );
    gzip("57epigenomes.N.pc.gz", &table);
    let config = fs::read_to_string(example.join("config.yaml")).unwrap();
    let Some(planned) = succeed(&workplace, &config, "--dry-run --quiet rules") else {
        return;
    };
    assert_eq!(jobs(&planned, "prepare"), 9, "{planned}");
    assert_eq!(jobs(&planned, "train"), 10 * 20, "{planned}");
    let linted = succeed(&workplace, &config, "--lint").unwrap();
    assert!(
        linted.contains("your workflow is in a good condition"),
        "{linted}"
    );
}

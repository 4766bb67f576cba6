//! A changed byte or a lost end of any file of a run, a data set or a checkpoint is told, by an
//! error that names the file.
//!
//! `EPIDELTA_CORRUPTIONS` sets how many there are in all; 1,000 if it is not set.

mod common;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use common::Workplace;
use epidelta::{
    dataset::{read_epigenome, read_truth},
    error::Result,
    run::Run,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One of each kind of model's file.
const METHODS: [&str; 4] = ["epidelta", "ridge", "svr", "relieff-forest"];

/// A file, and what reads it.
struct Target {
    file: PathBuf,
    read: Box<dyn Fn() -> Result<()>>,
}

fn corruptions() -> u32 {
    let given = std::env::var("EPIDELTA_CORRUPTIONS").ok();
    given.map_or(1000, |text| text.parse().expect("a number"))
}

/// Changes one bit or more of one byte, or cuts off the end.
fn damaged(bytes: &[u8], random: &mut ChaCha8Rng) -> (Vec<u8>, String) {
    let mut bytes = bytes.to_vec();
    let at = random.random_range(0..bytes.len());
    if random.random_bool(0.3) {
        bytes.truncate(at);
        return (bytes, format!("cut after {at} bytes"));
    }
    bytes[at] ^= random.random_range(1..=u8::MAX);
    (bytes, format!("byte {at} changed"))
}

fn targets(workplace: &Workplace) -> Vec<Target> {
    let mut targets = Vec::new();
    for cell in ["A", "B"] {
        let file = workplace.path(&format!("sim/{cell}.parquet"));
        let path = file.clone();
        targets.push(Target {
            file,
            read: Box::new(move || read_epigenome(&path).map(drop)),
        });
    }
    let file = workplace.path("sim/truth.parquet");
    let path = file.clone();
    let marks = read_epigenome(&workplace.path("sim/A.parquet"))
        .unwrap()
        .marks;
    targets.push(Target {
        file,
        read: Box::new(move || read_truth(&path, &marks, 20).map(drop)),
    });
    for method in METHODS {
        let run = workplace.path(method);
        for entry in fs::read_dir(&run).unwrap() {
            let run = run.clone();
            targets.push(Target {
                file: entry.unwrap().path(),
                read: Box::new(move || Run::open(&run).map(drop)),
            });
        }
    }
    targets
}

#[test]
fn damage_is_told() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 20 -o sim");
    for method in METHODS {
        let epochs = match method {
            "epidelta" => "--set training.epochs=2",
            _ => "",
        };
        workplace.succeed(&format!(
            "train --a sim/A.parquet --b sim/B.parquet --method {method} {epochs} -o {method}"
        ));
    }
    let targets = targets(&workplace);
    assert_eq!(targets.len(), 3 + 5 + 3 * 4);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for number in 0..corruptions() {
        let target = &targets[number as usize % targets.len()];
        let whole = fs::read(&target.file).unwrap();
        let (bytes, damage) = damaged(&whole, &mut random);
        fs::write(&target.file, bytes).unwrap();
        expect_error(target, &damage);
        fs::write(&target.file, &whole).unwrap();
        assert!((target.read)().is_ok(), "{}", target.file.display());
    }
    // A file that is gone.
    for target in &targets {
        let whole = fs::read(&target.file).unwrap();
        fs::remove_file(&target.file).unwrap();
        expect_error(target, "removed");
        fs::write(&target.file, whole).unwrap();
    }
}

fn expect_error(target: &Target, damage: &str) {
    let path = target.file.display();
    let read = catch_unwind(AssertUnwindSafe(|| (target.read)()))
        .unwrap_or_else(|_| panic!("{path}, {damage}: panicked"));
    let error = read
        .expect_err(&format!("{path}, {damage}: was read"))
        .to_string();
    assert!(
        error.contains(&path.to_string()),
        "{path}, {damage}: {error}"
    );
}

/// The same through the program: nothing is computed, nothing is written.
#[test]
fn verbs_refuse_what_is_damaged() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 20 -o sim");
    let train = "train --a sim/A.parquet --b sim/B.parquet --method raw-d --set training.epochs=2";
    workplace.succeed(&format!("{train} -o run"));
    let change = |file: &str, at: usize| {
        let whole = workplace.read(file);
        let mut bytes = whole.clone();
        bytes[at.min(whole.len() - 1)] ^= 4;
        workplace.write(file, bytes);
        whole
    };
    let predict = "predict --run run --a sim/A.parquet --b sim/B.parquet -o p.tsv";
    for file in [
        "run.toml",
        "model.safetensors",
        "history.tsv",
        "predictions.tsv",
        "metrics.json",
    ] {
        let file = format!("run/{file}");
        let whole = change(&file, 300);
        for command in [
            predict,
            "evaluate --run run",
            "explain --run run -o explained",
            "report run -o report.html",
            &format!("{train} -o run --resume"),
        ] {
            workplace.fail(command, &[&file]);
        }
        workplace.write(&file, whole);
    }
    let whole = change("sim/B.parquet", 4000);
    for command in [
        predict,
        &format!("{train} -o other"),
        "inspect sim/B.parquet",
    ] {
        workplace.fail(command, &["sim/B.parquet", "changed or damaged"]);
    }
    workplace.write("sim/B.parquet", whole);
    workplace.succeed(predict);
}

/// A study's tables and figures, on whose page they would be shown.
#[test]
fn a_study_that_is_damaged_is_told() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --cell-types 3 --genes 60 --bins 20 -o sim");
    let description = "pairs = [[\"A\", \"B\"]]\nseeds = [1]\nmethods = [\"ridge\"]\n\
                       [cell_types]\nA = \"A.parquet\"\nB = \"B.parquet\"\n";
    workplace.write("sim/study.toml", description);
    workplace.succeed("study sim/study.toml -o study");
    workplace.succeed("report study -o report.html");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let files = [
        "pearson.tsv",
        "runs.tsv",
        "study.json",
        "study.toml",
        "pearson_by_pair.svg",
        "checksums.sha256",
    ];
    for name in files {
        let file = format!("study/{name}");
        let whole = workplace.read(&file);
        for _ in 0..5 {
            let mut bytes = whole.clone();
            let at = random.random_range(0..bytes.len());
            bytes[at] ^= random.random_range(1..=u8::MAX);
            workplace.write(&file, bytes);
            let outcome = workplace.run("report study -o new.html");
            assert_eq!(outcome.code, Some(1), "{file}, byte {at}");
            assert!(outcome.stderr.contains("study/"), "{}", outcome.stderr);
            assert!(!workplace.path("new.html").exists());
        }
        workplace.write(&file, whole);
    }
}

/// Files of a newer version say so.
#[test]
fn newer_versions_are_told() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 20 -o sim");
    workplace.succeed("train --a sim/A.parquet --b sim/B.parquet --method ridge -o run");
    let text = workplace.text("run/run.toml");
    let newer = text.replacen("format = 2", "format = 3", 1).replacen(
        "epidelta = \"",
        "epidelta = \"9.",
        1,
    );
    workplace.seal("run/run.toml", &newer);
    workplace.fail(
        "evaluate --run run",
        &[
            "run/run.toml",
            "format = 2",
            "of epidelta 9.",
            "a newer epidelta",
        ],
    );
    // A run of before there were checksums has none; this one does.
    let older = text.replacen("format = 2", "format = 1", 1);
    workplace.write("run/run.toml", older);
    workplace.fail(
        "evaluate --run run",
        &["run/run.toml", "changed or damaged"],
    );
}

/// A checkpoint that is damaged is not gone on with.
#[test]
fn a_damaged_checkpoint_is_told() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 20 -o sim");
    let train = "train --a sim/A.parquet --b sim/B.parquet --method raw-d \
                 --set training.epochs=300 --set training.patience=0";
    workplace.succeed(&format!("{train} -o whole --checkpoint-minutes 0"));
    let made = |file: &str| Path::new(&workplace.path(file)).exists();
    kill_early(&workplace, train);
    let state = "run/checkpoint/network-1.safetensors";
    assert!(made(state) && !made("run/run.toml"));
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for file in [state, "run/checkpoint/run.toml"] {
        let whole = workplace.read(file);
        for _ in 0..10 {
            let (bytes, damage) = damaged(&whole, &mut random);
            workplace.write(file, bytes);
            let outcome = workplace.run(&format!("{train} -o run --resume"));
            assert_eq!(outcome.code, Some(1), "{file}, {damage}");
            for part in [file, "--force"] {
                assert!(
                    outcome.stderr.contains(part),
                    "{damage}: {}",
                    outcome.stderr
                );
            }
        }
        workplace.write(file, whole);
    }
    workplace.succeed(&format!("{train} -o run --resume"));
    for file in [
        "model.safetensors",
        "history.tsv",
        "predictions.tsv",
        "run.toml",
    ] {
        assert!(workplace.read(&format!("run/{file}")) == workplace.read(&format!("whole/{file}")));
    }
}

/// Kills a training as soon as it has kept its state.
fn kill_early(workplace: &Workplace, train: &str) {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_epidelta"))
        .args(train.split_whitespace())
        .args(["-o", "run", "--checkpoint-minutes", "0"])
        .current_dir(workplace.path(""))
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let state = workplace.path("run/checkpoint/network-1.safetensors");
    while !state.exists() {
        assert!(program.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    program.kill().unwrap();
    program.wait().unwrap();
}

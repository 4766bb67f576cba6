//! Whatever stops the program, and whenever: going on gives the same bytes.
//!
//! `EPIDELTA_KILLS` sets how many kills there are in all; 50 if it is not set.

#![cfg(unix)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::Workplace;

/// Small enough to be trained many times, with as much to go wrong as a large one: several
/// networks, epochs, batches within them.
const TRAININGS: [(&str, u32, &str); 5] = [
    (
        "epidelta",
        12,
        "--method epidelta --ensemble 2 --set training.epochs=3 --checkpoint-minutes 0",
    ),
    (
        "raw-aux",
        10,
        "--method raw-aux --set training.epochs=3 --set training.averaged_share=0.3",
    ),
    (
        "deep-chrome",
        8,
        "--method deep-chrome --set training.epochs=4 --checkpoint-minutes 0.0001",
    ),
    (
        "patience",
        6,
        "--method raw-c --set training.epochs=9 --set training.patience=2 --threads 1",
    ),
    ("boosting", 4, "--method boosting"),
];
const STUDY_KILLS: u32 = 10;
const FILES: [&str; 6] = [
    "run.toml",
    "model.safetensors",
    "model.json",
    "history.tsv",
    "predictions.tsv",
    "metrics.json",
];

const STUDY: &str = r#"
pairs = [["A", "B"], ["B", "C"]]
seeds = [1]
methods = ["ridge", { name = "raw-d", method = "raw-d", set = { training.epochs = 4 } }]

[cell_types]
A = "A.parquet"
B = "B.parquet"
C = "C.parquet"
"#;

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    /// From 0 to below 1.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn kills() -> u32 {
    let given = std::env::var("EPIDELTA_KILLS").ok();
    given.map_or(50, |text| text.parse().expect("EPIDELTA_KILLS is a number"))
}

fn start(workplace: &Workplace, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_epidelta"))
        .args(arguments.split_whitespace())
        .current_dir(workplace.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn send(child: &Child, signal: &str) {
    let mut kill = Command::new("kill");
    kill.args([signal, &child.id().to_string()]);
    assert!(kill.status().unwrap().success());
}

/// Starts a command over and over and kills it after random times, until it was killed so often;
/// whenever it comes to its end, `check` looks at what it made and removes it.
fn kill_and_go_on(
    workplace: &Workplace,
    command: &str,
    kills: u32,
    lasts: Duration,
    random: &mut Random,
    check: impl Fn(),
) {
    let (mut killed, mut finished) = (0, 0);
    while killed < kills || finished == 0 {
        let threads = 1 + killed % 2;
        let threads = match command.contains("--threads") {
            true => String::new(),
            false => format!(" --threads {threads}"),
        };
        let mut child = start(workplace, &format!("{command}{threads} --resume"));
        if killed < kills {
            sleep(lasts.mul_f64(random.next()));
            // No signal that a program could do anything about.
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        match output.status.code() {
            None => killed += 1,
            Some(code) => {
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(code, 0, "{command}\n{told}");
                check();
                finished += 1;
            }
        }
    }
    eprintln!("{command}: {killed} kills, {finished} times finished with the same bytes");
}

#[test]
fn a_training_that_is_killed_goes_on_to_the_same_bytes() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 120 --bins 40 -o sim");
    let data = "--a sim/A.parquet --b sim/B.parquet";
    let mut random = Random(7);
    let all: u32 = TRAININGS.iter().map(|(_, kills, _)| kills).sum();
    for (name, share, options) in TRAININGS {
        let command = format!("train {data} {options} --quiet");
        let started = Instant::now();
        workplace.succeed(&format!("{command} -o {name}"));
        let lasts = started.elapsed();
        let of_method = (kills() - kills() * STUDY_KILLS / 50) * share / all;
        let again = format!("{name}-again");
        kill_and_go_on(
            &workplace,
            &format!("{command} -o {again}"),
            of_method,
            lasts,
            &mut random,
            || {
                equal_runs(&workplace, name, &again);
                fs::remove_dir_all(workplace.path(&again)).unwrap();
            },
        );
    }
}

/// The same files, with the same bytes but for the times in `metrics.json`, and nothing else.
fn equal_runs(workplace: &Workplace, expected: &str, found: &str) {
    let names = |run: &str| {
        let entries = fs::read_dir(workplace.path(run)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(expected), names(found));
    for name in names(expected) {
        assert!(FILES.contains(&name.as_str()), "{name}");
        let [expected, found] =
            [expected, found].map(|run| workplace.read(&format!("{run}/{name}")));
        if name == "metrics.json" {
            let [expected, found] = [expected, found].map(|json| {
                let mut metrics: serde_json::Value = serde_json::from_slice(&json).unwrap();
                let metrics = metrics.as_object_mut().unwrap();
                for time in ["fit_seconds", "seconds_per_epoch", "sha256"] {
                    metrics.remove(time);
                }
                metrics.clone()
            });
            assert_eq!(expected, found);
        } else {
            assert!(expected == found, "{name} differs");
        }
    }
}

#[test]
fn a_study_that_is_killed_goes_on_to_the_same_bytes() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --cell-types 3 --genes 120 --bins 40 -o sim");
    workplace.write("sim/study.toml", STUDY);
    let started = Instant::now();
    workplace.succeed("study sim/study.toml -o whole --quiet");
    let lasts = started.elapsed();
    let runs = [
        "A_vs_B/raw-d",
        "A_vs_B/ridge",
        "B_vs_C/raw-d",
        "B_vs_C/ridge",
    ];
    kill_and_go_on(
        &workplace,
        "study sim/study.toml -o again --quiet",
        kills() * STUDY_KILLS / 50,
        lasts,
        &mut Random(8),
        || {
            for run in runs {
                let of = |study: &str| format!("{study}/runs/{run}/seed-1");
                equal_runs(&workplace, &of("whole"), &of("again"));
            }
            for table in ["study.json", "pearson.tsv", "runs.tsv"] {
                let [whole, again] =
                    ["whole", "again"].map(|study| workplace.read(&format!("{study}/{table}")));
                assert!(whole == again, "{table}");
            }
            fs::remove_dir_all(workplace.path("again")).unwrap();
        },
    );
}

/// Starts a training that takes long, and waits until it keeps its state.
fn long_training(workplace: &Workplace, run: &str, options: &str) -> Child {
    let child = start(
        workplace,
        &format!(
            "train --a sim/A.parquet --b sim/B.parquet --set training.epochs=400 \
             --set training.patience=0 --checkpoint-minutes 0 -o {run} {options}"
        ),
    );
    let state = workplace.path(&format!("{run}/checkpoint/network-1.safetensors"));
    let started = Instant::now();
    while !state.exists() {
        assert!(started.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn signals_stop_a_training_that_tells_how_to_go_on() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 120 --bins 40 -o sim");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let run = format!("run{code}");
        let child = long_training(&workplace, &run, "--method raw");
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        let go_on = told.lines().last().unwrap().to_owned();
        assert!(
            go_on.contains(&format!("-o {run} ")) && go_on.ends_with(" --resume"),
            "{told}"
        );
        // Nothing but what is needed.
        let mut names: Vec<_> = fs::read_dir(workplace.path(&format!("{run}/checkpoint")))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["lock", "network-1.safetensors", "run.toml"]);
        // It is no run, and no other training goes into it.
        let evaluate = format!("evaluate --run {run}");
        workplace.fail(&evaluate, &[&run, "not finished", "--resume"]);
        let train = format!("train --a sim/A.parquet --b sim/B.parquet -o {run}");
        workplace.fail(&train, &[&run, "not finished", "--resume", "--force"]);
        workplace.fail(
            &format!("{train} --method raw --set training.epochs=400 --set training.patience=0 --seed 2 --resume"),
            &[&run, "- seed: 1 there, 2 here", "--force"],
        );
        // The command that it told.
        let arguments = go_on.split_once(" train ").unwrap().1;
        let mut child = start(&workplace, &format!("train {arguments}"));
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
        let goes_on = told.any(|line| line.unwrap().contains("going on after epoch"));
        assert!(goes_on);
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
    // Other data are told, too; and with --force it starts again.
    workplace.succeed("simulate --genes 130 --bins 40 --seed 3 -o sim --force");
    let train = "train --a sim/A.parquet --b sim/B.parquet --method raw -o run130";
    let set = "--set training.epochs=400 --set training.patience=0";
    workplace.fail(
        &format!("{train} {set} --resume"),
        &["- a.sha256: ", "- b.sha256: "],
    );
    workplace.succeed(&format!("{train} --set training.epochs=1 --force"));
    assert!(!workplace.path("run130/checkpoint").exists());
    // A run that is finished is not made again.
    let before = workplace.read("run130/metrics.json");
    let again = workplace.succeed(&format!("{train} --set training.epochs=1 --resume"));
    assert!(again.stderr.contains("nothing is left to be done"));
    assert!(workplace.read("run130/metrics.json") == before);
    workplace.fail(
        &format!("{train} --set training.epochs=2 --resume"),
        &["- training.epochs: 1 there, 2 here"],
    );
}

/// A batch of all genes takes long enough for a second signal to come before its end.
#[test]
fn a_second_signal_does_not_wait() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 600 -o sim");
    let all_genes = "--method raw-aux --set model.bins_per_step=1 --set training.batch_size=600";
    let mut child = long_training(&workplace, "run", all_genes);
    // The second batch has begun.
    send(&child, "-INT");
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("stopping after this batch")));
    send(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<String> = told.map(Result::unwrap).collect();
    assert!(rest.iter().any(|line| line == "interrupted"), "{rest:?}");
}

#[test]
fn other_verbs_leave_nothing_behind() {
    let workplace = Workplace::new();
    let child = start(&workplace, "simulate --genes 20000 -o sim");
    let started = Instant::now();
    while workplace.names().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(1));
    }
    send(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.ends_with("interrupted\n"), "{told}");
    assert_eq!(workplace.names(), Vec::<String>::new());
}

#[test]
fn two_programs_do_not_write_one_run() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 120 --bins 40 -o sim");
    let mut first = long_training(&workplace, "run", "--method raw");
    let train = "train --a sim/A.parquet --b sim/B.parquet --method ridge -o run";
    let process = format!("process {} on ", first.id());
    for option in ["--force", "--resume"] {
        workplace.fail(
            &format!("{train} {option}"),
            &["another epidelta", &process, "writing into run."],
        );
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // The lock went with the program.
    workplace.succeed(&format!("{train} --force"));
    assert!(workplace.path("run/model.json").exists());
}

/// What is not ours is left alone, and what is another training's.
#[test]
fn what_is_of_others_stays() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --bins 20 -o sim");
    let train = "train --a sim/A.parquet --b sim/B.parquet --method ridge";
    fs::create_dir_all(workplace.path("thesis/checkpoint")).unwrap();
    workplace.write("thesis/checkpoint/model.pt", "mine");
    for option in ["--resume", "--force"] {
        workplace.fail(
            &format!("{train} -o thesis {option}"),
            &["thesis is not an earlier result", "left as it is"],
        );
    }
    workplace.fail("evaluate --run thesis", &["thesis/run.toml"]);
    assert_eq!(workplace.text("thesis/checkpoint/model.pt"), "mine");
    fs::create_dir(workplace.path("linked")).unwrap();
    fs::create_dir(workplace.path("elsewhere")).unwrap();
    let link = workplace.path("linked/checkpoint");
    std::os::unix::fs::symlink(workplace.path("elsewhere"), link).unwrap();
    workplace.fail(&format!("{train} -o linked --resume"), &["left as it is"]);
    // A run, and in its folder a training that is to replace it.
    workplace.succeed(&format!("{train} -o run"));
    workplace.write("run/notes.txt", "mine");
    let mut child = long_training(&workplace, "run", "--method raw --force");
    child.kill().unwrap();
    child.wait().unwrap();
    let again = workplace.succeed(&format!("{train} -o run --resume"));
    assert!(again.stderr.contains("nothing is left to be done"));
    assert!(
        again
            .stderr
            .contains("WARN run/checkpoint holds a training of other settings")
    );
    let state = workplace.path("run/checkpoint/network-1.safetensors");
    assert!(state.exists());
    workplace.succeed(&format!("{train} -o run --seed 2 --force"));
    assert!(!workplace.path("run/checkpoint").exists());
    assert_eq!(workplace.text("run/notes.txt"), "mine");
}

/// A state of another training, or of another network, has the right form and the wrong numbers.
#[test]
fn states_are_told_apart() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 120 --bins 40 -o sim");
    for seed in [1, 2] {
        let options = format!("--method raw-d --seed {seed} --ensemble 2");
        let mut child = long_training(&workplace, &format!("run{seed}"), &options);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let go_on = "train --a sim/A.parquet --b sim/B.parquet --set training.epochs=400 --set \
                 training.patience=0 --method raw-d --seed 1 --ensemble 2 -o run1 --resume";
    let state = |run: &str, network: u32| {
        workplace.path(&format!("{run}/checkpoint/network-{network}.safetensors"))
    };
    let own = fs::read(state("run1", 1)).unwrap();
    fs::copy(state("run2", 1), state("run1", 1)).unwrap();
    let parts = ["network-1.safetensors", "the state of this training"];
    workplace.fail(go_on, &parts);
    fs::write(state("run1", 1), &own).unwrap();
    fs::write(state("run1", 2), &own).unwrap();
    workplace.fail(
        go_on,
        &["network-2.safetensors", "the state of this training"],
    );
    // A folder that was taken away is not made again.
    fs::remove_file(state("run1", 2)).unwrap();
    let mut child = long_training(&workplace, "gone", "--method raw-d");
    fs::rename(workplace.path("gone"), workplace.path("moved")).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(!workplace.path("gone").exists());
    let go_on = "train --a sim/A.parquet --b sim/B.parquet --set training.epochs=400 --set \
                 training.patience=0 --method raw-d -o moved --resume";
    workplace.succeed(go_on);
}

/// A state that is damaged costs a study the time of its training, and nothing else.
#[test]
fn a_study_trains_again_what_is_damaged() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --cell-types 3 --genes 120 --bins 40 -o sim");
    workplace.write(
        "sim/study.toml",
        STUDY.replace("epochs = 4", "epochs = 300"),
    );
    let mut child = start(&workplace, "study sim/study.toml -o study --quiet");
    let run = "study/runs/A_vs_B/raw-d/seed-1";
    let state = format!("{run}/checkpoint/network-1.safetensors");
    while !workplace.path(&state).exists() {
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut bytes = workplace.read(&state);
    bytes[9000] ^= 1;
    workplace.write(&state, bytes);
    workplace.succeed("study sim/study.toml -o study --quiet --resume");
    workplace.succeed("study sim/study.toml -o whole --quiet");
    equal_runs(&workplace, &run.replace("study/", "whole/"), run);
}

#[test]
fn cell_types_that_were_prepared_are_kept() {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 60 --cell-types 3 --bins 40 --reads -o sim");
    let prepare = "prepare --samples sim/samples.tsv --genes sim/genes.gtf \
                   --expression sim/counts.tsv -o cells";
    workplace.succeed(prepare);
    let files = ["A", "B", "C"].map(|name| format!("cells/{name}.parquet"));
    let made = files.each_ref().map(|file| workplace.read(file));
    fs::remove_file(workplace.path(&files[1])).unwrap();
    let modified = |file: &String| {
        let path = workplace.path(file);
        fs::metadata(path).unwrap().modified().unwrap()
    };
    let before = modified(&files[0]);
    workplace.fail(prepare, &["cells/A.parquet already exists"]);
    let outcome = workplace.succeed(&format!("{prepare} --resume"));
    assert!(
        outcome
            .stderr
            .contains("2 of 3 cell types were prepared before")
    );
    assert_eq!(modified(&files[0]), before);
    assert!(files.each_ref().map(|file| workplace.read(file)) == made);
    // Of other settings or files, and damaged.
    workplace.fail(
        &format!("{prepare} --resume --min-mapq 10"),
        &["cells/A.parquet", "min_mapq is 0 there, 10 here", "--force"],
    );
    let counts = workplace.text("sim/counts.tsv");
    workplace.write("sim/counts.tsv", counts.replacen("1\t", "1\t7", 1));
    workplace.fail(
        &format!("{prepare} --resume"),
        &["cells/A.parquet", "its files were others"],
    );
    workplace.write("sim/counts.tsv", counts);
    let mut damaged = made[2].clone();
    damaged[5000] ^= 1;
    workplace.write(&files[2], damaged);
    workplace.fail(
        &format!("{prepare} --resume"),
        &["cells/C.parquet", "damaged"],
    );
    assert!(Path::new(&workplace.path(&files[2])).exists());
}

//! Disks that are full, folders that cannot be written to, calls that fail, and a kill at every
//! single one of them.
//!
//! Calls are made to fail by strace, which `EPIDELTA_STRACE` names; without it those tests are
//! skipped, and say so. Small disks are mounted in a namespace of the test's own, where the
//! system allows that.

#![cfg(target_os = "linux")]

mod common;

use std::{
    cell::Cell,
    fs,
    process::{Command, Output},
};

use common::Workplace;

const TRAIN: &str = "train --a sim/A.parquet --b sim/B.parquet --method raw-d \
                     --set training.epochs=2 --checkpoint-minutes 0 --quiet --threads 1";
const RIDGE: &str = "train --a sim/A.parquet --b sim/B.parquet --method ridge --quiet";
const RESULTS: [&str; 4] = [
    "run.toml",
    "model.safetensors",
    "history.tsv",
    "predictions.tsv",
];
/// Everything that writes, but for opening files: those calls mostly read. Those with a question
/// mark are not there on every processor.
const CALLS: [&str; 12] = [
    "write",
    "pwrite64",
    "writev",
    "fsync",
    "?rename",
    "renameat",
    "renameat2",
    "?mkdir",
    "ftruncate",
    "?unlink",
    "unlinkat",
    "?rmdir",
];

fn strace() -> Option<String> {
    let found = std::env::var("EPIDELTA_STRACE").ok();
    if found.is_none() {
        eprintln!("skipped: EPIDELTA_STRACE is not set, so that no call can be made to fail");
    }
    found
}

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.succeed("simulate --genes 40 --bins 20 -o sim");
    workplace.succeed(&format!("{TRAIN} -o whole"));
    workplace
}

/// Runs the program once for each call that writes, with something done at that call.
/// Returns how many there were.
fn at_each_call(
    workplace: &Workplace,
    strace: &str,
    fault: impl Fn(usize) -> &'static str,
    arguments: &str,
    check: impl Fn(&str, Output),
) -> usize {
    // strace counts the calls of each thread apart; nearly all that write are of one.
    let mut calls = 0;
    for call in CALLS {
        for number in 1.. {
            let log = workplace.path("strace.log");
            let output = Command::new(strace)
                .args(["-f", "-qq", "-e", &format!("trace={call}"), "-e"])
                .arg(format!("inject={call}:{}:when={number}", fault(number)))
                .arg("-o")
                .arg(&log)
                .arg(env!("CARGO_BIN_EXE_epidelta"))
                .args(arguments.split_whitespace())
                .current_dir(workplace.path(""))
                .output()
                .unwrap();
            let was_killed = output.status.code().is_none();
            if !was_killed && !fs::read_to_string(log).unwrap().contains("(INJECTED)") {
                if !arguments.contains("--force") {
                    // There were no more such calls, and it is complete.
                    fs::remove_dir_all(workplace.path("run")).unwrap();
                }
                break;
            }
            calls += 1;
            check(&format!("{call} {number}"), output);
        }
    }
    calls
}

/// The files of a run of [`RIDGE`] that tell no time.
fn ridge_files(workplace: &Workplace, run: &str) -> [Vec<u8>; 3] {
    ["run.toml", "model.json", "predictions.tsv"]
        .map(|file| workplace.read(&format!("{run}/{file}")))
}

/// The files of a run in `run`, and of one with another seed that is to take its place.
fn earlier_and_new(workplace: &Workplace) -> [[Vec<u8>; 3]; 2] {
    workplace.succeed(&format!("{RIDGE} -o run"));
    workplace.succeed(&format!("{RIDGE} --seed 2 -o new"));
    ["run", "new"].map(|run| ridge_files(workplace, run))
}

fn is_whole(workplace: &Workplace, run: &str) -> bool {
    RESULTS.iter().all(|file| {
        workplace.read(&format!("{run}/{file}")) == workplace.read(&format!("whole/{file}"))
    })
}

/// Hidden files in the folder or the run's.
fn leftovers(workplace: &Workplace) -> Vec<String> {
    let mut found = workplace.names();
    if let Ok(entries) = fs::read_dir(workplace.path("run")) {
        found.extend(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
    }
    found.retain(|name| name.starts_with('.'));
    found
}

#[test]
fn every_call_that_fails_is_told_and_gone_on_from() {
    let Some(strace) = strace() else { return };
    let workplace = workplace();
    let run = format!("{TRAIN} -o run");
    let failed = Cell::new(0);
    let fault = |number| match number % 2 {
        0 => "error=EIO",
        _ => "error=ENOSPC",
    };
    let calls = at_each_call(&workplace, &strace, fault, &run, |call, output| {
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!told.contains("defect"), "{call}: {told}");
        match output.status.code() {
            // A lock's holder that cannot be erased, a leftover that cannot be removed.
            Some(0) => assert!(is_whole(&workplace, "run"), "{call}"),
            // The table at the end, which cannot be written to the standard output.
            Some(1) if workplace.path("run/run.toml").exists() => {
                assert!(is_whole(&workplace, "run"), "{call}");
            }
            Some(1) => {
                failed.set(failed.get() + 1);
                // The call may have been the one that would have said so.
                if !told.is_empty() {
                    assert!(told.contains("run"), "{call}: {told}");
                    let reasons = ["No space", "Input/output error", "Make room"];
                    assert!(
                        reasons.iter().any(|part| told.contains(part)),
                        "{call}: {told}"
                    );
                }
                assert_eq!(
                    leftovers(&workplace),
                    Vec::<String>::new(),
                    "{call}: {told}"
                );
                workplace.succeed(&format!("{run} --resume"));
                assert!(is_whole(&workplace, "run"), "{call}");
            }
            code => panic!("{call}: {code:?} {told}"),
        }
        fs::remove_dir_all(workplace.path("run")).unwrap();
    });
    let failed = failed.get();
    eprintln!("{calls} calls that write, {failed} of which end the training when they fail");
    assert!(failed > 40, "{failed} of {calls}");
}

#[test]
fn every_call_that_fails_leaves_an_earlier_run_or_the_new_one() {
    let Some(strace) = strace() else { return };
    let workplace = workplace();
    let [earlier, new] = earlier_and_new(&workplace);
    let kept = Cell::new(0);
    let calls = at_each_call(
        &workplace,
        &strace,
        |_| "error=ENOSPC",
        &format!("{RIDGE} --seed 2 --force -o run"),
        |call, output| {
            let now = ridge_files(&workplace, "run");
            match output.status.code() {
                Some(0) => assert!(now == new, "{call}"),
                Some(1) => {
                    assert!(now == earlier || now == new, "{call}");
                    kept.set(kept.get() + u32::from(now == earlier));
                }
                code => panic!("{call}: {code:?}"),
            }
            workplace.succeed("evaluate --run run");
            workplace.succeed(&format!("{RIDGE} -o run --force"));
        },
    );
    let kept = kept.get();
    eprintln!("{calls} calls that write, {kept} of which leave the earlier run when they fail");
    assert!(kept > 25, "{kept} of {calls}");
}

#[test]
fn a_kill_at_every_call_is_gone_on_from() {
    let Some(strace) = strace() else { return };
    let workplace = workplace();
    let run = format!("{TRAIN} -o run");
    let calls = at_each_call(
        &workplace,
        &strace,
        |_| "signal=KILL",
        &run,
        |call, _| {
            workplace.succeed(&format!("{run} --resume"));
            assert!(is_whole(&workplace, "run"), "{call}");
            fs::remove_dir_all(workplace.path("run")).unwrap();
        },
    );
    eprintln!("killed at each of {calls} calls that write");
    assert!(calls > 50, "{calls}");
}

/// With --force, too, and whether it is gone on with or another training is begun instead, which
/// then fails: the earlier run or the new one is there, whole.
#[test]
fn a_kill_at_every_call_leaves_an_earlier_run_or_the_new_one() {
    let Some(strace) = strace() else { return };
    let workplace = workplace();
    let [earlier, new] = earlier_and_new(&workplace);
    let fails = format!(
        "{TRAIN} --force -o run --set training.learning_rate=1e30 \
         --set training.max_gradient_norm=1e30"
    );
    let calls = at_each_call(
        &workplace,
        &strace,
        |_| "signal=KILL",
        &format!("{RIDGE} --seed 2 --force -o run"),
        |call, _| {
            let outcome = workplace.run(&fails);
            assert_eq!(outcome.code, Some(1), "{call}: {}", outcome.stderr);
            let now = ridge_files(&workplace, "run");
            assert!(now == earlier || now == new, "{call}");
            workplace.succeed("evaluate --run run");
            workplace.succeed(&format!("{RIDGE} -o run --force"));
            assert!(ridge_files(&workplace, "run") == earlier);
        },
    );
    assert!(calls > 25, "{calls}");
}

/// Where the file system has no locks, the lock is a file that shows signs of life.
#[test]
fn without_locks_of_the_file_system_there_is_still_one() {
    let Some(strace) = strace() else { return };
    let workplace = workplace();
    let train = |run: &str| {
        Command::new(&strace)
            .args(["-f", "-qq", "-o", "strace.log", "-e", "trace=flock"])
            .args(["-e", "inject=flock:error=EOPNOTSUPP"])
            .arg(env!("CARGO_BIN_EXE_epidelta"))
            .args(format!("{TRAIN} -o {run} --resume").split_whitespace())
            .current_dir(workplace.path(""))
            .output()
            .unwrap()
    };
    let output = train("run");
    assert!(output.status.success(), "{output:?}");
    assert!(is_whole(&workplace, "run"));
    fs::create_dir_all(workplace.path("other/checkpoint")).unwrap();
    workplace.write("other/checkpoint/lock", "process 12 on another-machine");
    let output = train("other");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for part in ["process 12 on another-machine", "other/checkpoint/lock"] {
        assert!(told.contains(part), "{told}");
    }
}

/// A shell script in a namespace in which `small` is a disk of so many bytes; none, said on
/// stderr, where that is not allowed.
fn on_small_disk(workplace: &Workplace, size: &str, script: &str) -> Option<Output> {
    let inner = format!("mount -t tmpfs -o size={size} none small && echo mounted && {script}");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &inner])
        .env("EPIDELTA", env!("CARGO_BIN_EXE_epidelta"))
        .current_dir(workplace.path(""))
        .output();
    match output {
        Ok(output) if output.stdout.starts_with(b"mounted") => Some(output),
        _ => {
            eprintln!("skipped: no small disk can be mounted here");
            None
        }
    }
}

#[test]
fn a_full_disk_is_told_and_gone_on_from_when_there_is_room() {
    let workplace = workplace();
    fs::create_dir(workplace.path("small")).unwrap();
    // One size for each thing that does not fit any more: the first state, a later one, results.
    let mut told_at = Vec::new();
    for size in ["12k", "40k", "160k", "320k", "480k", "640k", "800k", "960k"] {
        let script = format!(
            "$EPIDELTA {TRAIN} -o small/run; echo code $?; ls -A small small/run; \
             mount -o remount,size=64m small; $EPIDELTA {TRAIN} -o small/run --resume \
             && cp -r small/run run"
        );
        let Some(output) = on_small_disk(&workplace, size, &script) else {
            return;
        };
        let (made, told) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(output.status.success(), "{size}: {told}");
        assert!(is_whole(&workplace, "run"), "{size}");
        fs::remove_dir_all(workplace.path("run")).unwrap();
        if made.contains("code 1") {
            assert!(
                told.contains("cannot") && told.contains("small/run"),
                "{size}: {told}"
            );
            let parts = ["it takes ", " free. Make room there"];
            // What was written of the file itself counts as free.
            if parts.iter().all(|part| told.contains(part)) && !told.contains("has 0 bytes free") {
                told_at.push(size);
            }
            let names: Vec<&str> = made.lines().collect();
            assert!(!names.contains(&"run.toml"), "{size}: {made}");
            assert!(
                !names.iter().any(|name| name.starts_with('.')),
                "{size}: {made}"
            );
        }
    }
    assert!(told_at.len() >= 3, "{told_at:?}");
}

#[test]
fn a_read_only_folder_is_told_at_once() {
    let workplace = workplace();
    fs::create_dir(workplace.path("small")).unwrap();
    for command in [
        format!("{TRAIN} -o small/run"),
        "predict --run whole --a sim/A.parquet --b sim/B.parquet -o small/p.tsv".into(),
        "simulate -o small/sim".into(),
        "explain --run whole -o small/explained".into(),
        "report whole -o small/report.html".into(),
    ] {
        let script = format!("mount -o remount,ro small; $EPIDELTA {command}; echo code $?");
        let Some(output) = on_small_disk(&workplace, "1m", &script) else {
            return;
        };
        let made = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(made.contains("code 1"), "{command}: {made} {told}");
        assert!(
            told.contains("cannot create a f") && told.contains(" in small"),
            "{command}: {told}"
        );
    }
}

#[test]
fn other_results_on_a_full_disk_leave_what_was_there() {
    let workplace = workplace();
    fs::create_dir(workplace.path("small")).unwrap();
    let predict = "$EPIDELTA predict --run whole --a sim/A.parquet --b sim/B.parquet";
    let simulate = "$EPIDELTA simulate --genes 40 --bins 20 --force -o small/sim";
    for (size, before, command, left) in [
        (
            "4k",
            "echo earlier > small/p.tsv",
            format!("{predict} --force -o small/p.tsv"),
            "p.tsv",
        ),
        (
            "100k",
            simulate,
            simulate.replace("--genes 40", "--genes 900"),
            "sim",
        ),
        (
            "60k",
            "true",
            "$EPIDELTA explain --run whole -o small/explained".into(),
            "",
        ),
        (
            "60k",
            "true",
            "$EPIDELTA report whole -o small/report.html".into(),
            "",
        ),
    ] {
        let script = format!(
            "{before} 2>&1; find small -type f | sort | xargs -r cksum > before; {command}; \
             echo code $?; find small -type f | sort | xargs -r cksum > after; cmp before after \
             && ls -A small"
        );
        let Some(output) = on_small_disk(&workplace, size, &script) else {
            return;
        };
        let made = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(made.contains("code 1"), "{command}: {made} {told}");
        assert!(
            told.contains("cannot") && told.contains("small"),
            "{command}: {told}"
        );
        assert!(output.status.success(), "{command}: {made} {told}");
        assert_eq!(
            made.lines()
                .last()
                .filter(|line| !line.starts_with("code"))
                .unwrap_or(""),
            left
        );
    }
}

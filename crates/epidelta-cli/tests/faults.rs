//! Disks that are full, folders that cannot be written to, calls that fail, and a kill at every
//! single one of them.
//!
//! Calls are made to fail by strace, which `EPIDELTA_STRACE` names; without it those tests are
//! skipped, and say so. Small disks are mounted in a namespace of the test's own, where the
//! system allows that.

#![cfg(target_os = "linux")]

mod common;

use std::{
    fs,
    process::{Command, Output},
};

use common::Workplace;

const TRAIN: &str = "train --a sim/A.parquet --b sim/B.parquet --method raw-d \
                     --set training.epochs=2 --checkpoint-minutes 0 --quiet --threads 1";
const RESULTS: [&str; 4] = [
    "run.toml",
    "model.safetensors",
    "history.tsv",
    "predictions.tsv",
];
/// Everything that writes, but for opening files: those calls mostly read.
const CALLS: &str = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,\
                     ftruncate,unlink,unlinkat,rmdir,link,linkat";

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

/// Runs the program with something done at the n-th call that writes. Returns none when there
/// are fewer such calls.
fn injected(
    workplace: &Workplace,
    strace: &str,
    fault: &str,
    call: usize,
    arguments: &str,
) -> Option<Output> {
    let log = workplace.path("strace.log");
    let output = Command::new(strace)
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .args(["-e", &format!("trace={CALLS}")])
        .args(["-e", &format!("inject={CALLS}:{fault}:when={call}")])
        .arg(env!("CARGO_BIN_EXE_epidelta"))
        .args(arguments.split_whitespace())
        .current_dir(workplace.path(""))
        .output()
        .unwrap();
    let log = fs::read_to_string(log).unwrap();
    let happened = log.contains("(INJECTED)") || log.contains("killed by SIGKILL");
    happened.then_some(output)
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
    let (mut failed, mut calls) = (0, 0);
    for call in 1.. {
        // The disk is full from this call on, as disks are.
        let fault = match call % 2 {
            0 => "error=EIO",
            _ => "error=ENOSPC",
        };
        let run = format!("{TRAIN} -o run");
        let Some(output) = injected(&workplace, &strace, fault, call, &run) else {
            break;
        };
        calls += 1;
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!told.contains("defect"), "call {call}: {told}");
        match output.status.code() {
            // A lock's holder that cannot be erased, a leftover that cannot be removed.
            Some(0) => assert!(is_whole(&workplace, "run"), "call {call}"),
            Some(1) => {
                failed += 1;
                assert!(told.contains("run"), "call {call}: {told}");
                let reason = ["No space", "Input/output error", "Make room"];
                assert!(
                    reason.iter().any(|part| told.contains(part)),
                    "call {call}: {told}"
                );
                assert!(
                    !workplace.path("run/run.toml").exists(),
                    "call {call}: {told}"
                );
                assert_eq!(
                    leftovers(&workplace),
                    Vec::<String>::new(),
                    "call {call}: {told}"
                );
                workplace.succeed(&format!("{run} --resume"));
                assert!(is_whole(&workplace, "run"), "call {call}");
            }
            // Before the program began, or when it could not even say so.
            code => panic!("call {call}: {code:?} {told}"),
        }
        fs::remove_dir_all(workplace.path("run")).unwrap();
    }
    eprintln!("{calls} calls that write, {failed} of which end the training when they fail");
    assert!(failed > 20, "{failed}");
}

#[test]
fn every_call_that_fails_leaves_an_earlier_run_whole() {
    let Some(strace) = strace() else { return };
    let workplace = workplace();
    let ridge = "train --a sim/A.parquet --b sim/B.parquet --method ridge --quiet -o run";
    workplace.succeed(ridge);
    let files = ["run.toml", "model.json", "predictions.tsv", "metrics.json"];
    let earlier = files.map(|file| workplace.read(&format!("run/{file}")));
    let mut failed = 0;
    for call in 1.. {
        let again = format!("{ridge} --seed 2 --force");
        let Some(output) = injected(&workplace, &strace, "error=ENOSPC", call, &again) else {
            break;
        };
        let told = String::from_utf8(output.stderr).unwrap();
        if output.status.success() {
            workplace.succeed(&format!("{ridge} --force"));
            continue;
        }
        failed += 1;
        workplace.succeed("evaluate --run run");
        for (file, earlier) in files.iter().zip(&earlier).take(3) {
            let now = workplace.read(&format!("run/{file}"));
            assert!(now == *earlier, "call {call}: {file}\n{told}");
        }
    }
    assert!(failed > 10, "{failed}");
}

#[test]
fn a_kill_at_every_call_is_gone_on_from() {
    let Some(strace) = strace() else { return };
    let workplace = workplace();
    let run = format!("{TRAIN} -o run");
    let mut calls = 0;
    for call in 1.. {
        if injected(&workplace, &strace, "signal=KILL", call, &run).is_none() {
            break;
        }
        calls += 1;
        workplace.succeed(&format!("{run} --resume"));
        assert!(is_whole(&workplace, "run"), "call {call}");
        fs::remove_dir_all(workplace.path("run")).unwrap();
    }
    eprintln!("killed at each of {calls} calls that write");
    assert!(calls > 20, "{calls}");
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
            if parts.iter().all(|part| told.contains(part)) {
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
            told.contains("cannot create a file in small"),
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
            "5k",
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

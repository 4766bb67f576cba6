//! SIGINT (Ctrl-C) and SIGTERM: trainings end their batch and keep their state, everything
//! else stops at once; nothing is left under a temporary name. A second signal does not wait.

use std::{
    io::Write,
    process::exit,
    sync::atomic::{AtomicBool, Ordering},
    thread::{sleep, spawn},
    time::Duration,
};

use epidelta::{interrupt::Interrupt, output::remove_temporaries};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::arguments::{Command, StudyPart};

/// Between two looks at whether everything has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Listens for signals from now on.
pub fn listen(command: &Command) -> std::io::Result<Interrupt> {
    let go_on = is_resumable(command).then(|| go_on(command));
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let interrupt = Interrupt::default();
    let requested = interrupt.clone();
    spawn(move || {
        for signal in signals.forever() {
            if requested.is_requested() {
                end(signal, None);
            }
            requested.request();
            if requested.is_heeded() {
                tell("stopping after this batch; a second signal stops at once".to_owned());
            }
            let (requested, go_on) = (requested.clone(), go_on.clone());
            spawn(move || {
                while requested.is_heeded() {
                    sleep(LOOK_EVERY);
                }
                end(signal, go_on.filter(|_| requested.has_begun()));
            });
        }
    });
    Ok(interrupt)
}

/// Ends the program as a signal would.
fn end(signal: i32, go_on: Option<String>) -> ! {
    // A second signal does not wait for the first one's removals.
    static ENDING: AtomicBool = AtomicBool::new(false);
    if !ENDING.swap(true, Ordering::SeqCst) {
        remove_temporaries();
    }
    tell(match go_on {
        Some(command) => format!("interrupted. To go on: {command}"),
        None => "interrupted".to_owned(),
    });
    exit(128 + signal)
}

/// Writes a line of its own, below a bar of progress. Where it cannot be written the exit code
/// has to do; where nobody reads it, it is not waited for.
fn tell(message: String) {
    let told = spawn(move || {
        let _ = std::io::stderr().write_all(format!("\n{message}\n").as_bytes());
    });
    for _ in 0..40 {
        if told.is_finished() {
            return;
        }
        sleep(LOOK_EVERY);
    }
}

/// Whether a command goes on with --resume where it was interrupted.
fn is_resumable(command: &Command) -> bool {
    match command {
        // Of one that replaces files, some are still the earlier ones.
        Command::Prepare(prepare) => prepare.samples.is_some() && !prepare.force,
        Command::Study(study) => {
            !matches!(study.part, Some(StudyPart::Plan(_) | StudyPart::Collect(_)))
        }
        Command::Train(_) => true,
        _ => false,
    }
}

/// The command that goes on with this one, as a shell takes it.
fn go_on(command: &Command) -> String {
    let quoted = |argument: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
        match !argument.is_empty() && argument.chars().all(plain) {
            true => argument,
            false => format!("'{}'", argument.replace('\'', r"'\''")),
        }
    };
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let arguments = arguments.filter(|argument| argument != "--force" && argument != "--resume");
    let words: Vec<String> = arguments.map(quoted).collect();
    let words = words.join(" ");
    match command {
        // It always goes on with what is there.
        Command::Study(study) if study.part.is_some() => words,
        _ => format!("{words} --resume"),
    }
}

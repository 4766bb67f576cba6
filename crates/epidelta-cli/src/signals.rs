//! SIGINT (Ctrl-C) and SIGTERM: trainings end their batch and keep their state, everything
//! else stops at once; nothing is left under a temporary name. A second signal does not wait.

use std::{
    io::Write,
    process::exit,
    thread::{sleep, spawn},
    time::Duration,
};

use epidelta::{interrupt::Interrupt, output::remove_temporaries};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// Between two looks at whether everything has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Listens for signals from now on. `go_on` is the command that goes on with what is
/// interrupted, if one does.
pub fn listen(go_on: Option<String>) -> std::io::Result<Interrupt> {
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
                tell("stopping after this batch; a second signal stops at once");
            }
            let (requested, go_on) = (requested.clone(), go_on.clone());
            spawn(move || {
                while requested.is_heeded() {
                    sleep(LOOK_EVERY);
                }
                end(signal, go_on);
            });
        }
    });
    Ok(interrupt)
}

/// Ends the program as a signal would.
fn end(signal: i32, go_on: Option<String>) -> ! {
    remove_temporaries();
    match go_on {
        Some(command) => tell(&format!("interrupted. To go on: {command}")),
        None => tell("interrupted"),
    }
    exit(128 + signal)
}

fn tell(message: &str) {
    // On a line of its own, below a bar of progress; where it cannot be written the exit code
    // has to do.
    let _ = writeln!(std::io::stderr(), "\n{message}");
}

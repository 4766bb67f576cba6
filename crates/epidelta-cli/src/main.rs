//! The `epidelta` command.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arguments;
mod commands;
mod display;
mod progress;
#[cfg(unix)]
mod signals;

use std::{io::Write, process::ExitCode, time::Duration};

use clap::Parser;
use epidelta::{error::Error, interrupt::Interrupt};
use tracing_subscriber::filter::LevelFilter;

use arguments::{Arguments, Command};

/// The command runs on a thread of the pool: give it as much as a main thread has on Linux and
/// macOS, rather than a thread's usual 2 MiB.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(&arguments);
    // A decoder's panic that the library turns into an error is not for the user
    // to see; one that comes here is, and is a defect.
    std::panic::set_hook(Box::new(|panic| tracing::debug!("{panic}")));
    let outcome = std::panic::catch_unwind(|| run(&arguments)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(anyhow::anyhow!(
            "epidelta met a defect of its own ({}); run again with -v and report what it tells",
            message.unwrap_or("unknown")
        ))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if is_interrupted(&error) => {
            // What listens for signals is about to end the program.
            std::thread::sleep(Duration::from_secs(10));
            ExitCode::FAILURE
        }
        Err(error) => {
            // Where stderr cannot be written, the exit code has to do.
            let message = format!("error: {error:#}\n");
            let _ = std::io::stderr().write_all(message.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // 0 stands for one thread per core. The command itself runs on one of them, so that its
    // computations need not be handed to another thread and waited for.
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads.map_or(0, Into::into))
        .stack_size(STACK_BYTES)
        .build()?
        .install(|| dispatch(arguments))
}

#[cfg(unix)]
fn listen(command: &Command) -> anyhow::Result<Interrupt> {
    Ok(signals::listen(command)?)
}

#[cfg(not(unix))]
fn listen(_: &Command) -> anyhow::Result<Interrupt> {
    Ok(Interrupt::default())
}

fn dispatch(arguments: &Arguments) -> anyhow::Result<()> {
    let interrupt = listen(&arguments.command)?;
    let seed = arguments.seed;
    let reporter = progress::Reporter::new(arguments.quiet);
    match &arguments.command {
        Command::Prepare(command) => commands::prepare::run(command, &reporter, &interrupt),
        Command::Import(command) => commands::import::run(command),
        Command::Inspect(command) => commands::inspect::run(command),
        Command::Simulate(command) => commands::simulate::run(command, seed.unwrap_or(1)),
        Command::Train(command) => commands::train::run(command, seed, &reporter, interrupt),
        Command::Predict(command) => commands::predict::run(command),
        Command::Evaluate(command) => commands::evaluate::run(command),
        Command::Explain(command) => commands::explain::run(command, seed.unwrap_or(1), &reporter),
        Command::Report(command) => commands::report::run(command, seed.unwrap_or(1), &reporter),
        Command::Study(command) => commands::study::run(command, seed, &reporter, interrupt),
        Command::Demo(command) => {
            commands::demo::run(command, seed.unwrap_or(1), &reporter, interrupt)
        }
    }
}

/// Notes go to stderr: warnings and what was done by default, more with `-v`,
/// only warnings with `--quiet`.
fn start_logging(arguments: &Arguments) {
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => LevelFilter::WARN,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .without_time()
        .log_internal_errors(false)
        .init();
}

fn is_interrupted(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Interrupted))
}

/// `epidelta inspect x | head` ends the pipe early, which is not a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

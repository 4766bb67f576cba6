//! The `epidelta` command.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arguments;
mod commands;
mod display;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::{filter::LevelFilter, fmt::format::FmtSpan};

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(&arguments);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()?;
    }
    let seed = arguments.seed;
    let reporter = progress::Reporter::new(arguments.quiet);
    match &arguments.command {
        Command::Import(command) => commands::import::run(command),
        Command::Inspect(command) => commands::inspect::run(command),
        Command::Simulate(command) => commands::simulate::run(command, seed.unwrap_or(1)),
        Command::Train(command) => commands::train::run(command, seed, &reporter),
        Command::Predict(command) => commands::predict::run(command),
        Command::Evaluate(command) => commands::evaluate::run(command),
        Command::Demo(command) => commands::demo::run(command, seed.unwrap_or(1), &reporter),
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
        .with_span_events(FmtSpan::NONE)
        .with_target(false)
        .with_ansi(false)
        .without_time()
        .init();
}

/// `epidelta inspect x | head` ends the pipe early, which is not a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

//! The `gradex` command: exit 0 when all was done, 1 when some inputs failed, 2 on usage, 130 when interrupted.
#![forbid(unsafe_code)]

#[macro_use]
mod visible;

mod account;
mod answers;
mod args;
mod asked;
mod choice;
mod clash;
mod classify;
mod drawn;
mod evaluate;
mod explain;
mod failure;
mod follow;
mod forgetful;
mod influence;
mod inputs;
mod interrupt;
mod judged;
mod lines;
mod listings;
mod memory;
mod model;
mod names;
mod outputs;
mod page;
mod plan;
mod progress;
mod receipt;
mod report;
mod report_html;
mod run;
mod settings;
mod shown;
mod tile;
mod verify;
mod words;
mod written;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::{Failure, Outcome};
use gradex::Level;

/// Says of a listing that cannot be written where it was to go.
fn printed(outcome: Outcome) -> Outcome {
    outcome.map_err(|failure| match failure {
        Failure::Run(error) if error.is::<std::io::Error>() => {
            Failure::Run(error.context("standard output cannot be written to"))
        }
        other @ (Failure::Usage(_) | Failure::Run(_) | Failure::ClosedPipe | Failure::Interrupted) => other,
    })
}

/// Does what is asked for, on a level that there is.
fn carry_out(command: Command) -> Outcome {
    Level::current().map_err(Failure::usage)?;
    match command {
        Command::Explain(args) => explain::run(*args),
        Command::Report(args) => report_html::run(*args),
        Command::Classify(args) => classify::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Models => printed(listings::models()),
        Command::Methods(args) => printed(listings::methods(args.json)),
        Command::Points(args) => printed(listings::points(&args)),
        Command::Plan(args) => printed(plan::run(&args)),
        Command::Verify(args) => verify::run(&args),
    }
}

fn main() -> ExitCode {
    match carry_out(Cli::parse().command) {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Run(error)) => {
            complain!("error: {}", failure::told(&error));
            ExitCode::from(1)
        }
        Err(Failure::Interrupted) => {
            complain!("interrupted; what was written is whole");
            ExitCode::from(130)
        }
        Err(Failure::Usage(why)) => {
            complain!("error: {why}");
            complain!("For more information, try '--help'.");
            ExitCode::from(2)
        }
    }
}

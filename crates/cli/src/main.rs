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
use failure::Failure;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Explain(args) => explain::run(*args),
        Command::Report(args) => report_html::run(*args),
        Command::Classify(args) => classify::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Models => listings::models(),
        Command::Methods(args) => listings::methods(args.json),
        Command::Points(args) => listings::points(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Verify(args) => verify::run(&args),
    };
    match outcome {
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

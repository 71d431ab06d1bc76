//! The project's chores, run as `cargo xtask COMMAND`.
#![forbid(unsafe_code)]

mod agree;
mod bench;
mod browser;
mod c_library;
mod ci;
mod conformance;
mod document;
mod embedding;
mod fixtures;
mod hash;
mod import;
mod instructions;
mod neon;
mod report;
mod repository;
mod sbom;
#[cfg(test)]
mod scratch;
mod tidy;
mod toolchain;
mod web;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Converts weights of any supported format to .safetensors, checked against an architecture
    Import(import::Arguments),
    /// Measures how far two files of weights agree on many views of photographs
    Agree(agree::Arguments),
    /// Lists the golden cases; with --check, verifies every file of them
    Fixtures(fixtures::Arguments),
    /// Times gradex, next to PyTorch and onnxruntime where they are installed
    Bench(bench::Args),
    /// Checks every relevance rule on every layer, and prints the table
    Conformance(conformance::Arguments),
    /// Builds the C library and lays out its header, libraries and pkg-config file
    Ffi(c_library::Arguments),
    /// Builds each form that gradex is embedded in: its size, its peak memory, its crates
    Embedding(embedding::Arguments),
    /// Counts the instructions of every kernel under valgrind; with --check, fails where one takes more than it did
    Instructions(instructions::Arguments),
    /// Compiles the kernels for aarch64, without running them
    Neon,
    /// Has `gradex report` write a page, and reads it in a headless Chromium
    Report(report::Arguments),
    /// Prints what a program is made of, as a CycloneDX bill of materials
    Sbom(sbom::Arguments),
    /// Prints where the project is unsafe: docs/unsafe.md
    Unsafe,
    /// Lays out the page with the program for browsers; serves it, or checks it in Chromium
    Web(web::Arguments),
    /// Checks the rules of the house that no compiler checks
    Tidy,
    /// Runs all that continuous integration runs: `.ci/run`
    Ci,
}

fn main() -> ExitCode {
    let out = &mut io::stdout().lock();
    let result = match Xtask::parse().command {
        Command::Import(arguments) => import::run(&arguments, out),
        Command::Agree(arguments) => agree::run(&arguments, out),
        Command::Fixtures(arguments) => fixtures::run(&arguments, out),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Conformance(arguments) => conformance::run(&arguments, out),
        Command::Ffi(arguments) => c_library::run(&arguments, out),
        Command::Embedding(arguments) => embedding::run(&arguments, out),
        Command::Instructions(arguments) => instructions::run(&arguments, out),
        Command::Neon => neon::run(),
        Command::Report(arguments) => report::run(&arguments, out),
        Command::Sbom(arguments) => sbom::run(&arguments, out),
        Command::Unsafe => tidy::inventory(out),
        Command::Web(arguments) => web::run(&arguments, out),
        Command::Tidy => tidy::run(out),
        Command::Ci => ci::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error closed there is nobody to tell; the exit code still says it.
            let _ = writeln!(io::stderr(), "error: {}", report(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, without those that the message before already quotes.
fn report(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        before if before.contains(&cause) => told,
        before => format!("{before}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Xtask::command().debug_assert();
    }

    #[test]
    fn a_cause_is_told_once() {
        let quoting = anyhow::anyhow!("disk full").context("a.npy: disk full").context("cannot import");
        assert_eq!(report(&quoting), "cannot import: a.npy: disk full");
    }
}

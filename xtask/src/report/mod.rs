//! `cargo xtask report`: what a reader of `gradex report` sees, in a headless Chromium.

mod check;
mod made;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

/// `cargo xtask report`.
#[derive(Args)]
pub struct Arguments {
    /// Where the page goes
    #[arg(long, value_name = "DIR", default_value = "target/report")]
    out: PathBuf,
    /// The program; without it, it is built
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// A folder for screenshots and the printed page
    #[arg(long, value_name = "DIR")]
    shots: Option<PathBuf>,
}

/// Has the program write a page, and reads it. Without Chromium this fails, and says what to install.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let page = made::make(arguments.program.as_deref(), &arguments.out)?;
    check::run(&page, arguments.shots.as_deref())?;
    writeln!(out, "{}: as it should be", page.display())?;
    Ok(())
}

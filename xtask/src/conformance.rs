//! `cargo xtask conformance`: every relevance rule on every layer, as a table.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use gradex_conformance::{Table, check_known};

use crate::document;

const COMMAND: &str = "conformance";

/// Where the table goes.
#[derive(Args)]
pub struct Arguments {
    /// Also write the table to this file, or between its marker lines where it has them
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write nothing, and fail where the table in that file is another
    #[arg(long, requires = "out")]
    check: bool,
}

/// Prints the table, writes it where that is asked for, and then fails where a case fails.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    if let Some(path) = &arguments.out {
        document::check_target(path, COMMAND).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let reports = check_known()?;
    let table = Table(&reports).to_string();
    write!(out, "{table}")?;
    if let Some(path) = &arguments.out {
        let done = if arguments.check { check(path, &table) } else { document::write(path, COMMAND, &table) };
        done.with_context(|| path.display().to_string())?;
    }
    let failing = reports.iter().filter(|report| !report.passes()).map(|report| &*report.rule).collect::<Vec<_>>();
    ensure!(failing.is_empty(), "cases fail of {}", failing.join(", "));
    Ok(())
}

/// That the file holds this table.
fn check(path: &Path, table: &str) -> Result<()> {
    let is_current = fs::read_to_string(path)? == document::placed(path, COMMAND, table)?;
    ensure!(is_current, "its table is not the current one; run `cargo xtask {COMMAND} --out {}`", path.display());
    Ok(())
}

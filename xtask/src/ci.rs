//! `cargo xtask ci`: the same checks, in the same order, as continuous integration.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository;

/// Runs `.ci/run`, which names the step that fails.
pub fn run() -> Result<()> {
    let script = repository::root().join(".ci/run");
    let status = Command::new(&script).status().with_context(|| format!("cannot run {}", script.display()))?;
    ensure!(status.success(), ".ci/run: {status}");
    Ok(())
}

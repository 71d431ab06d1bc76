//! The repository that this program belongs to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The repository's folder.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A file of the repository.
#[derive(Debug)]
pub struct File {
    /// Its path from the root, with `/` between folders.
    pub path: String,
    /// What it holds.
    pub content: Vec<u8>,
}

impl File {
    /// The content as text; `None` where it is binary.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.content).ok().filter(|text| !text.contains('\0'))
    }

    /// The content of a Rust source; `None` for other files.
    pub fn rust(&self) -> Option<&str> {
        self.text().filter(|_| self.path.ends_with(".rs"))
    }
}

/// Every file that git tracks, and every new one that it does not ignore: what a commit of everything would hold.
pub fn files() -> Result<Vec<File>> {
    let listed = standard_output("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let present = paths.into_iter().filter(|path| root().join(path).is_file());
    present
        .map(|path| {
            let content = fs::read(root().join(path)).with_context(|| format!("cannot read {path}"))?;
            Ok(File { path: path.to_owned(), content })
        })
        .collect()
}

/// Runs a command that must succeed.
pub fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// What a program prints when it is run at the root.
pub fn standard_output(program: &str, arguments: &[&str]) -> Result<String> {
    let command = || format!("`{program} {}`", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .with_context(|| format!("cannot run {}", command()))?;
    ensure!(output.status.success(), "{}: {}", command(), String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no UTF-8", command()))
}

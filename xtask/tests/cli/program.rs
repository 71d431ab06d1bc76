//! Runs the program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the program did.
pub struct Run {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub error: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }
}

/// The program's path.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_xtask");

/// Runs the program with these arguments.
pub fn xtask(arguments: &[&dyn AsRef<OsStr>]) -> Run {
    Command::new(PROGRAM).args(arguments.iter().map(AsRef::as_ref)).output().unwrap().into()
}

/// A path from the repository's root.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

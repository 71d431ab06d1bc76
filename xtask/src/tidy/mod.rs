//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Each rule is a function from what lies in the repository to its violations, in a file of its own.

mod allow_list;
mod code;
mod defences;
mod inventory;
mod layering;
mod length;
mod manifests;
mod package;
mod safety;
mod size;
mod weights;
mod words;

use std::fmt;
use std::io::Write;

use anyhow::{Result, ensure};

use crate::repository::{self, File};
use package::Package;

/// What the rules look at.
#[derive(Debug, Default)]
struct Workspace {
    files: Vec<File>,
    packages: Vec<Package>,
}

impl Workspace {
    /// The content of a text file of this path.
    fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text()
    }
}

/// A broken rule.
#[derive(Debug, PartialEq)]
struct Violation {
    /// `file` or `file:line`.
    place: String,
    /// What is wrong there, and where it is not plain, what to do.
    what: String,
}

impl Violation {
    fn in_file(path: &str, what: impl Into<String>) -> Self {
        Self { place: path.to_owned(), what: what.into() }
    }

    /// In the line of this number, counted from 0.
    fn in_line(path: &str, index: usize, what: impl Into<String>) -> Self {
        Self { place: format!("{path}:{}", index + 1), what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

type Rule = fn(&Workspace) -> Vec<Violation>;

const RULES: [(&str, Rule); 10] = [
    ("dependencies go one way", layering::violations),
    ("third-party crates are those of deny.toml", allow_list::violations),
    ("no unsafe code outside crates/kernels, crates/ffi and crates/wasm", safety::violations),
    ("docs/unsafe.md counts all unsafe code", inventory::violations),
    ("the tests of docs/threat-model.md exist", defences::violations),
    ("sources are short", length::violations),
    ("no machine's paths, nothing unfinished", words::violations),
    ("packages inherit from the workspace", manifests::violations),
    ("the repository is small", size::violations),
    ("weights are those of weights/README.md", weights::violations),
];

/// Checks every rule, and prints one line each and one a violation.
pub fn run(out: &mut impl Write) -> Result<()> {
    let workspace = Workspace { files: repository::files()?, packages: package::all()? };
    let mut count = 0;
    for (name, rule) in RULES {
        let violations = rule(&workspace);
        writeln!(out, "{} {name}", if violations.is_empty() { "ok    " } else { "BROKEN" })?;
        for violation in &violations {
            writeln!(out, "       {violation}")?;
        }
        count += violations.len();
    }
    ensure!(count == 0, "{count} violation(s) of the rules of the house");
    Ok(())
}

/// Prints where the project is unsafe: docs/unsafe.md.
pub fn inventory(out: &mut impl Write) -> Result<()> {
    Ok(out.write_all(inventory::document(&repository::files()?).as_bytes())?)
}

/// A workspace of these files, for tests of the rules.
#[cfg(test)]
fn files(files: &[(&str, &str)]) -> Workspace {
    let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), content: text.as_bytes().to_vec() };
    Workspace { files: files.iter().map(file).collect(), packages: Vec::new() }
}

/// The places of these violations, for tests of the rules.
#[cfg(test)]
fn places(violations: &[Violation]) -> Vec<&str> {
    violations.iter().map(|violation| violation.place.as_str()).collect()
}

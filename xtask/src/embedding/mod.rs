//! `cargo xtask embedding`: what each form of gradex weighs, takes and is made of.

mod crates;
mod forms;
mod peak;

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::document;
use crate::repository::root;
use forms::{FORMS, Form, Measured};

/// The command, as marker lines name it.
const COMMAND: &str = "embedding";

/// `cargo xtask embedding`.
#[derive(Args)]
pub struct Arguments {
    /// The document whose part between two marker lines is replaced
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Builds nothing, and fails where a form's crates are not those that docs/embedding.md lists
    #[arg(long, conflicts_with = "report")]
    check: bool,
}

/// Builds and measures every form, or checks the crates of each.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let lists = FORMS.iter().map(list).collect::<Result<Vec<String>>>()?;
    if arguments.check {
        return check(&fs::read_to_string(root().join("docs/embedding.md"))?, &lists);
    }
    if let Some(path) = &arguments.report {
        document::check_target(path, COMMAND)?;
    }
    let measured = FORMS.iter().map(|form| (form.measure)().with_context(|| form.name.to_owned()));
    let report = format!("{}\n{}\n", table(&measured.collect::<Result<Vec<_>>>()?)?, lists.join("\n"));
    match &arguments.report {
        Some(path) => document::write(path, COMMAND, &report),
        None => Ok(out.write_all(report.as_bytes())?),
    }
}

fn table(measured: &[Measured]) -> Result<String> {
    let mut text = String::from("| form | size, MB | peak memory, MiB |\n|---|---:|---:|\n");
    for (form, Measured { bytes, peak }) in FORMS.iter().zip(measured) {
        writeln!(text, "| {} | {:.2} | {} |", form.name, *bytes as f64 / 1e6, peak.div_ceil(1 << 20))?;
    }
    Ok(text)
}

/// A line of the document: the crates of others that a form holds.
fn list(form: &Form) -> Result<String> {
    let crates = crates::of(form)?;
    Ok(format!("- {}: {} crates: {}.", form.name, crates.len(), crates.join(", ")))
}

fn check(document: &str, lists: &[String]) -> Result<()> {
    for list in lists {
        ensure!(
            document.lines().any(|line| line == list),
            "docs/embedding.md does not have the line `{list}`; run `cargo xtask embedding --report docs/embedding.md`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_changed_is_named() {
        let lists = ["- one: 1 crates: ndarray.".to_owned(), "- two: 0 crates: .".to_owned()];
        check(&lists.join("\n"), &lists).unwrap();
        let error = check(&lists[1], &lists).unwrap_err().to_string();
        assert!(error.contains("one") && error.contains("ndarray"), "{error}");
    }

    #[test]
    fn a_table_has_a_row_a_form() {
        let table = table(&FORMS.map(|_| Measured { bytes: 1_234_567, peak: (5 << 20) + 1 })).unwrap();
        assert_eq!(table.lines().count(), 2 + FORMS.len());
        assert!(table.lines().skip(2).all(|line| line.ends_with("| 1.23 | 6 |")), "{table}");
    }
}

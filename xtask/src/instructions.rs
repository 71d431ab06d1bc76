//! `cargo xtask instructions`: how many instructions each kernel executes, counted by valgrind's callgrind.
//!
//! A count does not depend on how busy the machine is: `--check` finds a kernel that lost its vectors or its fast path.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{document, repository};

const COMMAND: &str = "instructions";
/// The level that is counted: valgrind knows no wider one.
const LEVEL: &str = "avx2";
/// Runs of the longer of two counts; the shorter has one. What both have in common is not the kernel's.
const ROUNDS: u64 = 3;
/// How many times the committed count a kernel may take: compilers differ.
const TOLERANCE: f64 = 1.2;

/// Where the counts go.
#[derive(Args)]
pub struct Arguments {
    /// Also write the counts to this file, between its marker lines
    #[arg(long, value_name = "FILE", default_value = "docs/instructions.md")]
    out: PathBuf,
    /// Write nothing, and fail where a kernel takes more than 1.2 times what that file says
    #[arg(long)]
    check: bool,
}

/// Counts every kernel's instructions.
///
/// # Errors
/// Where valgrind is missing or a kernel fails; with `--check`, where one takes more than it did or is not in the file.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let path = repository::root().join(&arguments.out);
    document::check_target(&path, COMMAND).with_context(|| format!("cannot write {}", path.display()))?;
    let program = build()?;
    let names = Command::new(&program).output()?.stdout;
    let mut counts = Vec::new();
    for name in String::from_utf8(names)?.lines() {
        let [one, more] = [1, ROUNDS].map(|rounds| count(&program, name, rounds));
        let (one, more) = (one?, more?);
        let each = more.checked_sub(one).with_context(|| format!("{name}: more runs took fewer instructions"))?;
        counts.push((name.to_owned(), each / (ROUNDS - 1)));
    }
    let table = table(&counts);
    write!(out, "{table}")?;
    if arguments.check {
        return check(&fs::read_to_string(&path)?, &counts).with_context(|| path.display().to_string());
    }
    document::write(&path, COMMAND, &table).with_context(|| path.display().to_string())
}

/// The program that runs a kernel, on one thread and without rayon.
fn build() -> Result<PathBuf> {
    let root = repository::root();
    let mut command = Command::new("cargo");
    command.args(["build", "--locked", "--quiet", "--release", "--package", "gradex-kernels", "--example", "kernel"]);
    command.args(["--no-default-features", "--features", "simd", "--target-dir", "target/instructions"]);
    // A count depends on the profile: here it is the manifest's, whatever the environment says.
    command.env_remove("CARGO_PROFILE_RELEASE_LTO").env_remove("CARGO_PROFILE_RELEASE_CODEGEN_UNITS");
    ensure!(command.current_dir(&root).status()?.success(), "the kernels' example does not build");
    Ok(root.join("target/instructions/release/examples/kernel"))
}

fn count(program: &PathBuf, name: &str, rounds: u64) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).arg(name).arg(rounds.to_string());
    let output = command.env("GRADEX_LEVEL", LEVEL).output().context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} fails under valgrind: {said}");
    collected(&said).with_context(|| format!("{name}: valgrind counted nothing: {said}"))
}

/// The number behind `Collected :`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()
}

fn table(counts: &[(String, u64)]) -> String {
    let mut text = format!("| kernel at level {LEVEL} | instructions |\n|---|--:|\n");
    for (name, count) in counts {
        let _ = writeln!(text, "| {name} | {count} |");
    }
    text
}

/// That no kernel takes more than the committed table says.
fn check(committed: &str, counts: &[(String, u64)]) -> Result<()> {
    let cells = |line: &str| -> Option<(String, u64)> {
        let mut cells = line.split('|').skip(1).map(str::trim);
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    };
    let known: Vec<(String, u64)> = committed.lines().filter_map(cells).collect();
    let broken = counts.iter().filter_map(|(name, count)| match known.iter().find(|(known, _)| known == name) {
        None => Some(format!("{name} is not in it")),
        Some((_, before)) if *count as f64 > TOLERANCE * *before as f64 => {
            Some(format!("{name}: {count} instructions, {before} before"))
        }
        Some(_) => None,
    });
    let broken: Vec<String> = broken.collect();
    ensure!(
        broken.is_empty(),
        "{}; where that is meant, `cargo xtask {COMMAND}` writes the counts anew",
        broken.join("; ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_takes_more_is_found() {
        let committed = table(&[("map".to_owned(), 100), ("mask".to_owned(), 100)]);
        let checked = |map, mask: &str| check(&committed, &[("map".to_owned(), map), (mask.to_owned(), 100)]);
        assert!(checked(120, "mask").is_ok() && checked(50, "mask").is_ok());
        assert!(checked(121, "mask").unwrap_err().to_string().starts_with("map: 121 instructions, 100 before"));
        assert!(checked(100, "new").unwrap_err().to_string().starts_with("new is not in it"));
    }

    #[test]
    fn valgrind_is_read() {
        assert_eq!(collected("==7== \n==7== Collected : 12345\n==7== \n"), Some(12345));
        assert_eq!(collected("==7== nothing"), None);
    }
}

//! Every test and file that docs/threat-model.md names as showing a defence is there.
//!
//! A test is named as `path/to/file.rs::function`, a file by its path from the root.

use super::code::without_text;
use super::{Violation, Workspace};

const DOCUMENT: &str = "docs/threat-model.md";
/// Endings of the files that the document names.
const ENDINGS: [&str; 5] = [".rs", ".toml", ".md", ".c", ".sh"];

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let Some(document) = workspace.text(DOCUMENT) else { return vec![Violation::in_file(DOCUMENT, "is missing")] };
    let mut found = Vec::new();
    for (index, line) in document.lines().enumerate() {
        let mut tests = 0;
        for name in line.split('`').skip(1).step_by(2) {
            let (path, function) = name.split_once("::").unwrap_or((name, ""));
            if !path.contains('/') || !ENDINGS.iter().any(|ending| path.ends_with(ending)) {
                continue;
            }
            tests += 1;
            match workspace.text(path) {
                None => found.push(Violation::in_line(DOCUMENT, index, format!("there is no {path}"))),
                Some(source) if !function.is_empty() && !has_test(source, function) => {
                    found.push(Violation::in_line(DOCUMENT, index, format!("{path} has no test `{function}`")));
                }
                Some(_) => {}
            }
        }
        let is_defence = line.starts_with("| ") && !line.starts_with("| what could happen");
        if is_defence && tests == 0 && !line.contains("`cargo ") {
            found.push(Violation::in_line(DOCUMENT, index, "no test or command shows this defence"));
        }
    }
    found
}

/// Whether the source has a function of this name right below `#[test]`, but for other attributes.
fn has_test(source: &str, function: &str) -> bool {
    let code = without_text(source);
    let Some(at) = code.find(&format!("fn {function}()")) else { return false };
    let before = code[..at].lines().rev().skip(usize::from(!code[..at].ends_with('\n')));
    before.take_while(|line| line.trim_start().starts_with("#[")).any(|line| line.trim() == "#[test]")
}

#[cfg(test)]
mod tests {
    use super::super::{files, places};
    use super::*;

    const SOURCE: &str = "#[test]\n#[cfg(unix)]\nfn it_is_refused() {}\n\nfn helper() {}\n";

    fn check(line: &str) -> Vec<Violation> {
        violations(&files(&[(DOCUMENT, &format!("# Threats\n{line}\n")), ("tests/a.rs", SOURCE)]))
    }

    #[test]
    fn what_is_there_passes() {
        for line in [
            "| a | b | `tests/a.rs::it_is_refused` |",
            "| a | b | `tests/a.rs` |",
            "| a | b | `cargo xtask tidy` |",
            "|---|---|---|",
            "| what could happen | defence | shown by |",
            "A `.pth` of `gradex.h`",
        ] {
            assert_eq!(check(line), [], "{line}");
        }
    }

    #[test]
    fn what_is_not_there_fails() {
        for line in [
            "| a | b | `tests/a.rs::it_is_accepted` |",
            "| a | b | `tests/a.rs::helper` |",
            "| a | b | `tests/b.rs` |",
            "| a | b | trust me |",
            "see `tests/b.rs`",
        ] {
            assert_eq!(places(&check(line)), [format!("{DOCUMENT}:2")], "{line}");
        }
        assert_eq!(places(&violations(&files(&[]))), [DOCUMENT]);
    }
}

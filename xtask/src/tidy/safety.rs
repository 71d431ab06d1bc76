//! `unsafe` is for the SIMD kernels and for the border to C alone, and every other crate forbids it to itself.

use super::code::without_text;
use super::{Violation, Workspace};

const ATTRIBUTE: &str = "#![forbid(unsafe_code)]";
/// What may be unsafe: instructions that a processor may lack, and the pointers of a caller in another language.
const OPEN: [&str; 3] = ["crates/kernels/", "crates/ffi/", "crates/wasm/"];

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let sources = workspace.files.iter().filter(|file| !is_open(&file.path));
    let blocks = sources.filter_map(|file| Some((file, file.rust()?))).flat_map(|(file, source)| {
        let lines = unsafe_lines(&without_text(source));
        lines
            .into_iter()
            .map(|index| Violation::in_line(&file.path, index, format!("`unsafe` outside {}", OPEN.join(", "))))
    });
    let roots = workspace.packages.iter().flat_map(|package| &package.roots);
    let open = roots.filter(|root| !is_open(root)).filter(|root| {
        let source = workspace.text(root).unwrap_or_default();
        !without_text(source).lines().any(|line| line == ATTRIBUTE)
    });
    let open = open.map(|root| Violation::in_file(root, format!("the crate's root does not say {ATTRIBUTE}")));
    blocks.chain(open).collect()
}

fn is_open(path: &str) -> bool {
    OPEN.iter().any(|open| path.starts_with(open))
}

fn unsafe_lines(code: &str) -> Vec<usize> {
    let is_in_name = |c: char| c.is_alphanumeric() || c == '_';
    let is_unsafe = |line: &str| line.split(|c| !is_in_name(c)).any(|word| word == "unsafe");
    code.lines().enumerate().filter(|(_, line)| is_unsafe(line)).map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::super::package::Package;
    use super::super::{files, places};
    use super::*;

    fn with_root(root: &str, source: &str) -> Vec<Violation> {
        let package = Package {
            name: "a".to_owned(),
            manifest: "a/Cargo.toml".to_owned(),
            dependencies: Vec::new(),
            roots: vec![root.to_owned()],
        };
        violations(&Workspace { packages: vec![package], ..files(&[(root, source)]) })
    }

    #[test]
    fn the_word_in_code_fails_wherever_it_is() {
        let source = "//! unsafe\nfn f() {\n    unsafe { g() }\n}\nunsafe impl Send for A {}\nunsafe\nfn h() {}\n";
        let found = violations(&files(&[("crates/a/src/b.rs", source), ("tests/c.rs", "fn f() { unsafe {} }")]));
        let expected = ["crates/a/src/b.rs:3", "crates/a/src/b.rs:5", "crates/a/src/b.rs:6", "tests/c.rs:1"];
        assert_eq!(places(&found), expected);
    }

    #[test]
    fn the_word_in_text_or_in_another_name_passes() {
        let source = "#![forbid(unsafe_code)]\n// unsafe\n/* unsafe */\nfn f() { g(\"unsafe\", r#\"unsafe\"#) }\n";
        assert_eq!(violations(&files(&[("crates/a/src/b.rs", source), ("README.md", "unsafe")])), []);
    }

    #[test]
    fn kernels_and_the_border_to_c_may() {
        for root in ["crates/kernels/src/lib.rs", "crates/ffi/src/lib.rs"] {
            assert_eq!(with_root(root, "fn f() { unsafe { g() } }\n"), []);
        }
    }

    #[test]
    fn roots_must_forbid_it() {
        assert_eq!(with_root("crates/a/src/lib.rs", "//! Crate.\n#![forbid(unsafe_code)]\n\nmod b;\n"), []);
        for source in ["", "//! Crate.\nmod b;\n", "// #![forbid(unsafe_code)]\n", "#![deny(unsafe_code)]\n"] {
            assert_eq!(places(&with_root("crates/a/src/lib.rs", source)), ["crates/a/src/lib.rs"], "{source}");
        }
    }
}

//! `cargo xtask unsafe`: where the project is unsafe, counted; docs/unsafe.md must say the same.
//!
//! Counted is the text, in which a macro that makes many functions stands once.

use std::fmt::Write;

use super::code::without_text;
use super::{Violation, Workspace};
use crate::repository::File;

const DOCUMENT: &str = "docs/unsafe.md";
const HEAD: &str = "\
# Unsafe code

Every place where the compiler takes our word. `cargo xtask unsafe` prints this file, `cargo xtask tidy` fails where it is not
true, and every crate that is not listed forbids unsafe code. Each block holds one operation and says why it is sound.

| file | blocks | functions | impls and traits | attributes |
|---|---|---|---|---|
";

/// How often the word stands where.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Count {
    blocks: usize,
    functions: usize,
    impls: usize,
    attributes: usize,
}

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let document = document(&workspace.files);
    let committed = workspace.text(DOCUMENT).unwrap_or_default();
    if committed == document {
        return Vec::new();
    }
    let is_new = |line: &&str| !committed.lines().any(|known| known == *line);
    let news: Vec<&str> = document.lines().filter(is_new).collect();
    let what =
        format!("is out of date: `cargo xtask unsafe > {DOCUMENT}`, and look at what is new: {}", news.join(" "));
    vec![Violation::in_file(DOCUMENT, what)]
}

/// The inventory of these files.
pub(super) fn document(files: &[File]) -> String {
    let counts = files.iter().filter_map(|file| Some((file.path.as_str(), count(&without_text(file.rust()?)))));
    let counts: Vec<(&str, Count)> = counts.filter(|(_, count)| *count != Count::default()).collect();
    let total = counts.iter().fold(Count::default(), |total, (_, count)| Count {
        blocks: total.blocks + count.blocks,
        functions: total.functions + count.functions,
        impls: total.impls + count.impls,
        attributes: total.attributes + count.attributes,
    });
    let names = counts.iter().map(|(path, count)| (format!("`{path}`"), count)).chain([("all".to_owned(), &total)]);
    names.fold(HEAD.to_owned(), |mut text, (name, Count { blocks, functions, impls, attributes })| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {name} | {blocks} | {functions} | {impls} | {attributes} |");
        text
    })
}

fn count(code: &str) -> Count {
    let mut count = Count::default();
    let is_in_name = |c: char| c.is_alphanumeric() || c == '_';
    for (at, word) in code.match_indices("unsafe") {
        let after = &code[at + word.len()..];
        if code[..at].ends_with(is_in_name) || after.starts_with(is_in_name) {
            continue;
        }
        let after = after.trim_start();
        if after.starts_with('{') {
            count.blocks += 1;
        } else if after.starts_with('(') {
            count.attributes += 1;
        } else if after.starts_with("impl") || after.starts_with("trait") {
            count.impls += 1;
        } else {
            count.functions += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::{files, places};
    use super::*;

    const SOURCE: &str = "\
        #![deny(unsafe_code)]\n// unsafe {}\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn f() { unsafe { g() } }\n\
        unsafe impl Send for A {}\nunsafe fn h() {\n    unsafe\n    {\n    }\n}\n";

    #[test]
    fn each_kind_is_counted() {
        let counted = count(&without_text(SOURCE));
        assert_eq!(counted, Count { blocks: 2, functions: 2, impls: 1, attributes: 1 });
        assert_eq!(count("fn not_unsafe() {} fn unsafely() {}"), Count::default());
    }

    #[test]
    fn one_more_block_fails_until_it_is_in_the_document() {
        let inventory = document(&files(&[("a.rs", SOURCE), ("b.rs", "fn f() {}")]).files);
        assert!(inventory.ends_with("| `a.rs` | 2 | 2 | 1 | 1 |\n| all | 2 | 2 | 1 | 1 |\n"), "{inventory}");
        assert_eq!(violations(&files(&[("a.rs", SOURCE), (DOCUMENT, &inventory)])), []);
        let more = format!("{SOURCE}fn i() {{ unsafe {{ j() }} }}\n");
        let found = violations(&files(&[("a.rs", &more), (DOCUMENT, &inventory)]));
        assert_eq!(places(&found), [DOCUMENT]);
        assert!(found[0].what.contains("| `a.rs` | 3 | 2 | 1 | 1 |"), "{}", found[0]);
        assert_eq!(places(&violations(&files(&[("a.rs", SOURCE)]))), [DOCUMENT]);
    }
}

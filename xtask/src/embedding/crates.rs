//! The crates of others that end up in a form: normal dependencies, without what only the compiler runs.

use std::collections::BTreeSet;

use anyhow::Result;

use super::forms::Form;
use crate::repository::standard_output;

/// Their names, in order.
pub fn of(form: &Form) -> Result<Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let words = ["tree", "--locked", "--prefix", "none", "--format", "{p}", "--target", form.target];
    let words = [&words[..], &["--edges", "normal,no-proc-macro", "--package", form.package], form.features].concat();
    Ok(names(&standard_output(&cargo, &words)?))
}

/// The packages that lie in no folder of this machine: they come from a registry.
fn names(tree: &str) -> Vec<String> {
    let foreign = tree.lines().filter(|line| !line.contains("(/"));
    let names: BTreeSet<&str> = foreign.filter_map(|line| line.split_whitespace().next()).collect();
    names.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_of_others_is_named_once() {
        let tree = "gradex v0.1.0 (/a/gradex)\nndarray v0.17.2\nhalf v2.7.1\n\nhalf v2.7.1 (*)\nhalf v1.0.0\n";
        assert_eq!(names(tree), ["half", "ndarray"]);
    }
}

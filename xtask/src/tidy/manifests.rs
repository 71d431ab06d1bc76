//! Every package takes its lints, its version and its terms from the workspace.

use super::{Violation, Workspace};

/// What a manifest must say, by section.
const INHERITED: [(&str, &str); 6] = [
    ("[package]", "version.workspace = true"),
    ("[package]", "edition.workspace = true"),
    ("[package]", "rust-version.workspace = true"),
    ("[package]", "license.workspace = true"),
    ("[package]", "repository.workspace = true"),
    ("[lints]", "workspace = true"),
];

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let manifests = workspace.packages.iter().map(|package| package.manifest.as_str());
    manifests.flat_map(|path| lacks(path, workspace.text(path).unwrap_or_default())).collect()
}

fn lacks(path: &str, manifest: &str) -> Vec<Violation> {
    let lacking = INHERITED.into_iter().filter(|(section, line)| !says(manifest, section, line));
    lacking.map(|(section, line)| Violation::in_file(path, format!("{section} does not say `{line}`"))).collect()
}

fn says(manifest: &str, section: &str, expected: &str) -> bool {
    let mut lines = manifest.lines().skip_while(|line| *line != section).skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\nrepository.workspace = true\n\n\
        [lints]\nworkspace = true\n\n[dependencies]\n";

    #[test]
    fn a_manifest_that_inherits_everything_passes() {
        assert_eq!(lacks("a/Cargo.toml", GOOD), []);
    }

    #[test]
    fn each_line_that_is_gone_changed_or_elsewhere_fails() {
        for (section, line) in INHERITED {
            let whole = format!("\n{line}\n");
            for bad in [GOOD.replace(&whole, "\n"), GOOD.replace(&whole, &format!("\n# {line}\n"))] {
                let expected = Violation::in_file("a/Cargo.toml", format!("{section} does not say `{line}`"));
                assert_eq!(lacks("a/Cargo.toml", &bad), [expected]);
            }
        }
        let elsewhere = GOOD.replace("[lints]", "[lints.clippy]");
        assert_eq!(lacks("a/Cargo.toml", &elsewhere).len(), 1);
        assert_eq!(lacks("a/Cargo.toml", "").len(), INHERITED.len());
    }
}

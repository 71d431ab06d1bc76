//! The third-party crates of the whole resolved graph, in Cargo.lock, are exactly those that deny.toml allows.

use std::collections::BTreeMap;

use super::{Violation, Workspace};

const LOCK: &str = "Cargo.lock";
const LIST: &str = "deny.toml";

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let absent = |path| vec![Violation::in_file(path, "is missing")];
    let Some(lock) = workspace.text(LOCK) else { return absent(LOCK) };
    let Some(list) = workspace.text(LIST) else { return absent(LIST) };
    let used = third_party(lock);
    let (allowed, mut found) = allowed(list);
    let unlisted = used.iter().filter(|(name, _)| !allowed.contains_key(**name));
    found.extend(unlisted.map(|(name, line)| {
        let what = format!("{name} is not in the list `allow` of {LIST}: do without it, or add it there on purpose");
        Violation::in_line(LOCK, *line, what)
    }));
    let unused = allowed.iter().filter(|(name, _)| !used.contains_key(**name));
    found.extend(unused.map(|(name, line)| Violation::in_line(LIST, *line, format!("{name} is not used: remove it"))));
    found
}

/// The packages with a source, and the line of each name.
fn third_party(lock: &str) -> BTreeMap<&str, usize> {
    let mut named = None;
    let mut packages = BTreeMap::new();
    for (index, line) in lock.lines().enumerate() {
        if line == "[[package]]" {
            named = None;
        } else if let Some(name) = quoted(line, "name = ") {
            named = Some((name, index));
        } else if let (Some((name, index)), Some(_)) = (named, quoted(line, "source = ")) {
            packages.entry(name).or_insert(index);
        }
    }
    packages
}

/// The entries of `allow` under `[bans]`, one a line, and the line of each; and what cannot be read there.
fn allowed(list: &str) -> (BTreeMap<&str, usize>, Vec<Violation>) {
    let mut allowed = BTreeMap::new();
    let mut problems = Vec::new();
    let mut lines = list.lines().enumerate().skip_while(|(_, line)| *line != "[bans]").skip(1);
    let begins = lines.by_ref().take_while(|(_, line)| !line.starts_with('[')).any(|(_, line)| line == "allow = [");
    if !begins {
        return (allowed, vec![Violation::in_file(LIST, "there is no `allow = [` under `[bans]`")]);
    }
    for (index, line) in lines.take_while(|(_, line)| *line != "]") {
        let entry = line.split('#').next().unwrap_or_default().trim();
        match quoted(entry.trim_end_matches(','), "") {
            Some(name) if allowed.insert(name, index).is_none() => {}
            Some(name) => problems.push(Violation::in_line(LIST, index, format!("{name} is listed twice"))),
            None if entry.is_empty() => {}
            None => problems.push(Violation::in_line(LIST, index, "expected one crate's name in quotes, and a comma")),
        }
    }
    (allowed, problems)
}

/// The text in quotes that is all of the line after `start`.
fn quoted<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('"'))
}

#[cfg(test)]
mod tests {
    use super::super::{files, places};
    use super::*;

    const LOCKED: &str = r#"version = 4

[[package]]
name = "gradex"
version = "0.1.0"
dependencies = [
 "ndarray",
]

[[package]]
name = "ndarray"
version = "0.17.2"
source = "registry+https://example.org/index"

[[package]]
name = "syn"
version = "2.0.0"
source = "registry+https://example.org/index"

[[package]]
name = "syn"
version = "3.0.0"
source = "registry+https://example.org/index"
"#;

    fn check(list: &str) -> Vec<Violation> {
        violations(&files(&[(LOCK, LOCKED), (LIST, list)]))
    }

    #[test]
    fn the_exact_list_passes_and_members_need_no_entry() {
        let list = "[licenses]\nallow = [\n\"MIT\",\n]\n[bans]\n# why\nallow = [\n    \"ndarray\",\n    \"syn\", # twice\n\n]\n";
        assert_eq!(check(list), []);
    }

    #[test]
    fn a_crate_that_is_not_listed_fails_where_it_is_locked() {
        let found = check("[bans]\nallow = [\n    \"ndarray\",\n]\n");
        assert_eq!(places(&found), ["Cargo.lock:16"]);
        assert!(found[0].what.starts_with("syn is not in the list"), "{}", found[0]);
    }

    #[test]
    fn a_listed_crate_that_is_not_used_fails() {
        let found = check("[bans]\nallow = [\n    \"ndarray\",\n    \"left-pad\",\n    \"syn\",\n]\n");
        assert_eq!(found, [Violation::in_line(LIST, 3, "left-pad is not used: remove it")]);
    }

    #[test]
    fn entries_that_cannot_be_read_fail() {
        let list =
            "[bans]\nallow = [\n    \"ndarray\", \"syn\",\n    { crate = \"syn\" },\n    \"syn\",\n    \"syn\",\n]\n";
        assert_eq!(places(&check(list)), ["deny.toml:3", "deny.toml:4", "deny.toml:6", "Cargo.lock:11"]);
    }

    #[test]
    fn without_a_list_every_crate_fails() {
        for list in ["", "[bans]\nmultiple-versions = \"warn\"\n", "[bans]\n[licenses]\nallow = [\n\"ndarray\",\n]\n"] {
            assert_eq!(places(&check(list)), ["deny.toml", "Cargo.lock:11", "Cargo.lock:16"]);
        }
        assert_eq!(places(&violations(&files(&[(LOCK, LOCKED)]))), ["deny.toml"]);
        assert_eq!(places(&violations(&files(&[]))), ["Cargo.lock"]);
    }
}

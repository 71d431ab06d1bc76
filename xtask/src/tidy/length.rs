//! Sources are short: one concept a file.

use super::{Violation, Workspace};

/// No source has more lines.
const MOST: usize = 400;
/// The lines of the source in the middle stay below.
const MEDIAN: usize = 200;
/// Sources that may be longer, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let sources = workspace.files.iter().filter_map(|file| Some((file.path.as_str(), file.rust()?.lines().count())));
    let mut lengths: Vec<(&str, usize)> = sources.collect();
    lengths.sort_by_key(|(_, lines)| *lines);
    let is_exception = |path: &str| EXCEPTIONS.iter().any(|(exception, _)| *exception == path);
    let too_long = lengths.iter().filter(|(path, lines)| *lines > MOST && !is_exception(path));
    let mut found: Vec<Violation> = too_long
        .map(|(path, lines)| Violation::in_line(path, MOST, format!("{lines} lines, more than {MOST}: split it")))
        .collect();
    if let Some((path, lines)) = lengths.get(lengths.len() / 2).filter(|(_, lines)| *lines >= MEDIAN) {
        found.push(Violation::in_file(path, format!("the median source has {lines} lines, not under {MEDIAN}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{files, places};
    use super::*;

    fn check(lengths: &[(&str, usize)]) -> Vec<Violation> {
        let sources: Vec<(&str, String)> = lengths.iter().map(|(path, lines)| (*path, "\n".repeat(*lines))).collect();
        let sources: Vec<(&str, &str)> = sources.iter().map(|(path, text)| (*path, text.as_str())).collect();
        violations(&files(&sources))
    }

    #[test]
    fn the_limit_itself_passes_and_other_files_do_not_count() {
        assert_eq!(check(&[("a.rs", 400), ("b.rs", 10), ("c.rs", 199), ("labels.txt", 1000)]), []);
        assert_eq!(check(&[]), []);
    }

    #[test]
    fn a_longer_source_fails_at_its_first_line_too_many() {
        assert_eq!(places(&check(&[("a.rs", 401), ("b.rs", 10), ("c.rs", 10)])), ["a.rs:401"]);
    }

    #[test]
    fn a_median_of_the_limit_fails() {
        assert_eq!(places(&check(&[("a.rs", 200), ("b.rs", 10), ("c.rs", 300)])), ["a.rs"]);
    }
}

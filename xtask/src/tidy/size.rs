//! A clone stays small: what the repository holds in all has a limit.

use super::{Violation, Workspace};
use crate::repository::File;

/// Bytes of all files together.
const MOST: usize = 40_000_000;

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let total: usize = workspace.files.iter().map(|file| file.content.len()).sum();
    if total <= MOST {
        return Vec::new();
    }
    let mut largest: Vec<&File> = workspace.files.iter().collect();
    largest.sort_by_key(|file| std::cmp::Reverse(file.content.len()));
    let told = largest.iter().take(3).map(|file| {
        let what = format!("{} of {total} bytes in all, more than {MOST}", file.content.len());
        Violation::in_file(&file.path, what)
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn check(sizes: &[(&str, usize)]) -> Vec<Violation> {
        let file = |(path, size): &(&str, usize)| File { path: (*path).to_owned(), content: vec![0; *size] };
        violations(&Workspace { files: sizes.iter().map(file).collect(), ..Workspace::default() })
    }

    #[test]
    fn one_byte_more_than_the_limit_fails_and_names_the_largest() {
        assert_eq!(check(&[("a", MOST - 7), ("b", 7)]), []);
        let found = check(&[("a", 1), ("b", 5), ("c", MOST - 9), ("d", 4)]);
        assert_eq!(places(&found), ["c", "b", "d"]);
    }
}

//! What no text of the repository says: paths of somebody's machine, and marks of unfinished work.

use super::{Violation, Workspace};
use crate::repository::File;

/// Folders at the root of a machine where people and jobs work.
const MACHINE: [&str; 7] = ["/home/", "/root/", "/Users/", "/tmp/", "/opt/", "/work/", "/workspace/"];
/// Marks that somebody meant to come back.
const UNFINISHED: [&str; 7] = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "<<<<<<< ", ">>>>>>> "];
/// The one file that must spell them out: this one.
const THIS: &str = file!();

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    workspace.files.iter().filter(|file| file.path != THIS).flat_map(in_file).collect()
}

fn in_file(file: &File) -> Vec<Violation> {
    let lines = file.text().unwrap_or_default().lines().enumerate();
    let found = lines.flat_map(|(index, line)| in_line(line).map(move |what| (index, what)));
    found.map(|(index, what)| Violation::in_line(&file.path, index, what)).collect()
}

fn in_line(line: &str) -> impl Iterator<Item = String> {
    let paths = MACHINE.into_iter().filter(|folder| begins_a_path(line, folder));
    let paths = paths.map(|folder| format!("a path of somebody's machine: `{folder}`"));
    let marks = UNFINISHED.into_iter().filter(|mark| stands_alone(line, mark));
    paths.chain(marks.map(|mark| format!("unfinished: `{}`", mark.trim())))
}

/// Whether the folder is at a root, not inside of a longer path or address.
fn begins_a_path(line: &str, folder: &str) -> bool {
    let is_inside = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "_-.}~".contains(c));
    line.match_indices(folder).any(|(at, _)| !is_inside(&line[..at]))
}

/// Whether the mark is a word of its own.
fn stands_alone(line: &str, mark: &str) -> bool {
    let is_in_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(mark).any(|(at, _)| {
        !line[..at].ends_with(is_in_word)
            && (!mark.ends_with(is_in_word) || !line[at + mark.len()..].starts_with(is_in_word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{files, places};
    use super::*;

    fn check(text: &str) -> Vec<Violation> {
        violations(&files(&[("docs/a.md", text)]))
    }

    #[test]
    fn machine_paths_fail() {
        for text in ["see /home/me/x", "`/tmp/a`", "\"/root/.cargo\"", "(/Users/me/a)", "file:///work/a", "DIR=/opt/a"]
        {
            assert_eq!(places(&check(&format!("fine\n{text}\n"))), ["docs/a.md:2"], "{text}");
        }
    }

    #[test]
    fn the_same_letters_elsewhere_pass() {
        for text in ["https://example.org/home/a", "fixtures/tmp/a", "$HOME/opt/a", "../work/a", "${TARGET}/tmp/a"] {
            assert_eq!(check(text), [], "{text}");
        }
    }

    #[test]
    fn unfinished_work_fails() {
        for text in ["// TODO: later", "FIXME", "todo!()", "unimplemented!(\"x\")", "<<<<<<< HEAD", "(XXX)"] {
            assert_eq!(places(&check(text)), ["docs/a.md:1"], "{text}");
        }
        for text in ["TODOS", "XXXL", "mastodon", "<<<<<<<<"] {
            assert_eq!(check(text), [], "{text}");
        }
    }

    #[test]
    fn binary_files_are_not_read() {
        let content = b"\0 TODO".to_vec();
        let file = File { path: "a.npy".to_owned(), content };
        assert_eq!(violations(&Workspace { files: vec![file], ..Workspace::default() }), []);
    }

    #[test]
    fn this_file_is_the_one_that_is_left_out() {
        assert!(crate::repository::root().join(THIS).is_file());
    }
}

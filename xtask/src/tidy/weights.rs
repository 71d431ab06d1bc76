//! Every file of weights is the one that weights/README.md describes.

use super::{Violation, Workspace};
use crate::hash::sha256;

const FOLDER: &str = "weights/";
const README: &str = "weights/README.md";

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let Some(readme) = workspace.text(README) else { return vec![Violation::in_file(README, "is missing")] };
    let weights = workspace.files.iter().filter(|file| file.path.starts_with(FOLDER) && file.path != README);
    let unknown = weights.filter_map(|file| {
        let hash = sha256(&file.content);
        let is_described = readme.lines().any(|line| line.contains(&file.path[FOLDER.len()..]) && line.contains(&hash));
        (!is_described)
            .then(|| Violation::in_file(&file.path, format!("no line of {README} has its name and sha256 {hash}")))
    });
    unknown.collect()
}

#[cfg(test)]
mod tests {
    use super::super::{files, places};
    use super::*;

    const HASH_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn described_weights_pass() {
        let readme = format!("| `a.safetensors` | {HASH_OF_ABC} |\n");
        assert_eq!(violations(&files(&[(README, &readme), ("weights/a.safetensors", "abc"), ("b", "")])), []);
    }

    #[test]
    fn altered_and_undescribed_weights_fail() {
        let readme = format!("| `a.safetensors` | {HASH_OF_ABC} |\n");
        let altered = files(&[(README, &readme), ("weights/a.safetensors", "abcd")]);
        assert_eq!(places(&violations(&altered)), ["weights/a.safetensors"]);
        let undescribed = files(&[(README, &readme), ("weights/b.safetensors", "abc")]);
        assert_eq!(places(&violations(&undescribed)), ["weights/b.safetensors"]);
        assert_eq!(places(&violations(&files(&[("weights/a.safetensors", "abc")]))), [README]);
    }
}

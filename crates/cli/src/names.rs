//! Names of output files: no two inputs of a run write to one name.

use std::collections::HashSet;
use std::path::Path;

use gradex::{Fit, Model, NodeId};

use crate::args::Explain;
use crate::receipt::of_bytes;

/// The model that names need not tell.
const USUAL_MODEL: &str = "efficientnet-lite0";

/// Gives each input a name of its own.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// The input's file name without its ending, its place in a batch, and a number where that is taken: `cat`,
    /// `batch-0`, `cat-2`.
    pub fn of(&mut self, path: &Path, index: Option<usize>) -> String {
        let stem = path.file_stem().map_or_else(|| "input".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let name = index.map_or(stem.clone(), |index| format!("{stem}-{index}"));
        let (mut unique, mut number) = (name.clone(), 1);
        // Case is folded, since some file systems do.
        while !self.0.insert(unique.to_lowercase()) {
            number += 1;
            unique = format!("{name}-{number}");
        }
        unique
    }
}

/// What is not as usual, to stand in the names of files: `-resnet50-crop-193x161-layer3.5.relu_2`.
pub fn variant(args: &Explain, model: &Model, point: Option<NodeId>) -> String {
    let architecture = &model.architecture;
    let name = (architecture.name != USUAL_MODEL).then(|| architecture.name.to_owned());
    let fit = (args.input.pictures.resize != Fit::Squash).then(|| args.input.pictures.resize.to_string());
    let size = args.input.pictures.size.filter(|size| *size != architecture.preprocessing.size);
    let size = size.map(|[height, width]| format!("{height}x{width}"));
    let point = point.map(|point| model.network.graph().node(point).name.replace(['/', '\\'], "_"));
    [name, fit, size, point].into_iter().flatten().map(|word| format!("-{word}")).collect()
}

/// The method as names of files have it. There are as many methods `lrp` as there are rules: eight digits of the rules'
/// sha256 tell them apart.
pub fn told_apart(method: &str, parameters: &[(&'static str, String)]) -> String {
    let rules = parameters.iter().find(|(name, _)| method == "lrp" && *name == "rules");
    rules.map_or_else(|| method.to_owned(), |(_, rules)| format!("{method}-{:.8}", of_bytes(rules.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_inputs_share_a_name() {
        let mut names = Names::default();
        let mut name = |path: &str, index| names.of(Path::new(path), index);
        assert_eq!(name("a/cat.png", None), "cat");
        assert_eq!(name("b/cat.png", None), "cat-2");
        assert_eq!(name("b/Cat.jpg", None), "Cat-3");
        assert_eq!(name("batch.npy", Some(0)), "batch-0");
        assert_eq!(name("batch.npy", Some(1)), "batch-1");
        assert_eq!(name("a/batch-1.png", None), "batch-1-2");
        assert_eq!(name("..", None), "input");
    }
}

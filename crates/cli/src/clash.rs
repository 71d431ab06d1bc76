//! Outputs that would replace what a run reads, or another of its outputs: refused before anything runs.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::args::ModelArgs;
use crate::asked::baseline_file;
use crate::failure::{Failure, Outcome};
use crate::inputs;
use crate::settings::SettingArgs;

/// A file that exists, whatever it is called: by links it may have several names.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = PathBuf;

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::canonicalize(path).ok()
}

/// The file that standard output goes to, if it goes to one.
#[cfg(unix)]
fn standard_output() -> Option<Identity> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    let file = fs::File::from(std::io::stdout().as_fd().try_clone_to_owned().ok()?);
    let found = file.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn standard_output() -> Option<Identity> {
    None
}

/// What a run reads.
#[derive(Debug, Default)]
pub struct Read {
    inputs: Vec<PathBuf>,
    /// Weights, baseline and whatever else, each with the word for it.
    others: Vec<(&'static str, PathBuf)>,
    known: HashSet<Identity>,
}

impl Read {
    /// These inputs, weights and baseline; folders stand for the files in them.
    pub fn of(inputs: &[PathBuf], model: &ModelArgs, settings: &SettingArgs) -> Self {
        let found = inputs::expand(inputs).into_iter().filter(|(_, found)| found.is_ok());
        let mut read = Self { inputs: found.map(|(path, _)| path).collect(), ..Self::default() };
        read.known.extend(read.inputs.iter().filter_map(|path| identity(path)));
        let baseline = baseline_file(&settings.baseline).map(Path::to_path_buf);
        read.and("the baseline", baseline.as_ref());
        read.and("the weights", model.weights.as_ref());
        read
    }

    /// And this file, or the files of this folder.
    pub fn and(&mut self, what: &'static str, path: Option<&PathBuf>) {
        let Some(path) = path else { return };
        let inside = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in inside.chain([path.clone()]) {
            self.known.extend(identity(&path));
            self.others.push((what, path));
        }
    }

    /// What this path is, where the run reads it.
    fn find(&self, path: &Path) -> Option<String> {
        let found = identity(path)?;
        if !self.known.contains(&found) {
            return None;
        }
        let is_same = |other: &&PathBuf| identity(other).as_ref() == Some(&found);
        if let Some(input) = self.inputs.iter().find(is_same) {
            return Some(format!("the input {}", input.display()));
        }
        let other = self.others.iter().find(|(_, other)| is_same(&other));
        other.map(|(what, path)| format!("{what} {}", path.display()))
    }

    /// Refuses an output, called `what`, that is a folder, that the run reads or that standard output goes to.
    pub fn check(&self, what: &str, output: &Path) -> Outcome {
        if output.is_dir() {
            return Err(Failure::usage(format!("{what} {}: this is a folder, name a file", output.display())));
        }
        if identity(output).is_some_and(|output| standard_output() == Some(output)) {
            let output = output.display();
            return Err(Failure::usage(format!("{what} {output}: standard output goes there, name another file")));
        }
        match self.find(output) {
            Some(read) => {
                let output = output.display();
                Err(Failure::usage(format!("{what} {output}: it would replace {read}; name another file")))
            }
            None => Ok(()),
        }
    }

    /// Refuses to write a file that the run reads.
    pub fn check_written(&self, output: &Path) -> Result<()> {
        match self.find(output) {
            Some(read) => bail!("{} would replace {read}; give another --out", output.display()),
            None => Ok(()),
        }
    }

    /// Refuses inputs, weights and whatever else lie in `out` under a name that pictures or numbers about an input get; and so
    /// an output, called `what`.
    pub fn check_out(&self, out: &Path, output: Option<(&'static str, &Path)>) -> Outcome {
        let folder = fs::canonicalize(out).unwrap_or_else(|_| out.to_path_buf());
        let stems: HashSet<&OsStr> = self.inputs.iter().filter_map(|path| path.file_stem()).collect();
        let files = self.inputs.iter().map(|path| ("the input", path.as_path()));
        let files = files.chain(self.others.iter().map(|(what, path)| (*what, path.as_path())));
        for (what, path) in files.chain(output) {
            let inside =
                path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
            let lies_there =
                inside.and_then(|inside| fs::canonicalize(inside).ok()).is_some_and(|inside| inside == folder);
            if lies_there && path.file_name().is_some_and(|name| is_ours(name, &stems)) {
                let (path, out) = (path.display(), out.display());
                return Err(Failure::usage(format!(
                    "{what} {path} lies where this run may write a file of that name: give another --out than {out}"
                )));
            }
        }
        Ok(())
    }
}

/// Whether a file about an input of one of these stems may be called so: the stem, a class between hyphens, and whatever
/// else; or the stem and `-logits.npy`.
fn is_ours(name: &OsStr, stems: &HashSet<&OsStr>) -> bool {
    let name = name.to_string_lossy();
    let is_class = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    name.match_indices('-').any(|(at, _)| {
        let (stem, rest) = name.split_at(at);
        let words: Vec<&str> = rest.split('-').collect();
        let has_class = words.len() > 2 && words[1..words.len() - 1].iter().any(|word| is_class(word));
        stems.contains(OsStr::new(stem)) && (has_class || rest.ends_with("-logits.npy"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pictures_and_numbers_are_known() {
        let stems: HashSet<&OsStr> = ["cat", "my-cat"].into_iter().map(OsStr::new).collect();
        let is_ours = |name: &str| is_ours(OsStr::new(name), &stems);
        for ours in ["cat-285-grad-cam-none.png", "my-cat-crop-5-sheet.png", "cat-logits.npy", "cat-2-285-lrp-none.png"]
        {
            assert!(is_ours(ours), "{ours}");
        }
        for other in ["cat.png", "cat-2.png", "dog-285-grad-cam-none.png", "cat-logits.png", "cat-left-right.png"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}

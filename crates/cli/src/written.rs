//! Files of the output folder, each whole or absent.

use std::path::PathBuf;

use anyhow::Result;
use gradex::formats::write_npy;
use gradex::render::RgbImage;
use gradex::{Tensor, write_png};

use crate::args::Explain;

/// Writes to the folder that the command line names.
pub struct Writer<'a> {
    args: &'a Explain,
}

impl<'a> Writer<'a> {
    /// For this command line.
    pub fn new(args: &'a Explain) -> Self {
        Self { args }
    }

    /// Writes a picture, and gives its path.
    pub fn picture(&self, name: &str, picture: &RgbImage) -> Result<String> {
        let path = self.args.out.join(format!("{name}.png"));
        write_png(&path, picture)?;
        Ok(shown(path))
    }

    /// Saves an array where `--save-npy` asks for it, and gives its path.
    pub fn save(&self, name: &str, what: &str, array: impl FnOnce() -> Tensor) -> Result<Option<String>> {
        if !self.args.save_npy {
            return Ok(None);
        }
        let path = self.args.out.join(format!("{name}-{what}.npy"));
        write_npy(&path, &array())?;
        Ok(Some(shown(path)))
    }
}

fn shown(path: PathBuf) -> String {
    path.display().to_string()
}

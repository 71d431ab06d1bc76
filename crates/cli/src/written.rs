//! Files of the output folder, each whole or absent.

use std::path::PathBuf;

use anyhow::Result;
use gradex::formats::{destination, write_npy};
use gradex::render::RgbImage;
use gradex::{Tensor, write_png};

use crate::args::Explain;
use crate::clash::Read;
use crate::visible;

/// Writes to the folder that the command line names.
pub struct Writer<'a> {
    args: &'a Explain,
    read: Read,
}

impl<'a> Writer<'a> {
    /// For this command line, which reads these files.
    pub fn new(args: &'a Explain, read: Read) -> Self {
        Self { args, read }
    }

    /// Writes a picture, and gives its path.
    pub fn picture(&self, name: &str, picture: &RgbImage) -> Result<String> {
        let path = self.args.out.join(format!("{name}.png"));
        self.read.check_written(&path)?;
        write_png(destination(&path)?, picture)?;
        Ok(shown(path))
    }

    /// Saves an array where `--save-npy` asks for it, and gives its path.
    pub fn save(&self, name: &str, what: &str, array: impl FnOnce() -> Tensor) -> Result<Option<String>> {
        if !self.args.save_npy {
            return Ok(None);
        }
        let path = self.args.out.join(format!("{name}-{what}.npy"));
        self.read.check_written(&path)?;
        write_npy(&path, &array())?;
        Ok(Some(shown(path)))
    }
}

fn shown(path: PathBuf) -> String {
    visible::path(&path)
}

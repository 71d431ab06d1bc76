//! `--max-memory`: what a run will take, planned before it is begun.

mod machine;
mod needs;

use std::fmt::{self, Display};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Result, bail};
use gradex::Model;

use crate::args::PictureArgs;
use crate::failure::Outcome;
use crate::inputs::{self, Holds};
pub use needs::{Maps, Planned, classes, explanations, measures, reports};

/// The program itself, and what its libraries keep.
const PROGRAM: usize = 24 << 20;
/// Bytes of a pixel of a photograph: decoded, its grey copy, and the overlays being written.
const PIXEL: usize = 12;
/// Bytes of a number of a tensor beside those in its file: read, as the network's input, and as what it depicts.
const NUMBER: usize = 4 + 4 + 1;
const MEBIBYTE: usize = 1 << 20;

/// The most that may be taken, and who says so.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    bytes: usize,
    is_asked: bool,
}

impl Most {
    /// What the command line says; without it all that this machine has.
    pub fn asked(asked: Option<usize>) -> Self {
        Self { bytes: asked.or_else(machine::all).unwrap_or(usize::MAX), is_asked: asked.is_some() }
    }

    /// What the command line says; without it this, or all that the machine has.
    pub fn asked_or(asked: Option<usize>, usual: usize) -> Self {
        let all = Self::asked(asked);
        if all.is_asked { all } else { Self { bytes: all.bytes.min(usual), ..all } }
    }

    fn fits(self, needed: usize, what: &str, advice: &str) -> Result<()> {
        if needed > self.bytes {
            bail!("{self}: {what} {}; {advice}", shown(needed));
        }
        Ok(())
    }
}

impl Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = if self.bytes < MEBIBYTE { self.bytes.to_string() } else { shown(self.bytes) };
        if self.is_asked {
            write!(f, "--max-memory {bytes}")
        } else {
            write!(f, "{bytes} at most, without --max-memory")
        }
    }
}

/// What to do about a run that does not fit.
const ADVICE: &str = "give more, or a smaller --size, or ask for less (`gradex plan` shows what takes it)";

/// What a run may take, and what it is planned to.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    most: Most,
    /// At the size of photographs, without any.
    planned: usize,
    size: [usize; 2],
    /// Of the largest photograph, as far as it is known.
    photograph: usize,
    batch: usize,
}

impl Budget {
    /// Refuses weights that do not fit before they are read, with so many copies of their file beside them.
    pub fn check_weights(most: Most, weights: &Path, copies: usize) -> Result<()> {
        most.fits(
            reading(weights, copies)?,
            "reading the weights alone takes",
            "`gradex plan --model NAME` shows what running them takes",
        )
    }

    /// The plan of a run over these pictures, with the largest batch that fits up to this one. `needs` says what a batch takes
    /// without photographs, and what else comes of it.
    pub fn plan<T>(
        most: Most,
        pictures: &PictureArgs,
        model: &Model,
        mut batch: usize,
        needs: impl Fn(usize) -> Outcome<(usize, T)>,
    ) -> Outcome<(Self, T)> {
        let size = pictures.size.unwrap_or(model.architecture.preprocessing.size);
        let largest = if most.is_asked { inputs::largest(pictures) } else { 0 };
        let photograph = largest.saturating_mul(PIXEL);
        loop {
            let (planned, found) = needs(batch)?;
            let whole = planned.saturating_add(photograph);
            if whole <= most.bytes || batch == 1 {
                if planned > most.bytes {
                    most.fits(whole, "it takes", ADVICE)?;
                }
                return Ok((Self { most, planned, size, photograph, batch }, found));
            }
            batch /= 2;
        }
    }

    /// Refuses a file that does not fit beside all else. `needs` says what inputs of a size take without it.
    pub fn admit(&self, holds: Holds, needs: impl Fn([usize; 2]) -> Result<usize>) -> Result<()> {
        let (planned, held) = match holds {
            Holds::Photograph([height, width]) => (self.planned, height.saturating_mul(width).saturating_mul(PIXEL)),
            Holds::Tensor { size, numbers, bytes } => {
                let planned = if size == self.size { self.planned } else { needs(size)? };
                (planned, numbers.saturating_mul(NUMBER).saturating_add(bytes))
            }
        };
        let needed = planned.saturating_add(held);
        let all = self.planned.saturating_add(self.photograph);
        if needed < all {
            return self.most.fits(needed, "this input takes", &format!("{} is enough for all", shown(all)));
        }
        self.most.fits(needed, "this input takes", ADVICE)
    }

    /// Tells what was planned, and what was taken where the system says, if a most was asked for.
    pub fn tell(&self) {
        let Self { most, planned, photograph, batch, .. } = self;
        if most.is_asked {
            let taken = machine::peak().map_or_else(String::new, |taken| format!(", {} taken", shown(taken)));
            let planned = shown(planned.saturating_add(*photograph));
            complain!("memory: {planned} planned of {}, batches of {batch}{taken}", shown(most.bytes));
        }
    }
}

/// The bytes that reading weights takes at least, with the program and so many copies of their file: as much as the file has,
/// and of an archive (`.npz`) that once more.
pub fn reading(weights: &Path, copies: usize) -> Result<usize> {
    let length = |path: &Path| fs::metadata(path).map(|found| usize::try_from(found.len()).unwrap_or(usize::MAX));
    let mut tensors = 0_usize;
    if weights.is_dir() {
        for entry in fs::read_dir(weights)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "npy") {
                tensors = tensors.saturating_add(length(&path)?);
            }
        }
    } else {
        tensors = length(weights)?.saturating_mul(1 + copies.max(usize::from(is_archive(weights)?)));
    }
    Ok(PROGRAM.saturating_add(tensors))
}

/// Whether it begins as zip archives do. Pipes are not opened: that waits until somebody writes.
fn is_archive(path: &Path) -> Result<bool> {
    let mut start = [0; 2];
    Ok(path.is_file() && File::open(path)?.read_exact(&mut start).is_ok() && start == *b"PK")
}

/// Bytes in the units of `--max-memory`.
pub fn shown(bytes: usize) -> String {
    format!("{}M", bytes.div_ceil(MEBIBYTE))
}

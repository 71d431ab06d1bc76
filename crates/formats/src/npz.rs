//! NumPy's `.npz`: a zip archive of `.npy` entries, stored or deflated.

use crate::archive::Archive;
use crate::error::quoted;
use crate::{Error, Result, StateDict, npy};

impl StateDict {
    /// Reads an `.npz` archive; an entry's name without `.npy` is the tensor's name.
    ///
    /// # Errors
    /// Where the archive is damaged, holds anything but `.npy` arrays, inflates to more than
    /// [`MAX_INFLATION`](crate::MAX_INFLATION) allows, or is empty.
    pub fn from_npz(bytes: &[u8]) -> Result<Self> {
        let mut archive = Archive::open(bytes)?;
        let mut state = Self::default();
        for entry in archive.names()? {
            let Some(name) = entry.strip_suffix(".npy") else {
                let what = format!("the entry {}", quoted(&entry));
                return Err(Error::Unsupported { format: ".npz", what, advice: "only .npy arrays belong there" });
            };
            let content = archive.read(&entry)?;
            let (dtype, tensor) = npy::parse(&content).map_err(|error| error.within(quoted(&entry)))?;
            state.insert(name.to_owned(), tensor, dtype)?;
        }
        state.not_empty()
    }
}

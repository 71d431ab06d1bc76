//! What a run will write, tried before anything is computed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gradex::formats::{check_writable, destination, remove_partials};

/// The folder that a run writes to. What of it was made for the run is removed again where nothing came into it.
pub struct Folder {
    /// The innermost first.
    made: Vec<PathBuf>,
}

impl Folder {
    /// Makes it where it is not there.
    pub fn make(path: &Path) -> Result<Self> {
        if let Some(file) = path.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
            bail!("cannot make the folder {}: {} is a file", path.display(), file.display());
        }
        let absent = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let folder = Self { made: absent.map(Path::to_path_buf).collect() };
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(folder)
    }

    /// The same, for files of whatever names: it can be written to, and what a run that was killed left there is removed.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self::make(path)?;
        remove_partials(path, None);
        check_writable(&path.join("gradex"))
            .with_context(|| format!("cannot write to the folder {}", path.display()))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that is not empty stays.
        let _ = self.made.iter().try_for_each(fs::remove_dir);
    }
}

/// Refuses a file, called `what`, that cannot be written or is no regular file; what a run that was killed left of it is
/// removed.
pub fn check_file(what: &str, path: &Path) -> Result<()> {
    let path = &destination(path).with_context(|| what.to_owned())?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    if !folder.is_dir() {
        bail!("{what} {}: there is no folder {}: make it, or name another", path.display(), folder.display());
    }
    if fs::metadata(path).is_ok_and(|found| found.permissions().readonly()) {
        bail!("{what} {}: the file is read-only", path.display());
    }
    remove_partials(folder, path.file_name());
    check_writable(path).with_context(|| format!("{what} {} cannot be written", path.display()))
}

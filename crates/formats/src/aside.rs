//! Files are written aside in the same folder, then renamed, so that a final name never holds half a file. A link stays and
//! the file that it leads to is replaced, by one of the same permissions; what is no regular file is never replaced.
//!
//! Whoever writes holds a lock on the file. One that nobody holds was left by a writer that was killed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::state_dict::io_error;
use crate::{Error, Result};

const ENDING: &str = ".partial";

/// A file being written beside its final name; removed again unless it gets there.
pub(crate) struct Aside {
    file: File,
    path: PathBuf,
    destination: PathBuf,
    is_final: bool,
}

impl Aside {
    pub(crate) fn beside(path: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let destination = destination(path)?;
        let Some(name) = destination.file_name() else {
            return Err(Error::Unwritable { reason: format!("{} names no file", path.display()) });
        };
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let mut aside = OsString::from(".");
            aside.push(name);
            aside.push(format!(".{}-{number}{ENDING}", process::id()));
            let aside = destination.with_file_name(aside);
            match OpenOptions::new().write(true).create_new(true).open(&aside) {
                Ok(file) if is_taken(&file) || !aside.exists() => {}
                Ok(file) => {
                    let aside = Self { file, path: aside, destination, is_final: false };
                    return aside.permit().map_err(|source| io_error("write", path, source)).map(|()| aside);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(io_error("create", &aside, source)),
            }
        }
    }

    /// Whoever may read or write the file that is replaced may do so afterwards, and nobody else.
    fn permit(&self) -> io::Result<()> {
        let Ok(replaced) = fs::metadata(&self.destination) else { return Ok(()) };
        let permissions = replaced.permissions();
        if permissions == self.file.metadata()?.permissions() { Ok(()) } else { self.file.set_permissions(permissions) }
    }

    pub(crate) fn write(mut self, content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
        let mut out = BufWriter::new(&self.file);
        content(&mut out)?;
        out.flush()?;
        drop(out);
        self.file.sync_all()?;
        fs::rename(&self.path, &self.destination)?;
        self.is_final = true;
        sync_folder(&self.destination)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.is_final {
            // Already on the way out with the error that matters.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes the lock. Whether somebody else has it, who is about to remove the file; where there are no locks nobody does.
fn is_taken(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// The file that is written to where `path` is named: `path` itself, or what a link of this name leads to.
///
/// # Errors
/// Where a pipe, a device or the like is there, or a link leads nowhere. A folder is found when it is to be replaced.
pub fn destination(path: &Path) -> Result<PathBuf> {
    let refused = |why: &str| Err(Error::Unwritable { reason: format!("{} {why}", path.display()) });
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => refused("is no regular file"),
        Ok(_) if path.is_symlink() => fs::canonicalize(path).map_err(|source| io_error("follow", path, source)),
        Err(_) if path.is_symlink() => refused("is a link that leads nowhere"),
        Ok(_) | Err(_) => Ok(path.to_path_buf()),
    }
}

/// Finds out whether a file can be written, and leaves none.
///
/// # Errors
/// Where the system refuses to make a file beside it.
pub fn check_writable(path: &Path) -> Result<()> {
    Aside::beside(path).map(drop)
}

/// Removes what writers that were killed left in a folder: of the file of this name, or of all. What somebody still writes
/// stays, and so does everything where the file system has no locks.
pub fn remove_partials(folder: &Path, name: Option<&OsStr>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_partial(&entry.file_name(), name)) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let free = is_file.then(|| File::open(entry.path()).ok().filter(|file| file.try_lock().is_ok())).flatten();
        if free.is_some() {
            // It is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file is called as those aside: a dot, the final name, a process and a number.
fn is_partial(found: &OsStr, name: Option<&OsStr>) -> bool {
    let Some(stem) = found.as_encoded_bytes().strip_suffix(ENDING.as_bytes()) else { return false };
    let Some(dot) = stem.iter().rposition(|byte| *byte == b'.') else { return false };
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let mut numbers = stem[dot + 1..].split(|byte| *byte == b'-');
    let are_numbers = numbers.by_ref().take(2).filter(|part| is_number(part)).count() == 2 && numbers.next().is_none();
    match stem[..dot].strip_prefix(b".") {
        Some(of) if are_numbers && !of.is_empty() => name.is_none_or(|name| name.as_encoded_bytes() == of),
        Some(_) | None => false,
    }
}

/// Makes the rename itself durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_aside_are_told_by_their_names() {
        let is_partial = |found: &str, name: Option<&str>| is_partial(OsStr::new(found), name.map(OsStr::new));
        for name in [None, Some("cat.png")] {
            assert!(is_partial(".cat.png.12-0.partial", name));
        }
        assert!(!is_partial(".cat.png.12-0.partial", Some("dog.png")));
        for other in [
            "cat.png.12-0.partial",
            ".cat.png.partial",
            ".cat.png.12.partial",
            ".cat.png.1-2-3.partial",
            "..1-2.partial",
        ] {
            assert!(!is_partial(other, None), "{other}");
        }
    }
}

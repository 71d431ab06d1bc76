use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use image::codecs::png::PngEncoder;
use image::{ImageError, RgbImage};

use crate::error::{Error, Result};

/// Writes `image` to `path` as an 8-bit RGB PNG, replacing a file that is there.
///
/// It is written under another name in the same folder, locked, and renamed when it is complete, so `path` never holds a
/// part of it; on failure nothing new is left in the folder, and what was at `path` is still there.
///
/// # Errors
/// [`Error::File`] that names `path` and says what the operating system refused.
pub fn write_png(path: impl AsRef<Path>, image: &RgbImage) -> Result<()> {
    let path = path.as_ref();
    write(path, image).map_err(|cause| Error::Write(cause).in_file(path))
}

fn write(path: &Path, image: &RgbImage) -> std::result::Result<(), ImageError> {
    let (aside, file) = Aside::create(path)?;
    let mut writer = BufWriter::new(file);
    image.write_with_encoder(PngEncoder::new(&mut writer))?;
    writer.flush()?;
    drop(writer);
    Ok(aside.publish(path)?)
}

/// Gives a file the permissions of the one that it replaces.
fn permit(replaced: &Path, file: &File) -> io::Result<()> {
    let Ok(replaced) = fs::metadata(replaced) else { return Ok(()) };
    let permissions = replaced.permissions();
    if permissions == file.metadata()?.permissions() { Ok(()) } else { file.set_permissions(permissions) }
}

/// A file that is removed unless it is published.
struct Aside(PathBuf);

impl Aside {
    fn create(path: &Path) -> io::Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not the name of a file"));
        };
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut aside = OsString::from(".");
            aside.push(name);
            aside.push(format!(".{}-{count}.partial", process::id()));
            let aside = path.with_file_name(aside);
            match OpenOptions::new().write(true).create_new(true).open(&aside) {
                // Somebody takes it for one that was left, and removes it.
                Ok(file) if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) || !aside.exists() => {}
                Ok(file) => {
                    let aside = Self(aside);
                    permit(path, &file)?;
                    return Ok((aside, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn publish(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.0, path)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        let _ = fs::remove_file(&self.0);
    }
}

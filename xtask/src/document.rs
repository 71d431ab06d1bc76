//! Documents that hold the report of a command between marker lines.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// The lines that the report of a command stands between.
fn markers(command: &str) -> [String; 2] {
    [format!("<!-- {command}: written by `cargo xtask {command}` -->"), format!("<!-- end of {command} -->")]
}

/// Checks, before a report is made, that it can go to `path`.
///
/// # Errors
/// As [`write()`], as far as it can be known.
pub fn check_target(path: &Path, command: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    placed(path, command, "").map(drop)
}

/// Writes the report to `path`, and leaves what stood there until it is complete.
///
/// # Errors
/// Where the file cannot be written, or has only one of the marker lines.
pub fn write(path: &Path, command: &str, report: &str) -> Result<()> {
    let text = placed(path, command, report)?;
    let mut aside = path.file_name().context("that is no file name")?.to_owned();
    aside.push(".part");
    let aside = path.with_file_name(aside);
    let written = fs::File::create(&aside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // Nothing to add when it was never made.
        let _ = fs::remove_file(&aside);
    }
    Ok(written?)
}

/// What the file is to hold.
///
/// # Errors
/// Where the file cannot be read, or has only one of the marker lines.
pub fn placed(path: &Path, command: &str, report: &str) -> Result<String> {
    match fs::read_to_string(path) {
        Ok(old) => between_markers(&old, command, report),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(report.to_owned()),
        Err(error) => Err(error.into()),
    }
}

/// The old text with the report between its markers; the report alone where the old text has none.
fn between_markers(old: &str, command: &str, report: &str) -> Result<String> {
    let [begin, end] = markers(command);
    match (old.split_once(&begin), old.split_once(&end)) {
        (None, None) => Ok(report.to_owned()),
        (Some((before, _)), Some((head, after))) if head.contains(&begin) => {
            Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", report.trim()))
        }
        _ => bail!("it needs the line `{begin}` and after it the line `{end}`, or neither"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "bench";

    #[test]
    fn a_report_replaces_what_stood_between_the_markers() -> Result<()> {
        let [begin, end] = markers(COMMAND);
        let old = format!("# Head\n\n{begin}\nold\n{end}\n\nfoot\n");
        let new = between_markers(&old, COMMAND, "new\n")?;
        assert_eq!(new, format!("# Head\n\n{begin}\n\nnew\n\n{end}\n\nfoot\n"));
        assert_eq!(between_markers(&new, COMMAND, "new\n")?, new);
        assert_eq!(between_markers("an older report\n", COMMAND, "new\n")?, "new\n");
        for broken in [format!("{begin}\n"), format!("{end}\n"), format!("{end}\n{begin}\n")] {
            assert!(between_markers(&broken, COMMAND, "new").is_err(), "{broken}");
        }
        Ok(())
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("gradex-document-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let path = folder.join("report.md");
        check_target(&path, COMMAND)?;
        assert!(check_target(&folder.join("absent/report.md"), COMMAND).is_err());
        assert!(!path.exists(), "a check must not write");
        write(&path, COMMAND, "first\n")?;
        write(&path, COMMAND, "second\n")?;
        assert_eq!(fs::read_to_string(&path)?, "second\n");

        let [begin, _] = markers(COMMAND);
        fs::write(&path, &begin)?;
        assert!(write(&path, COMMAND, "third\n").is_err());
        assert!(check_target(&path, COMMAND).is_err());
        assert_eq!(fs::read_to_string(&path)?, begin);
        fs::create_dir(folder.join("report.md.part"))?;
        fs::write(&path, "fourth\n")?;
        assert!(write(&path, COMMAND, "fifth\n").is_err());
        assert_eq!(fs::read_to_string(&path)?, "fourth\n");
        assert_eq!(fs::read_dir(&folder)?.count(), 2);
        Ok(fs::remove_dir_all(&folder)?)
    }
}

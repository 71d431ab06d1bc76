//! results.jsonl: results are appended as they come, and a later run goes on from there.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::record::{Key, Record};

/// The records of one settings' hash, on disk and in memory.
pub struct Journal {
    file: File,
    path: PathBuf,
    settings: String,
    records: BTreeMap<(Key, String, String), Record>,
    /// Bytes before the next line.
    length: u64,
    /// Bytes of a half-written last line that were cut off.
    pub mended: usize,
    /// Results of other settings, which are not used.
    pub foreign: usize,
}

/// Its name in the folder.
pub const FILE: &str = "results.jsonl";
/// Nothing more can be written: there is no sense in measuring on.
#[derive(Debug)]
pub struct Unwritable(PathBuf, std::io::Error);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write to {}: {}", self.0.display(), self.1)
    }
}

impl std::error::Error for Unwritable {}

impl Journal {
    /// Opens the journal of this folder for these settings. A last line that somebody did not finish is cut off.
    pub fn open(folder: &Path, settings: &str) -> Result<Self> {
        let path = folder.join(FILE);
        let cannot = || format!("cannot open {}", path.display());
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(cannot),
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mended = text.len() - whole;
        let file = OpenOptions::new().create(true).append(true).open(&path).with_context(cannot)?;
        if mended > 0 {
            file.set_len(whole as u64).with_context(cannot)?;
        }
        let (settings, length) = (settings.to_owned(), whole as u64);
        let mut journal = Self { file, path, settings, records: BTreeMap::new(), length, mended, foreign: 0 };
        for (number, line) in
            text[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty())
        {
            match serde_json::from_slice(line) {
                Ok(record) => journal.keep(record),
                Err(error) => bail!(
                    "{}, line {}: no result of gradex evaluate ({error}): remove the line, or give another --out",
                    journal.path.display(),
                    number + 1
                ),
            }
        }
        Ok(journal)
    }

    /// The record of a map, if there is one.
    pub fn find(&self, key: &Key, method: &str, extrapolation: &str) -> Option<&Record> {
        self.records.get(&(key.clone(), method.to_owned(), extrapolation.to_owned()))
    }

    /// How many results there are.
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// Appends a record, or leaves the file as it was. It is kept as it will be read: a later run finds the same numbers.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        let mut line = serde_json::to_string(record)?;
        let read = serde_json::from_str(&line)?;
        line.push('\n');
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line would be cut off by the next run, unless another one follows it.
            let _ = self.file.set_len(self.length);
            return Err(Unwritable(self.path.clone(), error).into());
        }
        self.length += line.len() as u64;
        self.keep(read);
        Ok(())
    }

    fn keep(&mut self, record: Record) {
        if record.settings != self.settings {
            self.foreign += 1;
        } else {
            let place = (record.key.clone(), record.method.clone(), record.extrapolation.clone());
            self.records.insert(place, record);
        }
    }
}

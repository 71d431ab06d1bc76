//! Zip archives, read from memory with limits.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use crate::error::quoted;
use crate::{Error, Result};

/// How many times its own length an archive may inflate to, plus a small allowance. Weights
/// barely compress; tensors of zeros in a small file do.
pub const MAX_INFLATION: u64 = 32;

const INFLATION_ALLOWANCE: u64 = 1 << 20;
const FORMAT: &str = "zip archive";

/// A zip archive with no duplicate and no overlapping entries.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    zip: ZipArchive<Cursor<&'a [u8]>>,
    inflated: u128,
}

impl<'a> Archive<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| malformed(&error))?;
        if zip.has_duplicate_names() {
            return Err(Error::malformed(FORMAT, "two entries have the same name"));
        }
        // Entries that share bytes would multiply what the archive holds.
        if zip.has_overlapping_entries().map_err(|error| malformed(&error))? {
            return Err(Error::malformed(FORMAT, "entries overlap"));
        }
        Ok(Self { bytes, zip, inflated: 0 })
    }

    /// The names of all entries, folders among them.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let utf8 = |raw: &[u8]| String::from_utf8(raw.to_vec());
        let names = self.zip.file_names_raw().map(utf8).collect::<Result<_, _>>();
        names.map_err(|_| Error::malformed(FORMAT, "the name of an entry is not UTF-8"))
    }

    #[cfg(feature = "torch")]
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.zip.index_for_name_raw(name.as_bytes()).is_some()
    }

    /// The content of an entry, its checksum verified; not copied where it is stored uncompressed.
    pub(crate) fn read(&mut self, name: &str) -> Result<Cow<'a, [u8]>> {
        self.read_entry(name).map_err(|error| error.within(quoted(name)))
    }

    fn read_entry(&mut self, name: &str) -> Result<Cow<'a, [u8]>> {
        let Some(index) = self.zip.index_for_name_raw(name.as_bytes()) else {
            return Err(Error::malformed(FORMAT, "the entry is missing"));
        };
        let mut entry = self.zip.by_index(index).map_err(|error| malformed(&error))?;
        let declared = entry.size();
        let method = entry.compression();
        if method == CompressionMethod::Stored {
            let content = entry.data_start().and_then(|start| slice(self.bytes, start, declared));
            let found = io::copy(&mut entry, &mut io::sink()).map_err(|error| damaged(&error))?;
            return match content {
                Some(content) if found == declared => Ok(Cow::Borrowed(content)),
                Some(_) | None => Err(length(declared, found)),
            };
        }
        if method != CompressionMethod::Deflated {
            let what = format!("compression method {method}");
            return Err(Error::Unsupported { format: FORMAT, what, advice: "save it without compression" });
        }
        self.inflated += u128::from(declared);
        let limit = (self.bytes.len() as u64).saturating_mul(MAX_INFLATION).saturating_add(INFLATION_ALLOWANCE);
        if self.inflated > u128::from(limit) {
            return Err(Error::Inflation { declared: self.inflated, limit });
        }
        // One byte more than declared shows an entry that lies; the limit bounds the capacity.
        let mut content = Vec::with_capacity(usize::try_from(declared).unwrap_or(0).saturating_add(1));
        let read = entry.take(declared.saturating_add(1)).read_to_end(&mut content);
        read.map_err(|error| damaged(&error))?;
        if content.len() as u64 != declared {
            return Err(length(declared, content.len() as u64));
        }
        Ok(Cow::Owned(content))
    }
}

fn slice(bytes: &[u8], start: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    bytes.get(start..end)
}

fn length(declared: u64, found: u64) -> Error {
    Error::Length { what: "the entry".to_owned(), declared: declared.into(), found }
}

fn malformed(error: &zip::result::ZipError) -> Error {
    Error::malformed(FORMAT, error.to_string())
}

fn damaged(error: &io::Error) -> Error {
    Error::malformed(FORMAT, error.to_string())
}

//! An annotation file that cannot be understood.

use std::fmt;
use std::path::{Path, PathBuf};

/// Which file, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    file: PathBuf,
    what: String,
}

impl Malformed {
    /// `what` says what is wrong, and what to do.
    pub fn new(file: &Path, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), what: what.into() }
    }

    /// In this line, counted from 1.
    pub fn in_line(file: &Path, line: usize, what: impl fmt::Display) -> Self {
        Self::new(file, format!("line {line}: {what}"))
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.what)
    }
}

impl std::error::Error for Malformed {}

//! Golden cases: a folder with a manifest and `.npy` files.

use std::fs;
use std::path::{Path, PathBuf};

use gradex_engine::Tensor;
use ndarray::ArrayD;
use ndarray_npy::ReadableElement;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The folder `fixtures/`.
#[must_use]
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// A golden case.
#[derive(Debug)]
pub struct Case {
    folder: PathBuf,
    /// Its manifest.
    pub manifest: Value,
}

/// Every case below `fixtures/<below>`, sorted by path.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn cases(below: &str) -> Vec<Case> {
    let mut found = Vec::new();
    walk(&fixtures().join(below), &mut found);
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    assert!(!found.is_empty(), "no case below fixtures/{below}; see fixtures/README.md, \"Regenerate\"");
    found
}

fn walk(folder: &Path, found: &mut Vec<Case>) {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}; see fixtures/README.md, \"Regenerate\"", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            walk(&path, found);
        } else if path.file_name().is_some_and(|name| name == "manifest.json") {
            let manifest = serde_json::from_slice(&fs::read(&path).unwrap()).expect("the manifest is JSON");
            found.push(Case { folder: folder.to_owned(), manifest });
        }
    }
}

impl Case {
    /// The case's name: its folder below `fixtures/`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("case")
    }

    /// How to make the case again.
    #[must_use]
    pub fn regenerate(&self) -> String {
        format!("python {}", self.text("script"))
    }

    /// A text of the manifest.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.manifest[key].as_str().unwrap_or_else(|| panic!("{}: no text `{key}`", self.folder.display()))
    }

    /// A number of the manifest.
    #[must_use]
    pub fn number(&self, key: &str) -> usize {
        as_number(&self.manifest[key]).unwrap_or_else(|| panic!("{}: no number `{key}`", self.name()))
    }

    /// A list of numbers of the manifest.
    #[must_use]
    pub fn numbers(&self, key: &str) -> Vec<usize> {
        let values = self.manifest[key].as_array().unwrap_or_else(|| panic!("{}: no list `{key}`", self.name()));
        values.iter().map(|value| as_number(value).expect("a number")).collect()
    }

    /// A list of texts at a JSON pointer into the manifest.
    #[must_use]
    pub fn texts(&self, pointer: &str) -> Vec<&str> {
        let list = self.manifest.pointer(pointer).and_then(Value::as_array);
        let list = list.unwrap_or_else(|| panic!("{}: no list `{pointer}`", self.name()));
        list.iter().map(|text| text.as_str().expect("a text")).collect()
    }

    /// Whether the case has a file.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        self.manifest["files"].get(format!("{file}.npy")).is_some()
    }

    /// An array `<file>.npy`, after its hash was checked.
    ///
    /// # Panics
    /// Where the file is missing, altered or of another element type.
    #[must_use]
    pub fn array<T: ReadableElement>(&self, file: &str) -> ArrayD<T> {
        let name = format!("{file}.npy");
        let problem = |what: &str| format!("{}/{name}: {what}; regenerate by `{}`", self.name(), self.regenerate());
        let bytes = fs::read(self.folder.join(&name)).unwrap_or_else(|error| panic!("{}", problem(&error.to_string())));
        let expected = self.manifest["files"][&name].as_str().unwrap_or_else(|| panic!("{}", problem("no sha256")));
        assert_eq!(hex(&Sha256::digest(&bytes)), expected, "{}", problem("the file is not the manifest's"));
        let array = ndarray_npy::ReadNpyExt::read_npy(&bytes[..]);
        array.unwrap_or_else(|error| panic!("{}", problem(&error.to_string())))
    }

    /// A float32 array.
    #[must_use]
    pub fn tensor(&self, file: &str) -> Tensor {
        self.array(file)
    }

    /// The sha256 of a generated array, as the manifest gives it.
    #[must_use]
    pub fn generated_hash(&self, stream: &str) -> Option<&str> {
        self.manifest["generated"].get(stream)?.as_str()
    }

    /// The sha256 of a tensor's float32 bytes, little-endian, row-major.
    #[must_use]
    pub fn hash(tensor: &Tensor) -> String {
        let bytes: Vec<u8> = tensor.iter().flat_map(|value| value.to_le_bytes()).collect();
        hex(&Sha256::digest(bytes))
    }
}

fn as_number(value: &Value) -> Option<usize> {
    value.as_u64()?.try_into().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

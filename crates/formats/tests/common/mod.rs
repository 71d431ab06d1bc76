//! The golden checkpoints: what is in fixtures/checkpoints/ and what a reader must make of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code)]

pub mod pth;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use gradex_formats::Tensor;
use serde_json::Value;

pub const REGENERATE: &str = "regenerate with `python fixtures/scripts/checkpoints.py`";

/// One state dict in several files.
pub struct Case {
    pub folder: PathBuf,
    /// What to open: files, or one folder of arrays.
    pub paths: Vec<PathBuf>,
    pub expected: BTreeMap<String, Expected>,
    pub has_module_prefix: bool,
    pub manifest: Value,
}

pub struct Expected {
    pub tensor: Tensor,
    pub dtype: String,
}

/// Every case; there is at least one.
pub fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints");
    let entries = fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}; {REGENERATE}", root.display()));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let cases: Vec<Case> = folders.iter().filter(|folder| folder.is_dir()).map(|folder| read_case(folder)).collect();
    assert!(!cases.is_empty(), "no cases in {}; {REGENERATE}", root.display());
    cases
}

/// Every golden file of that name, with its case's name; there is at least one.
pub fn files_named(name: &str) -> Vec<(String, Vec<u8>)> {
    let paths = cases().into_iter().flat_map(|case| case.paths);
    let paths: Vec<_> = paths.filter(|path| path.file_name().unwrap() == name).collect();
    assert!(!paths.is_empty(), "no {name}; {REGENERATE}");
    paths.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

fn read_case(folder: &Path) -> Case {
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; {REGENERATE}", path.display()));
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let files: Vec<&String> = manifest["checkpoints"].as_object().unwrap().keys().collect();
    assert!(!files.is_empty(), "{}: no files; {REGENERATE}", path.display());
    let paths = if files.iter().all(|file| file.starts_with("arrays/")) {
        vec![folder.join("arrays")]
    } else {
        files.iter().map(|file| folder.join(file)).collect()
    };
    let tensors = manifest["tensors"].as_object().unwrap();
    let expected = tensors.iter().map(|(name, info)| (name.clone(), read_expected(folder, name, info))).collect();
    let has_module_prefix = manifest["module_prefix"] == true;
    Case { folder: folder.to_owned(), paths, expected, has_module_prefix, manifest }
}

fn read_expected(folder: &Path, name: &str, info: &Value) -> Expected {
    let path = folder.join(format!("expected_{name}.npy"));
    let values: Tensor = ndarray_npy::read_npy(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let sizes = info["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize);
    let shape: Vec<usize> = sizes.collect();
    let tensor = values.into_shape_with_order(shape).unwrap();
    Expected { tensor, dtype: info["dtype"].as_str().unwrap().to_owned() }
}

/// Panics unless shape and every bit agree; one NaN is as good as another.
pub fn assert_same(actual: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(actual.shape(), expected.shape(), "{what}: shape");
    let pairs = actual.iter().zip(expected).enumerate();
    let differing = |&(_, (a, e)): &(usize, (&f32, &f32))| a.to_bits() != e.to_bits() && !(a.is_nan() && e.is_nan());
    let mismatches: Vec<_> = pairs.filter(differing).take(5).collect();
    assert!(mismatches.is_empty(), "{what}: (position, (actual, expected)) {mismatches:?}");
}

/// A new empty folder, removed when dropped.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("gradex-formats-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Held by tests that count allocations, which are the whole process's: they take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

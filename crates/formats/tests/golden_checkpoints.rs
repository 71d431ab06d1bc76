//! Files that PyTorch, NumPy and safetensors wrote give the values that those libraries recorded, bit for bit.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use common::{REGENERATE, assert_same, cases};
use gradex_formats::{Error, StateDict};
use sha2::{Digest, Sha256};

#[test]
fn every_file_gives_the_recorded_names_shapes_types_and_values() {
    for case in cases() {
        for path in &case.paths {
            let what = path.display().to_string();
            let is_pth = path.extension().is_some_and(|extension| extension == "pth");
            let mut state = match StateDict::open(path) {
                Ok(state) if !is_pth => state,
                Err(Error::In { source, .. }) if is_pth => {
                    assert!(matches!(*source, Error::ImportNeeded), "{what}: {source}");
                    #[cfg(not(feature = "torch"))]
                    continue;
                    #[cfg(feature = "torch")]
                    StateDict::import(path).unwrap()
                }
                Ok(_) => panic!("{what} is read though nobody asked for a pickle"),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(state.strip_module_prefix(), case.has_module_prefix, "{what}: prefix");
            assert!(state.tensors.keys().eq(case.expected.keys()), "{what}: names {:?}", state.tensors.keys());
            for (name, expected) in &case.expected {
                assert_eq!(state.dtypes[name].name(), expected.dtype, "{what}: type of {name}");
                assert!(state.tensors[name].is_standard_layout(), "{what}: layout of {name}");
                assert_same(&state.tensors[name], &expected.tensor, &format!("{what}: {name}"));
            }
        }
    }
}

#[test]
fn safetensors_metadata_is_kept() {
    let mut found = 0;
    for path in cases().iter().flat_map(|case| &case.paths).filter(|path| path.ends_with("model.safetensors")) {
        let metadata = StateDict::open(path).unwrap().metadata;
        assert_eq!(metadata["format"], "pt");
        assert_eq!(metadata["note"], "written by safetensors");
        found += 1;
    }
    assert!(found > 0, "no safetensors files; {REGENERATE}");
}

#[test]
fn fixtures_are_the_files_that_the_script_wrote() {
    for case in cases() {
        for list in ["checkpoints", "files"] {
            for (file, recorded) in case.manifest[list].as_object().unwrap() {
                let path = case.folder.join(file);
                let content = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; {REGENERATE}", path.display()));
                let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(hash, *recorded, "{} was changed; {REGENERATE}", path.display());
            }
        }
    }
}

//! State dicts to import, and files of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use gradex::models::generated_parameters;
use gradex::{Architecture, Tensor};
use gradex_formats::{Dtype, StateDict, StorageDtype};
use ndarray::Array0;
use ndarray_npy::WriteNpyExt;
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Every parameter of an architecture, generated.
pub fn generated(architecture: &str) -> StateDict {
    let graph = Architecture::find(architecture).unwrap().graph().unwrap();
    let mut state = StateDict::default();
    for (name, tensor) in generated_parameters(&graph, 1) {
        state.insert(name, tensor, Dtype::F32).unwrap();
    }
    state
}

/// As a training script saves it: `module.` before each name, and a counter in each batch norm.
pub fn as_trained(state: &StateDict) -> BTreeMap<String, Tensor> {
    let prefixed = state.tensors.iter().map(|(name, tensor)| (format!("module.{name}"), tensor.clone()));
    let means = state.tensors.keys().filter_map(|name| name.strip_suffix("running_mean"));
    let counters = means.map(|norm| (format!("module.{norm}num_batches_tracked"), Array0::zeros(()).into_dyn()));
    prefixed.chain(counters).collect()
}

/// Writes a `.safetensors` file.
pub fn write_safetensors(state: &StateDict, path: PathBuf) -> PathBuf {
    state.write_safetensors(&path, StorageDtype::F32, &BTreeMap::new()).unwrap();
    path
}

/// Writes an `.npz` file.
pub fn write_npz(tensors: &BTreeMap<String, Tensor>, path: PathBuf) -> PathBuf {
    let mut archive = ZipWriter::new(File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, tensor) in tensors {
        archive.start_file(format!("{name}.npy"), stored).unwrap();
        tensor.write_npy(&mut archive).unwrap();
    }
    archive.finish().unwrap();
    path
}

/// Writes a folder of `.npy` files, and one of another kind that is no array.
pub fn write_folder(tensors: &BTreeMap<String, Tensor>, folder: &Path) {
    for (name, tensor) in tensors {
        tensor.write_npy(File::create(folder.join(format!("{name}.npy"))).unwrap()).unwrap();
    }
    File::create(folder.join("notes.txt")).unwrap().write_all(b"no array").unwrap();
}

/// The hash as `sha256sum` prints it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

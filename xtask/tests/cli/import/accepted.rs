//! What fits is converted, and comes back equal.

use std::collections::BTreeMap;
use std::fs;

use gradex_formats::{Dtype, StateDict};

use super::states::{as_trained, generated, sha256, write_folder, write_npz, write_safetensors};
use crate::program::{repository, xtask};
use crate::scratch::Scratch;

fn metadata(architecture: &str, source: &str, source_sha256: &str, dtype: &str) -> BTreeMap<String, String> {
    [
        ("architecture", architecture),
        ("source", source),
        ("source_sha256", source_sha256),
        ("dtype", dtype),
        ("gradex", env!("CARGO_PKG_VERSION")),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

#[test]
fn an_npz_with_prefix_and_counters_comes_back_equal() {
    let folder = Scratch::new();
    let state = generated("resnet18");
    let source = write_npz(&as_trained(&state), folder.path().join("trained.npz"));
    let out = folder.path().join("resnet18.safetensors");
    let run = xtask(&[&"import", &source, &"--arch", &"resnet18", &"--out", &out]);
    assert_eq!((run.code, run.error.as_str()), (Some(0), ""));

    let imported = StateDict::open(&out).unwrap();
    assert_eq!(imported.tensors, state.tensors);
    assert!(imported.dtypes.values().all(|dtype| *dtype == Dtype::F32));
    let source_sha256 = sha256(&fs::read(&source).unwrap());
    assert_eq!(imported.metadata, metadata("resnet18", "trained.npz", &source_sha256, "f32"));
    assert!(gradex::load("resnet18", &out).is_ok());

    let result = fs::read(&out).unwrap();
    let told = [
        "resnet18: 11699112 values in 102 tensors, as f32".to_owned(),
        "removed the prefix `module.`".to_owned(),
        "left out 20 counters".to_owned(),
        format!("sha256 {source_sha256}"),
        format!("{} bytes", result.len()),
        format!("sha256 {}", sha256(&result)),
    ];
    for told in told {
        assert!(run.out.contains(&told), "{told:?} is not in {}", run.out);
    }
}

#[test]
fn float16_rounds_to_the_nearest_and_gives_the_same_bytes_each_time() {
    let folder = Scratch::new();
    let state = generated("resnet18");
    let source = write_safetensors(&state, folder.path().join("source.safetensors"));
    let [first, second] = ["first.safetensors", "second.safetensors"].map(|name| folder.path().join(name));
    for out in [&first, &second] {
        let run = xtask(&[&"import", &source, &"--arch", &"resnet18", &"--dtype", &"f16", &"--out", out]);
        assert_eq!(run.code, Some(0), "{}", run.error);
    }
    let bytes = fs::read(&first).unwrap();
    assert!(bytes == fs::read(&second).unwrap());

    let imported = StateDict::from_safetensors(&bytes).unwrap();
    assert!(imported.dtypes.values().all(|dtype| *dtype == Dtype::F16));
    assert_eq!(imported.metadata["dtype"], "f16");
    assert!(imported.tensors.keys().eq(state.tensors.keys()));
    for (name, exact) in &state.tensors {
        let rounded = &imported.tensors[name];
        assert_eq!(rounded.shape(), exact.shape(), "{name}");
        // Half a unit in the last of 11 bits; below the normal numbers half of the smallest one.
        let is_nearest = |(exact, rounded): (&f32, &f32)| {
            (exact - rounded).abs() <= (exact.abs() * 2f32.powi(-11)).max(2f32.powi(-25))
        };
        assert!(exact.iter().zip(rounded).all(is_nearest), "{name}");
    }
}

#[test]
fn a_folder_is_known_by_the_hash_of_its_list() {
    let folder = Scratch::new();
    let state = generated("efficientnet-lite0");
    let source = folder.path().join("arrays");
    fs::create_dir(&source).unwrap();
    write_folder(&state.tensors, &source);
    let out = folder.path().join("lite0.safetensors");
    let run = xtask(&[&"import", &source, &"--arch", &"efficientnet-lite0", &"--out", &out]);
    assert_eq!(run.code, Some(0), "{}", run.error);

    let line =
        |name: &String| format!("{}  {name}.npy\n", sha256(&fs::read(source.join(format!("{name}.npy"))).unwrap()));
    let mut names: Vec<&String> = state.tensors.keys().collect();
    names.sort_by_key(|name| format!("{name}.npy"));
    let list: String = names.into_iter().map(line).collect();
    let imported = StateDict::open(&out).unwrap();
    assert_eq!(imported.tensors, state.tensors);
    assert_eq!(imported.metadata, metadata("efficientnet-lite0", "arrays", &sha256(list.as_bytes()), "f32"));
}

#[test]
fn the_default_model_is_what_an_import_writes() {
    let weights = repository("weights/efficientnet-lite0.safetensors");
    let folder = Scratch::new();
    let out = folder.path().join("again.safetensors");
    let run = xtask(&[&"import", &weights, &"--arch", &"efficientnet-lite0", &"--dtype", &"f16", &"--out", &out]);
    assert_eq!(run.code, Some(0), "{}", run.error);
    let [original, again] = [&weights, &out].map(|path| StateDict::open(path).unwrap());
    assert_eq!(again.tensors, original.tensors);
    assert_eq!(original.metadata["architecture"], "efficientnet-lite0");
    assert_eq!(original.metadata["dtype"], "f16");
}

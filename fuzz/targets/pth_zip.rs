//! PyTorch checkpoints of the zip format: bytes as they are, and as pickle and storage of a sound archive.
#![no_main]

use gradex_formats::StateDict;
use gradex_fuzz::{archive, check, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let wrapped;
    let file = if bytes.starts_with(b"PK") {
        bytes
    } else {
        let (pickle, storage) = split(bytes);
        wrapped = archive(&[("a/data.pkl", pickle), ("a/byteorder", b"little"), ("a/data/0", storage)]);
        &wrapped
    };
    if let Ok(state) = StateDict::from_pth(file) {
        check(&state, file.len());
    }
});

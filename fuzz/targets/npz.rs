//! `.npz` archives: bytes as they are, and as an entry of a sound archive.
#![no_main]

use gradex_formats::StateDict;
use gradex_fuzz::{archive, check, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let wrapped;
    let file = if bytes.starts_with(b"PK") {
        bytes
    } else {
        let (one, other) = split(bytes);
        wrapped = archive(&[("one.npy", one), ("other.npy", other)]);
        &wrapped
    };
    if let Ok(state) = StateDict::from_npz(file) {
        check(&state, file.len());
    }
});

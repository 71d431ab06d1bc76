//! `.safetensors`: bytes as they are, and with a sound length before the header.
#![no_main]

use gradex_formats::StateDict;
use gradex_fuzz::{check, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(state) = StateDict::from_safetensors(bytes) {
        check(&state, bytes.len());
    }
    let (header, data) = split(bytes);
    let file = [&(header.len() as u64).to_le_bytes()[..], header, data].concat();
    if let Ok(state) = StateDict::from_safetensors(&file) {
        check(&state, file.len());
    }
});

//! PyTorch checkpoints of the format before 1.6: a row of pickles, then the storages.
#![no_main]

use gradex_formats::StateDict;
use gradex_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK") {
        return;
    }
    if let Ok(state) = StateDict::from_pth(bytes) {
        check(&state, bytes.len());
    }
});

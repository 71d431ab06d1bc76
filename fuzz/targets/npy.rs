//! `.npy` arrays.
#![no_main]

use gradex_formats::parse_npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tensor) = parse_npy(bytes) {
        assert!(tensor.len() <= bytes.len());
        assert!(tensor.is_standard_layout());
    }
});

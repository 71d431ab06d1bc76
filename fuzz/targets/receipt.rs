//! Receipts. One that is read is written again as the same.
#![no_main]
#![allow(dead_code)]

#[path = "../../crates/cli/src/receipt/document.rs"]
mod document;
#[path = "../../crates/cli/src/receipt/hash.rs"]
mod hash;
#[path = "../../crates/cli/src/receipt/map.rs"]
mod map;
#[path = "../../crates/cli/src/settings.rs"]
mod settings;
#[path = "../../crates/cli/src/words.rs"]
mod words;

use document::Receipt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((receipt, _)) = Receipt::parse(bytes) {
        let json = receipt.to_json().expect("what was read can be written");
        let (again, is_whole) = Receipt::parse(json.as_bytes()).expect("what was written can be read");
        assert!(is_whole && again == receipt);
        for answer in receipt.inputs.iter().flat_map(|input| &input.explanations) {
            assert!(!answer.coarse.apart(&answer.fine).is_nan());
        }
    }
});

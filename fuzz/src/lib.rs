//! What several targets need.
#![forbid(unsafe_code)]

use std::io::{Cursor, Write};

use gradex_formats::{MAX_INFLATION, StateDict};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A stored archive of these entries, with sound checksums, so that the fuzzer gets to what lies inside.
///
/// # Panics
/// Never: writing to memory does not fail.
#[must_use]
pub fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in entries {
        archive.start_file(*name, options).expect("memory takes an entry");
        archive.write_all(content).expect("memory takes bytes");
    }
    archive.finish().expect("memory takes a directory").into_inner()
}

/// Splits at a length that the first two bytes give.
#[must_use]
pub fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else { return (bytes, &[]) };
    rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()))
}

/// What every state dict promises, whatever file it came from.
///
/// # Panics
/// Where it is broken.
pub fn check(state: &StateDict, length: usize) {
    assert!(!state.tensors.is_empty(), "a state dict of nothing");
    assert!(state.tensors.keys().eq(state.dtypes.keys()), "a tensor without its element type");
    let elements: usize = state.tensors.values().map(|tensor| tensor.len()).sum();
    assert!(elements as u64 <= MAX_INFLATION * length as u64, "{elements} elements of {length} bytes");
}

//! safetensors, npy and npz files that lie about what they hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Cursor, Write};

use common::{Scratch, turn};
use gradex_formats::{Error, MAX_INFLATION, StateDict};
use peak_alloc::PeakAlloc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A tensor's entry in the header.
fn entry(name: &str, dtype: &str, shape: &str, begin: &str, end: &str) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{begin},{end}]}}"#)
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn npz(entries: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, Error>, said: &str) {
    let message = outcome.expect_err(said).to_string();
    assert!(message.contains(said), "expected {said}: {message}");
    assert!(message.len() < 500, "a message of {} bytes", message.len());
}

#[test]
fn a_safetensors_header_that_lies_is_refused_with_the_reason() {
    let _turn = turn();
    let one = |dtype, shape, begin, end| format!("{{{}}}", entry("w", dtype, shape, begin, end));
    for (header, said) in [
        (one("F32", "2", "0", "4"), "the data of a tensor [2] of F32 should be 8 bytes and 4 are there"),
        (one("F32", "1", "0", "8"), "the data at offsets 0 to 8 is not in the file, which has 4"),
        (one("F32", "0", "4", "0"), "the data begins at offset 4, the one before ends at 0"),
        (one("F32", "", "0", "18446744073709551615"), "is not in the file"),
        (one("F32", "1", "-4", "0"), "header: invalid value"),
        (one("F32", "1099511627776,1099511627776", "0", "4"), "more elements than memory"),
        (one("F32", "0,18446744073709551615,2", "0", "0"), "more elements than memory"),
        (one("F32", "1.5", "0", "4"), "header: invalid type"),
        (one("F32", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "0", "4"), "17 dimensions"),
        (one("F8_E4M3", "4", "0", "4"), "elements of type `F8_E4M3`"),
        (one("F16", "1", "0", "2"), "the data of all tensors should be 2 bytes and 4 are there"),
        (
            format!("{{{},{}}}", entry("a", "U8", "2", "0", "2"), entry("b", "U8", "3", "1", "4")),
            "the one before ends at 2",
        ),
        (
            format!("{{{},{}}}", entry("a", "U8", "1", "0", "1"), entry("b", "U8", "2", "2", "4")),
            "the one before ends at 1",
        ),
        (format!("{{{0},{0}}}", entry("w", "U8", "4", "0", "4")), "two entries are named `w`"),
        (r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned(), "two entries are named `__metadata__`"),
        (r#"{"__metadata__":{"a":"1","a":"2"}}"#.to_owned(), "two texts have the key `a`"),
        (r#"{"__metadata__":{"a":1}}"#.to_owned(), "header: invalid type"),
        (r#"{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}}"#.to_owned(), "unknown field"),
        (r#"{"w":{"dtype":"U8","dtype":"F32","shape":[4],"data_offsets":[0,4]}}"#.to_owned(), "duplicate field"),
        (r#"{"w":{"dtype":"U8","shape":[4]}}"#.to_owned(), "missing field"),
        ("[]".to_owned(), "header: invalid type"),
        ("{".to_owned(), "header: EOF"),
        ("{} x".to_owned(), "header: trailing characters"),
    ] {
        assert_refused(StateDict::from_safetensors(&safetensors(&header, &[0; 4])), said);
    }
    assert_refused(StateDict::from_safetensors(&safetensors("{}", &[])), "no tensors");
    assert_refused(StateDict::from_safetensors(&[0; 7]), "only 7 bytes");
    assert_refused(StateDict::from_safetensors(&[0xff; 16]), "header should be 18446744073709551615 bytes and 8 are");
}

/// Eight tensors of 2^61 - 1 bytes each: every offset fits 64 bits, the length of the file does not.
#[test]
fn safetensors_offsets_that_overflow_the_length_of_the_file_are_refused() {
    let _turn = turn();
    let size = (1u64 << 61) - 1;
    let entries = (0..8).map(|index| {
        entry(
            &index.to_string(),
            "U8",
            &size.to_string(),
            &(index * size).to_string(),
            &((index + 1) * size).to_string(),
        )
    });
    let header = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
    assert_refused(StateDict::from_safetensors(&safetensors(&header, &[])), "is not in the file");
}

#[test]
fn json_nested_a_million_deep_and_names_of_a_megabyte_make_short_errors() {
    let _turn = turn();
    for deep in ["[".repeat(1 << 20), r#"{"a":"#.repeat(1 << 18), format!(r#"{{"w":{{"shape":{}"#, "[".repeat(1 << 20))]
    {
        assert_refused(StateDict::from_safetensors(&safetensors(&deep, &[])), "header: ");
    }
    let long = "x".repeat(1 << 20);
    for header in
        [entry(&long, "F32", "1", "0", "8"), entry("w", &long, "1", "0", "4"), format!(r#""w":{{"{long}":1}}"#)]
    {
        let outcome = StateDict::from_safetensors(&safetensors(&format!("{{{header}}}"), &[0; 4]));
        assert_refused(outcome, "xxx...");
    }
}

#[test]
fn a_value_beyond_f32_names_its_tensor() {
    let _turn = turn();
    let header = format!("{{{}}}", entry("huge", "F64", "1", "0", "8"));
    let file = safetensors(&header, &(-1e300f64).to_le_bytes());
    assert_refused(StateDict::from_safetensors(&file), "tensor `huge`: the value -1e300 does not fit F32");
    let npz = npz(&[("huge.npy", npy("<f8", "1,", &1e300f64.to_le_bytes()))], CompressionMethod::Stored);
    assert_refused(StateDict::from_npz(&npz), "`huge.npy`: the value 1e300 does not fit F32");
}

#[test]
fn an_npy_that_lies_is_refused_with_the_reason() {
    let _turn = turn();
    for (array, said) in [
        (npy("<f4", "2,", &[0; 4]), "should be 8 bytes and 4 are there"),
        (npy("<f4", "2,", &[0; 12]), "should be 8 bytes and 12 are there"),
        (npy("<f4", "1099511627776, 4", &[0; 4]), "should be 17592186044416 bytes and 4 are there"),
        (npy("<f4", "1099511627776, 1099511627776", &[0; 4]), "more elements than memory"),
        (npy("<f4", "0, 18446744073709551615, 2", &[]), "more elements than memory"),
        (npy("<f4", &"1,".repeat(17), &[0; 4]), "17 dimensions"),
        (npy("|O", "1,", b"cos\nsystem\n"), "elements of type `|O`"),
        (npy("<c8", "1,", &[0; 8]), "elements of type `<c8`"),
        (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), "unknown version 9.0"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), "the header is cut off after 13 bytes"),
        (b"\x93NUMPY\x03\x00\x02\x00\x00\x00\xff\xfe".to_vec(), "the header is not text"),
        (b"PK".to_vec(), "it does not begin as one"),
        (npy("<f4", &"(".repeat(60_000), &[]), "expected a size"),
    ] {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let scratch = Scratch::new();
        scratch.file("w.npy", &array);
        assert_refused(StateDict::from_npy_folder(&scratch.0), said);
        assert_refused(StateDict::from_npz(&npz(&[("w.npy", array)], CompressionMethod::Stored)), said);
        let peak = ALLOCATOR.peak_usage().saturating_sub(before);
        assert!(peak < 1 << 20, "{said}: {peak} bytes allocated");
    }
}

#[test]
fn an_archive_that_inflates_beyond_the_limit_is_refused_with_what_to_do() {
    let _turn = turn();
    let zeros = vec![0; 64 << 20];
    let bomb = npz(&[("w.npy", npy("<f4", "16777216,", &zeros))], CompressionMethod::Deflated);
    assert!(bomb.len() as u64 * MAX_INFLATION < zeros.len() as u64, "the bomb is too large: {}", bomb.len());
    drop(zeros);
    assert!(
        matches!(StateDict::from_npz(&bomb), Err(Error::In { source, .. }) if matches!(*source, Error::Inflation { .. }))
    );
    assert_refused(StateDict::from_npz(&bomb), "save it again without compression");

    // Many entries, each below the limit, together beyond it.
    let array = npy("<f4", "131072,", &vec![0; 512 << 10]);
    let names: Vec<String> = (0..40).map(|index| format!("{index}.npy")).collect();
    let entries: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), array.clone())).collect();
    assert_refused(StateDict::from_npz(&npz(&entries, CompressionMethod::Deflated)), "the archive inflates to");
    assert!(StateDict::from_npz(&npz(&entries[..2], CompressionMethod::Deflated)).is_ok());
}

#[test]
fn an_entry_that_inflates_to_more_or_less_than_declared_is_refused() {
    let _turn = turn();
    let sound = npz(&[("w.npy", npy("<f4", "2,", &[0; 8]))], CompressionMethod::Deflated);
    assert!(StateDict::from_npz(&sound).is_ok());
    let directory = sound.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    for change in [-1i32, 1, 1000, 1 << 19] {
        let mut lying = sound.clone();
        // Uncompressed sizes in the local header and in the central directory.
        for position in [22, directory + 24] {
            let field: &mut [u8; 4] = lying[position..].first_chunk_mut().unwrap();
            *field = u32::from_le_bytes(*field).wrapping_add_signed(change).to_le_bytes();
        }
        assert_refused(StateDict::from_npz(&lying), "`w.npy`: ");
    }
}

#[test]
fn two_arrays_of_one_name_and_entries_that_overlap_are_refused() {
    let _turn = turn();
    let array = npy("<f4", "1,", &[0; 4]);
    let two = npz(&[("a.npy", array.clone()), ("b.npy", array.clone())], CompressionMethod::Stored);
    assert!(StateDict::from_npz(&two).is_ok());
    let renamed: Vec<u8> = replace(&two, b"b.npy", b"a.npy");
    assert_refused(StateDict::from_npz(&renamed), "two entries have the same name");

    // The second entry of the directory points to the data of the first.
    let directory = two.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let mut overlapping = two;
    overlapping[directory + 42..directory + 46].copy_from_slice(&0u32.to_le_bytes());
    assert_refused(StateDict::from_npz(&overlapping), "entries overlap");
}

#[test]
fn an_npz_with_anything_but_arrays_is_refused_by_its_name() {
    let _turn = turn();
    let array = npy("<f4", "1,", &[0; 4]);
    let mixed = npz(&[("a.npy", array), ("run.py", b"import os".to_vec())], CompressionMethod::Stored);
    assert_refused(StateDict::from_npz(&mixed), "the entry `run.py`");
    assert_refused(StateDict::from_npz(&npz(&[], CompressionMethod::Stored)), "no tensors");
}

fn replace(content: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = content.to_vec();
    for position in 0..=content.len() - from.len() {
        if content[position..].starts_with(from) {
            replaced[position..position + to.len()].copy_from_slice(to);
        }
    }
    replaced
}

//! Damaged variants of every golden file, thousands a format: each gives a state dict or a typed error,
//! without a panic and without allocating more than the file justifies.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::io::{Cursor, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{files_named, turn};
use gradex_formats::{Error, Result, StateDict};
use peak_alloc::PeakAlloc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes that a reader may allocate whatever the length of the file: buffers of zip and inflate.
const BUFFERS: usize = 128 << 10;
/// The same where entries may be deflated, with the allowance that small archives have.
const INFLATED: usize = BUFFERS + (1 << 20);
/// Bytes that it may allocate for each byte of the file: tensors, names, and what a pickle makes.
const TIMES: usize = 32;

type Reader = fn(&[u8]) -> Result<StateDict>;

/// Reads every variant of every file; `variants` gives them as (what was done, content).
fn check(
    files: &[(String, Vec<u8>)],
    read: Reader,
    allowed: usize,
    variants: impl Fn(&mut Random, &[u8], &mut dyn FnMut(&str, &[u8])),
) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut tried, mut refused, mut highest) = (0, 0, 0);
    for (file, content) in files {
        read(content).unwrap_or_else(|error| panic!("{file} itself: {error}"));
        variants(&mut random, content, &mut |done, variant| {
            tried += 1;
            let (is_read, peak) = check_one(&format!("{file}: {done}"), variant, read, allowed);
            refused += usize::from(!is_read);
            highest = highest.max(peak);
        });
    }
    println!("{tried} variants of {} files, {refused} refused, at most {highest} bytes allocated", files.len());
    assert!(tried >= 200 * files.len(), "only {tried} variants");
    assert!(refused >= tried / 4, "only {refused} of {tried} variants were refused: is anything checked?");
}

/// Whether it was read, and the bytes allocated for it.
fn check_one(what: &str, content: &[u8], read: Reader, allowed: usize) -> (bool, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let outcome = catch_unwind(AssertUnwindSafe(|| read(content))).unwrap_or_else(|_| panic!("{what}: panicked"));
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(peak <= TIMES * content.len() + allowed, "{what}: {peak} bytes allocated for a file of {}", content.len());
    match outcome {
        Ok(state) => {
            assert!(!state.tensors.is_empty(), "{what}: no tensors, and no error");
            assert!(state.tensors.keys().eq(state.dtypes.keys()), "{what}: a tensor without type");
            (true, peak)
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty() && message.len() < 1000, "{what}: a message of {} bytes", message.len());
            (false, peak)
        }
    }
}

/// Every truncation, a flipped bit in every byte, and pieces overwritten, cut out, doubled and swapped.
fn damage(random: &mut Random, content: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    for length in 0..content.len() {
        each(&format!("the first {length} bytes"), &content[..length]);
    }
    let mut flipped = content.to_vec();
    for position in 0..content.len() {
        let bit = random.below(8);
        flipped[position] ^= 1 << bit;
        each(&format!("bit {bit} of byte {position} flipped"), &flipped);
        flipped[position] ^= 1 << bit;
    }
    // Numbers, lengths and offsets become huge, negative, zero or off by one.
    for width in [1, 2, 4, 8].into_iter().filter(|&width| width < content.len()) {
        for value in [0, 1, 0x7f, 0x80, 0xff, u64::from(u32::MAX), 1 << 62, i64::MAX as u64, 1 << 63, u64::MAX] {
            for _ in 0..12 {
                let position = random.below(content.len() - width);
                let mut changed = content.to_vec();
                changed[position..position + width].copy_from_slice(&value.to_le_bytes()[..width]);
                each(&format!("{width} bytes at {position} set to {value:#x}"), &changed);
            }
        }
    }
    for _ in 0..150 {
        let (start, end) = random.range(content.len());
        let target = random.below(content.len());
        let piece = &content[start..end];
        each(&format!("{start}..{end} cut out"), &[&content[..start], &content[end..]].concat());
        each(&format!("{start}..{end} doubled"), &[&content[..end], piece, &content[end..]].concat());
        let moved = [&content[..target], piece, &content[target..]].concat();
        each(&format!("{start}..{end} copied to {target}"), &moved);
    }
}

/// The same done to each entry of an archive, packed again with the right checksums and lengths.
fn damage_entries(random: &mut Random, content: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    let entries = unpack(content);
    for (index, (name, entry)) in entries.iter().enumerate() {
        // Damage to a storage's values is no damage to the format; small ones stand for all.
        let is_storage = name.contains("/data/");
        if entry.is_empty() || (is_storage && entry.len() > 64) {
            continue;
        }
        damage(random, entry, &mut |done, changed| {
            let mut changed_entries = entries.clone();
            changed_entries[index].1 = changed.to_vec();
            each(&format!("{name}: {done}"), &pack(&changed_entries, CompressionMethod::Stored));
        });
    }
    for index in 0..entries.len() {
        for other in 0..entries.len() {
            let mut swapped = entries.clone();
            swapped[index].1 = entries[other].1.clone();
            each(
                &format!("{} replaced by {}", entries[index].0, entries[other].0),
                &pack(&swapped, CompressionMethod::Deflated),
            );
        }
        let mut fewer = entries.clone();
        let (name, _) = fewer.remove(index);
        each(&format!("{name} removed"), &pack(&fewer, CompressionMethod::Stored));
    }
}

fn unpack(content: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(content)).unwrap();
    let count = archive.len();
    let read = |index| {
        let mut entry = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.name().unwrap().into_owned(), content)
    };
    (0..count).map(read).collect()
}

fn pack(entries: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn damaged_safetensors() {
    let _turn = turn();
    check(&files_named("model.safetensors"), StateDict::from_safetensors, BUFFERS, damage);
}

#[test]
fn damaged_npz_stored() {
    let _turn = turn();
    check(&files_named("stored.npz"), StateDict::from_npz, BUFFERS, damage);
}

#[test]
fn damaged_npz_compressed() {
    let _turn = turn();
    check(&files_named("compressed.npz"), StateDict::from_npz, INFLATED, damage);
}

#[test]
fn damaged_npy_inside_a_sound_npz() {
    let _turn = turn();
    check(&files_named("stored.npz"), StateDict::from_npz, BUFFERS, damage_entries);
}

#[test]
fn damaged_npy_in_a_folder() {
    let _turn = turn();
    let scratch = common::Scratch::new();
    for case in common::cases().iter().filter(|case| case.paths.iter().any(|path| path.is_dir())) {
        for name in case.expected.keys() {
            let content = std::fs::read(case.paths[0].join(format!("{name}.npy"))).unwrap();
            let mut tried = 0;
            for length in 0..content.len() {
                scratch.file("damaged.npy", &content[..length]);
                let error = StateDict::from_npy_folder(&scratch.0).unwrap_err();
                assert!(matches!(error, Error::In { .. }), "{name}, the first {length} bytes: {error}");
                assert!(error.to_string().contains("damaged.npy: "), "{name}, the first {length} bytes: {error}");
                tried += 1;
            }
            assert!(tried >= 100, "{name}: only {tried} truncations");
        }
    }
}

#[cfg(feature = "torch")]
#[test]
fn damaged_pth_legacy() {
    let _turn = turn();
    check(&files_named("legacy.pth"), StateDict::from_pth, BUFFERS, damage);
}

#[cfg(feature = "torch")]
#[test]
fn damaged_pth_zip() {
    let _turn = turn();
    check(&files_named("zip.pth"), StateDict::from_pth, BUFFERS, damage);
}

#[cfg(feature = "torch")]
#[test]
fn damaged_pickles_and_storages_inside_a_sound_pth_zip() {
    let _turn = turn();
    let mut files = files_named("zip.pth");
    files.retain(|(path, _)| ["network", "views", "wrapped-state-dict"].iter().any(|case| path.contains(case)));
    assert_eq!(files.len(), 3);
    check(&files, StateDict::from_pth, BUFFERS, damage_entries);
}

/// SplitMix64: the same damage in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn range(&mut self, end: usize) -> (usize, usize) {
        let (a, b) = (self.below(end), self.below(end));
        (a.min(b), a.max(b) + 1)
    }
}

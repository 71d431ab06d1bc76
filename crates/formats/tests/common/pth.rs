//! PyTorch checkpoints by hand, down to the opcode.
#![allow(dead_code)]

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub const ORDERED_DICT: &[u8] = b"ccollections\nOrderedDict\n)R";

pub fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub fn int(number: i64) -> Vec<u8> {
    [&b"\x8a\x08"[..], &number.to_le_bytes()].concat()
}

pub fn ints(numbers: &[i64]) -> Vec<u8> {
    tuple(&numbers.iter().map(|&number| int(number)).collect::<Vec<_>>())
}

pub fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", &items.concat()[..], b"t"].concat()
}

pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<u8> = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(", &items[..], b"u"].concat()
}

pub fn call(global: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    let (module, name) = global.rsplit_once('.').unwrap();
    [format!("c{module}\n{name}\n").as_bytes(), &tuple(arguments), b"R"].concat()
}

/// A storage; `view` is what only the legacy format has.
pub fn storage(class: &str, key: &str, numel: i64, view: Option<Vec<u8>>) -> Vec<u8> {
    let class = format!("ctorch\n{class}\n").into_bytes();
    let mut id = vec![text("storage"), class, text(key), text("cuda:0"), int(numel)];
    id.extend(view);
    [&tuple(&id)[..], b"Q"].concat()
}

pub fn tensor(storage: Vec<u8>, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let arguments = [storage, int(offset), ints(shape), ints(strides), b"\x89".to_vec(), ORDERED_DICT.to_vec()];
    call("torch._utils._rebuild_tensor_v2", &arguments)
}

/// A whole float32 storage as a tensor of one dimension.
pub fn vector(key: &str, numel: i64) -> Vec<u8> {
    tensor(storage("FloatStorage", key, numel, None), 0, &[numel], &[1])
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

pub fn legacy(object: &[u8], storages: &[(&str, i64, Vec<u8>)]) -> Vec<u8> {
    let facts = dict(&[("protocol_version", int(1001)), ("little_endian", b"\x88".to_vec())]);
    legacy_with_facts(&facts, object, storages)
}

pub fn legacy_with_facts(facts: &[u8], object: &[u8], storages: &[(&str, i64, Vec<u8>)]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    let keys: Vec<u8> = storages.iter().flat_map(|(key, _, _)| text(key)).collect();
    let keys = [b"](", &keys[..], b"e"].concat();
    let data = storages.iter().flat_map(|(_, count, bytes)| [&count.to_le_bytes()[..], bytes].concat()).collect();
    [magic, pickle(&int(1001)), pickle(facts), pickle(object), pickle(&keys), data].concat()
}

/// A zip checkpoint of the pickled `object` and files named relative to its folder.
pub fn zipped(object: &[u8], files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let pickle = ("data.pkl", pickle(object));
    for (name, content) in std::iter::once(&pickle).chain(files) {
        archive.start_file(format!("archive/{name}"), options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

//! NumPy's `.npy`: magic, version, header length, a Python dictionary literal, then the elements.
//!
//! Versions 1.0, 2.0 and 3.0; C and Fortran order; both byte orders; every [`Dtype`] but BF16, which
//! NumPy lacks. Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::dtype::Endian;
use crate::error::quoted;
use crate::state_dict::{StateDict, Tensor, io_error, open_file, read_file};
use crate::{Dtype, Error, Result, shape};

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
const FORMAT: &str = ".npy array";

impl StateDict {
    /// Reads every `.npy` file of a folder; the file name without `.npy` is the tensor's name. Other
    /// files and subfolders are ignored.
    ///
    /// # Errors
    /// Where there is no `.npy` file, or any of them cannot be read.
    pub fn from_npy_folder(folder: &Path) -> Result<Self> {
        let failed = |source| io_error("read", folder, source);
        let mut state = Self::default();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() || path.extension().is_none_or(|extension| extension != "npy") {
                continue;
            }
            measure(&path)?;
            let (dtype, tensor) =
                parse(&read_file(&path)?).map_err(|error| error.within(path.display().to_string()))?;
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
                return Err(Error::malformed(FORMAT, format!("the file name {} is not UTF-8", path.display())));
            };
            state.insert(name.to_owned(), tensor, dtype)?;
        }
        if state.tensors.is_empty() {
            let found = "the folder holds no .npy files".to_owned();
            return Err(Error::UnknownFormat { found }.within(folder.display().to_string()));
        }
        Ok(state)
    }
}

/// The array in `bytes` and the type of its elements there.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Dtype, Tensor)> {
    let (text, data) = split(bytes)?;
    let header = Header::parse(text)?;
    header.check_length(data.len() as u64)?;
    let values = header.dtype.decode(header.endian, data)?;
    Ok((header.dtype, shape::tensor(FORMAT, &header.shape, values, header.fortran_order)?))
}

/// More than any header of a plain array has.
const MOST_HEADER: u64 = 1 << 16;

/// The element type and the shape that the header of a file tells, which is as long as that makes it.
pub(crate) fn measure(path: &Path) -> Result<(Dtype, Vec<usize>)> {
    let (file, length) = open_file(path)?;
    let header = || {
        let start = start(file).map_err(|source| io_error("read", path, source))?;
        let (text, data) = split(&start)?;
        let before = (start.len() - data.len()) as u64;
        let header = Header::parse(text)?;
        header.check_length(length.saturating_sub(before))?;
        Ok((header.dtype, header.shape))
    };
    header().map_err(|error: Error| error.within(path.display().to_string()))
}

fn start(file: File) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(MOST_HEADER).read_to_end(&mut start)?;
    Ok(start)
}

/// The text of the header and the bytes after it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8])> {
    let truncated = || Error::malformed(FORMAT, format!("the header is cut off after {} bytes", bytes.len()));
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| Error::malformed(FORMAT, "it does not begin as one"))?;
    let (&[major, minor], rest) = rest.split_first_chunk().ok_or_else(truncated)?;
    let (length, rest) = match (major, minor) {
        (1, 0) => {
            let (&length, rest) = rest.split_first_chunk().ok_or_else(truncated)?;
            (u16::from_le_bytes(length).into(), rest)
        }
        (2 | 3, 0) => {
            let (&length, rest) = rest.split_first_chunk().ok_or_else(truncated)?;
            (u32::from_le_bytes(length), rest)
        }
        (major, minor) => return Err(Error::malformed(FORMAT, format!("unknown version {major}.{minor}"))),
    };
    let (text, data) = rest.split_at_checked(length as usize).ok_or_else(truncated)?;
    let text = std::str::from_utf8(text).map_err(|_| Error::malformed(FORMAT, "the header is not text"))?;
    Ok((text, data))
}

#[derive(Debug)]
struct Header {
    dtype: Dtype,
    endian: Endian,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Result<Self> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut literal = Literal { rest: text };
        literal.expect("{")?;
        while !literal.accept("}") {
            let key = literal.string()?;
            literal.expect(":")?;
            let is_new = match key {
                "descr" => descr.replace(literal.string()?).is_none(),
                "fortran_order" => fortran_order.replace(literal.boolean()?).is_none(),
                "shape" => shape.replace(literal.tuple()?).is_none(),
                key => return Err(header_error(format!("unknown key {}", quoted(key)))),
            };
            if !is_new {
                return Err(header_error(format!("the key `{key}` appears twice")));
            }
            if !literal.accept(",") {
                literal.expect("}")?;
                break;
            }
        }
        if !literal.rest.trim().is_empty() {
            return Err(header_error("text follows the dictionary"));
        }
        let missing = |key| move || header_error(format!("the key `{key}` is missing"));
        let (dtype, endian) = element_type(descr.ok_or_else(missing("descr"))?)?;
        let fortran_order = fortran_order.ok_or_else(missing("fortran_order"))?;
        Ok(Self { dtype, endian, fortran_order, shape: shape.ok_or_else(missing("shape"))? })
    }

    /// Whether so many bytes are the elements.
    fn check_length(&self, found: u64) -> Result<()> {
        let declared = shape::numel(FORMAT, &self.shape)? as u128 * self.dtype.size() as u128;
        if declared != u128::from(found) {
            let what = format!("the data of an array {:?} of {}", self.shape, self.dtype);
            return Err(Error::Length { what, declared, found });
        }
        Ok(())
    }
}

/// The element type of a description such as `<f4`: byte order, kind, bytes.
fn element_type(descr: &str) -> Result<(Dtype, Endian)> {
    let dtype = match descr.get(1..) {
        Some("f8") => Some(Dtype::F64),
        Some("f4") => Some(Dtype::F32),
        Some("f2") => Some(Dtype::F16),
        Some("i8") => Some(Dtype::I64),
        Some("i4") => Some(Dtype::I32),
        Some("i2") => Some(Dtype::I16),
        Some("i1") => Some(Dtype::I8),
        Some("u8") => Some(Dtype::U64),
        Some("u4") => Some(Dtype::U32),
        Some("u2") => Some(Dtype::U16),
        Some("u1") => Some(Dtype::U8),
        Some("b1") => Some(Dtype::Bool),
        Some(_) | None => None,
    };
    match (dtype, descr.as_bytes().first()) {
        (Some(dtype), Some(b'<')) => Ok((dtype, Endian::Little)),
        (Some(dtype), Some(b'>')) => Ok((dtype, Endian::Big)),
        (Some(dtype), Some(b'|')) if dtype.size() == 1 => Ok((dtype, Endian::Little)),
        (_, _) => Err(unsupported(format!("elements of type {}", quoted(descr)))),
    }
}

fn unsupported(what: String) -> Error {
    Error::Unsupported { format: FORMAT, what, advice: "save the array as float32" }
}

fn header_error(reason: impl Into<String>) -> Error {
    Error::malformed(FORMAT, format!("header: {}", reason.into()))
}

/// What is left to read of a Python literal.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn accept(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.accept(token) { Ok(()) } else { Err(self.unexpected(token)) }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let found: String = self.rest.chars().take(12).collect();
        header_error(format!("expected {expected}, found {}", quoted(&found)))
    }

    fn string(&mut self) -> Result<&'a str> {
        if self.accept("[") {
            return Err(unsupported("a structured array".to_owned()));
        }
        let quote = if self.accept("'") {
            '\''
        } else {
            self.expect("\"").map_err(|_| self.unexpected("a string"))?;
            '"'
        };
        let (string, rest) = self.rest.split_once(quote).ok_or_else(|| header_error("a string does not end"))?;
        self.rest = rest;
        Ok(string)
    }

    fn boolean(&mut self) -> Result<bool> {
        if self.accept("True") {
            return Ok(true);
        }
        self.expect("False").map_err(|_| self.unexpected("True or False"))?;
        Ok(false)
    }

    fn tuple(&mut self) -> Result<Vec<usize>> {
        let mut numbers = Vec::new();
        self.expect("(")?;
        while !self.accept(")") {
            numbers.push(self.number()?);
            if !self.accept(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(numbers)
    }

    fn number(&mut self) -> Result<usize> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let number = digits.parse().map_err(|_| self.unexpected("a size"))?;
        // Python 2 marks long integers.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_style_are_read() {
        for (text, shape) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n", vec![3, 4]),
            ("{'descr':'<f4','fortran_order':False,'shape':()}", vec![]),
            ("{\"shape\": (3L,), \"descr\": \"<f4\", \"fortran_order\": False}\n", vec![3]),
        ] {
            let header = Header::parse(text).unwrap();
            assert_eq!((header.dtype, header.endian, header.fortran_order), (Dtype::F32, Endian::Little, false));
            assert_eq!(header.shape, shape);
        }
    }

    #[test]
    fn a_bad_header_names_what_is_wrong_with_it() {
        for (text, said) in [
            ("", "expected {"),
            ("{'descr': '<f4', 'shape': (3,)}", "`fortran_order` is missing"),
            ("{'descr': '<f4', 'descr': '<f8'}", "`descr` appears twice"),
            ("{'descr': '<f4', 'colour': 1}", "unknown key `colour`"),
            ("{'shape': (3, -4)}", "expected a size, found `-4)}`"),
            ("{'shape': (99999999999999999999999,)}", "expected a size"),
            ("{'shape': ((((3,", "expected a size"),
            ("{'fortran_order': Maybe}", "expected True or False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} import os", "text follows"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "elements of type `|O`"),
            ("{'descr': '<V2', 'fortran_order': False, 'shape': (3,)}", "elements of type `<V2`"),
            ("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,)}", "structured array"),
            ("{'descr': '|f4', 'fortran_order': False, 'shape': (3,)}", "elements of type `|f4`"),
        ] {
            let message = Header::parse(text).unwrap_err().to_string();
            assert!(message.contains(said), "{text}: {message}");
        }
    }
}

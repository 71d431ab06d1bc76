//! Element types as stored, and the one place where their bytes become `f32`.

use std::fmt;

use half::{bf16, f16};

use crate::{Error, Result};

/// The type of a tensor's elements in the file it came from.
///
/// All are read as `f32`: the 16-bit floats exactly, F64 and integers rounded to the nearest (ties to
/// even), Bool as 0 or 1. A finite F64 beyond the range of `f32` is an error. Infinities and NaN are
/// kept. Integer tensors are read too, since batch norm's `num_batches_tracked` is one; beyond 2^24
/// they are rounded, which a counter survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dtype {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Dtype {
    pub(crate) const ALL: [Self; 13] = [
        Self::F64,
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::I64,
        Self::I32,
        Self::I16,
        Self::I8,
        Self::U64,
        Self::U32,
        Self::U16,
        Self::U8,
        Self::Bool,
    ];

    /// The name that safetensors uses, as in `BF16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U64 => "U64",
            Self::U32 => "U32",
            Self::U16 => "U16",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }

    /// Bytes an element takes.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether the elements are integers or booleans.
    pub fn is_integer(self) -> bool {
        match self {
            Self::F64 | Self::F32 | Self::F16 | Self::BF16 => false,
            Self::I64 | Self::I32 | Self::I16 | Self::I8 => true,
            Self::U64 | Self::U32 | Self::U16 | Self::U8 | Self::Bool => true,
        }
    }

    /// The elements in `bytes`, whose length is a multiple of [`Dtype::size`].
    pub(crate) fn decode(self, endian: Endian, bytes: &[u8]) -> Result<Vec<f32>> {
        let values = match self {
            Self::F64 => return decode_f64(endian, bytes),
            Self::F32 => convert(endian, bytes, f32::from_le_bytes),
            Self::F16 => convert(endian, bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::BF16 => convert(endian, bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::I64 => convert(endian, bytes, |b| i64::from_le_bytes(b) as f32),
            Self::I32 => convert(endian, bytes, |b| i32::from_le_bytes(b) as f32),
            Self::I16 => convert(endian, bytes, |b| i16::from_le_bytes(b).into()),
            Self::I8 => convert(endian, bytes, |b| i8::from_le_bytes(b).into()),
            Self::U64 => convert(endian, bytes, |b| u64::from_le_bytes(b) as f32),
            Self::U32 => convert(endian, bytes, |b| u32::from_le_bytes(b) as f32),
            Self::U16 => convert(endian, bytes, |b| u16::from_le_bytes(b).into()),
            Self::U8 => convert(endian, bytes, |[b]| b.into()),
            Self::Bool => convert(endian, bytes, |[b]| f32::from(b != 0)),
        };
        Ok(values)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn decode_f64(endian: Endian, bytes: &[u8]) -> Result<Vec<f32>> {
    let mut beyond = None;
    let values = convert(endian, bytes, |b| {
        let value = f64::from_le_bytes(b);
        let rounded = value as f32;
        if value.is_finite() && !rounded.is_finite() {
            beyond.get_or_insert(value);
        }
        rounded
    });
    match beyond {
        None => Ok(values),
        Some(value) => Err(Error::OutOfRange { value, dtype: Dtype::F32 }),
    }
}

fn convert<const N: usize>(endian: Endian, bytes: &[u8], mut element: impl FnMut([u8; N]) -> f32) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks::<N>();
    let convert_one = |&stored: &[u8; N]| {
        let mut little = stored;
        if endian == Endian::Big {
            little.reverse();
        }
        element(little)
    };
    elements.iter().map(convert_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_give_the_same_value() {
        for (dtype, big_endian, expected) in [
            (Dtype::F64, (-1.5f64).to_be_bytes().to_vec(), -1.5),
            (Dtype::F32, 0.1f32.to_be_bytes().to_vec(), 0.1),
            (Dtype::F16, vec![0xbe, 0x00], -1.5),
            (Dtype::BF16, vec![0xbf, 0xc0], -1.5),
            (Dtype::I64, (-3i64).to_be_bytes().to_vec(), -3.0),
            (Dtype::I32, (-70_000i32).to_be_bytes().to_vec(), -70_000.0),
            (Dtype::I16, (-300i16).to_be_bytes().to_vec(), -300.0),
            (Dtype::I8, vec![0x80], -128.0),
            (Dtype::U64, (1u64 << 40).to_be_bytes().to_vec(), 1_099_511_627_776.0),
            (Dtype::U32, u32::MAX.to_be_bytes().to_vec(), 4_294_967_296.0),
            (Dtype::U16, 65_535u16.to_be_bytes().to_vec(), 65_535.0),
            (Dtype::U8, vec![255], 255.0),
            (Dtype::Bool, vec![2], 1.0),
        ] {
            let little_endian: Vec<u8> = big_endian.iter().rev().copied().collect();
            assert_eq!(big_endian.len(), dtype.size(), "{dtype}");
            assert_eq!(dtype.decode(Endian::Big, &big_endian).unwrap(), [expected], "{dtype}");
            assert_eq!(dtype.decode(Endian::Little, &little_endian).unwrap(), [expected], "{dtype}");
        }
    }

    #[test]
    fn f64_rounds_to_nearest_keeps_infinities_and_refuses_what_f32_cannot_hold() {
        let decode = |value: f64| Dtype::F64.decode(Endian::Little, &value.to_le_bytes());
        assert_eq!(decode(0.1).unwrap(), [0.1f32]);
        assert_eq!(decode(f64::NEG_INFINITY).unwrap(), [f32::NEG_INFINITY]);
        assert!(decode(f64::NAN).unwrap()[0].is_nan());
        assert!(matches!(decode(1e39), Err(Error::OutOfRange { value: 1e39, dtype: Dtype::F32 })));
        assert!(decode(1e39).unwrap_err().to_string().contains("1e39 does not fit F32"));
    }
}

//! State dicts: named tensors read from the files that models are published in.
//!
//! | container | read | written |
//! |---|---|---|
//! | `.safetensors` | yes | F32, F16 |
//! | `.npz`, stored or deflated | with the feature `npz` | no |
//! | folder of `.npy` | yes | no |
//! | PyTorch `.pth`, zip and legacy | with the feature `torch`, by `StateDict::import` alone | no |
//! | one `.npy` | [`read_npy`] | [`write_npy`] |
//!
//! [`StateDict::open`] tells the first three apart by content. Every element type becomes `f32`; see [`Dtype`].
//! [`StateDict::open_stored`] leaves the halves of `.safetensors` as they are.
//!
//! Files are not trusted. Every count, shape, offset and length is checked against the bytes that are
//! there before anything is allocated for it, duplicate names are errors, nothing recurses on the
//! depth of the input, and unpickling is an interpreter of the few opcodes and globals that tensors
//! need: nothing is ever executed. The tensors take at most four bytes for each byte of the file (one-byte
//! elements become `f32`); a deflated archive counts as what it inflates to, at most [`MAX_INFLATION`]
//! times its length.
//!
//! safetensors and npy headers are parsed here rather than by their usual crates because those accept
//! duplicate names, allocate what a header declares, recurse, or overflow on hostile offsets; the
//! tests compare with those crates on every file they can read.
#![forbid(unsafe_code)]

#[cfg(feature = "npz")]
mod archive;
mod array;
mod aside;
mod detect;
mod dtype;
mod error;
mod npy;
#[cfg(feature = "npz")]
mod npz;
mod safetensors;
mod shape;
mod state_dict;
#[cfg(feature = "torch")]
mod torch;
mod write;

#[cfg(feature = "npz")]
pub use archive::MAX_INFLATION;
pub use array::{measure_npy, parse_npy, parse_npy_typed, read_npy, write_file, write_npy};
pub use aside::{check_writable, destination, remove_partials};
pub use dtype::Dtype;
pub use error::{Error, Result};
pub use state_dict::{StateDict, Stored, Tensor, read_file};
pub use write::StorageDtype;

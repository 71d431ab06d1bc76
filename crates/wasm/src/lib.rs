//! gradex for browsers: every function of the C interface ([`gradex_c`]), exported from a WebAssembly module without
//! threads, plus the little that JavaScript needs to call them.
//!
//! A pointer is an address in the module's memory. A panic is a trap: the module's state is then undefined, and the
//! page starts a new worker.
#![deny(unsafe_op_in_unsafe_fn)]

pub use gradex_c::*;

#[cfg(target_arch = "wasm32")]
mod memory;
#[cfg(target_arch = "wasm32")]
mod progress;

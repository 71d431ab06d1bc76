//! Receipts: what was explained, by what, and what came out, so that `gradex verify` can do it again.

mod document;
mod folder;
mod hash;
mod map;
mod taken;

pub use document::{Answer, FORM, Input, Logits, Receipt};
pub use folder::of_folder;
pub use hash::{Hash, of_bytes};
pub use map::Map;
pub use taken::{Taking, program, target};

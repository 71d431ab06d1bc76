//! PyTorch checkpoints: a pickle of tensors that refer to storages kept beside it.
//!
//! [`legacy`] and [`zip`] are the two containers. Both run the [`pickle`] interpreter, whose only callables
//! are in [`globals`] and whose results live in a [`value::Heap`]; [`assemble`] then picks the state
//! dict out of what was unpickled and cuts each tensor, a [`view::View`], out of its storage.

mod assemble;
mod globals;
mod legacy;
mod opcode;
mod pickle;
mod value;
mod view;
mod zip;

use crate::{Result, StateDict};

const FORMAT: &str = "PyTorch checkpoint";

impl StateDict {
    /// Reads what `torch.save` wrote: a state dict, or a dictionary that holds one as `state_dict`,
    /// `model` or `model_state_dict` beside plain values (epoch, optimizer state), which are ignored.
    ///
    /// Both formats are read, zip and the legacy one before PyTorch 1.6, as is the pickling of parameters
    /// of 2017. Views, strides, offsets and shared storages are honoured; a tensor on another device
    /// is read as any other. The pickle is interpreted, never executed.
    ///
    /// # Errors
    /// [`Error::ForbiddenGlobal`](crate::Error::ForbiddenGlobal) and
    /// [`Error::ForbiddenOpcode`](crate::Error::ForbiddenOpcode) where the pickle asks for more than tensors
    /// need; others where the file is damaged, is no state dict, was written on a big-endian machine, or
    /// where its tensors have more elements than the file has bytes.
    pub fn from_pth(bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(b"PK") { zip::read(bytes) } else { legacy::read(bytes) }
    }
}

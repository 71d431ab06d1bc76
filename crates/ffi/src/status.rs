//! How a call ended, and the message that tells why.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::border;

/// How a call ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradexStatus {
    /// As asked.
    Ok = 0,
    /// A pointer that must lead somewhere is null or not aligned, or a length is absurd.
    Pointer = 1,
    /// A text is not UTF-8.
    Text = 2,
    /// gradex refused: a name that does not exist, damaged bytes, weights of another network.
    Refused = 3,
    /// The buffer is too small. How much is needed was written all the same.
    Small = 4,
    /// The watcher stopped it.
    Stopped = 5,
    /// A defect of gradex, or not enough memory. The handles are as they were.
    Panic = 6,
}

/// Why a call fails.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: GradexStatus,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: GradexStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl From<gradex::Error> for Failure {
    fn from(error: gradex::Error) -> Self {
        let stopped = matches!(error, gradex::Error::Saliency(gradex::saliency::Error::Stopped { .. }));
        Self::new(if stopped { GradexStatus::Stopped } else { GradexStatus::Refused }, error.to_string())
    }
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

thread_local! {
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does the work of an exported function: no panic leaves, and the message of a failure is kept for [`gradex_error`].
pub(crate) fn guarded(work: impl FnOnce() -> Result<()>) -> GradexStatus {
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let told = payload.downcast_ref::<String>().cloned();
        let told = told.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        // A payload may panic again when it is dropped.
        std::mem::forget(payload);
        Err(Failure::new(GradexStatus::Panic, format!("a defect of gradex: {told}")))
    });
    match outcome {
        Ok(()) => GradexStatus::Ok,
        Err(Failure { status, message }) => {
            MESSAGE.set(message);
            status
        }
    }
}

/// Copies the message of this thread's last failure into `buffer`, cut to `capacity` bytes and ended by a zero byte.
/// Returns how many bytes the whole message takes, the zero byte included; `buffer` may be null where `capacity` is 0.
///
/// # Safety
/// `buffer` leads to `capacity` bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_error(buffer: *mut std::ffi::c_char, capacity: usize) -> usize {
    let message = MESSAGE.with_borrow(Clone::clone);
    let mut length = 0;
    // SAFETY: the caller's promise; `length` is a local. A message that was cut is no failure, and nothing here panics.
    let _ = unsafe { border::put_text(&message, buffer, capacity, &raw mut length) };
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_with_its_message() {
        assert_eq!(guarded(|| panic!("at {}", 7)), GradexStatus::Panic);
        assert_eq!(MESSAGE.with_borrow(Clone::clone), "a defect of gradex: at 7");
        assert_eq!(guarded(|| std::panic::panic_any(3)), GradexStatus::Panic);
        assert_eq!(MESSAGE.with_borrow(Clone::clone), "a defect of gradex: ");
    }

    #[test]
    fn a_success_keeps_the_last_message() {
        assert_eq!(guarded(|| Err(Failure::new(GradexStatus::Text, "no text"))), GradexStatus::Text);
        assert_eq!(guarded(|| Ok(())), GradexStatus::Ok);
        assert_eq!(MESSAGE.with_borrow(Clone::clone), "no text");
    }
}

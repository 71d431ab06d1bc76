//! Memory that JavaScript fills and reads.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::null_mut;

/// As C's `malloc` aligns: enough for every type of the interface.
const ALIGNMENT: usize = 16;

/// Memory of `length` bytes, or null where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn gradex_allocate(length: usize) -> *mut u8 {
    match Layout::from_size_align(length, ALIGNMENT) {
        // SAFETY: the size is not zero.
        Ok(layout) if length > 0 => unsafe { alloc(layout) },
        _ => null_mut(),
    }
}

/// Gives back what [`gradex_allocate`] gave for `length`; null is fine.
///
/// # Safety
/// `memory` is null, or came from [`gradex_allocate`] with this `length` and was not given back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_release(memory: *mut u8, length: usize) {
    if let (Ok(layout), false) = (Layout::from_size_align(length, ALIGNMENT), memory.is_null()) {
        // SAFETY: the caller's promise.
        unsafe { dealloc(memory, layout) };
    }
}

//! The caller's pointers, read and written: all that this crate cannot have checked by the compiler.

use std::ffi::{CStr, c_char};
use std::slice;

use crate::status::{Failure, GradexStatus, Result};

/// What a pointer leads to.
///
/// # Safety
/// `pointer` is null, or leads to a live `T` that nobody writes to while the result is in use.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T, what: &str) -> Result<&'a T> {
    check(pointer, what)?;
    // SAFETY: it is neither null nor unaligned, and the caller promises the rest.
    Ok(unsafe { &*pointer })
}

/// `length` elements.
///
/// # Safety
/// `pointer` is null, or leads to `length` elements that nobody writes to while the result is in use.
pub(crate) unsafe fn elements<'a, T>(pointer: *const T, length: usize, what: &str) -> Result<&'a [T]> {
    check(pointer, what)?;
    if length.checked_mul(size_of::<T>()).is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(Failure::new(GradexStatus::Pointer, format!("`{what}` cannot have {length} elements")));
    }
    // SAFETY: it is neither null nor unaligned nor longer than an object can be, and the caller promises the rest.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// A text that ends with a zero byte; `None` for null.
///
/// # Safety
/// `pointer` is null, or leads to a text that ends with a zero byte and that nobody writes to while it is in use.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not null, and the caller promises that it ends.
    let text = unsafe { CStr::from_ptr(pointer) };
    let text = text.to_str().map_err(|error| Failure::new(GradexStatus::Text, format!("`{what}`: {error}")))?;
    Ok(Some(text))
}

/// Writes one value.
///
/// # Safety
/// `pointer` is null, or leads to a `T`'s bytes that may be written.
pub(crate) unsafe fn put<T>(value: T, pointer: *mut T, what: &str) -> Result<()> {
    check(pointer, what)?;
    // SAFETY: it is neither null nor unaligned, and the caller promises the rest. What was there is not read.
    unsafe { pointer.write(value) };
    Ok(())
}

/// Writes a handle that the caller frees by [`free`].
///
/// # Safety
/// As [`put`].
pub(crate) unsafe fn put_handle<T>(value: T, pointer: *mut *mut T, what: &str) -> Result<()> {
    check(pointer, what)?;
    // SAFETY: the caller's promise is passed on.
    unsafe { put(Box::into_raw(Box::new(value)), pointer, what) }
}

/// Writes all values, or none where they are more than `capacity`.
///
/// # Safety
/// `pointer` leads to `capacity` elements that may be written, or is null.
pub(crate) unsafe fn put_all<T: Copy>(values: &[T], pointer: *mut T, capacity: usize, what: &str) -> Result<()> {
    if capacity < values.len() {
        let needed = values.len();
        return Err(Failure::new(GradexStatus::Small, format!("`{what}` has room for {capacity}, needed is {needed}")));
    }
    if values.is_empty() {
        return Ok(());
    }
    check(pointer, what)?;
    // SAFETY: both are aligned and hold `values.len()` elements; a buffer of the caller is none of ours.
    unsafe { pointer.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
    Ok(())
}

/// Writes a text and a zero byte, cut where `capacity` is too small, and to `length` what the whole of it takes.
///
/// # Safety
/// `pointer` leads to `capacity` bytes that may be written, or is null; `length` as in [`put`].
pub(crate) unsafe fn put_text(text: &str, pointer: *mut c_char, capacity: usize, length: *mut usize) -> Result<()> {
    let needed = text.len() + 1;
    // SAFETY: the caller's promise is passed on.
    unsafe { put(needed, length, "length") }?;
    if capacity > 0 {
        let most = text.len().min(capacity - 1);
        let kept = (0..=most).rev().find(|length| text.is_char_boundary(*length)).unwrap_or(0);
        let bytes: Vec<c_char> = text.bytes().take(kept).chain([0]).map(|byte| byte as c_char).collect();
        // SAFETY: there are at most `capacity` bytes, and the caller promises room for them.
        unsafe { put_all(&bytes, pointer, capacity, "buffer") }?;
    }
    if capacity >= needed {
        return Ok(());
    }
    Err(Failure::new(GradexStatus::Small, format!("the text takes {needed} bytes, there is room for {capacity}")))
}

/// Frees a handle; null is fine.
///
/// # Safety
/// `handle` is null, or came from [`put_handle`] and was not freed, and nobody uses it any more.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the caller promises that it is a box of ours which nobody else has.
        drop(unsafe { Box::from_raw(handle) });
    }
}

fn check<T>(pointer: *const T, what: &str) -> Result<()> {
    if !pointer.is_null() && pointer.is_aligned() {
        return Ok(());
    }
    let why = if pointer.is_null() { "null" } else { "not aligned" };
    Err(Failure::new(GradexStatus::Pointer, format!("`{what}` is {why}")))
}

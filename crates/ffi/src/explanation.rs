//! The answer for one class.

use std::ffi::c_char;
use std::sync::Arc;

use gradex::{ColourMap, Explanation, Style, View};

use crate::border::{free, put, put_all, put_handle, put_text, shared, text};
use crate::status::{Failure, GradexStatus, Result, guarded};

/// The answer for one class. Several threads may read it at once.
pub struct GradexExplanation {
    pub(crate) view: Arc<View>,
    pub(crate) found: Explanation,
}

/// The shape of a map, row-major: a map of evidence has one channel, a map of components several.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GradexShape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// Frees an explanation; null is fine.
///
/// # Safety
/// `explanation` is null or an explanation that was not freed, and no other thread is using it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_explanation_free(explanation: *mut GradexExplanation) {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { free(explanation) };
        Ok(())
    });
}

/// The same explanation without extrapolation: its fine map is the method's own, resized.
///
/// # Safety
/// `explanation` is a live explanation, `plain` leads to a pointer that may be written. Free what is put there by
/// [`gradex_explanation_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_explanation_plain(
    explanation: *const GradexExplanation,
    plain: *mut *mut GradexExplanation,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexExplanation { view, found } = unsafe { shared(explanation, "explanation") }?;
        let found = Explanation { fine: view.plain(found)?, ..found.clone() };
        // SAFETY: the caller's promise.
        unsafe { put_handle(GradexExplanation { view: Arc::clone(view), found }, plain, "plain") }
    })
}

/// The method's own map at its point: raw, signed, not normalised.
///
/// # Safety
/// `explanation` is a live explanation, `values` leads to `capacity` floats (or is null where `capacity` is 0), `shape`
/// to a shape that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_explanation_coarse(
    explanation: *const GradexExplanation,
    values: *mut f32,
    capacity: usize,
    shape: *mut GradexShape,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let explanation = unsafe { shared(explanation, "explanation") }?;
        let map = &explanation.found.coarse.values;
        // SAFETY: the caller's promise.
        unsafe { put_map(map.dim(), map.iter(), values, capacity, shape) }
    })
}

/// The map at the network's input size, in [0, 1]; all zero where there is a reason.
///
/// # Safety
/// As [`gradex_explanation_coarse`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_explanation_fine(
    explanation: *const GradexExplanation,
    values: *mut f32,
    capacity: usize,
    shape: *mut GradexShape,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let explanation = unsafe { shared(explanation, "explanation") }?;
        let map = &explanation.found.fine.values;
        // SAFETY: the caller's promise.
        unsafe { put_map(map.dim(), map.iter(), values, capacity, shape) }
    })
}

/// # Safety
/// As [`gradex_explanation_coarse`].
unsafe fn put_map<'m>(
    (channels, height, width): (usize, usize, usize),
    map: impl Iterator<Item = &'m f32>,
    values: *mut f32,
    capacity: usize,
    shape: *mut GradexShape,
) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { put(GradexShape { channels, height, width }, shape, "shape") }?;
    let map: Vec<f32> = map.copied().collect();
    // SAFETY: the caller's promise.
    unsafe { put_all(&map, values, capacity, "values") }
}

/// Why the fine map is blank, and what to try, ended by a zero byte; empty where it is not blank. `length` becomes the
/// bytes that it takes, the zero byte included.
///
/// # Safety
/// `explanation` is a live explanation, `buffer` leads to `capacity` bytes that may be written (or is null where
/// `capacity` is 0), `length` to a number that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_explanation_reason(
    explanation: *const GradexExplanation,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let explanation = unsafe { shared(explanation, "explanation") }?;
        let reason = explanation.found.fine.reason;
        let reason = reason.map(|reason| format!("{reason}: {}", reason.advice())).unwrap_or_default();
        // SAFETY: the caller's promise.
        unsafe { put_text(&reason, buffer, capacity, length) }
    })
}

/// The fine map drawn over the photograph, of its size (`gradex_view_size`): rows of pixels of four bytes, red, green,
/// blue and 255. `colour_map` is one of `GRADEX_LIST_COLOUR_MAPS`, or null; `opacity`, from 0 to 1, is the part that is
/// colour in the hottest places.
///
/// # Safety
/// `explanation` is a live explanation, `colour_map` is null or a text that ends with a zero byte, `rgba` leads to
/// `capacity` bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_explanation_overlay(
    explanation: *const GradexExplanation,
    colour_map: *const c_char,
    opacity: f32,
    rgba: *mut u8,
    capacity: usize,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexExplanation { view, found } = unsafe { shared(explanation, "explanation") }?;
        // SAFETY: the caller's promise.
        let colour_map = unsafe { text(colour_map, "colour_map") }?;
        let map = colour_map.map_or(Ok(ColourMap::default()), str::parse);
        let map = map.map_err(|error: gradex::render::Error| Failure::from(gradex::Error::from(error)))?;
        let picture = view.overlay(&found.fine, &Style { map, opacity, ..Style::default() })?;
        let pixels: Vec<u8> = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect();
        // SAFETY: the caller's promise.
        unsafe { put_all(&pixels, rgba, capacity, "rgba") }
    })
}

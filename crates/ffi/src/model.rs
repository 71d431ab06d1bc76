//! A network with its weights.

use std::ffi::c_char;
use std::sync::Arc;

use gradex::Model;

use crate::border::{elements, free, put, put_handle, put_text, shared, text};
#[cfg(not(feature = "embedded"))]
use crate::status::Failure;
use crate::status::{GradexStatus, Result, guarded};

/// A network with its weights. Several threads may use it at once.
pub struct GradexModel(pub(crate) Arc<Model>);

/// Rows and columns.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GradexSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// The model inside the library, EfficientNet-Lite0. A library built without it refuses.
///
/// # Safety
/// `model` leads to a pointer that may be written. Free what is put there by [`gradex_model_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_model_embedded(model: *mut *mut GradexModel) -> GradexStatus {
    guarded(|| {
        let embedded = GradexModel(Arc::new(embedded()?));
        // SAFETY: the caller's promise.
        unsafe { put_handle(embedded, model, "model") }
    })
}

#[cfg(feature = "embedded")]
fn embedded() -> Result<Model> {
    Ok(gradex::embedded()?)
}

#[cfg(not(feature = "embedded"))]
fn embedded() -> Result<Model> {
    let why = "this library was built without a model: bring weights, gradex_model_from_bytes";
    Err(Failure::new(GradexStatus::Refused, why))
}

/// A model with weights from the `length` bytes of a .safetensors or .npz file. The bytes are not needed afterwards.
/// `architecture` is one of `GRADEX_LIST_ARCHITECTURES`; with null it is the one that the file names, else
/// efficientnet-lite0.
///
/// # Safety
/// `architecture` is null or a text that ends with a zero byte, `weights` leads to `length` bytes, `model` to a pointer
/// that may be written. Free what is put there by [`gradex_model_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_model_from_bytes(
    architecture: *const c_char,
    weights: *const u8,
    length: usize,
    model: *mut *mut GradexModel,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let architecture = unsafe { text(architecture, "architecture") }?;
        // SAFETY: the caller's promise.
        let weights = unsafe { elements(weights, length, "weights") }?;
        let read = GradexModel(Arc::new(gradex::from_bytes(architecture, weights)?));
        // SAFETY: the caller's promise.
        unsafe { put_handle(read, model, "model") }
    })
}

/// Frees a model; null is fine. Views of it stay whole.
///
/// # Safety
/// `model` is null or a model that was not freed, and no other thread is using it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_model_free(model: *mut GradexModel) {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { free(model) };
        Ok(())
    });
}

/// The size that the network sees photographs at.
///
/// # Safety
/// `model` is a live model, `size` leads to a size that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_model_input(model: *const GradexModel, size: *mut GradexSize) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexModel(model) = unsafe { shared(model, "model") }?;
        let [height, width] = model.architecture.preprocessing.size;
        // SAFETY: the caller's promise.
        unsafe { put(GradexSize { height, width }, size, "size") }
    })
}

/// The architecture's name, ended by a zero byte; `length` becomes the bytes that it takes, the zero byte included.
///
/// # Safety
/// `model` is a live model, `buffer` leads to `capacity` bytes that may be written (or is null where `capacity` is 0),
/// `length` to a number that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_model_name(
    model: *const GradexModel,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexModel(model) = unsafe { shared(model, "model") }?;
        // SAFETY: the caller's promise.
        unsafe { put_text(model.architecture.name, buffer, capacity, length) }
    })
}

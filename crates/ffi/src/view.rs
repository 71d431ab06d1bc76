//! A photograph that a model has looked at.

use std::ffi::{c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use gradex::engine::values;
use gradex::methods::Settings;
use gradex::{Photograph, Progress, Question, View};

use crate::border::{elements, free, put, put_all, put_handle, shared, text};
use crate::explanation::GradexExplanation;
use crate::model::{GradexModel, GradexSize};
use crate::status::{Failure, GradexStatus, Result, guarded};

/// A photograph after one forward pass. Several threads may ask it at once.
pub struct GradexView(pub(crate) Arc<View>);

/// What is asked. All zero is the default: Grad-CAM at its default point, extrapolated, of the whole photograph.
#[repr(C)]
#[derive(Debug)]
pub struct GradexQuestion {
    /// The method's name, or null.
    pub method: *const c_char,
    /// The name of the node whose output the map is taken at, or null.
    pub point: *const c_char,
    /// `activated`, `published` or `none`, or null.
    pub extrapolation: *const c_char,
    /// `squash` or `crop`, or null.
    pub fit: *const c_char,
    /// Samples, steps or masks of methods that have such; 0 for the method's own number.
    pub samples: usize,
    /// The seed of what is random.
    pub seed: u64,
}

/// A class and the probability that the network gives it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradexPrediction {
    /// The class.
    pub class_: usize,
    /// Its probability, by softmax.
    pub probability: f64,
}

/// Is told how many passes of a method are done, by the thread that asked; anything but 0 stops it.
pub type GradexWatch = Option<extern "C" fn(context: *mut c_void, done: usize, total: usize) -> c_int>;

/// Shows a photograph, the `length` bytes of a PNG, JPEG, WebP, BMP, GIF or TIFF file, to the model.
/// The bytes and the question are not needed afterwards.
///
/// # Safety
/// `model` is a live model, `file` leads to `length` bytes, `question` is null or leads to a question whose texts end
/// with a zero byte, `view` leads to a pointer that may be written. Free what is put there by [`gradex_view_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_view_decode(
    model: *const GradexModel,
    file: *const u8,
    length: usize,
    question: *const GradexQuestion,
    view: *mut *mut GradexView,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let file = unsafe { elements(file, length, "file") }?;
        let photograph = decode(file)?;
        // SAFETY: the caller's promise.
        unsafe { show(model, photograph, question, view) }
    })
}

#[cfg(feature = "files")]
fn decode(file: &[u8]) -> Result<Photograph> {
    Ok(Photograph::decode(file).map_err(gradex::Error::from)?)
}

#[cfg(not(feature = "files"))]
fn decode(_file: &[u8]) -> Result<Photograph> {
    Err(Failure::new(GradexStatus::Refused, "this library was built without image decoders: use gradex_view_pixels"))
}

/// Shows a photograph to the model, as rows of pixels of four bytes: red, green, blue and one that is not read.
///
/// # Safety
/// As [`gradex_view_decode`]; `rgba` leads to `4 * height * width` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_view_pixels(
    model: *const GradexModel,
    rgba: *const u8,
    height: usize,
    width: usize,
    question: *const GradexQuestion,
    view: *mut *mut GradexView,
) -> GradexStatus {
    guarded(|| {
        let length = height.saturating_mul(width).saturating_mul(4);
        // SAFETY: the caller's promise.
        let rgba = unsafe { elements(rgba, length, "rgba") }?;
        let photograph = Photograph::from_rgba(rgba, [height, width]).map_err(gradex::Error::from)?;
        // SAFETY: the caller's promise.
        unsafe { show(model, photograph, question, view) }
    })
}

/// # Safety
/// As [`gradex_view_decode`].
unsafe fn show(
    model: *const GradexModel,
    photograph: Photograph,
    question: *const GradexQuestion,
    view: *mut *mut GradexView,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let GradexModel(model) = unsafe { shared(model, "model") }?;
    let question = match question.is_null() {
        true => Question::default(),
        // SAFETY: the caller's promise.
        false => unsafe { asked(question) }?,
    };
    let seen = View::new(Arc::clone(model), photograph, &question)?;
    // SAFETY: the caller's promise.
    unsafe { put_handle(GradexView(Arc::new(seen)), view, "view") }
}

/// # Safety
/// As [`gradex_view_decode`].
unsafe fn asked(question: *const GradexQuestion) -> Result<Question> {
    // SAFETY: the caller's promise.
    let question = unsafe { shared(question, "question") }?;
    // SAFETY: the caller's promise.
    let method = unsafe { text(question.method, "method") }?;
    // SAFETY: the caller's promise.
    let point = unsafe { text(question.point, "point") }?;
    // SAFETY: the caller's promise.
    let extrapolation = unsafe { text(question.extrapolation, "extrapolation") }?;
    // SAFETY: the caller's promise.
    let fit = unsafe { text(question.fit, "fit") }?;
    let refused = |why: String| Failure::new(GradexStatus::Refused, why);
    let mut asked = Question::default();
    asked.method = method.map_or(asked.method, str::to_owned);
    asked.point = point.map(str::to_owned);
    if let Some(name) = extrapolation {
        asked.extrapolation = name.parse().map_err(|error: gradex::saliency::Error| refused(error.to_string()))?;
    }
    if let Some(name) = fit {
        asked.fit = name.parse().map_err(|error: gradex::render::Error| refused(error.to_string()))?;
    }
    let samples = (question.samples > 0).then_some(question.samples);
    asked.settings = Settings { seed: question.seed, samples, ..Settings::default() };
    Ok(asked)
}

/// Frees a view; null is fine. Explanations of it stay whole.
///
/// # Safety
/// `view` is null or a view that was not freed, and no other thread is using it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_view_free(view: *mut GradexView) {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { free(view) };
        Ok(())
    });
}

/// The photograph's size.
///
/// # Safety
/// `view` is a live view, `size` leads to a size that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_view_size(view: *const GradexView, size: *mut GradexSize) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexView(view) = unsafe { shared(view, "view") }?;
        let [height, width] = view.photograph().size();
        // SAFETY: the caller's promise.
        unsafe { put(GradexSize { height, width }, size, "size") }
    })
}

/// The most probable classes, best first, at most `capacity` of them; `count` becomes how many were written.
///
/// # Safety
/// `view` is a live view, `predictions` leads to `capacity` predictions and `count` to a number that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_view_top(
    view: *const GradexView,
    predictions: *mut GradexPrediction,
    capacity: usize,
    count: *mut usize,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexView(view) = unsafe { shared(view, "view") }?;
        let best = view.top(capacity)?.into_iter();
        let best = best.map(|best| GradexPrediction { class_: best.class, probability: best.probability });
        let best: Vec<_> = best.collect();
        // SAFETY: the caller's promise; there are at most `capacity`.
        unsafe { put_all(&best, predictions, capacity, "predictions") }?;
        // SAFETY: the caller's promise.
        unsafe { put(best.len(), count, "count") }
    })
}

/// The logits, one a class; `count` becomes how many there are.
///
/// # Safety
/// `view` is a live view, `logits` leads to `capacity` floats (or is null where `capacity` is 0) and `count` to a number
/// that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_view_logits(
    view: *const GradexView,
    logits: *mut f32,
    capacity: usize,
    count: *mut usize,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexView(view) = unsafe { shared(view, "view") }?;
        let found = view.tape().logits().map_err(gradex::Error::from)?;
        // SAFETY: the caller's promise.
        unsafe { put(found.len(), count, "count") }?;
        // SAFETY: the caller's promise.
        unsafe { put_all(&values(found), logits, capacity, "logits") }
    })
}

/// Why this class? `watch` (or null) is told of the progress of long methods, with `context`.
///
/// # Safety
/// `view` is a live view, `watch` may be called with `context` and does not unwind, `explanation` leads to a pointer that
/// may be written. Free what is put there by [`gradex_explanation_free`](crate::gradex_explanation_free).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_view_explain(
    view: *const GradexView,
    class_: usize,
    watch: GradexWatch,
    context: *mut c_void,
    explanation: *mut *mut GradexExplanation,
) -> GradexStatus {
    guarded(|| {
        // SAFETY: the caller's promise.
        let GradexView(view) = unsafe { shared(view, "view") }?;
        let context = AtomicPtr::new(context);
        let told = move |progress: &Progress<'_>| match watch {
            Some(watch) if watch(context.load(Ordering::Relaxed), progress.done, progress.total) != 0 => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        };
        let found = GradexExplanation { view: Arc::clone(view), found: view.explain(class_, told)? };
        // SAFETY: the caller's promise.
        unsafe { put_handle(found, explanation, "explanation") }
    })
}

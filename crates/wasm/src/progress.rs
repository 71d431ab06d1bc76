//! JavaScript cannot pass a function's address: the module imports the one that is told of progress.

use std::ffi::{c_int, c_void};

use gradex_c::{GradexExplanation, GradexStatus, GradexView, gradex_view_explain};

#[link(wasm_import_module = "gradex")]
unsafe extern "C" {
    /// Is told how many passes are done; anything but 0 stops the method.
    safe fn progress(done: usize, total: usize) -> c_int;
}

extern "C" fn tell(_context: *mut c_void, done: usize, total: usize) -> c_int {
    progress(done, total)
}

/// [`gradex_view_explain`], with the imported `gradex.progress` for a watcher.
///
/// # Safety
/// As [`gradex_view_explain`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_explain(
    view: *const GradexView,
    class_: usize,
    explanation: *mut *mut GradexExplanation,
) -> GradexStatus {
    // SAFETY: the caller's promise is passed on; `tell` uses no context and does not unwind.
    unsafe { gradex_view_explain(view, class_, Some(tell), std::ptr::null_mut(), explanation) }
}

//! Bars on standard error: one over the inputs, one over the passes of a long method. Hidden where that is no terminal.

use std::fmt;
use std::path::Path;

use gradex::saliency;
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};

/// The bars.
#[derive(Debug, Clone)]
pub struct Progress {
    both: MultiProgress,
    inputs: ProgressBar,
    passes: ProgressBar,
}

impl Progress {
    /// Bars over nothing yet.
    pub fn new() -> Self {
        Self { both: MultiProgress::new(), inputs: ProgressBar::hidden(), passes: ProgressBar::hidden() }.with_passes()
    }

    fn with_passes(self) -> Self {
        let passes = self.both.add(bar("passes", 0));
        Self { passes, ..self }
    }

    /// With a bar over this many inputs, if they are several.
    pub fn over(&mut self, inputs: usize) {
        if inputs > 1 {
            self.over_all(inputs, "inputs");
        }
    }

    /// With a bar over `count` of `what`.
    pub fn over_all(&mut self, count: usize, what: &str) {
        self.inputs = self.both.insert(0, bar(what, count as u64));
    }

    /// This many need not be done: they do not count for the time that is left.
    pub fn skip(&self, count: usize) {
        self.inputs.set_position(self.inputs.position() + count as u64);
        if count > 0 {
            self.inputs.reset_eta();
        }
    }

    /// An input is begun.
    pub fn begin(&self, path: &Path) {
        self.inputs.set_message(path.display().to_string());
    }

    /// An input is done.
    pub fn done(&self) {
        self.inputs.inc(1);
    }

    /// A method of many passes has come this far.
    pub fn pass(&self, progress: &saliency::Progress<'_>) {
        if progress.done >= progress.total {
            self.passes.reset();
            return self.passes.finish_and_clear();
        }
        if self.passes.message() != progress.method {
            self.passes.reset();
            self.passes.set_message(progress.method.to_owned());
        }
        self.passes.set_length(progress.total as u64);
        self.passes.set_position(progress.done as u64);
    }

    /// Prints without disturbing the bars.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.both.suspend(print)
    }

    /// Removes the bars.
    pub fn clear(&self) {
        self.inputs.finish_and_clear();
        self.passes.finish_and_clear();
    }
}

fn bar(what: &str, length: u64) -> ProgressBar {
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}, {{left}}{{wide_msg}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // Before anything is done nobody knows how long it takes.
    let left = |state: &ProgressState, out: &mut dyn fmt::Write| {
        let left = state.eta();
        if !left.is_zero() {
            let _ = write!(out, "{} left  ", HumanDuration(left));
        }
    };
    ProgressBar::new(length).with_style(style.with_key("left", left))
}

//! Bars on standard error: one over the inputs, one over the passes of a long method. Where that is no terminal, lines.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use gradex::saliency;
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::lines::Told;

/// The bars, or the lines.
#[derive(Debug, Clone)]
pub struct Progress {
    both: MultiProgress,
    inputs: ProgressBar,
    passes: ProgressBar,
    /// Instead of the bars, where these are hidden.
    lines: Option<Told>,
}

impl Progress {
    /// Bars over nothing yet.
    pub fn new() -> Self {
        let both = MultiProgress::new();
        let passes = both.add(bar("passes", 0));
        let lines = both.is_hidden().then(Told::new);
        Self { both, inputs: ProgressBar::hidden(), passes, lines }
    }

    /// With a bar over this many inputs, if they are several.
    pub fn over(&mut self, inputs: usize) {
        if inputs > 1 {
            self.over_all(inputs, "inputs");
        }
    }

    /// With a bar over `count` of `what`.
    pub fn over_all(&mut self, count: usize, what: &str) {
        self.inputs.finish_and_clear();
        self.inputs = self.both.insert(0, bar(what, count as u64));
        self.tell(|lines| lines.over(what, count, Instant::now()));
    }

    /// This many need not be done: they do not count for the time that is left.
    pub fn skip(&self, count: usize) {
        self.inputs.set_position(self.inputs.position() + count as u64);
        if count > 0 {
            self.inputs.reset_eta();
        }
        self.tell(|lines| lines.done(0, count));
    }

    /// An input is begun.
    pub fn begin(&self, path: &Path) {
        self.inputs.set_message(path.display().to_string());
    }

    /// An input is done.
    pub fn done(&self) {
        self.inputs.inc(1);
        self.tell(|lines| lines.done(1, 0));
    }

    /// A method of many passes has come this far.
    pub fn pass(&self, progress: &saliency::Progress<'_>) {
        self.tell(|lines| lines.pass(progress.method, progress.done, progress.total, Instant::now()));
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

    /// Where there are no bars, changes what the lines tell.
    fn tell(&self, change: impl FnOnce(&Told)) {
        if let Some(lines) = &self.lines {
            change(lines);
        }
    }

    /// Removes the bars.
    pub fn clear(&self) {
        self.inputs.finish_and_clear();
        self.passes.finish_and_clear();
        self.tell(Told::clear);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_what_bars_show() {
        let told = Told::default();
        let mut progress = Progress { lines: Some(told.clone()), ..Progress::new() };
        let line = || told.line(Instant::now()).unwrap_or_default();
        progress.over_all(4, "maps");
        progress.skip(1);
        progress.done();
        progress.pass(&saliency::Progress { method: "rise", done: 1, total: 9, early: None });
        assert!(line().starts_with("2 of 4 maps, ") && line().contains("1 of 9 passes of rise"), "{}", line());
        progress.clear();
        assert_eq!(line(), "");
    }
}

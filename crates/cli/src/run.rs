//! The loop over inputs: progress, failures, reports.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use gradex::Model;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::InputArgs;
use crate::failure::{Failure, Outcome, told};
use crate::inputs::{self, Picture};
use crate::report::Report;

/// Does `work` for every picture of every input. A failed input is named on standard error, and the rest are done.
pub fn for_each_picture(
    args: &InputArgs,
    model: &Model,
    mut work: impl FnMut(&Path, Picture) -> Result<Report>,
) -> Outcome {
    let files = inputs::expand(&args.inputs);
    let bar = progress(files.len());
    let (mut failed, total) = (0, files.len());
    for (path, found) in files {
        bar.set_message(path.display().to_string());
        if let Err(error) = found.and_then(|()| one_file(args, model, &path, &bar, &mut work)) {
            failed += 1;
            let closed = error.downcast_ref::<std::io::Error>();
            if closed.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
                return Err(Failure::ClosedPipe);
            }
            bar.suspend(|| eprintln!("error: {}", named(&path, &told(&error))));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if failed == 0 { Ok(()) } else { Err(Failure::Run(anyhow!("{failed} of {total} inputs failed"))) }
}

fn one_file(
    args: &InputArgs,
    model: &Model,
    path: &Path,
    bar: &ProgressBar,
    work: &mut impl FnMut(&Path, Picture) -> Result<Report>,
) -> Result<()> {
    let mut start = Instant::now();
    for picture in inputs::read(path, model, args.resize, args.size)? {
        let mut report = work(path, picture)?;
        report.milliseconds = start.elapsed().as_secs_f64() * 1e3;
        bar.suspend(|| report.print(args.json))?;
        start = Instant::now();
    }
    Ok(())
}

/// A message with the path before it, unless it begins with the path itself.
fn named(path: &Path, message: &str) -> String {
    let shown = path.display().to_string();
    if message.starts_with(&shown) { message.to_owned() } else { format!("{shown}: {message}") }
}

/// A bar on standard error, hidden for a single input and where that is no terminal.
fn progress(inputs: usize) -> ProgressBar {
    if inputs < 2 {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} left  {wide_msg}");
    ProgressBar::new(inputs as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The path as it is reported: with the place in the batch where there is one.
pub fn shown(path: &Path, picture: &Picture) -> String {
    picture.index.map_or_else(|| path.display().to_string(), |index| format!("{}[{index}]", path.display()))
}

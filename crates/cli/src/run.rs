//! The loop over inputs: progress, failures, reports.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use gradex::Model;

use crate::args::InputArgs;
use crate::failure::{Failure, Outcome, told};
use crate::inputs::{self, Picture};
use crate::progress::Progress;
use crate::report::Report;

/// Does `work` for every picture of every input. A failed input is named on standard error, and the rest are done.
pub fn for_each_picture(
    args: &InputArgs,
    model: &Model,
    mut progress: Progress,
    mut work: impl FnMut(&Path, Picture) -> Result<Report>,
) -> Outcome {
    let files = inputs::expand(&args.inputs);
    let (mut failed, total) = (0, files.len());
    progress.over(total);
    for (path, found) in files {
        progress.begin(&path);
        if let Err(error) = found.and_then(|()| one_file(args, model, &path, &progress, &mut work)) {
            match Failure::from(error) {
                Failure::Run(error) => progress.suspend(|| eprintln!("error: {}", named(&path, &told(&error)))),
                end @ (Failure::Usage(_) | Failure::ClosedPipe | Failure::Interrupted) => {
                    progress.clear();
                    return Err(end);
                }
            }
            failed += 1;
        }
        progress.done();
    }
    progress.clear();
    if failed == 0 { Ok(()) } else { Err(Failure::Run(anyhow!("{failed} of {total} inputs failed"))) }
}

fn one_file(
    args: &InputArgs,
    model: &Model,
    path: &Path,
    progress: &Progress,
    work: &mut impl FnMut(&Path, Picture) -> Result<Report>,
) -> Result<()> {
    let mut start = Instant::now();
    for picture in inputs::read(path, model, args.resize, args.size)? {
        let mut report = work(path, picture)?;
        report.milliseconds = start.elapsed().as_secs_f64() * 1e3;
        progress.suspend(|| report.print(args.json))?;
        start = Instant::now();
    }
    Ok(())
}

/// A message with the path before it, unless it begins with the path itself.
fn named(path: &Path, message: &str) -> String {
    let shown = path.display().to_string();
    if message.starts_with(&shown) { message.to_owned() } else { format!("{shown}: {message}") }
}

/// The path as it is reported: with the place in the batch where there is one.
pub fn shown(path: &Path, picture: &Picture) -> String {
    picture.index.map_or_else(|| path.display().to_string(), |index| format!("{}[{index}]", path.display()))
}

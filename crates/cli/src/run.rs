//! The loop over inputs: progress, failures, reports.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use gradex::Model;

use crate::args::InputArgs;
use crate::failure::{Failure, Outcome, told};
use crate::inputs::{self, Admit, Picture};
use crate::progress::Progress;
use crate::report::Report;
use crate::visible;

/// Does `work` for every picture of every input whose photograph's size is admitted. A failed picture is named on standard
/// error, and the rest are done.
pub fn for_each_picture(
    args: &InputArgs,
    model: &Model,
    admit: &Admit<'_>,
    mut progress: Progress,
    mut work: impl FnMut(&Path, Picture) -> Result<Report>,
) -> Outcome {
    let files = inputs::expand(&args.pictures.inputs);
    progress.over(files.len());
    let mut pictures = Pictures { args, admit, progress: &progress, read_by_somebody: true, failed: 0, total: 0 };
    let mut outcome = Ok(());
    for (path, found) in files {
        progress.begin(&path);
        outcome = pictures.of_file(model, &path, found, &mut work);
        if outcome.is_err() {
            break;
        }
        progress.done();
    }
    let Pictures { failed, total, .. } = pictures;
    progress.clear();
    outcome?;
    if failed == 0 { Ok(()) } else { Err(Failure::Run(anyhow!("{failed} of {total} inputs failed"))) }
}

/// The pictures so far.
struct Pictures<'a> {
    args: &'a InputArgs,
    admit: &'a Admit<'a>,
    progress: &'a Progress,
    /// Standard output is not closed.
    read_by_somebody: bool,
    failed: usize,
    /// A file that cannot be read counts as one.
    total: usize,
}

impl Pictures<'_> {
    fn of_file(
        &mut self,
        model: &Model,
        path: &Path,
        found: Result<()>,
        work: &mut impl FnMut(&Path, Picture) -> Result<Report>,
    ) -> Outcome {
        let mut start = Instant::now();
        let pictures = match found.and_then(|()| inputs::read(path, model, &self.args.pictures, self.admit)) {
            Ok(pictures) => pictures,
            Err(error) => return self.count(&visible::path(path), Err(error)),
        };
        for picture in pictures {
            let name = shown(path, &picture);
            let done = work(path, picture).and_then(|mut report| {
                report.milliseconds = start.elapsed().as_secs_f64() * 1e3;
                self.print(&report)?;
                match report.refused.iter().flatten().map(|refused| refused.why.clone()).collect::<Vec<_>>() {
                    refused if refused.is_empty() => Ok(()),
                    refused => Err(anyhow!("{}", refused.join("; "))),
                }
            });
            self.count(&name, done)?;
            start = Instant::now();
        }
        Ok(())
    }

    /// Prints for as long as somebody reads. Without readers there are still files to write, and failures to count.
    fn print(&mut self, report: &Report) -> Result<()> {
        if !self.read_by_somebody {
            return Ok(());
        }
        match self.progress.suspend(|| report.print(self.args.json)) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.read_by_somebody = false;
                Ok(())
            }
            printed => printed.context("standard output cannot be written to"),
        }
    }

    /// Counts a picture, and names it where it failed; passes on what ends the program.
    fn count(&mut self, name: &str, done: Result<()>) -> Outcome {
        self.total += 1;
        match done.map_err(Failure::from) {
            Ok(()) => Ok(()),
            Err(Failure::Run(error)) => {
                self.failed += 1;
                self.progress.suspend(|| complain!("error: {}", named(name, &told(&error))));
                Ok(())
            }
            Err(end) => Err(end),
        }
    }
}

/// A message with the input's name before it, unless it begins with that.
pub fn named(name: &str, message: &str) -> String {
    if message.starts_with(name) { message.to_owned() } else { format!("{name}: {message}") }
}

/// The path as it is reported: with the place in the batch where there is one.
pub fn shown(path: &Path, picture: &Picture) -> String {
    let path = visible::path(path);
    picture.index.map_or_else(|| path.clone(), |index| format!("{path}[{index}]"))
}

//! `gradex evaluate`: do the maps tell the truth, and does the sharpening help?

mod annotations;
mod args;
mod forgetful;
mod journal;
mod measure;
mod metric;
mod modes;
mod output;
mod record;
mod settings;
mod source;
mod subject;
mod summary;
mod survey;
mod watched;

use std::collections::HashSet;
use std::fs;

use anyhow::{Context, Result, anyhow};
use gradex::metrics::{BATCH, Error};
use gradex::{Model, Tensor};

use annotations::Annotations;
pub use args::Evaluate;
use forgetful::Forgetful;
use journal::Journal;
use measure::Measures;
use metric::Metric;
use output::Summary;
use record::Record;
use settings::Settings;
use source::Source;
use subject::Subject;
use summary::Group;
use survey::{Surveyed, survey};

use crate::clash::Read;
use crate::failure::{Failure, Outcome, told};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::report::label;
use crate::{asked, model};

/// Digits of the settings' hash in each line of the journal.
const DIGITS: usize = 16;

/// Measures maps of every input.
pub fn run(args: &Evaluate) -> Outcome {
    let mut metrics = args.metrics()?;
    asked::check_methods(&args.methods, &args.settings)?;
    let mut read = Read::of(&args.input.pictures.inputs, &args.model, &args.settings);
    read.and("the boxes", args.boxes.as_ref());
    read.and("the masks", args.masks.as_ref());
    for output in [journal::FILE, output::SUMMARY, output::TABLE] {
        read.check("--out", &args.out.join(output))?;
    }
    model::set_threads(&args.model)?;
    let (model, weights) = model::load_hashed(&args.model)?;
    let methods = asked::methods(&args.methods, &asked::settings(&args.settings, &model)?)?;
    let annotations = Annotations::open(args)?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    let (interrupt, mut progress) = (Interrupt::listen()?, Progress::new());
    let mut failed = 0;
    let surveyed = survey(&args.input.pictures, &model, &interrupt, &progress, |path, error| {
        failed += 1;
        progress.suspend(|| complain!("error: {}", crate::run::named(&path.display().to_string(), &told(error))));
    })?;
    let surveyed = survey::once(surveyed, |repeated| progress.suspend(|| eprintln!("{repeated}")));
    if surveyed.is_empty() {
        return Err(Failure::Run(anyhow!("no input can be measured")));
    }
    leave_out_grids(args, &mut metrics, survey::classes(&surveyed))?;
    let settings = Settings::new(args, &model, weights, &metrics, annotations.as_ref(), &surveyed)?;
    let settings_sha256 = settings.sha256()?;
    let journal = Journal::open(&args.out, &settings_sha256[..DIGITS])?;
    if journal.mended > 0 {
        complain!("results.jsonl ended in half a line of {} bytes: it was cut off", journal.mended);
    }

    let mut sources: Vec<Source> = methods.into_iter().map(Source::Method).collect();
    sources.extend([Source::Random(args.settings.seed), Source::Centre, Source::Edges]);
    let measures = Measures {
        network: &model.network,
        forgetful: match metrics.contains(&Metric::Randomisation) {
            true => Forgetful::at(usize::from(args.layers), &model.network, args.settings.seed)?,
            false => Vec::new(),
        },
        metrics,
        modes: args.modes(),
        steps: usize::from(args.steps),
        batch: args.settings.batch.unwrap_or(BATCH),
        seed: args.settings.seed,
        threshold: args.threshold,
        interrupt: interrupt.clone(),
    };
    progress.over_all(surveyed.len() * sources.len(), "maps");
    let mut task = Task {
        args,
        model: &model,
        surveyed: &surveyed,
        annotations,
        measures,
        settings: settings_sha256[..DIGITS].to_owned(),
        journal,
        progress: progress.clone(),
        skipped: HashSet::new(),
        failed: 0,
    };
    let outcome = (0..surveyed.len()).try_for_each(|own| task.picture(own, &sources));
    progress.clear();
    outcome?;

    failed += task.failed;
    let groups = task.groups(&sources);
    let (metrics, seed) = (&task.measures.metrics, args.settings.seed);
    let depths: Vec<String> = task.measures.forgetful.iter().map(Forgetful::metric).collect();
    let rows = summary::rows(&groups, metrics, &depths, seed);
    let comparisons = summary::comparisons(&groups, metrics, args.against, seed);
    let inputs = surveyed.iter().map(|one| &one.key).collect();
    let summary = Summary { settings, settings_sha256, inputs, failed, rows, comparisons };
    summary.write(&args.out)?;
    summary.print(args.input.json)?;
    if failed == 0 { Ok(()) } else { Err(Failure::Run(anyhow!("{failed} of the inputs failed"))) }
}

/// Grids need as many classes as cells: without them they are left out, or refused where they were asked for by name.
fn leave_out_grids(args: &Evaluate, metrics: &mut Vec<Metric>, classes: usize) -> Outcome {
    let too_large = |metric: &Metric| metric.grid().is_some_and(|side| side * side > classes);
    for metric in metrics.iter().filter(|metric| too_large(metric)) {
        let name = metric.name();
        let why = format!(
            "{name} needs inputs of {} classes, and these show {classes}",
            metric.grid().map_or(0, |side| side * side)
        );
        if args.metrics.iter().any(|asked| asked == name) {
            return Err(Failure::usage(format!("{why}: give more inputs, or leave it out")));
        }
        complain!("{why}: it is left out");
    }
    metrics.retain(|metric| !too_large(metric));
    Ok(())
}

/// The loop over pictures and sources.
struct Task<'a> {
    args: &'a Evaluate,
    model: &'a Model,
    surveyed: &'a [Surveyed],
    annotations: Option<Annotations>,
    measures: Measures<'a>,
    settings: String,
    journal: Journal,
    progress: Progress,
    /// Methods that did not apply, and were said to.
    skipped: HashSet<&'static str>,
    failed: usize,
}

impl Task<'_> {
    /// Measures what the journal lacks of one picture. A failure is named, and the rest goes on.
    fn picture(&mut self, own: usize, sources: &[Source]) -> Outcome {
        let surveyed = &self.surveyed[own];
        self.progress.begin(&surveyed.path);
        let lacking: Vec<&Source> = sources.iter().filter(|source| !self.is_done(surveyed, source)).collect();
        self.progress.skip(sources.len() - lacking.len());
        if lacking.is_empty() {
            return Ok(());
        }
        let measured = self.measure(own, &lacking);
        self.measures.interrupt.check()?;
        if let Err(error) = measured {
            self.failed += 1;
            let message = crate::run::named(&surveyed.key.input, &told(&error));
            self.progress.suspend(|| complain!("error: {message}"));
        }
        Ok(())
    }

    fn is_done(&self, surveyed: &Surveyed, source: &Source) -> bool {
        let has =
            |mode: &gradex::Extrapolation| self.journal.find(&surveyed.key, source.name(), &mode.to_string()).is_some();
        source.modes(&self.measures.modes).iter().all(has)
    }

    fn measure(&mut self, own: usize, sources: &[&Source]) -> Result<()> {
        let surveyed = &self.surveyed[own];
        let picture = surveyed.read(self.model, &self.args.input.pictures)?;
        let mut subject = Subject::new(surveyed.key.clone(), &picture.input, surveyed.class, surveyed.runner_up);
        if let Some(annotations) = &self.annotations {
            let size = [picture.input.shape()[2], picture.input.shape()[3]];
            subject.mask = annotations.mask(&surveyed.path, picture.photograph.size(), &picture.region, size)?;
            if subject.mask.is_none() {
                let name = &surveyed.key.input;
                self.progress
                    .suspend(|| complain!("{name}: no annotation, so it counts neither for pointing, energy nor iou"));
            }
        }
        for side in self.measures.metrics.iter().filter_map(|metric| metric.grid()) {
            let Some((cell, others)) = survey::grid(self.surveyed, own, side, self.args.settings.seed) else {
                continue;
            };
            let read = |other: usize| Ok(self.surveyed[other].read(self.model, &self.args.input.pictures)?.input);
            let others: Vec<Tensor> = others.into_iter().map(read).collect::<Result<_>>()?;
            subject.add_grid(side, cell, &others)?;
        }
        for source in sources {
            self.measures.interrupt.check()?;
            match self.measures.of(&subject, source) {
                Ok(measured) => {
                    for ((made, metrics), mode) in measured.into_iter().zip(source.modes(&self.measures.modes)) {
                        if self.journal.find(&subject.key, source.name(), &mode.to_string()).is_some() {
                            continue;
                        }
                        self.journal.append(&Record {
                            settings: self.settings.clone(),
                            key: subject.key.clone(),
                            class: subject.class,
                            label: label(subject.class).to_owned(),
                            method: source.name().to_owned(),
                            extrapolation: mode.to_string(),
                            blank: made.blank.map(|reason| reason.to_string()),
                            metrics,
                            milliseconds: made.milliseconds,
                        })?;
                    }
                }
                Err(error) => self.skip(source, error)?,
            }
            self.progress.done();
        }
        Ok(())
    }

    /// A method that does not apply is left out where it is one of all, which is said once.
    fn skip(&mut self, source: &Source, error: Error) -> Result<()> {
        let does_not_apply = matches!(&error, Error::Saliency(why) if why.does_not_apply());
        match source {
            Source::Method(asked) if does_not_apply && !asked.named => {
                if self.skipped.insert(source.name()) {
                    self.progress.suspend(|| complain!("skipped {}: {error}", source.name()));
                }
                Ok(())
            }
            Source::Method(_) | Source::Random(_) | Source::Centre | Source::Edges => {
                Err(anyhow!(error).context(format!("{} failed", source.name())))
            }
        }
    }

    fn groups<'s>(&'s self, sources: &'s [Source]) -> Vec<Group<'s>> {
        let group = |source: &'s Source, mode: gradex::Extrapolation| {
            let record = |one: &Surveyed| self.journal.find(&one.key, source.name(), &mode.to_string());
            Group { method: source.name(), mode, records: self.surveyed.iter().map(record).collect() }
        };
        let modes =
            |source: &'s Source| source.modes(&self.measures.modes).iter().map(move |mode| group(source, *mode));
        sources.iter().flat_map(modes).collect()
    }
}

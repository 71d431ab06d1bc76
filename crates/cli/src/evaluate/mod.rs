//! `gradex evaluate`: do the maps tell the truth, and does the sharpening help?

mod annotations;
mod args;
mod journal;
mod measure;
mod metric;
mod modes;
mod output;
mod planned;
mod record;
mod settings;
mod source;
mod subject;
mod summary;
mod survey;
mod watched;

use std::collections::HashSet;

use anyhow::{Context, Result, anyhow};
use gradex::metrics::Error;
use gradex::{Extrapolation, Model, Tensor};

use annotations::{Annotations, Found};
pub use args::Evaluate;
use journal::{Journal, Unwritable};
use measure::Measures;
use metric::Metric;
use output::{Failed, Statistics, Summary};
use planned::Planned;
use record::Record;
use settings::Settings;
use source::Source;
use subject::Subject;
use summary::Group;
use survey::{Surveyed, survey};

use crate::clash::Read;
use crate::failure::{Failure, Outcome, told};
use crate::forgetful::Forgetful;
use crate::interrupt::Interrupt;
use crate::memory::Most;
use crate::outputs::{self, Folder};
use crate::progress::Progress;
use crate::receipt::program;
use crate::report::label;
use crate::{asked, model};

/// Digits of the settings' hash in each line of the journal.
const DIGITS: usize = 16;
/// What is written.
const OUTPUTS: [&str; 4] = [journal::FILE, output::SUMMARY, output::TABLE, output::COMPARISONS];

/// Measures maps of every input.
pub fn run(args: &Evaluate) -> Outcome {
    let mut metrics = args.metrics()?;
    asked::check_methods(&args.methods, &args.settings)?;
    let mut read = Read::of(&args.input.pictures.inputs, &args.model, &args.settings);
    read.and("the boxes", args.boxes.as_ref());
    read.and("the masks", args.masks.as_ref());
    for output in OUTPUTS {
        read.check("--out", &args.out.join(output))?;
    }
    model::set_threads(&args.model)?;
    let _folder = Folder::open(&args.out)?;
    for output in OUTPUTS {
        outputs::check_file("--out", &args.out.join(output))?;
    }
    let most = Most::asked(args.model.max_memory);
    let (model, weights) = model::load_hashed(&args.model, most)?;
    let asked = metrics.clone();
    let (budget, planned) = Planned::fit(most, args, &model, &asked)?;
    let admit = |holds| budget.admit(holds, |size| planned.needs(size));
    let annotations = Annotations::open(args)?;
    let (interrupt, mut progress) = (Interrupt::listen()?, Progress::new());
    let mut failures = Vec::new();
    let bars = progress.clone();
    let surveyed = survey(&args.input.pictures, &model, &admit, &interrupt, &mut progress, |path, error| {
        failures.push(failed(&bars, path.display().to_string(), error));
    })?;
    let surveyed = survey::once(surveyed, |repeated| progress.suspend(|| complain!("{repeated}")));
    if surveyed.is_empty() {
        return Err(Failure::Run(anyhow!("no input can be measured")));
    }
    if let Some(annotations) = &annotations {
        annotations.check(surveyed.iter().map(|one| one.path.as_path()))?;
        let hits = |one: &Surveyed| !matches!(annotated(annotations, one, &model, args), Ok(Found { mask: None, .. }));
        if !surveyed.iter().any(hits) {
            return Err(Failure::Run(annotations.all_miss()));
        }
    }
    leave_out_grids(args, &mut metrics, survey::classes(&surveyed))?;
    let settings = Settings::new(args, &model, weights, &metrics, annotations.as_ref(), &surveyed)?;
    let settings_sha256 = settings.sha256()?;
    let journal = Journal::open(&args.out, &settings_sha256[..DIGITS])?;
    for notice in found_there(&journal) {
        complain!("results.jsonl {notice}");
    }

    let (modes, size) = (args.modes(), args.input.pictures.size.unwrap_or(model.architecture.preprocessing.size));
    let against = args.against.unwrap_or(Extrapolation::NONE);
    if modes.len() > 1 && !modes.contains(&against) {
        complain!("nothing is compared: none is not one of those in --extrapolate (see --against)");
    }
    let method = |asked| Source::method(asked, &model.network, size, &modes);
    let mut sources: Vec<Source> = planned.methods.into_iter().map(method).collect();
    sources.extend([Source::Random(args.settings.seed), Source::Centre, Source::Edges]);
    let measures = Measures {
        network: &model.network,
        forgetful: match metrics.contains(&Metric::Randomisation) {
            true => Forgetful::at(usize::from(args.layers), &model.network, args.settings.seed)?,
            false => Vec::new(),
        },
        metrics,
        steps: usize::from(args.steps),
        batch: planned.batch,
        seed: args.settings.seed,
        threshold: args.threshold,
        interrupt: interrupt.clone(),
    };
    progress.over_all(surveyed.len() * maps(&sources), "maps");
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
        failures: Vec::new(),
    };
    let outcome = (0..surveyed.len()).try_for_each(|own| task.picture(own, &sources));
    progress.clear();
    if let Err(Failure::Interrupted) = outcome {
        complain!("{} maps are measured; the same command goes on from there", task.journal.count());
    }
    budget.tell();
    outcome?;

    failures.append(&mut task.failures);
    let groups = task.groups(&sources);
    let (metrics, seed) = (&task.measures.metrics, args.settings.seed);
    let depths: Vec<String> = task.measures.forgetful.iter().map(|one| Metric::at_depth(&one.layer)).collect();
    let rows = summary::rows(&groups, metrics, &depths, seed);
    let comparisons = summary::comparisons(&groups, metrics, against, seed);
    let inputs = surveyed.iter().map(|one| &one.key).collect();
    let unextrapolated = sources.iter().filter(|source| source.is_unextrapolated(&modes)).map(Source::name).collect();
    let count = failures.len();
    let summary = Summary {
        settings,
        settings_sha256,
        inputs,
        failed: count,
        failures,
        program_sha256: program(),
        statistics: Statistics::default(),
        unextrapolated,
        rows,
        comparisons,
    };
    summary.write(&args.out)?;
    summary.print(args.input.json).context("cannot write to standard output")?;
    if count == 0 { Ok(()) } else { Err(Failure::Run(anyhow!("{count} of the inputs failed"))) }
}

/// What is said of a picture's objects.
fn annotated(annotations: &Annotations, surveyed: &Surveyed, model: &Model, args: &Evaluate) -> Result<Found> {
    let picture = surveyed.read(model, &args.input.pictures)?;
    annotations.of_picture(&surveyed.path, &picture)
}

/// How many maps of a picture they make.
fn maps<'a>(sources: impl IntoIterator<Item = &'a Source>) -> usize {
    sources.into_iter().map(|source| source.modes().len()).sum()
}

/// An input that failed, once it is said.
fn failed(progress: &Progress, input: String, error: &anyhow::Error) -> Failed {
    let why = told(error);
    progress.suspend(|| complain!("error: {}", crate::run::named(&input, &why)));
    Failed { input, why }
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

/// What is to be said of a journal that is not new.
fn found_there(journal: &Journal) -> Vec<String> {
    let notices = [
        (journal.mended, "ended in half a line of", "bytes: it was cut off"),
        (journal.count(), "holds", "results of these settings already: they are not measured again"),
        (
            journal.foreign,
            "holds",
            "results of other settings, or of grids of other inputs: they are kept, and not used",
        ),
    ];
    let notices = notices.into_iter().filter(|(count, ..)| *count > 0);
    notices.map(|(count, before, after)| format!("{before} {count} {after}")).collect()
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
    failures: Vec<Failed>,
}

impl Task<'_> {
    /// Measures what the journal lacks of one picture. A failure is named, and the rest goes on.
    fn picture(&mut self, own: usize, sources: &[Source]) -> Outcome {
        let surveyed = &self.surveyed[own];
        self.progress.begin(&surveyed.path);
        let (done, lacking): (Vec<&Source>, Vec<&Source>) =
            sources.iter().partition(|source| self.is_done(surveyed, source));
        self.progress.skip(maps(done));
        if lacking.is_empty() {
            return Ok(());
        }
        let measured = self.measure(own, &lacking);
        self.measures.interrupt.check()?;
        match measured {
            Err(error) if error.is::<Unwritable>() => Err(error.into()),
            Err(error) => {
                self.failures.push(failed(&self.progress, surveyed.key.input.clone(), &error));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn is_done(&self, surveyed: &Surveyed, source: &Source) -> bool {
        let has = |mode: &Extrapolation| self.journal.find(&surveyed.key, source.name(), &mode.to_string()).is_some();
        source.modes().iter().all(has)
    }

    fn measure(&mut self, own: usize, sources: &[&Source]) -> Result<()> {
        let surveyed = &self.surveyed[own];
        let picture = surveyed.read(self.model, &self.args.input.pictures)?;
        let mut subject = Subject::new(surveyed.key.clone(), &picture.input, surveyed.class, surveyed.runner_up);
        if let Some(annotations) = &self.annotations {
            let found = annotations.of_picture(&surveyed.path, &picture)?;
            subject.mask = found.mask;
            if let Some(notice) = found.notice {
                self.progress.suspend(|| complain!("{}: {notice}", surveyed.key.input));
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
                    for ((made, metrics), mode) in measured.into_iter().zip(source.modes()) {
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
            source.modes().iter().for_each(|_| self.progress.done());
        }
        Ok(())
    }

    /// A method that does not apply is left out where it is one of all, which is said once.
    fn skip(&mut self, source: &Source, error: Error) -> Result<()> {
        let does_not_apply = matches!(&error, Error::Saliency(why) if why.does_not_apply());
        match source {
            Source::Method(asked, _) if does_not_apply && !asked.named => {
                if self.skipped.insert(source.name()) {
                    self.progress.suspend(|| complain!("skipped {}: {error}", source.name()));
                }
                Ok(())
            }
            Source::Method(..) | Source::Random(_) | Source::Centre | Source::Edges => {
                Err(anyhow!(error).context(format!("{} failed", source.name())))
            }
        }
    }

    fn groups<'s>(&'s self, sources: &'s [Source]) -> Vec<Group<'s>> {
        let group = |source: &'s Source, mode: Extrapolation| {
            let record = |one: &Surveyed| self.journal.find(&one.key, source.name(), &mode.to_string());
            Group { method: source.name(), mode, records: self.surveyed.iter().map(record).collect() }
        };
        let modes = |source: &'s Source| source.modes().iter().map(move |mode| group(source, *mode));
        sources.iter().flat_map(modes).collect()
    }
}

//! `gradex report`: one HTML file about all inputs.

use std::fs;

use anyhow::{Context, Result, anyhow};
use gradex::formats::write_file;
use gradex::metrics::{learned_layers, randomised};
use gradex::{Model, Network};

use crate::args::Report;
use crate::asked::Asked;
use crate::clash::Read;
use crate::failure::{Failure, Interrupted, Outcome, told};
use crate::interrupt::Interrupt;
use crate::page::Page;
use crate::progress::Progress;
use crate::shown::Task;
use crate::{inputs, model};

/// Explains every input, and writes the page when all are done.
pub fn run(mut args: Report) -> Outcome {
    args.ask.or_methods(&["grad-cam", "layer-cam", "epsilon-plus"]);
    let args = &args;
    args.style.check()?;
    Asked::check(&args.ask)?;
    let read = Read::of(&args.pictures.inputs, &args.model, &args.ask.settings);
    read.check("--output", &args.output)?;
    model::set_threads(&args.model)?;
    let (model, weights) = model::load_hashed(&args.model)?;
    let asked = Asked::new(&args.ask, args.pictures.size, &model)?;
    if let Some(folder) = args.output.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let (interrupt, mut progress) = (Interrupt::listen()?, Progress::new());
    let (lead, settings) = (lead(&model, &asked), settings(args, &model, weights, &asked));
    let unlearnt = Model { architecture: model.architecture, network: unlearnt(&model, args.ask.settings.seed)? };
    let task = Task::new(args, [&model, &unlearnt], asked, interrupt, &progress);

    let files = inputs::expand(&args.pictures.inputs);
    progress.over(files.len());
    let (mut page, mut failed, mut total) = (Page::default(), 0, 0);
    for (path, found) in files {
        progress.begin(&path);
        let pictures = found.and_then(|()| inputs::read(&path, &model, &args.pictures, &|_| Ok(())));
        let pictures =
            pictures.map_or_else(|error| vec![Err(error)], |pictures| pictures.into_iter().map(Ok).collect());
        for picture in pictures {
            total += 1;
            let index = picture.as_ref().ok().and_then(|picture| picture.index);
            let name = index
                .map_or_else(|| inputs::file_name(&path), |index| format!("{}[{index}]", inputs::file_name(&path)));
            match picture.and_then(|picture| task.shown(&name, &picture)) {
                Ok((shown, refused)) => {
                    page.add(&shown);
                    failed += usize::from(!refused.is_empty());
                    for why in refused {
                        progress.suspend(|| complain!("error: {name}: {why}"));
                        page.add_failed(&name, &why);
                    }
                }
                Err(error) if error.is::<Interrupted>() => {
                    progress.clear();
                    return Err(error.into());
                }
                Err(error) => {
                    failed += 1;
                    // Whoever gets the page need not know the folders of who made it.
                    let why = told(&error).replace(&path.display().to_string(), &name);
                    progress.suspend(|| complain!("error: {name}: {why}"));
                    page.add_failed(&name, &why);
                }
            }
        }
        progress.done();
    }
    progress.clear();
    write_file(&args.output, page.whole(&lead, &settings).as_bytes())?;
    let written = args.output.display().to_string();
    crate::report::line(&written)?;
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::Run(anyhow!("{failed} of {total} inputs failed; {written} says why")))
    }
}

fn lead(model: &Model, asked: &Asked) -> String {
    let names: Vec<&str> = asked.methods.iter().map(|asked| asked.method.about().name).collect();
    format!(
        "{} looked at each photograph; {} say where it found its reasons, and the numbers beside them how far to believe that.",
        model.architecture.name,
        names.join(", ")
    )
}

fn settings(args: &Report, model: &Model, hash: String, asked: &Asked) -> Vec<(&'static str, String)> {
    let weights =
        args.model.weights.as_ref().map_or_else(|| "inside the program".to_owned(), |path| inputs::file_name(path));
    let [height, width] = args.pictures.size.unwrap_or(model.architecture.preprocessing.size);
    let methods: Vec<&str> = asked.methods.iter().map(|asked| asked.method.about().name).collect();
    vec![
        ("Program", format!("gradex {}", env!("CARGO_PKG_VERSION"))),
        ("Model", model.architecture.name.to_owned()),
        ("Weights", weights),
        ("sha256 of the weights", hash),
        ("Input of the network", format!("{width} × {height} pixels, {}", args.pictures.resize)),
        ("Methods", methods.join(", ")),
        ("Extrapolation", format!("{}: {}", args.ask.extrapolate, args.ask.extrapolate.summary())),
        ("Seed", args.ask.settings.seed.to_string()),
        ("Steps of the curves", args.steps.to_string()),
    ]
}

/// The network with random numbers for all that it learnt.
fn unlearnt(model: &Model, seed: u64) -> Result<Network> {
    Ok(randomised(&model.network, &learned_layers(&model.network), seed)?)
}

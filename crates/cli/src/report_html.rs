//! `gradex report`: one HTML file about all inputs.

use anyhow::anyhow;
use gradex::Model;
use gradex::formats::write_file;
use gradex::methods::DEFAULT_BATCH;

use crate::args::Report;
use crate::asked::Asked;
use crate::clash::Read;
use crate::failure::{Failure, Interrupted, Outcome, told};
use crate::forgetful::Forgetful;
use crate::interrupt::Interrupt;
use crate::memory::{self, Budget, Most};
use crate::outputs;
use crate::page::Page;
use crate::progress::Progress;
use crate::receipt::program;
use crate::shown::Task;
use crate::{inputs, model};

/// How many depths of random weights are tried, from the logits alone to the whole network.
const DEPTHS: usize = 4;

/// Explains every input, and writes the page when all are done.
pub fn run(mut args: Report) -> Outcome {
    args.ask.or_methods(&["grad-cam", "layer-cam", "epsilon-plus"]);
    let args = &args;
    args.style.check()?;
    Asked::check(&args.ask)?;
    let read = Read::of(&args.pictures.inputs, &args.model, &args.ask.settings);
    read.check("--output", &args.output)?;
    model::set_threads(&args.model)?;
    outputs::check_file("--output", &args.output)?;
    let most = Most::asked(args.model.max_memory);
    let (model, weights) = model::load_hashed(&args.model, most)?;
    let files = inputs::expand(&args.pictures.inputs);
    let (budget, asked) = plan(most, args, &model, files.len())?;
    let needs = |size| memory::reports(&asked, &model, args.ask.extrapolate, size, DEPTHS, files.len());
    let admit = |holds| budget.admit(holds, needs);
    let (interrupt, mut progress) = (Interrupt::listen()?, Progress::new());
    let (lead, settings) = (lead(&model, &asked), settings(args, &model, weights, &asked));
    let forgetful = Forgetful::at(DEPTHS, &model.network, args.ask.settings.seed)?;
    let of = |Forgetful { layer, network }| (layer, Model { architecture: model.architecture, network });
    let forgetful: Vec<(String, Model)> = forgetful.into_iter().map(of).collect();
    let task = Task::new(args, &model, &forgetful, &asked, interrupt, &progress);

    progress.over(files.len());
    let (mut page, mut failed, mut total) = (Page::default(), 0, 0);
    for (path, found) in inputs::expand(&args.pictures.inputs) {
        progress.begin(&path);
        let pictures = found.and_then(|()| inputs::read(&path, &model, &args.pictures, &admit));
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
                        progress.suspend(|| complain!("error: {}: {why}", path.display()));
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
                    let message = crate::run::named(&path.display().to_string(), &told(&error));
                    progress.suspend(|| complain!("error: {message}"));
                    page.add_failed(&name, &crate::run::named(&name, &why));
                }
            }
        }
        progress.done();
    }
    progress.clear();
    write_file(&args.output, page.whole(&lead, &settings).as_bytes())?;
    let written = args.output.display().to_string();
    crate::report::line(&written)?;
    budget.tell();
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::Run(anyhow!("{failed} of {total} inputs failed; {written} says why")))
    }
}

/// The memory of a page of so many photographs, with the largest batch that fits, and what is then asked.
fn plan(most: Most, args: &Report, model: &Model, photographs: usize) -> Outcome<(Budget, Asked)> {
    let size = args.pictures.size.unwrap_or(model.architecture.preprocessing.size);
    let needs = |batch| {
        let mut ask = args.ask.clone();
        ask.settings.batch = Some(batch);
        let asked = Asked::new(&ask, args.pictures.size, model)?;
        Ok((memory::reports(&asked, model, ask.extrapolate, size, DEPTHS, photographs)?, asked))
    };
    Budget::plan(most, &args.pictures, model, args.ask.settings.batch.unwrap_or(DEFAULT_BATCH), needs)
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
    let points = match args.ask.points[..] {
        [] => "each method’s own".to_owned(),
        _ => args.ask.points.join(", "),
    };
    let probable = asked.top();
    let probable = (probable > 0).then(|| format!("the {probable} most probable"));
    let classes: Vec<String> = args.ask.classes.iter().cloned().chain(probable).collect();
    let versus = args.ask.versus.as_ref().map(|versus| format!(", and not {versus}"));
    let classes = classes.join(", ") + &versus.unwrap_or_default();
    let convolutions = args.model.choice.word().unwrap_or_else(|| "each by the cheapest algorithm".to_owned());
    vec![
        ("Program", format!("gradex {}", env!("CARGO_PKG_VERSION"))),
        ("sha256 of the program", program().unwrap_or_else(|| "not known".to_owned())),
        ("Model", model.architecture.name.to_owned()),
        ("Weights", weights),
        ("sha256 of the weights", hash),
        ("Convolutions", convolutions),
        ("Input of the network", format!("{width} × {height} pixels, {}", args.pictures.resize)),
        ("Methods", methods.join(", ")),
        ("Points", points),
        ("Classes", classes),
        ("Extrapolation", format!("{}: {}", args.ask.extrapolate, args.ask.extrapolate.summary())),
        ("Seed", args.ask.settings.seed.to_string()),
        ("Steps of the curves", args.steps.to_string()),
    ]
}

//! `gradex classify`.

use anyhow::Result;
use gradex::engine::Retain;
use gradex::{Model, top};

use crate::args::Classify;
use crate::failure::Outcome;
use crate::inputs::Picture;
use crate::memory::{self, Budget, Most};
use crate::progress::Progress;
use crate::report::{Report, labelled, region};
use crate::{model, run};

/// Prints the most probable classes of each input.
pub fn run(args: &Classify) -> Outcome {
    model::set_threads(&args.model)?;
    let most = Most::asked(args.model.max_memory);
    let model = model::load(&args.model, most)?;
    let (pictures, needs) = (&args.input.pictures, |size| memory::classes(&model, size));
    let size = pictures.size.unwrap_or(model.architecture.preprocessing.size);
    let (budget, ()) = Budget::plan(most, pictures, &model, 1, |_| Ok((needs(size)?, ())))?;
    let admit = |holds| budget.admit(holds, needs);
    let outcome = run::for_each_picture(&args.input, &model, &admit, Progress::new(), |path, picture| {
        classify(&model, args.top_k, run::shown(path, &picture), &picture)
    });
    budget.tell();
    outcome
}

fn classify(model: &Model, count: usize, input: String, picture: &Picture) -> Result<Report> {
    let tape = model.network.forward(&picture.input, &Retain::logits())?;
    Ok(Report {
        input,
        model: model.architecture.name,
        size: [picture.input.shape()[2], picture.input.shape()[3]],
        photograph: picture.photograph.size(),
        region: region(&picture.region),
        predictions: labelled(top(tape.image_logits(0)?, count)),
        explanations: None,
        refused: None,
        passes: None,
        sheets: None,
        milliseconds: 0.0,
    })
}

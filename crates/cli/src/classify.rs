//! `gradex classify`.

use anyhow::Result;
use gradex::engine::Retain;
use gradex::{Model, top};

use crate::args::Classify;
use crate::failure::Outcome;
use crate::inputs::Picture;
use crate::progress::Progress;
use crate::report::{Report, labelled, region};
use crate::{model, run};

/// Prints the most probable classes of each input.
pub fn run(args: &Classify) -> Outcome {
    model::set_threads(&args.model)?;
    let model = model::load(&args.model)?;
    run::for_each_picture(&args.input, &model, &|_| Ok(()), Progress::new(), |path, picture| {
        classify(&model, args.top_k, run::shown(path, &picture), &picture)
    })
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

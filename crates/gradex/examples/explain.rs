//! The library in ten lines: what made the classifier say what it says?

use gradex::{Explainer, Fit, Photograph, Style, overlay, top, write_png};

fn main() -> gradex::Result<()> {
    let model = gradex::embedded()?;
    let photograph = Photograph::open("fixtures/images/chelsea.png")?;
    let seen = gradex::see(&model, &photograph, Fit::Squash)?;
    let explainer = Explainer::new(&model.network);
    let tape = explainer.forward(&seen.input)?; // one forward pass
    let best = top(tape.image_logits(0)?, 1)[0];
    let explanation = &explainer.explain(&tape, &[best.class])?[0]; // one backward pass a class
    let picture = overlay(&photograph, explanation.fine.map(), &seen.region, &Style::default())?;
    write_png("chelsea-explained.png", &picture)?;
    Ok(())
}

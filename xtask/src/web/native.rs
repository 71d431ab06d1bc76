//! What the page computes, computed by this program.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result};
use gradex::{Model, Photograph, Prediction, Question, Style, View, imagenet_labels};

use crate::repository::root;

/// The sample photograph and the network of the site.
pub struct Native {
    model: Arc<Model>,
    photograph: Photograph,
}

/// An explanation of the most probable class.
pub struct Answer {
    /// The map at the network's input size.
    pub fine: Vec<f32>,
    /// The overlay's pixels, of three bytes.
    pub overlay: Vec<u8>,
}

impl Native {
    /// Reads both.
    pub fn new() -> Result<Self> {
        let weights = root().join("weights/efficientnet-lite0.safetensors");
        let photograph = Photograph::open(root().join("fixtures/images/chelsea.png"))?;
        Ok(Self { model: Arc::new(gradex::load("efficientnet-lite0", weights)?), photograph })
    }

    /// The most probable class, and its label.
    pub fn best(&self) -> Result<(Prediction, &'static str)> {
        let best = *self.view("grad-cam")?.top(1)?.first().context("no class")?;
        Ok((best, imagenet_labels().nth(best.class).context("no label")?))
    }

    /// The explanation of the most probable class.
    pub fn explain(&self, method: &str, plain: bool) -> Result<Answer> {
        let view = self.view(method)?;
        let class = view.top(1)?.first().context("no class")?.class;
        let explanation = view.explain(class, |_| ControlFlow::Continue(()))?;
        let fine = if plain { view.plain(&explanation)? } else { explanation.fine };
        let overlay = view.overlay(&fine, &Style::default())?.into_raw();
        Ok(Answer { fine: fine.values.iter().copied().collect(), overlay })
    }

    fn view(&self, method: &str) -> Result<View> {
        let question = Question { method: method.to_owned(), ..Question::default() };
        Ok(View::new(Arc::clone(&self.model), self.photograph.clone(), &question)?)
    }
}

//! A photograph that a model has looked at: whoever embeds gradex behind a handle needs owned values without lifetimes.

use std::ops::ControlFlow;
use std::sync::Arc;

use gradex_engine::{NodeId, Tape};
use gradex_models::Model;
use gradex_render::{Fit, Photograph, Region, RgbImage, Style, overlay};
use gradex_saliency::extrapolate::extrapolate;
use gradex_saliency::methods::{self, Settings};
use gradex_saliency::{Explainer, Explanation, Extrapolation, Heatmap, Method, Prediction, Progress, Target, top};

use crate::bounds::bounds;
use crate::error::Result;
use crate::seen::{Seen, see};

/// What is asked of a photograph, by names as the command line takes them.
#[derive(Debug, Clone)]
pub struct Question {
    /// The method.
    pub method: String,
    /// What it is told; the bounds of the network's input are added.
    pub settings: Settings,
    /// The node whose output the map is taken at; the method's own choice where there is none.
    pub point: Option<String>,
    /// How the map is sharpened.
    pub extrapolation: Extrapolation,
    /// How the photograph reaches the network's size.
    pub fit: Fit,
}

impl Default for Question {
    /// Grad-CAM at its default point, extrapolated over activated tensors, of the whole photograph.
    fn default() -> Self {
        Self {
            method: "grad-cam".to_owned(),
            settings: Settings::default(),
            point: None,
            extrapolation: Extrapolation::default(),
            fit: Fit::default(),
        }
    }
}

/// A photograph after one forward pass. It can be shared between threads, and asked about any number of classes.
#[derive(Debug)]
pub struct View {
    model: Arc<Model>,
    photograph: Photograph,
    region: Region,
    method: Arc<dyn Method>,
    point: Option<NodeId>,
    extrapolation: Extrapolation,
    tape: Tape,
}

impl View {
    /// Shows the photograph to the model, and keeps what the question needs.
    ///
    /// # Errors
    /// [`Error::Saliency`](crate::Error::Saliency) where a name means nothing to this model, where the point's output is
    /// no image, or where the forward pass fails.
    pub fn new(model: Arc<Model>, photograph: Photograph, question: &Question) -> Result<Self> {
        let mut settings = question.settings.clone();
        settings.bounds = settings.bounds.or_else(|| Some(bounds(&model.architecture.preprocessing)));
        let method = methods::find(&question.method, &settings)?;
        let point = question.point.as_deref().map(|name| model.network.graph().find(name)).transpose()?;
        let Seen { input, region } = see(&model, &photograph, question.fit)?;
        let extrapolation = question.extrapolation;
        let tape = explainer(&model, &method, point, extrapolation).forward(&input)?;
        Ok(Self { model, photograph, region, method, point, extrapolation, tape })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The photograph.
    #[must_use]
    pub fn photograph(&self) -> &Photograph {
        &self.photograph
    }

    /// The forward pass, of one image.
    #[must_use]
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The `count` most probable classes.
    ///
    /// # Errors
    /// None in practice: the tape holds one image.
    pub fn top(&self, count: usize) -> Result<Vec<Prediction>> {
        Ok(top(self.tape.image_logits(0)?, count))
    }

    /// Why this class? `watch` is told of the progress of long methods, and may stop them.
    ///
    /// # Errors
    /// [`Error::Saliency`](crate::Error::Saliency) as [`Explainer::explain_by`].
    pub fn explain(
        &self,
        class: usize,
        watch: impl Fn(&Progress<'_>) -> ControlFlow<()> + Send + Sync + 'static,
    ) -> Result<Explanation> {
        let explainer = explainer(&self.model, &self.method, self.point, self.extrapolation).watch(watch);
        let run = explainer.run(&self.tape, &[Target::Class(class)])?;
        Ok(explainer.explain_by(&run, self.method.as_ref())?.remove(0))
    }

    /// The same explanation without extrapolation: the method's own map, resized.
    ///
    /// # Errors
    /// [`Error::Saliency`](crate::Error::Saliency) where the explanation is of another network.
    pub fn plain(&self, explanation: &Explanation) -> Result<Heatmap> {
        Ok(extrapolate(Extrapolation::NONE, &explanation.coarse, &self.tape, explanation.image, &[])?)
    }

    /// The map drawn over the photograph.
    ///
    /// # Errors
    /// [`Error::Render`](crate::Error::Render) for a style that is none.
    pub fn overlay(&self, fine: &Heatmap, style: &Style) -> Result<RgbImage> {
        Ok(overlay(&self.photograph, fine.map(), &self.region, style)?)
    }
}

fn explainer<'m>(
    model: &'m Model,
    method: &Arc<dyn Method>,
    point: Option<NodeId>,
    extrapolation: Extrapolation,
) -> Explainer<'m> {
    let explainer = Explainer::new(&model.network).methods(vec![Arc::clone(method)]).extrapolation(extrapolation);
    match point {
        Some(point) => explainer.point(point),
        None => explainer,
    }
}

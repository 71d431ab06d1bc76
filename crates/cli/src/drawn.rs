//! How maps are drawn: overlays, and the contact sheet of one input and class.

use anyhow::Result;
use gradex::render::{RgbImage, Sheet, overlay_components};
use gradex::saliency::extrapolate;
use gradex::{Explanation, Extrapolation, Heatmap, Photograph, Region, Style, Tape, overlay};

use crate::args::{Explain, StyleArgs};
use crate::asked::Question;
use crate::inputs::Picture;
use crate::report::{Explained, LabelledPrediction, Report, label};

/// The part of the pixels that is told apart in pictures of a map as fine as the input.
const STRETCH: f32 = 0.99;

/// An explanation as it is drawn.
pub struct Drawn {
    /// The map after extrapolation.
    pub fine: Heatmap,
    /// The map without extrapolation; none where that is `fine` already.
    pub plain: Option<Heatmap>,
    style: Style,
}

impl Drawn {
    /// How the command line wants this explanation drawn.
    pub fn new(mode: Extrapolation, args: &StyleArgs, tape: &Tape, explanation: &Explanation) -> Result<Self> {
        let Explanation { coarse, fine, .. } = explanation;
        let plain = (mode != Extrapolation::NONE)
            .then(|| extrapolate::extrapolate(Extrapolation::NONE, coarse, tape, 0, &[]))
            .transpose()?;
        let is_fine = coarse.map().shape() == &tape.input_shape()[2..];
        let stretch = args.stretch.map_or(if is_fine { STRETCH } else { 1.0 }, |percent| percent / 100.0);
        let style = Style { map: args.colour_map, opacity: args.opacity, stretch };
        Ok(Self { fine: fine.clone(), plain, style })
    }

    /// The percentage of the pixels that is told apart in the pictures; none where it is all.
    pub fn stretch_percent(&self) -> Option<f32> {
        (self.style.stretch < 1.0).then_some(self.style.stretch * 100.0)
    }

    /// The heat over a photograph: of one channel by the colour map, of several as colours, unless they are blank.
    pub fn overlay(&self, photograph: &Photograph, region: &Region, heat: &Heatmap) -> Result<RgbImage> {
        Ok(match heat.values.dim().0 {
            1 => overlay(photograph, heat.map(), region, &self.style)?,
            _ if heat.reason.is_some() => overlay(photograph, heat.map(), region, &self.style)?,
            _ => overlay_components(photograph, heat.values.view(), region, &self.style)?,
        })
    }
}

/// The contact sheet of one input and class.
pub struct ContactSheet(Sheet);

impl ContactSheet {
    /// With a head line about the class, and the predictions beside the photograph.
    pub fn new(args: &Explain, picture: &Picture, report: &Report, question: &Question) -> Result<Self> {
        let mode = args.ask.extrapolate;
        let tiles = if mode == Extrapolation::NONE { 1 } else { 2 };
        let title = match question.versus {
            Some(_) => question.title(),
            None => format!("{}, {:.1} %", label(question.class), 100.0 * question.probability),
        };
        let input = report.input.rsplit(['/', '\\']).next().unwrap_or_default();
        let sides = match tiles {
            1 => String::new(),
            _ => format!("; left the method's own map, right extrapolated ({mode})"),
        };
        let note = |p: &LabelledPrediction| (format!("{:.1} %", 100.0 * p.probability), p.label.to_owned());
        let sheet = Sheet::new(&picture.photograph, &picture.region, tiles)?
            .titled(title, format!("{input}, {}{sides}", report.model))
            .noted(report.predictions.iter().map(note).collect());
        Ok(Self(sheet))
    }

    /// Adds a method's map, and the extrapolated one beside it.
    pub fn add(&mut self, explained: &Explained, drawn: &Drawn) -> Result<()> {
        let draw = |heat| drawn.overlay(self.0.photograph(), self.0.region(), heat);
        let tiles = drawn.plain.iter().chain([&drawn.fine]).map(draw).collect::<Result<_>>()?;
        let blank = explained.reason.clone().unwrap_or_default();
        self.0.add(explained.method, blank, tiles);
        Ok(())
    }

    /// The sheet as a picture.
    pub fn draw(&self) -> RgbImage {
        self.0.draw()
    }
}

//! The section about one photograph.

use std::borrow::Cow;

use super::html::{Html, dotted, fill, text};
use super::measured::Measured;

/// A photograph and what was found out about it.
#[derive(Debug)]
pub struct PhotographShown {
    /// Its file's name.
    pub name: String,
    /// Its own size, `[height, width]`.
    pub size: [usize; 2],
    /// The photograph itself, as a `data:` address.
    pub picture: Html,
    /// The size of all pictures, `[height, width]`.
    pub shown: [usize; 2],
    /// What is to be said about the part of it that the network saw.
    pub seen: String,
    /// The most probable classes' labels, with their probabilities.
    pub predictions: Vec<(String, f64)>,
    /// What was asked.
    pub questions: Vec<QuestionShown>,
    /// sha256 of the file.
    pub hash: String,
}

/// A question about a class, and its answers.
#[derive(Debug)]
pub struct QuestionShown {
    /// The question.
    pub title: String,
    /// The answer of each method.
    pub methods: Vec<MethodShown>,
    /// How the score follows the maps.
    pub measured: Measured,
}

/// The answer of a method.
#[derive(Debug)]
pub struct MethodShown {
    /// Its name.
    pub name: String,
    /// What it does, and where.
    pub about: String,
    /// Its pictures.
    pub maps: Vec<MapShown>,
    /// What is to be thought of them.
    pub verdicts: Vec<Verdict>,
    /// What is left of the picture as the network forgets; none where that was not asked.
    pub depths: Vec<Depth>,
}

/// What is left of a picture where everything from the logits down to a layer is random.
#[derive(Debug)]
pub struct Depth {
    /// The layer.
    pub layer: String,
    /// The rank correlation of the two pictures; none where there is no picture left.
    pub correlation: Option<f64>,
    /// The verdict.
    pub words: &'static str,
}

/// A picture of a map.
#[derive(Debug)]
pub struct MapShown {
    /// The picture, as a `data:` address.
    pub picture: Html,
    /// What it shows, for who does not see it.
    pub alternative: String,
    /// What stands below it.
    pub caption: String,
}

/// What is to be thought of a map.
#[derive(Debug)]
pub struct Verdict {
    /// What it is about.
    pub about: Cow<'static, str>,
    /// The verdict.
    pub words: String,
    /// Whether it is a reason to doubt the map.
    pub doubt: bool,
}

impl PhotographShown {
    /// What the model sees first.
    pub fn summary(&self) -> String {
        self.predictions.first().map_or_else(String::new, |(label, part)| format!("{label}, {}", percent(*part)))
    }

    /// The section, as the one of this number in the page.
    pub fn section(&self, number: usize) -> Html {
        let [height, width] = self.size;
        let prediction = |(label, part): &(String, f64)| {
            let gaps = [
                ("label", text(label)),
                ("percent", text(percent(*part))),
                ("part", text(format_args!("{:.1}", 100.0 * part))),
            ];
            fill(include_str!("pieces/prediction.html"), &gaps)
        };
        let questions = (1..)
            .zip(&self.questions)
            .map(|(place, asked)| asked.section(&format!("question-{number}-{place}"), self.shown));
        fill(
            include_str!("pieces/photograph.html"),
            &[
                ("number", text(number)),
                ("name", text(&self.name)),
                ("source", self.picture.clone()),
                ("alt", text(format_args!("The photograph {}. The model takes it for: {}", self.name, self.summary()))),
                ("height", text(self.shown[0])),
                ("width", text(self.shown[1])),
                ("caption", text(format_args!("The photograph, {width} × {height} pixels{}", self.seen))),
                ("predictions", Html::join(self.predictions.iter().map(prediction))),
                ("questions", Html::join(questions)),
                ("hash", text(&self.hash)),
            ],
        )
    }
}

impl QuestionShown {
    fn section(&self, id: &str, shown: [usize; 2]) -> Html {
        fill(
            include_str!("pieces/question.html"),
            &[
                ("id", text(id)),
                ("title", text(&self.title)),
                ("methods", Html::join(self.methods.iter().map(|method| method.article(shown)))),
                ("measured", self.measured.block(id)),
            ],
        )
    }
}

impl MethodShown {
    fn article(&self, [height, width]: [usize; 2]) -> Html {
        let map = |map: &MapShown| {
            let MapShown { picture, alternative, caption } = map;
            let gaps = [
                ("source", picture.clone()),
                ("alt", text(alternative)),
                ("height", text(height)),
                ("width", text(width)),
                ("caption", text(caption)),
            ];
            fill(include_str!("pieces/map.html"), &gaps)
        };
        let depth = |Depth { layer, correlation, words }: &Depth| {
            let correlation = correlation.map_or_else(|| "–".to_owned(), |found| format!("{found:.3}"));
            let gaps = [("layer", dotted(layer)), ("correlation", text(correlation)), ("verdict", text(words))];
            fill(include_str!("pieces/depth.html"), &gaps)
        };
        let depths = match self.depths[..] {
            [] => Html::default(),
            _ => {
                let rows = Html::join(self.depths.iter().map(depth));
                fill(include_str!("pieces/depths.html"), &[("name", text(&self.name)), ("rows", rows)])
            }
        };
        fill(
            include_str!("pieces/method.html"),
            &[
                ("name", text(&self.name)),
                ("about", text(&self.about)),
                ("maps", Html::join(self.maps.iter().map(map))),
                ("verdicts", Html::join(self.verdicts.iter().map(Verdict::item))),
                ("depths", depths),
            ],
        )
    }
}

impl Verdict {
    /// As an item of a list.
    pub fn item(&self) -> Html {
        let kind = if self.doubt { "doubt" } else { "fine" };
        let gaps = [("kind", text(kind)), ("about", text(&self.about)), ("verdict", text(&self.words))];
        fill(include_str!("pieces/verdict.html"), &gaps)
    }
}

/// A part as a percentage.
pub fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

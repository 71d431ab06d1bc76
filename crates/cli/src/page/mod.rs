//! The report as one HTML file that needs nothing beside it: no network, no script, no other file.

mod chart;
mod data;
mod html;
mod measured;
mod photograph;
mod place;

pub use chart::Stroke;
pub use data::picture;
pub use html::Html;
pub use measured::{Measured, Order};
pub use photograph::{Depth, MapShown, MethodShown, PhotographShown, QuestionShown, Verdict};
pub use place::place;

use html::{fill, text};

/// A page in the making.
#[derive(Debug, Default)]
pub struct Page {
    sections: Vec<Html>,
    entries: Vec<Html>,
    backgrounds: Vec<Html>,
}

impl Page {
    /// Adds a photograph.
    pub fn add(&mut self, shown: &PhotographShown) {
        let number = self.sections.len() + 1;
        self.enter(number, &shown.name, &shown.summary());
        // Below the overlays, for when they are made transparent: in the style, so that it is there once.
        let gaps = [("number", text(number)), ("source", shown.picture.clone())];
        self.backgrounds.push(fill(include_str!("pieces/background.css"), &gaps));
        self.sections.push(shown.section(number));
    }

    /// Adds an input that could not be explained, and why.
    pub fn add_failed(&mut self, name: &str, why: &str) {
        let number = self.sections.len() + 1;
        self.enter(number, name, "not explained");
        let gaps = [("number", text(number)), ("name", text(name)), ("why", text(why))];
        self.sections.push(fill(include_str!("pieces/failed.html"), &gaps));
    }

    fn enter(&mut self, number: usize, name: &str, summary: &str) {
        let gaps = [("number", text(number)), ("name", text(name)), ("summary", text(summary))];
        self.entries.push(fill(include_str!("pieces/entry.html"), &gaps));
    }

    /// The whole file. `settings` are what made it, by name.
    pub fn whole(self, lead: &str, settings: &[(&str, String)]) -> Html {
        let script = Html::constant(include_str!("pieces/script.js"));
        let style = Html::join([Html::constant(include_str!("pieces/style.css"))].into_iter().chain(self.backgrounds));
        let title = match self.entries.len() {
            1 => "What did the classifier look at? 1 photograph".to_owned(),
            several => format!("What did the classifier look at? {several} photographs"),
        };
        let contents = match self.entries.len() {
            0 | 1 => Html::default(),
            _ => fill(include_str!("pieces/contents.html"), &[("entries", Html::join(self.entries))]),
        };
        let setting = |(name, value): &(&str, String)| {
            fill(include_str!("pieces/setting.html"), &[("name", text(name)), ("value", text(value))])
        };
        fill(
            include_str!("pieces/page.html"),
            &[
                ("style-hash", data::policy_hash(&style)),
                ("script-hash", data::policy_hash(&script)),
                ("version", text(env!("CARGO_PKG_VERSION"))),
                ("title", text(title)),
                ("style", style),
                ("lead", text(lead)),
                ("contents", contents),
                ("sections", Html::join(self.sections)),
                ("reading", Html::constant(include_str!("pieces/reading.html"))),
                ("settings", Html::join(settings.iter().map(setting))),
                ("script", script),
            ],
        )
    }
}

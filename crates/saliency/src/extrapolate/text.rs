//! Extrapolations as text: a mode, and in brackets what differs from it, as in `activated(power=0.5,tensors=last)`.

use std::fmt;
use std::str::FromStr;

use super::rule::{Evidence, Extrapolation, Finish, Scale, Skip, Tensors};
use super::words::Word;
use crate::error::{Error, Result};

/// A name, its value, and what it does.
type Mode = (&'static str, Extrapolation, &'static str);

const MODES: [Mode; 3] = [
    ("activated", Extrapolation::ACTIVATED, "over the first non-negative tensor after each downsampling (the default)"),
    (
        "published",
        Extrapolation::PUBLISHED,
        "the paper's code to the letter: over raw max-pool and strided convolution outputs",
    ),
    ("none", Extrapolation::NONE, "the method's own map, resized"),
];

impl Extrapolation {
    /// What can be set in brackets behind a mode, and to what.
    #[must_use]
    pub fn forms() -> [(&'static str, String); 6] {
        [
            ("tensors", Tensors::names()),
            ("skip", Skip::names()),
            ("scale", Scale::names()),
            ("power", "a number above 0".to_owned()),
            ("evidence", Evidence::names()),
            ("finish", Finish::names()),
        ]
    }

    /// What the mode does that it is, or is a change of, in one line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.mode().2
    }

    /// The mode from which the fewest settings differ.
    fn mode(self) -> Mode {
        let [activated, published, none] = MODES;
        let differences = |(_, mode, _): Mode| self.beside(mode).len();
        [published, none]
            .into_iter()
            .fold(activated, |nearest, mode| if differences(mode) < differences(nearest) { mode } else { nearest })
    }

    fn settings(self) -> [(&'static str, String); 6] {
        let Self { tensors, skip, scale, power, evidence, finish } = self;
        [
            ("tensors", tensors.word().to_owned()),
            ("skip", skip.word().to_owned()),
            ("scale", scale.word().to_owned()),
            ("power", power.to_string()),
            ("evidence", evidence.word().to_owned()),
            ("finish", finish.word().to_owned()),
        ]
    }

    /// The settings that differ from those of another.
    fn beside(self, other: Self) -> Vec<(&'static str, String)> {
        let pairs = self.settings().into_iter().zip(other.settings());
        pairs.filter(|(own, other)| own != other).map(|(own, _)| own).collect()
    }

    /// With one setting changed; else why it cannot be.
    fn with(self, key: &str, value: &str) -> std::result::Result<Self, String> {
        let above_zero = || value.parse().ok().filter(|power: &f64| power.is_finite() && *power > 0.0);
        Ok(match key {
            "tensors" => Self { tensors: Tensors::named(value)?, ..self },
            "skip" => Self { skip: Skip::named(value)?, ..self },
            "scale" => Self { scale: Scale::named(value)?, ..self },
            "power" => Self { power: above_zero().ok_or_else(|| format!("`{value}` is no number above 0"))?, ..self },
            "evidence" => Self { evidence: Evidence::named(value)?, ..self },
            "finish" => Self { finish: Finish::named(value)?, ..self },
            _ => {
                let names = Self::forms().map(|(name, _)| name);
                return Err(format!("there is no setting `{key}`; there are: {}", names.join(", ")));
            }
        })
    }
}

impl fmt::Display for Extrapolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, mode, _) = self.mode();
        let differing: Vec<String> =
            self.beside(mode).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let text = if differing.is_empty() { name.to_owned() } else { format!("{name}({})", differing.join(",")) };
        f.pad(&text)
    }
}

impl FromStr for Extrapolation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let error = |why: String| Error::Extrapolation { text: text.to_owned(), why };
        let (name, settings) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')').ok_or_else(|| error("a `)` is missing".to_owned()))?;
                (name.trim_end(), Some(inner))
            }
        };
        let mode = MODES.into_iter().find(|(mode, _, _)| *mode == name).ok_or_else(|| Error::UnknownName {
            kind: "extrapolation",
            name: name.to_owned(),
            known: MODES.map(|(mode, _, _)| mode).to_vec(),
        })?;
        settings.into_iter().flat_map(|settings| settings.split(',')).try_fold(mode.1, |changed, setting| {
            let (key, value) =
                setting.split_once('=').ok_or_else(|| error(format!("`{setting}` is not written NAME=VALUE")))?;
            changed.with(key.trim(), value.trim()).map_err(error)
        })
    }
}

//! Composites from text: `first conv2d = flat; conv2d = gamma(0.25); linear = epsilon(1e-6)`.

use std::str::FromStr;

use super::Composite;
use crate::error::{Error, Result};
use crate::rules;

/// Lines `SELECTOR = RULE`, each ended by a `;` or the line's end; what follows a `#` is a comment. The forms are those of
/// [`Selector`](super::Selector) and [`rules::FORMS`]. The first line that matches a node wins, and after the given lines
/// come those that every LRP composite ends with ([`Composite::ending_in_lrp`]).
impl FromStr for Composite {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let uncommented = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let lines = uncommented.flat_map(|line| line.split(';')).map(str::trim).filter(|line| !line.is_empty());
        let mut composite = Self::new("lrp");
        for line in lines {
            let error = |why: &str| Error::Rules { text: line.to_owned(), why: why.to_owned() };
            let (selector, rule) = line.split_once('=').ok_or_else(|| error("a line is `SELECTOR = RULE`"))?;
            composite = composite.line(selector.parse()?, rules::parse(rule)?);
        }
        if composite.lines.is_empty() {
            let why = "there is no line `SELECTOR = RULE`, such as `conv2d = gamma(0.25)`".to_owned();
            return Err(Error::Rules { text: text.trim().to_owned(), why });
        }
        Ok(composite.ending_in_lrp())
    }
}

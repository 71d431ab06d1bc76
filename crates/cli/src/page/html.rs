//! HTML that is escaped by construction: words become [`Html`] through [`text`], pieces through [`fill`].

use std::fmt::{self, Display, Write};

/// A piece of HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// HTML that is known when the program is built.
    pub fn constant(html: &'static str) -> Self {
        Self(html.to_owned())
    }

    /// Pieces one after the other.
    pub fn join(pieces: impl IntoIterator<Item = Self>) -> Self {
        Self(pieces.into_iter().map(|piece| piece.0).collect())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Words, so escaped that they may stand between tags and in quoted attributes. Control characters become U+FFFD.
pub fn text(words: impl Display) -> Html {
    let mut escaped = String::new();
    // Writing to a string does not fail.
    let _ = write!(Escaping(&mut escaped), "{words}");
    Html(escaped)
}

/// A name of parts with dots between them, which may go on in a new line after a dot.
pub fn dotted(name: &str) -> Html {
    Html(text(name).0.replace('.', ".<wbr>"))
}

struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, words: &str) -> fmt::Result {
        for character in words.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other if other.is_control() => self.0.push(char::REPLACEMENT_CHARACTER),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

/// A piece with its gaps, `{{name}}`, filled. What fills a gap is not searched for gaps.
pub fn fill(piece: &'static str, gaps: &[(&str, Html)]) -> Html {
    let (mut filled, mut rest) = (String::new(), piece);
    while let Some((before, name, after)) = next_gap(rest) {
        let value = gaps.iter().find(|(known, _)| *known == name);
        debug_assert!(value.is_some(), "nothing fills the gap {name}");
        filled.push_str(before);
        filled.extend(value.map(|(_, html)| html.0.as_str()));
        rest = after;
    }
    filled.push_str(rest);
    Html(filled)
}

fn next_gap(piece: &str) -> Option<(&str, &str, &str)> {
    let (before, after) = piece.split_once("{{")?;
    let (name, after) = after.split_once("}}")?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_html_knows_survives_in_words() {
        let name = "<script>alert('\"&\")</script>\u{1b}[31m.png";
        let expected = "&lt;script&gt;alert(&#39;&quot;&amp;&quot;)&lt;/script&gt;\u{fffd}[31m.png";
        assert_eq!(text(name).to_string(), expected);
    }

    #[test]
    fn names_of_layers_break_after_dots() {
        assert_eq!(dotted("a.1.<b>").to_string(), "a.<wbr>1.<wbr>&lt;b&gt;");
    }

    #[test]
    fn gaps_are_filled_once_and_values_are_not_searched_for_gaps() {
        let filled = fill("<b title=\"{{a}}\">{{b}}{{a}}</b>", &[("a", text("{{b}}")), ("b", text("<"))]);
        assert_eq!(filled.to_string(), "<b title=\"{{b}}\">&lt;{{b}}</b>");
    }
}

//! Names of choices: what the command line calls them.

/// A choice among few, each with a name.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Every choice by its name.
    const WORDS: &'static [(&'static str, Self)];

    /// The name of this one.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, word)| *word == self).map_or("", |(name, _)| name)
    }

    /// All names.
    fn names() -> String {
        Self::WORDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The one of this name; else what names there are.
    fn named(name: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == name);
        found.map(|(_, word)| *word).ok_or_else(|| format!("`{name}` is none of {}", Self::names()))
    }
}

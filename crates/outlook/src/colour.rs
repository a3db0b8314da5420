//! The colour of a Tempo day. Kept in this one place so that a shared type can take over.

use std::fmt;

/// The colour of a Tempo day, from the cheapest to the dearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Colour {
    /// An ordinary day.
    Blue,
    /// A dearer day, 43 in a season.
    White,
    /// A very dear day, 22 in a season.
    Red,
}

impl Colour {
    /// Its name, as it stands in the cache and in settings.
    pub fn id(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::White => "white",
            Self::Red => "red",
        }
    }

    /// A name in English or French, in any case; `None` for anything else, an undecided day among it.
    pub fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "blue" | "bleu" => Some(Self::Blue),
            "white" | "blanc" => Some(Self::White),
            "red" | "rouge" => Some(Self::Red),
            _ => None,
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

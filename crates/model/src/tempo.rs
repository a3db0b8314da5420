//! The colours of EDF's Tempo tariff.

use std::fmt;
use std::str::FromStr;

/// The colour of a day. Red is dear from 06:00 to 22:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TempoColour {
    /// 300 or 301 days of a season.
    Blue,
    /// 43 days of a season.
    White,
    /// 22 days of a season.
    Red,
}

impl TempoColour {
    /// All of them, the cheapest first.
    pub const ALL: [Self; 3] = [Self::Blue, Self::White, Self::Red];

    /// Its key, as it is read and printed.
    pub fn key(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::White => "white",
            Self::Red => "red",
        }
    }
}

impl fmt::Display for TempoColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

/// A text that is no colour of the Tempo tariff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColourParseError(String);

impl fmt::Display for ColourParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no Tempo colour: expected blue, white or red", self.0)
    }
}

impl std::error::Error for ColourParseError {}

impl FromStr for TempoColour {
    type Err = ColourParseError;

    /// Reads `blue`, `BLUE` and the French `Bleu`, `Blanc`, `Rouge`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "blue" | "bleu" => Ok(Self::Blue),
            "white" | "blanc" => Ok(Self::White),
            "red" | "rouge" => Ok(Self::Red),
            _ => Err(ColourParseError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_printed_and_as_the_sources_write_them() {
        for colour in TempoColour::ALL {
            assert_eq!(colour.to_string().parse(), Ok(colour));
        }
        assert_eq!("RED".parse(), Ok(TempoColour::Red));
        assert_eq!("Blanc".parse(), Ok(TempoColour::White));
        let error = "".parse::<TempoColour>().expect_err("unknown is no colour");
        assert_eq!(error.to_string(), r#""" is no Tempo colour: expected blue, white or red"#);
    }
}

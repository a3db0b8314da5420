//! How the value of each kind of switch is written.

use super::{CrcZero, Late, Stranger, Terminator};

/// `off` and a parsed value go the same way for every switch.
pub(super) fn put<T: Value>(slot: &mut T, text: &str) -> Result<(), String> {
    *slot = if text == "off" { T::default() } else { T::parse(text)? };
    Ok(())
}

/// A switch's value; `Default` is off.
pub(super) trait Value: Default {
    /// The value, or what was expected.
    fn parse(text: &str) -> Result<Self, String>;
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "on" { Ok(true) } else { Err("on or off".to_owned()) }
    }
}

impl Value for f64 {
    fn parse(text: &str) -> Result<Self, String> {
        text.trim_end_matches('%')
            .parse()
            .ok()
            .filter(|percent| (0.0..=100.0).contains(percent))
            .ok_or_else(|| "a percentage, 0..100".to_owned())
    }
}

impl Value for Option<u64> {
    fn parse(text: &str) -> Result<Self, String> {
        // A week in milliseconds: longer than any test, short enough never to overflow.
        match text.parse() {
            Ok(number @ 0..=604_800_000) => Ok(Some(number)),
            _ => Err("a whole number, 0..604800000".to_owned()),
        }
    }
}

impl Value for Option<Late> {
    fn parse(text: &str) -> Result<Self, String> {
        let (ms, percent) = text.split_once(':').unwrap_or((text, "100"));
        let ms = Option::<u64>::parse(ms).ok().flatten().filter(|ms| *ms <= 600_000);
        let pct = f64::parse(percent).ok();
        ms.zip(pct)
            .map(|(ms, pct)| Some(Late { ms, pct }))
            .ok_or_else(|| "milliseconds up to 600000, perhaps with :PERCENT, such as 5000:10".to_owned())
    }
}

/// One of a few words.
fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        format!("one of {}", names.join(", "))
    })
}

impl Value for Terminator {
    fn parse(text: &str) -> Result<Self, String> {
        word(text, &[("cr", Self::Cr), ("lf", Self::Lf), ("crlf", Self::CrLf)])
    }
}

impl Value for CrcZero {
    fn parse(text: &str) -> Result<Self, String> {
        word(text, &[("classic", Self::Classic), ("escaped", Self::Escaped)])
    }
}

impl Value for Stranger {
    fn parse(text: &str) -> Result<Self, String> {
        word(text, &[("echo", Self::Echo), ("nak", Self::Nak)])
    }
}

impl Value for Option<usize> {
    fn parse(text: &str) -> Result<Self, String> {
        let known = [17, 21, 24, 32, 36, 38];
        match text.parse() {
            Ok(number) if known.contains(&number) => Ok(Some(number)),
            _ => Err("17, 21 or 24 fields, or 32, 36 or 38 flags".to_owned()),
        }
    }
}

impl Value for Option<u8> {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(code @ 1..=99) => Ok(Some(code)),
            _ => Err("a fault code, 1..99".to_owned()),
        }
    }
}

impl Value for Option<char> {
    fn parse(text: &str) -> Result<Self, String> {
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_ascii_uppercase() => Ok(Some(letter)),
            _ => Err("one capital letter such as B".to_owned()),
        }
    }
}

impl Value for Vec<usize> {
    fn parse(text: &str) -> Result<Self, String> {
        let bit = |part: &str| part.trim().parse().ok().filter(|bit| *bit < 38);
        text.split(',')
            .map(bit)
            .collect::<Option<_>>()
            .ok_or_else(|| "flag numbers 0..37 separated by commas, such as 5,16".to_owned())
    }
}

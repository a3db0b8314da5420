//! How the value of each kind of switch is written.

use super::{Firmware, Garbage, Lockup, Mac, Malformed, ParamId, Sometimes, WrongUnit};
use crate::house::{ManualZero, PassiveEnd};
use std::net::SocketAddr;

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

impl Value for Vec<String> {
    fn parse(text: &str) -> Result<Self, String> {
        let words: Self =
            text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        if words.is_empty() || text == "on" { Err("names separated by commas".to_owned()) } else { Ok(words) }
    }
}

impl Value for ParamId {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "0" => Ok(Self::Zero),
            "1" => Ok(Self::One),
            "any" => Ok(Self::Any),
            _ => Err("0, 1 or any".to_owned()),
        }
    }
}

impl Value for Option<Lockup> {
    fn parse(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(requests, seconds)| {
                Some(Lockup { requests: requests.parse().ok()?, seconds: seconds.parse().ok()? })
            })
            .filter(|lockup| lockup.requests <= 1_000 && lockup.seconds <= 86_400)
            .map(Some)
            .ok_or_else(|| "requests/seconds such as 20/10, at most 1000/86400".to_owned())
    }
}

impl Value for Vec<WrongUnit> {
    fn parse(text: &str) -> Result<Self, String> {
        let unit = |part: &str| {
            let (field, factor) = part.split_once(':')?;
            let factor = factor.parse().ok().filter(|factor: &f64| factor.is_finite())?;
            Some(WrongUnit { field: field.to_owned(), factor })
        };
        text.split(',')
            .map(unit)
            .collect::<Option<_>>()
            .ok_or_else(|| "field:factor pairs separated by commas, such as bat_temp:10".to_owned())
    }
}

/// A word, and after a colon how often.
fn sometimes<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<Option<Sometimes<T>>, String> {
    let (word, percent) = text.split_once(':').unwrap_or((text, "100"));
    let what = words.iter().find(|(name, _)| *name == word).map(|(_, what)| *what);
    let pct = f64::parse(percent).ok();
    what.zip(pct).map(|(what, pct)| Some(Sometimes { what, pct })).ok_or_else(|| {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        format!("one of {}, perhaps with :PERCENT", names.join(", "))
    })
}

impl Value for Option<Sometimes<Garbage>> {
    fn parse(text: &str) -> Result<Self, String> {
        let words = [
            ("strings", Garbage::Strings),
            ("nulls", Garbage::Nulls),
            ("nan", Garbage::Nan),
            ("huge", Garbage::Huge),
        ];
        sometimes(text, &words)
    }
}

impl Value for Option<Sometimes<Malformed>> {
    fn parse(text: &str) -> Result<Self, String> {
        let words = [
            ("truncated", Malformed::Truncated),
            ("oversized", Malformed::Oversized),
            ("non-utf8", Malformed::NonUtf8),
            ("empty", Malformed::Empty),
            ("not-json", Malformed::NotJson),
        ];
        sometimes(text, &words)
    }
}

impl Value for Option<SocketAddr> {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Some).map_err(|_| "an address with a port, such as 127.0.0.9:30000".to_owned())
    }
}

impl Value for Option<Mac> {
    fn parse(text: &str) -> Result<Self, String> {
        Mac::parse(text).map(Some)
    }
}

impl Mac {
    /// Twelve hexadecimal digits, with or without colons, in either case.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits: String = text.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
        if digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(digits))
        } else {
            Err("twelve hexadecimal digits".to_owned())
        }
    }
}

impl Value for Option<Firmware> {
    fn parse(text: &str) -> Result<Self, String> {
        let profile = text.parse().ok().map(Firmware::Profile);
        let firmware = profile.or_else(|| text.parse().ok().filter(|ver| *ver <= 99_999).map(Firmware::Ver));
        firmware.map(Some).ok_or_else(|| "a profile such as e3-150, or a number such as 1509".to_owned())
    }
}

impl Value for ManualZero {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "idle" => Ok(Self::Idle),
            "auto" => Ok(Self::FollowMeter),
            _ => Err("idle or auto".to_owned()),
        }
    }
}

impl Value for PassiveEnd {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "idle" => Ok(Self::Idle),
            "auto" => Ok(Self::Auto),
            _ => Err("idle or auto".to_owned()),
        }
    }
}

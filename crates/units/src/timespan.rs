//! A span of time as people write it in a configuration: `30 s`, `5 min`, `2 y`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::text::{ParseQuantityError, UnitForm, parse_quantity, visit_quantity};

/// A span of time, never negative. A bare number means seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timespan(pub Duration);

const SPAN: UnitForm = UnitForm {
    expected: "a span of time such as 30, \"30 s\", \"5 min\", \"1 h\", \"7 d\" or \"2 y\"",
    units: &[
        ("ms", 0.001),
        ("s", 1.0),
        ("sec", 1.0),
        ("m", 60.0),
        ("min", 60.0),
        ("h", 3_600.0),
        ("d", 86_400.0),
        ("w", 604_800.0),
        ("y", 31_557_600.0),
    ],
};

/// A thousand years: longer than anything this product waits for, and far from overflow.
const SECONDS_MAX: f64 = 31_557_600_000.0;

impl Timespan {
    /// A span of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    fn from_number(seconds: f64) -> Option<Self> {
        (0.0..=SECONDS_MAX).contains(&seconds).then(|| Self(Duration::from_secs_f64(seconds)))
    }
}

impl From<Timespan> for Duration {
    fn from(span: Timespan) -> Self {
        span.0
    }
}

impl FromStr for Timespan {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = parse_quantity(text, &SPAN)?;
        Self::from_number(seconds).ok_or_else(|| ParseQuantityError::refused(text, &SPAN))
    }
}

impl fmt::Display for Timespan {
    /// The largest unit that keeps the number whole: `90 s`, `5 min`, `1500 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let (per_unit, symbol) = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")]
            .into_iter()
            .find(|(per_unit, _)| millis > 0 && millis.is_multiple_of(*per_unit))
            .unwrap_or((1, "ms"));
        write!(f, "{} {symbol}", millis / per_unit)
    }
}

impl<'de> serde::Deserialize<'de> for Timespan {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let seconds = visit_quantity(source, &SPAN)?;
        Self::from_number(seconds).ok_or_else(|| {
            serde::de::Error::invalid_value(serde::de::Unexpected::Float(seconds), &SPAN.expected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (text, millis, printed) in [
            ("30 s", 30_000, "30 s"),
            ("90", 90_000, "90 s"),
            ("5min", 300_000, "5 min"),
            ("1.5 s", 1_500, "1500 ms"),
            ("2 h", 7_200_000, "2 h"),
            ("0", 0, "0 ms"),
        ] {
            let span: Timespan = text.parse().expect("a valid span");
            assert_eq!(span.0.as_millis(), millis, "{text}");
            assert_eq!(span.to_string(), printed);
        }
    }

    #[test]
    fn refuses_what_is_no_span() {
        for text in ["-1 s", "soon", "1e9 y", "99999999 y", ""] {
            assert!(text.parse::<Timespan>().is_err(), "{text:?} was accepted");
        }
    }
}

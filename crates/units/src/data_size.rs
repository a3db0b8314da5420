//! An amount of data as people write it in a configuration: `50 MB`, `2 GB`.

use std::fmt;
use std::str::FromStr;

use crate::text::{ParseQuantityError, UnitForm, parse_quantity, visit_quantity};

/// An amount of data, bytes. A bare number means bytes; units are powers of a thousand, as disks are sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DataSize(pub u64);

const SIZE: UnitForm = UnitForm {
    expected: "an amount of data such as \"500 kB\", \"50 MB\" or \"2 GB\"",
    units: &[("B", 1.0), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)],
};

/// A thousand terabytes: more than any disk has, and exact as `f64`.
const BYTES_MAX: f64 = 1e15;

impl DataSize {
    fn from_number(bytes: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and BYTES_MAX"
        )]
        (0.0..=BYTES_MAX).contains(&bytes).then(|| Self(bytes.round() as u64))
    }
}

impl FromStr for DataSize {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = parse_quantity(text, &SIZE)?;
        Self::from_number(bytes).ok_or_else(|| ParseQuantityError::refused(text, &SIZE))
    }
}

impl fmt::Display for DataSize {
    /// With the largest unit of which there is one or more, and one decimal: `9.2 MB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, symbol) = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
            .into_iter()
            .find(|(unit, _)| self.0 as f64 >= *unit)
            .unwrap_or((1.0, "B"));
        let number = format!("{:.1}", self.0 as f64 / unit);
        write!(f, "{} {symbol}", number.trim_end_matches(".0"))
    }
}

impl<'de> serde::Deserialize<'de> for DataSize {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let bytes = visit_quantity(source, &SIZE)?;
        Self::from_number(bytes).ok_or_else(|| {
            serde::de::Error::invalid_value(serde::de::Unexpected::Float(bytes), &SIZE.expected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (text, bytes, printed) in [
            ("50 MB", 50_000_000, "50 MB"),
            ("2GB", 2_000_000_000, "2 GB"),
            ("9.23 MB", 9_230_000, "9.2 MB"),
            ("512", 512, "512 B"),
            ("0", 0, "0 B"),
        ] {
            let size: DataSize = text.parse().expect("a valid size");
            assert_eq!(size.0, bytes, "{text}");
            assert_eq!(size.to_string(), printed);
        }
    }

    #[test]
    fn refuses_what_is_no_size() {
        for text in ["-1 MB", "much", "1e9 GB", "9999999 TB", "5 MiB", ""] {
            assert!(text.parse::<DataSize>().is_err(), "{text:?} was accepted");
        }
    }
}

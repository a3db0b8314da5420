//! The `log:` section.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};

/// What is logged, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// The level of everything that [`Self::levels`] does not name.
    pub level: Level,
    /// Levels by target, such as `driver.marstek: debug`.
    #[serde(deserialize_with = "levels")]
    pub levels: BTreeMap<String, Level>,
    /// A file to log to besides the console.
    pub file: Option<PathBuf>,
    /// Size in bytes at which the file is rotated.
    #[serde(deserialize_with = "file_size")]
    pub max_size: u64,
    /// How many rotated files are kept.
    pub keep: u32,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: Level::default(),
            levels: BTreeMap::new(),
            file: None,
            max_size: 10 * MEGABYTE,
            keep: 3,
        }
    }
}

const MEGABYTE: u64 = 1_000_000;

/// A file smaller than this would be rotated all the time.
const FILE_SIZE_MIN: u64 = 10_000;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// What does not work.
    Error,
    /// And what soon may not.
    Warn,
    /// And every change of state.
    #[default]
    Info,
    /// And every exchange.
    Debug,
    /// And every byte.
    Trace,
}

impl Level {
    /// The level as it is written in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Targets go into the filter of the log, where other characters would mean something.
fn levels<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, Level>, D::Error> {
    let levels = BTreeMap::<String, Level>::deserialize(source)?;
    let valid = |target: &str| {
        !target.is_empty()
            && target.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':'))
    };
    match levels.keys().find(|target| !valid(target)) {
        Some(target) => Err(D::Error::custom(format!(
            "{target:?} is no log target: expected a name such as driver.marstek, mqtt, web, store or control"
        ))),
        None => Ok(levels),
    }
}

fn file_size<'de, D: Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    let size = source.deserialize_any(SizeVisitor)?;
    if size < FILE_SIZE_MIN {
        return Err(D::Error::custom(format!(
            "{size} bytes are too few for a log file: give at least 10 kB"
        )));
    }
    Ok(size)
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as 10000000, \"500 kB\", \"10 MB\" or \"8 MiB\"")
    }

    fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<u64, E> {
        Ok(bytes)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
        parse_size(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let factor = match unit.trim() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => MEGABYTE,
        "GB" => 1_000 * MEGABYTE,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn reads_sizes() {
        assert_eq!(parse_size("10 MB"), Some(10_000_000));
        assert_eq!(parse_size("8MiB"), Some(8 << 20));
        for bad in ["", "MB", "10 mb", "1.5 MB", "-1 MB", "99999999999999 GB"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}

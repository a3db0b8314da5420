//! Files that values of the history come from and go to: our CSV, VRM's downloads, Parquet.

pub(crate) mod csv;
pub(crate) mod ours;
pub(crate) mod parquet;
pub(crate) mod vrm;
mod vrm_table;

use std::fmt;

use ohmstead_model::{DeviceId, Metric, UnixMillis, Value};

/// One value of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) at: UnixMillis,
    pub(crate) device: DeviceId,
    pub(crate) metric: Metric,
    pub(crate) value: Value,
}

/// A place in a file: line and column, counted in characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub(crate) struct Wrong {
    pub(crate) place: Place,
    pub(crate) what: String,
}

impl Wrong {
    pub(crate) fn new(place: Place, what: impl Into<String>) -> Self {
        Self { place, what: what.into() }
    }
}

/// A line that is no value.
#[derive(Debug)]
pub(crate) enum LineError {
    /// It cannot be read.
    Wrong(Wrong),
    /// Its metric or its state is not in the catalogue.
    Unknown(Wrong),
    /// The file cannot be read any further.
    File(csv::CsvError),
}

/// The beginning of a text from a file, for a message.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short:?}...") } else { format!("{short:?}") }
}

/// A finite number as files write it.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!(
            "{} is no number that can be stored; leave the line out where nothing is known",
            shown(text)
        )),
        Err(_) if text.contains(',') => Err(format!("{} is no number; decimals follow a point", shown(text))),
        Err(_) => Err(format!("{} is no number", shown(text))),
    }
}

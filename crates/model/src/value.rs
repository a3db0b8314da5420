//! One value of one metric, or the reason why there is none.

use std::fmt;
use std::sync::Arc;

/// A value in the catalogue's unit and sign.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A finite number in the unit of the metric.
    Number(f64),
    /// One of the states that the catalogue lists for the metric, by its key.
    State(&'static str),
    /// Free text: a name, a version, a mode of the vendor's own.
    Text(Arc<str>),
}

impl Value {
    /// A text value.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    /// The number, if this is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::State(_) | Self::Text(_) => None,
        }
    }

    /// The state key or the text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::State(key) => Some(key),
            Self::Text(text) => Some(text),
        }
    }
}

/// Why a value is not known. Unknown is never 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing has been read yet.
    NeverRead,
    /// The last value is older than its time to live.
    Stale,
    /// The device does not answer.
    Offline,
    /// The device answered, but without this value (absent or null).
    NotReported,
    /// The device sent something that cannot be this quantity; the text says what.
    Implausible(Arc<str>),
    /// A computed value lacks an input; the text names it.
    Missing(Arc<str>),
}

impl Unknown {
    /// A value that was refused, with what was seen.
    pub fn implausible(seen: impl AsRef<str>) -> Self {
        Self::Implausible(Arc::from(seen.as_ref()))
    }

    /// A computed value without one of its inputs.
    pub fn missing(input: impl AsRef<str>) -> Self {
        Self::Missing(Arc::from(input.as_ref()))
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverRead => f.write_str("not read yet"),
            Self::Stale => f.write_str("the last value is too old"),
            Self::Offline => f.write_str("the device does not answer"),
            Self::NotReported => f.write_str("the device does not report it"),
            Self::Implausible(seen) => write!(f, "implausible: {seen}"),
            Self::Missing(input) => write!(f, "missing: {input}"),
        }
    }
}

/// A value, or why there is none: an undecodable value is an observation too.
pub type Observation = Result<Value, Unknown>;

//! What the verbs ask of the history, over the socket or of a store that they opened themselves.

use ohmstead_model::Value as Stored;
use serde::{Deserialize, Serialize};

/// A question to the history. Times in texts are read by whoever answers: in the zone of the site, spans before its now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum HistoryQuestion {
    /// Where and when the answer is given: [`Place`].
    Place {},
    /// Which series there are: a list of [`SeriesEntry`].
    Series {},
    /// Which instants are meant: [`Span`].
    Span {
        /// The first, included; the beginning of all where absent.
        #[serde(default)]
        from: Option<String>,
        /// The last, excluded; the end of all where absent.
        #[serde(default)]
        to: Option<String>,
    },
    /// Which series is meant, and which span: [`Found`].
    Find {
        /// `DEVICE.METRIC` or `METRIC`.
        metric: String,
        /// Whose, where the metric does not say it.
        #[serde(default)]
        device: Option<String>,
        /// The first instant, included; a day before the last where absent.
        #[serde(default)]
        from: Option<String>,
        /// The last instant, excluded; now where absent.
        #[serde(default)]
        to: Option<String>,
    },
    /// Some stored values of a series: [`Page`].
    Values(Part),
    /// A series in steps, as REST answers it, with `increases` for a counter.
    Steps {
        /// Which values.
        part: Part,
        /// How long a step is.
        step: String,
    },
    /// Values of a series chosen for a chart, as REST answers it.
    Lttb(Part),
    /// What a counter grew by, as REST answers it.
    Growth(Part),
    /// Values from elsewhere; the answer says how many were stored.
    Import {
        /// Those of each device and time together.
        readings: Vec<ReadingEntry>,
    },
    /// Figures of the store, as REST answers them.
    Stats {},
    /// Joins small blocks.
    Compact {},
    /// Reads everything.
    Verify {},
    /// Copies everything into a new file.
    Backup {
        /// Its whole path.
        file: String,
    },
}

/// Some of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// Whose.
    pub(crate) device: String,
    /// Of what.
    pub(crate) metric: String,
    /// First instant, included.
    pub(crate) from_ms: i64,
    /// Last instant, excluded.
    pub(crate) to_ms: i64,
    /// At most so many values; as many as are given at once where absent.
    #[serde(default)]
    pub(crate) most: Option<usize>,
}

/// Where and when an answer is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The name of the site's zone.
    pub(crate) zone: String,
    /// The clock there.
    pub(crate) now_ms: i64,
}

/// Which instants are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    /// The first, included.
    pub(crate) from_ms: i64,
    /// The last, excluded.
    pub(crate) to_ms: i64,
}

/// Which series is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Whose.
    pub(crate) device: String,
    /// Of what.
    pub(crate) metric: String,
    /// From when.
    pub(crate) from_ms: i64,
    /// Until when.
    pub(crate) to_ms: i64,
}

/// One stored series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeriesEntry {
    /// Whose.
    pub(crate) device: String,
    /// Of what.
    pub(crate) metric: String,
    /// Time of the oldest value.
    pub(crate) first_ms: i64,
    /// Time of the newest value.
    pub(crate) last_ms: i64,
    /// How many values.
    pub(crate) points: u64,
}

/// Some stored values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// Oldest first.
    pub(crate) points: Vec<(i64, Scalar)>,
    /// Whether there are more.
    pub(crate) more: bool,
}

/// The values of one device at one time.
pub(crate) type ReadingEntry = (i64, String, Vec<(String, Scalar)>);

/// A stored value on a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scalar {
    /// A number.
    Number(f64),
    /// A state or a text.
    Text(String),
}

impl From<Stored> for Scalar {
    fn from(value: Stored) -> Self {
        match value {
            Stored::Number(number) => Self::Number(number),
            Stored::State(key) => Self::Text(key.to_owned()),
            Stored::Text(text) => Self::Text(text.to_string()),
        }
    }
}

impl Scalar {
    /// The value of a metric with these states.
    pub(crate) fn stored(self, metric: ohmstead_model::Metric) -> Stored {
        match self {
            Self::Number(number) => Stored::Number(metric.round(number)),
            Self::Text(text) => match metric.def().kind {
                ohmstead_model::catalogue::Kind::State(states) => states
                    .iter()
                    .find(|state| state.key == text)
                    .map_or_else(|| Stored::text(&text), |state| Stored::State(state.key)),
                _ => Stored::text(&text),
            },
        }
    }
}

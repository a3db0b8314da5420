//! Questions to the history and their answers.

use std::time::Duration;

use crate::{DeviceId, Metric, UnixMillis, Value};

/// One metric of one device over a span of time.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesQuery {
    /// Whose.
    pub device: DeviceId,
    /// Which metric.
    pub metric: Metric,
    /// First instant, included.
    pub from: UnixMillis,
    /// Last instant, excluded.
    pub to: UnixMillis,
    /// How fine.
    pub resolution: Resolution,
}

/// How fine a series is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Every stored value.
    Raw,
    /// One bucket per step, aligned to whole steps since the epoch.
    Step(Duration),
    /// Raw if that is at most so many points, else the finest round step that is.
    MaxPoints(usize),
    /// At most so many of the stored values, chosen so that a line through them looks like a line through all: largest
    /// triangle, three buckets.
    Lttb(usize),
    /// One bucket per civil day, week or month of the site's zone.
    Calendar(CalendarUnit),
}

/// A civil span of the site's zone. A day may have 23 or 25 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalendarUnit {
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first of a month to the first of the next.
    Month,
}

impl CalendarUnit {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As it is written: `day`, `week`, `month`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The unit of that key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.key() == key)
    }
}

/// The answer to a [`SeriesQuery`].
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The step of the buckets; `None` for raw values and for civil spans, whose lengths differ.
    pub step: Option<Duration>,
    /// The values, oldest first. Where nothing was stored there is no point.
    pub points: Points,
}

/// Values of a series.
#[derive(Debug, Clone, PartialEq)]
pub enum Points {
    /// As stored.
    Raw(Vec<(UnixMillis, Value)>),
    /// Numbers summarised per step.
    Buckets(Vec<Bucket>),
}

/// A summary of the numbers within one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Start of the step.
    pub at: UnixMillis,
    /// Smallest value.
    pub min: f64,
    /// Mean of the values.
    pub mean: f64,
    /// Largest value.
    pub max: f64,
    /// Last value.
    pub last: f64,
    /// How many values.
    pub count: u64,
}

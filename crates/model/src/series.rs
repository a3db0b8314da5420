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
}

/// The answer to a [`SeriesQuery`].
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The step of the buckets; `None` for raw values.
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

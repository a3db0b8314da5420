//! What the history says of itself, and its values one page after the other.

use ohmstead_model::{DeviceId, Metric, UnixMillis, Value};

/// One series of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSeries {
    /// Whose, `site` for the whole house.
    pub device: DeviceId,
    /// Of what.
    pub metric: Metric,
    /// Time of the oldest value.
    pub first: UnixMillis,
    /// Time of the newest value.
    pub last: UnixMillis,
    /// How many values.
    pub points: u64,
}

/// Some of the stored values of one series, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct PageQuery {
    /// Whose.
    pub device: DeviceId,
    /// Of what.
    pub metric: Metric,
    /// First instant, included.
    pub from: UnixMillis,
    /// Last instant, excluded.
    pub to: UnixMillis,
    /// At most so many values. Fewer mean that there are no more.
    pub most: usize,
}

/// The values of a page.
pub type Page = Vec<(UnixMillis, Value)>;

/// What a counter grew by between two instants.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Growth {
    /// By how much; `None` if nothing is known of the span.
    pub value: Option<f64>,
    /// How often it began again.
    pub resets: u64,
    /// Time of the first value that counts.
    pub first: Option<UnixMillis>,
    /// Time of the last value that counts.
    pub last: Option<UnixMillis>,
}

/// Figures of the whole history.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StoreFigures {
    /// Values.
    pub points: u64,
    /// Size on the disk.
    pub bytes: u64,
    /// `bytes` for each value; `None` without values.
    pub bytes_per_point: Option<f64>,
    /// How many series have values.
    pub series: u64,
    /// Time of the oldest value.
    pub first: Option<UnixMillis>,
    /// Time of the newest value.
    pub last: Option<UnixMillis>,
}

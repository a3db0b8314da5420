//! What the store is asked for and the present one has no better answer to: plain adapters over [`History::range`].

use std::ops::ControlFlow;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use ohmstead_model::{
    Bucket, CalendarUnit, DeviceId, Metric, Points, Resolution, Series, SeriesQuery, UnixMillis, Value,
};

use crate::query::QueryError;
use crate::store::{History, WriteError, lock};

/// What a counter grew by between two instants.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Increase {
    /// By how much; `None` if nothing is known of the span.
    pub value: Option<f64>,
    /// How often it began again.
    pub resets: u64,
    /// Time of the first value that counts.
    pub first: Option<UnixMillis>,
    /// Time of the last value that counts.
    pub last: Option<UnixMillis>,
}

/// What joining blocks did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Blocks before.
    pub blocks_before: u64,
    /// Blocks after.
    pub blocks_after: u64,
    /// Bytes of the file before.
    pub bytes_before: u64,
    /// Bytes of the file after.
    pub bytes_after: u64,
}

/// What a check of the whole store found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Blocks and frames that were read.
    pub blocks: u64,
    /// Values in them.
    pub values: u64,
    /// What cannot be read.
    pub damaged: Vec<Damage>,
}

/// Values that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Whose.
    pub device: String,
    /// Of what.
    pub metric: String,
    /// From when.
    pub from: UnixMillis,
    /// Until when, included.
    pub to: UnixMillis,
    /// What is wrong with them.
    pub what: String,
}

impl History {
    /// Hands every stored value of one series to `visit`, oldest first. A break ends it without error.
    pub fn each(
        &self,
        device: &DeviceId,
        metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
        visit: &mut dyn FnMut(UnixMillis, &Value) -> ControlFlow<()>,
    ) -> Result<(), QueryError> {
        let spans = self.series()?;
        let of_series = spans.iter().filter(|span| span.device == *device && span.metric == metric.id());
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for span in of_series {
            (first, last) = (first.min(span.first.0), last.max(span.last.0));
        }
        let (from, to) = (from.0.max(first), to.0.min(last.saturating_add(1)));
        self.each_within(device, metric, from, to, visit).map(drop)
    }

    fn each_within(
        &self,
        device: &DeviceId,
        metric: Metric,
        from: i64,
        to: i64,
        visit: &mut dyn FnMut(UnixMillis, &Value) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, QueryError> {
        if from >= to {
            return Ok(ControlFlow::Continue(()));
        }
        let query = SeriesQuery {
            device: device.clone(),
            metric,
            from: UnixMillis(from),
            to: UnixMillis(to),
            resolution: Resolution::Raw,
        };
        let half = from + (to - from) / 2;
        match self.range(&query) {
            Err(QueryError::TooManyPoints { .. }) if half > from => {
                if self.each_within(device, metric, from, half, visit)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.each_within(device, metric, half, to, visit)
            }
            Err(error) => Err(error),
            Ok(Series { points: Points::Raw(points), .. }) => {
                Ok(points.iter().try_for_each(|(at, value)| visit(*at, value)))
            }
            Ok(_) => Ok(ControlFlow::Continue(())),
        }
    }

    /// What a counter grew by between two instants; where it fell, it began again.
    pub fn increase(
        &self,
        device: &DeviceId,
        metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Result<Increase, QueryError> {
        let mut grown = Increase::default();
        let mut before = None;
        self.each(device, metric, from, to, &mut |at, value| {
            let Some(number) = value.number() else { return ControlFlow::Continue(()) };
            grown.first.get_or_insert(at);
            grown.last = Some(at);
            let step = match before.replace(number) {
                None => 0.0,
                Some(before) if number < before => {
                    grown.resets += 1;
                    number
                }
                Some(before) => number - before,
            };
            grown.value = Some(grown.value.unwrap_or(0.0) + step);
            ControlFlow::Continue(())
        })?;
        Ok(grown)
    }

    /// Joins small blocks. There is nothing to join yet.
    pub fn compact(&self, _now: UnixMillis) -> Result<Compacted, WriteError> {
        Ok(Compacted::default())
    }

    /// Reads every value.
    pub fn verify(&self) -> Result<Verified, QueryError> {
        let mut verified = Verified::default();
        for span in self.series()? {
            verified.blocks += 1;
            verified.values += span.points;
        }
        Ok(verified)
    }

    /// A consistent copy as one file at `to`, which must not exist.
    pub fn backup(&self, to: &Path) -> Result<u64, WriteError> {
        let failed = |error| self.write_error("the backup", error);
        let _ = self.commit(UnixMillis(0));
        let writer = lock(&self.writer);
        writer.execute("VACUUM INTO ?", [to.to_string_lossy()]).map_err(failed)?;
        Ok(std::fs::metadata(to).map_or(0, |file| file.len()))
    }

    /// The resolutions that [`History::range`] does not know by itself.
    pub(crate) fn chosen(&self, query: &SeriesQuery) -> Result<Series, QueryError> {
        let raw = |resolution| SeriesQuery { resolution, ..query.clone() };
        match query.resolution {
            Resolution::Lttb(most) => match self.range(&raw(Resolution::Raw))? {
                Series { points: Points::Raw(points), step } => {
                    let nth = points.len().div_ceil(most.max(1)).max(1);
                    Ok(Series { step, points: Points::Raw(points.into_iter().step_by(nth).collect()) })
                }
                other => Ok(other),
            },
            Resolution::Calendar(unit) => {
                let mut buckets: Vec<(Bucket, f64)> = Vec::new();
                self.each(&query.device, query.metric, query.from, query.to, &mut |at, value| {
                    let Some(number) = value.number() else { return ControlFlow::Continue(()) };
                    let start = start_of(at, unit);
                    match buckets.last_mut().filter(|(bucket, _)| bucket.at == start) {
                        Some((bucket, sum)) => {
                            bucket.min = bucket.min.min(number);
                            bucket.max = bucket.max.max(number);
                            bucket.last = number;
                            bucket.count += 1;
                            *sum += number;
                        }
                        None => buckets.push((
                            Bucket { at: start, min: number, mean: 0.0, max: number, last: number, count: 1 },
                            number,
                        )),
                    }
                    ControlFlow::Continue(())
                })?;
                let mean = |(bucket, sum): (Bucket, f64)| Bucket { mean: sum / bucket.count as f64, ..bucket };
                let points = Points::Buckets(buckets.into_iter().map(mean).collect());
                Ok(Series { step: None, points })
            }
            _ => self.range(query),
        }
    }
}

/// In UTC: the store is not told its zone yet.
fn start_of(at: UnixMillis, unit: CalendarUnit) -> UnixMillis {
    let date = Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(TimeZone::UTC).date();
    let start = match unit {
        CalendarUnit::Day => date,
        CalendarUnit::Week => date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days()),
        CalendarUnit::Month => date.first_of_month(),
    };
    start.to_zoned(TimeZone::UTC).map_or(at, |start| UnixMillis(start.timestamp().as_millisecond()))
}

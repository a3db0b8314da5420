//! The store itself, filled as the daemon fills it and as an import does.

use std::cell::Cell;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ohmstead_history::{History, Settings};
use ohmstead_model::{DeviceId, Metric, Points, Reading, Resolution, SeriesQuery, UnixMillis};

use crate::measure::{Took, timed};
use crate::queries::{Asked, Charts};
use crate::station::{DEVICE, Station};

pub(crate) const HOUR_MS: i64 = 3_600_000;

/// The one place that opens a store.
pub(crate) fn open(folder: &Path) -> Result<History> {
    let native = Station::new(UnixMillis(0)).all_metrics();
    // The data begins at a midnight there: what is called a full open day is one.
    let zone = jiff::tz::TimeZone::get("Europe/Brussels")?;
    std::fs::create_dir_all(folder)?;
    History::open(folder, &Settings::default(), &zone, &native).context("cannot open the store")
}

/// Appends and commits what the station tells within `span`, a commit each `window_ms` of its time. Making the data is not in
/// the time. Returns how many values.
pub(crate) fn live(
    history: &History,
    station: &mut Station,
    span: Range<UnixMillis>,
    window_ms: i64,
) -> Result<(u64, Took)> {
    live_with(history, station, span, window_ms, || Ok(()))
}

/// The same, with something done after each commit.
pub(crate) fn live_with(
    history: &History,
    station: &mut Station,
    span: Range<UnixMillis>,
    window_ms: i64,
    after_commit: impl Fn() -> Result<()>,
) -> Result<(u64, Took)> {
    let (mut values, mut took, mut from) = (0, Took::default(), span.start);
    while from < span.end {
        let until = UnixMillis((from.0 + window_ms).min(span.end.0));
        let readings = station.readings(until);
        values += count(&readings);
        let (done, this) = timed(|| -> Result<()> {
            readings.iter().try_for_each(|reading| history.append(reading))?;
            history.commit(until)?;
            Ok(())
        });
        done?;
        took += this;
        after_commit()?;
        from = until;
    }
    Ok((values, took))
}

/// The same, and the days of ended months are joined in between, once a day as the daemon does. Returns what that took as
/// well.
pub(crate) fn live_and_join(
    history: &History,
    station: &mut Station,
    span: Range<UnixMillis>,
) -> Result<(u64, Took, Took)> {
    let (hours, joining) = (Cell::new(0), Cell::new(Took::default()));
    let start = span.start;
    let (values, took) = live_with(history, station, span, HOUR_MS, || {
        hours.set(hours.get() + 1);
        if hours.get() % 24 == 0 {
            let now = UnixMillis(start.0 + hours.get() * HOUR_MS);
            let (done, this) = timed(|| history.compact(now));
            done?;
            let mut all = joining.get();
            all += this;
            joining.set(all);
        }
        Ok(())
    })?;
    Ok((values, took, joining.get()))
}

fn count(readings: &[Reading]) -> u64 {
    readings.iter().map(|reading| reading.values.len() as u64).sum()
}

/// The same as one import.
pub(crate) fn import(
    history: &History,
    station: &mut Station,
    span: Range<UnixMillis>,
) -> Result<(u64, Took)> {
    let mut made = Took::default();
    let mut from = span.start;
    let hours = std::iter::from_fn(|| {
        (from < span.end).then(|| {
            from = UnixMillis(from.0 + HOUR_MS);
            let (readings, this) = timed(|| station.readings(from));
            made += this;
            readings
        })
    });
    let (stored, took) = timed(|| history.backfill(hours.flatten()));
    Ok((stored?, took.less(made)))
}

impl Asked for History {
    fn last(&mut self) -> Result<usize> {
        Ok(self.last_values()?.len())
    }
}

impl Charts for History {
    fn raw(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        match self.range(&battery_power(from, to, Resolution::Raw)?)?.points {
            Points::Raw(values) => Ok(values.len()),
            Points::Buckets(_) => bail!("raw values were asked for"),
        }
    }

    fn hours(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        let hour = Resolution::Step(Duration::from_secs(3600));
        match self.range(&battery_power(from, to, hour)?)?.points {
            Points::Buckets(buckets) => Ok(buckets.len()),
            Points::Raw(_) => bail!("hours were asked for"),
        }
    }
}

fn battery_power(from: UnixMillis, to: UnixMillis, resolution: Resolution) -> Result<SeriesQuery> {
    let device: DeviceId = DEVICE.parse()?;
    Ok(SeriesQuery { device, metric: Metric::BatteryPower, from, to, resolution })
}

//! What is in the store: last values, the list of series, figures.

use std::collections::HashMap;

use ohmstead_model::{DeviceId, Metric, UnixMillis, Value};

use crate::parts::{self, row_id};
use crate::point::{Point, factor};
use crate::query::QueryError;
use crate::registry::{SeriesEntry, to_value};
use crate::rows::BlockRow;
use crate::store::{History, lock};
use crate::trouble::Trouble;

/// The newest value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct LastValue {
    /// Whose.
    pub device: DeviceId,
    /// Of what.
    pub metric: Metric,
    /// The value. It may be old: its age is for the caller to judge.
    pub value: Value,
    /// When it was read.
    pub at: UnixMillis,
}

/// One stored series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesInfo {
    /// Whose.
    pub device: DeviceId,
    /// The metric's id; the catalogue may no longer know it.
    pub metric: String,
    /// Time of the oldest value.
    pub first: UnixMillis,
    /// Time of the newest value.
    pub last: UnixMillis,
    /// How many values.
    pub points: u64,
}

/// Figures of the whole store.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Values, committed or not. One that replaces an older one of the same time may count twice until it is sealed.
    pub points: u64,
    /// Values that wait for a commit.
    pub waiting: u64,
    /// Values lost since the start because commits failed for too long.
    pub dropped: u64,
    /// Size of the database file, its log and the head logs.
    pub bytes: u64,
    /// `bytes` for each value; `None` without values.
    pub bytes_per_point: Option<f64>,
    /// How many series have values.
    pub series: u64,
    /// Time of the oldest value.
    pub first: Option<UnixMillis>,
    /// Time of the newest value.
    pub last: Option<UnixMillis>,
    /// When this process last made values durable.
    pub last_commit: Option<UnixMillis>,
}

/// First and last time and number of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) points: u64,
}

impl Span {
    pub(crate) fn of(first: i64, last: i64, points: u64) -> Self {
        Self { first, last, points }
    }

    /// Both together.
    pub(crate) fn with(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            points: self.points + other.points,
        }
    }
}

impl History {
    /// The metrics of the catalogue that `device` has ever reported. Answered from memory.
    pub fn metrics_of(&self, device: &DeviceId) -> Vec<Metric> {
        let memory = self.memory();
        let of_device =
            memory.registry.iter().map(|(_, entry)| entry).filter(|entry| entry.device == *device);
        of_device.filter_map(|entry| entry.known).collect()
    }

    /// The newest value of every series, by device and metric. A series whose metric the catalogue does not know is left out; the log
    /// says so when it is opened.
    pub fn last_values(&self) -> Result<Vec<LastValue>, QueryError> {
        let storage = |error| QueryError::Storage(Trouble::new(&self.path, error));
        let mut reader = lock(&self.reader);
        let entries: Vec<(SeriesEntry, Option<Point>)> = {
            let memory = self.memory();
            let entries: Vec<SeriesEntry> = memory.registry.iter().map(|(_, entry)| entry.clone()).collect();
            entries.into_iter().zip(memory.last_points()).collect()
        };
        let transaction = reader.transaction().map_err(storage)?;
        let parts = parts::all(&transaction).map_err(storage)?;
        let mut values = Vec::with_capacity(entries.len());
        for (entry, in_memory) in entries {
            let Some(metric) = entry.known else { continue };
            let mut newest = in_memory;
            // A part that ended before what memory has holds nothing newer.
            let since = newest.as_ref().map_or(i64::MIN, |point| point.at);
            for part in
                parts.iter().rev().filter(|part| part.has_raw).take_while(|part| part.span.end > since)
            {
                let Some(row) = BlockRow::read(&transaction, row_id(part.id, entry.id)).map_err(storage)?
                else {
                    continue;
                };
                let Some((decimals, mut sealed)) =
                    row.points().ok().and_then(|(d, mut all)| Some((d, all.pop()?)))
                else {
                    continue;
                };
                sealed.value.refine(factor(entry.decimals.saturating_sub(decimals)));
                if newest.as_ref().is_none_or(|newest| newest.at < sealed.at) {
                    newest = Some(sealed);
                }
                break;
            }
            values.extend(newest.map(|point| LastValue {
                device: entry.device,
                metric,
                value: to_value(&point.value, metric, entry.decimals),
                at: UnixMillis(point.at),
            }));
        }
        values.sort_by(|left, right| (&left.device, left.metric).cmp(&(&right.device, right.metric)));
        Ok(values)
    }

    /// All series that have values, by device and metric.
    pub fn series(&self) -> Result<Vec<SeriesInfo>, QueryError> {
        let mut series: Vec<SeriesInfo> = self
            .spans()?
            .into_iter()
            .map(|(entry, span)| SeriesInfo {
                device: entry.device,
                metric: entry.metric.to_string(),
                first: UnixMillis(span.first),
                last: UnixMillis(span.last),
                points: span.points,
            })
            .collect();
        series.sort_by(|left, right| (&left.device, &left.metric).cmp(&(&right.device, &right.metric)));
        Ok(series)
    }

    /// Figures of the whole store.
    pub fn stats(&self) -> Result<Stats, QueryError> {
        let spans = self.spans()?;
        let bytes = self.bytes()?;
        let (waiting, dropped, last_commit) = {
            let memory = self.memory();
            (memory.waiting_values() as u64, memory.dropped, memory.last_commit)
        };
        let all = spans.iter().fold(None, |all, (_, span)| Some(span.with(all)));
        let points = all.map_or(0, |all: Span| all.points);
        Ok(Stats {
            points,
            waiting,
            dropped,
            bytes,
            bytes_per_point: (points > 0).then(|| bytes as f64 / points as f64),
            series: spans.len() as u64,
            first: all.map(|all| UnixMillis(all.first)),
            last: all.map(|all| UnixMillis(all.last)),
            last_commit,
        })
    }

    fn bytes(&self) -> Result<u64, QueryError> {
        let reader = lock(&self.reader);
        let figure = |sql| {
            reader
                .query_row(sql, (), |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
                .map_err(|error| QueryError::Storage(Trouble::new(&self.path, error)))
        };
        let file = figure("PRAGMA page_count")? * figure("PRAGMA page_size")?;
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let heads = crate::log::NAMES.map(|name| self.path.with_file_name(name));
        // Any of them may be absent.
        let size = |file: &std::path::Path| std::fs::metadata(file).map_or(0, |file| file.len());
        Ok(file + size(log.as_ref()) + heads.iter().map(|head| size(head)).sum::<u64>())
    }

    fn spans(&self) -> Result<Vec<(SeriesEntry, Span)>, QueryError> {
        let reader = lock(&self.reader);
        let (entries, in_memory) = {
            let memory = self.memory();
            let entries: Vec<SeriesEntry> = memory.registry.iter().map(|(_, entry)| entry.clone()).collect();
            (entries, memory.spans())
        };
        let sealed = || -> Result<HashMap<i64, Span>, rusqlite::Error> {
            reader
                .prepare_cached(
                    "SELECT id & 1048575, min(first), max(last), sum(count) FROM block
                     WHERE id >> 20 IN (SELECT id FROM part WHERE is_ready) GROUP BY 1",
                )?
                .query_map((), |row| {
                    Ok((
                        row.get(0)?,
                        Span::of(row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?.unsigned_abs()),
                    ))
                })?
                .collect()
        };
        let sealed = sealed().map_err(|error| QueryError::Storage(Trouble::new(&self.path, error)))?;
        let joined = entries.into_iter().zip(in_memory).filter_map(|(entry, span)| {
            let on_disk = sealed.get(&entry.id).copied();
            let span = span.map(|span| span.with(on_disk)).or(on_disk)?;
            Some((entry, span))
        });
        Ok(joined.collect())
    }
}

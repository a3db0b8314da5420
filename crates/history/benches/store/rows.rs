//! The same data the plain way: one SQLite row for each value, clustered by series and time.

use std::ops::Range;
use std::path::Path;

use anyhow::Result;
use ohmstead_model::{Metric, UnixMillis};
use rusqlite::{Connection, params};

use crate::measure::{Took, timed};
use crate::queries::{Asked, Charts};
use crate::station::{Batch, Class, Station};

/// A database of rows.
#[derive(Debug)]
pub(crate) struct Rows {
    connection: Connection,
    /// The series of the battery's power.
    series: i64,
}

impl Rows {
    pub(crate) fn open(folder: &Path, station: &Station) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let connection = Connection::open(folder.join("rows.sqlite"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS sample (series INTEGER, at INTEGER, value, PRIMARY KEY (series, at)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, name TEXT);",
        )?;
        let mut series = 0;
        for (id, metric) in (0i64..).zip(station.all_metrics()) {
            connection.execute("INSERT OR IGNORE INTO series VALUES (?, ?)", params![id, metric.id()])?;
            if metric == Metric::BatteryPower {
                series = id;
            }
        }
        Ok(Self { connection, series })
    }

    /// As [`crate::ours::live`].
    pub(crate) fn live(
        &mut self,
        station: &mut Station,
        span: Range<UnixMillis>,
        window_ms: i64,
    ) -> Result<(u64, Took)> {
        let offset = offsets(station);
        let (mut values, mut took, mut from) = (0, Took::default(), span.start);
        while from < span.end {
            let until = UnixMillis((from.0 + window_ms).min(span.end.0));
            let mut rows: Vec<(i64, i64, f64)> = Vec::new();
            while let Some(batch) = station.next(until) {
                rows.extend(rows_of(&batch, offset[batch.class as usize]));
            }
            values += rows.len() as u64;
            let (done, this) = timed(|| self.insert(&rows));
            done?;
            took += this;
            from = until;
        }
        Ok((values, took))
    }

    fn insert(&mut self, rows: &[(i64, i64, f64)]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO sample VALUES (?, ?, ?)")?;
            for (series, at, value) in rows {
                insert.execute(params![series, at, value])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

/// The number of the first series of each class.
fn offsets(station: &Station) -> [i64; 3] {
    let mut next = 0;
    Class::ALL.map(|class| {
        let first = next;
        next += i64::try_from(station.metrics(class).count()).unwrap_or(0);
        first
    })
}

fn rows_of(batch: &Batch<'_>, first: i64) -> impl Iterator<Item = (i64, i64, f64)> {
    let at = batch.at.0;
    (first..).zip(batch.numbers()).map(move |(series, (_, number))| (series, at, number.unwrap_or(0.0)))
}

impl Asked for Rows {
    fn last(&mut self) -> Result<usize> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, (SELECT value FROM sample WHERE series = id ORDER BY at DESC LIMIT 1) FROM series",
        )?;
        let values =
            select.query_map((), |row| row.get::<_, Option<f64>>(1))?.collect::<Result<Vec<_>, _>>()?;
        Ok(values.into_iter().flatten().count())
    }
}

impl Charts for Rows {
    fn raw(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        let mut select = self
            .connection
            .prepare_cached("SELECT at, value FROM sample WHERE series = ? AND at >= ? AND at < ?")?;
        let values = select.query_map(params![self.series, from.0, to.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?))
        })?;
        Ok(values.collect::<Result<Vec<_>, _>>()?.len())
    }

    fn hours(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        let mut select = self.connection.prepare_cached(
            "SELECT at / 3600000, min(value), avg(value), max(value) FROM sample
             WHERE series = ? AND at >= ? AND at < ? GROUP BY at / 3600000",
        )?;
        let values = select.query_map(params![self.series, from.0, to.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?, row.get::<_, f64>(2)?, row.get::<_, f64>(3)?))
        })?;
        Ok(values.collect::<Result<Vec<_>, _>>()?.len())
    }
}

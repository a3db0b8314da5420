//! The rows of blocks, lists of times and rollups, as bytes go in and come out.

use std::ops::Range;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use crate::block::{self, Values};
use crate::bytes::Undecodable;
use crate::numbers::Effort;
use crate::point::{Point, signed};
use crate::rollup::Rollup;
use crate::times;

/// Whether a page of the database is damaged, which no checksum of ours is needed to see.
pub(crate) fn is_corrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

/// Writes a block; `span` is the time of its first and its last value.
pub(crate) fn write_block(
    transaction: &Transaction<'_>,
    id: i64,
    span: (i64, i64),
    count: usize,
    list: i64,
    body: &[u8],
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT OR REPLACE INTO block (id, first, last, count, times, body) VALUES (?, ?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![id, span.0, span.1, signed(count), list, body])?;
    Ok(())
}

/// Writes a rollup.
pub(crate) fn write_rollup(
    transaction: &Transaction<'_>,
    id: i64,
    body: &[u8],
) -> Result<(), rusqlite::Error> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO rollup (id, body) VALUES (?, ?)")?
        .execute(params![id, body])?;
    Ok(())
}

/// The bytes of a row of times.
pub(crate) fn seal_times(id: i64, times: &[i64], effort: Effort) -> Vec<u8> {
    let mut body = times::encode(times, effort);
    block::seal_bytes(id, &mut body);
    body
}

/// The times in the bytes of row `id`.
pub(crate) fn open_times(id: i64, body: &[u8]) -> Result<Vec<i64>, Undecodable> {
    times::decode(block::open_bytes(id, body)?, block::TIMES_MAX)
}

/// A row of the table `block` with its times.
pub(crate) struct BlockRow {
    pub(crate) id: i64,
    pub(crate) times: i64,
    pub(crate) body: Vec<u8>,
    pub(crate) times_body: Option<Vec<u8>>,
}

impl BlockRow {
    fn of(row: &rusqlite::Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self { id: row.get(0)?, times: row.get(1)?, body: row.get(2)?, times_body: row.get(3)? })
    }

    /// The row `id`, if there is one.
    pub(crate) fn read(connection: &Connection, id: i64) -> Result<Option<Self>, rusqlite::Error> {
        connection
            .prepare_cached(
                "SELECT block.id, block.times, block.body, times.body FROM block
                 LEFT JOIN times ON times.id = block.times WHERE block.id = ?",
            )?
            .query_row([id], Self::of)
            .optional()
    }

    /// The values and the times that they stand beside.
    pub(crate) fn values(&self) -> Result<(Values, Vec<i64>), Undecodable> {
        let times = self.times_body.as_deref().ok_or(Undecodable)?;
        let times = open_times(self.times, times)?;
        Ok((Values::decode(self.id, &self.body, times.len())?, times))
    }

    /// Decimals and points.
    pub(crate) fn points(&self) -> Result<(u8, Vec<Point>), Undecodable> {
        self.points_within(&(i64::MIN..i64::MAX))
    }

    /// Decimals and the points within `span`.
    pub(crate) fn points_within(&self, span: &Range<i64>) -> Result<(u8, Vec<Point>), Undecodable> {
        let (values, times) = self.values()?;
        Ok((values.decimals, values.points(&times, span)?))
    }
}

/// The rollup in row `id`; a damaged one is none, and is made anew from the values where they are.
pub(crate) fn read_rollup(connection: &Connection, id: i64) -> Result<Option<Rollup>, rusqlite::Error> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM rollup WHERE id = ?")?
        .query_row([id], |row| row.get(0))
        .optional()
        .or_else(|error| if is_corrupt(&error) { Ok(None) } else { Err(error) })?;
    Ok(body.and_then(|body| Rollup::decode(id, &body).ok()))
}

//! How time is cut: parts that do not overlap, one per day of the site, joined to months later.
//!
//! A part is the same for all series. Its number is the upper half of the ids of its rows, so that new rows always go to
//! the end of their tables, and the row of a series in a part is found without an index.

use std::ops::Range;

use rusqlite::{Connection, Transaction, params};

use crate::calendar::Calendar;

/// Bits of a row's id that say which series (or which list of times).
const SERIES_BITS: u32 = 20;

/// One part of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) id: i64,
    /// Start included, end excluded, ms.
    pub(crate) span: Range<i64>,
    /// How often its rows were written.
    pub(crate) changes: i64,
    /// Whether its raw values are still kept.
    pub(crate) has_raw: bool,
}

/// The id of row `number` (a series, or a list of times) in part `part`.
pub(crate) fn row_id(part: i64, number: i64) -> i64 {
    part << SERIES_BITS | number
}

/// The series' number in a row's id.
pub(crate) fn series_of(row: i64) -> i64 {
    row & ((1 << SERIES_BITS) - 1)
}

impl Part {
    /// The ids of all its rows.
    pub(crate) fn rows(&self) -> Range<i64> {
        row_id(self.id, 0)..row_id(self.id + 1, 0)
    }
}

/// The parts that overlap `span`, in order. One that is being built is none yet.
pub(crate) fn within(connection: &Connection, span: Range<i64>) -> Result<Vec<Part>, rusqlite::Error> {
    connection
        .prepare_cached(
            r#"SELECT id, start, "end", changes, has_raw FROM part
               WHERE is_ready AND start < ?2 AND "end" > ?1 ORDER BY start"#,
        )?
        .query_map(params![span.start, span.end], |row| {
            Ok(Part {
                id: row.get(0)?,
                span: row.get(1)?..row.get(2)?,
                changes: row.get(3)?,
                has_raw: row.get(4)?,
            })
        })?
        .collect()
}

/// All parts, in order.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Part>, rusqlite::Error> {
    within(connection, i64::MIN..i64::MAX)
}

/// Adds an empty part. One that is not ready is seen by nobody.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    span: Range<i64>,
    is_ready: bool,
) -> Result<Part, rusqlite::Error> {
    let id = transaction
        .prepare_cached(
            r#"INSERT INTO part (start, "end", changes, has_raw, is_ready) VALUES (?, ?, 0, 1, ?)"#,
        )?
        .insert(params![span.start, span.end, is_ready])?;
    Ok(Part { id, span, changes: 0, has_raw: true })
}

/// All parts, with new ones where they are needed.
pub(crate) struct Cut<'a> {
    transaction: &'a Transaction<'a>,
    calendar: &'a Calendar,
    parts: Vec<Part>,
}

impl<'a> Cut<'a> {
    pub(crate) fn new(
        transaction: &'a Transaction<'a>,
        calendar: &'a Calendar,
    ) -> Result<Self, rusqlite::Error> {
        Ok(Self { transaction, calendar, parts: all(transaction)? })
    }

    /// The part that holds `at`; if there is none, what its neighbours leave of its day.
    pub(crate) fn part(&mut self, at: i64) -> Result<&Part, rusqlite::Error> {
        let after = self.parts.partition_point(|part| part.span.start <= at);
        let index = match after.checked_sub(1) {
            Some(before) if self.parts[before].span.contains(&at) => before,
            before => {
                let mut span = self.calendar.day(at);
                if let Some(before) = before {
                    span.start = span.start.max(self.parts[before].span.end);
                }
                if let Some(next) = self.parts.get(after) {
                    span.end = span.end.min(next.span.start);
                }
                self.parts.insert(after, insert(self.transaction, span, true)?);
                after
            }
        };
        Ok(&self.parts[index])
    }
}

//! Joining the days of an ended month into one part: fewer, larger blocks take less space.
//!
//! The joined part is written beside the days, a few series per transaction, and takes their place at once at the end. If
//! one of its days changes meanwhile, it is thrown away and the next turn tries again.

mod join;

use std::collections::HashMap;

use ohmstead_model::UnixMillis;
use rusqlite::{Transaction, params};

use crate::numbers::Effort;
use crate::part_writer::PartWriter;
use crate::parts::{self, Part, row_id, series_of};
use crate::quarantine;
use crate::rollup::HOUR_MS;
use crate::rows;
use crate::store::{History, WriteError, lock};
use join::{Joined, Lists, join_series, joined_times};

/// A month is joined when it ended so long ago: late values have come by then.
const SETTLED_MS: i64 = 2 * 86_400_000;

/// Rows deleted by one transaction.
const DELETED_AT_ONCE: usize = 128;

/// Series written by one transaction.
const SERIES_AT_ONCE: usize = 8;

/// What [`History::compact`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Blocks of the days that were joined.
    pub blocks_before: u64,
    /// Blocks of the months that they were joined to.
    pub blocks_after: u64,
    /// Bytes of the former.
    pub bytes_before: u64,
    /// Bytes of the latter.
    pub bytes_after: u64,
}

/// The days of one month.
struct Days {
    parts: Vec<Part>,
}

impl History {
    /// Joins the days of each month that ended two days ago or earlier. Does nothing if that is done. Takes long on a
    /// small machine; others can write and read meanwhile.
    pub fn compact(&self, now: UnixMillis) -> Result<Compacted, WriteError> {
        let _turn = lock(&self.upkeep);
        let failed = |error| self.write_error("the joined days of a month", error);
        self.delete_unfinished().map_err(failed)?;
        let parts = parts::all(&lock(&self.reader)).map_err(failed)?;
        let mut total = Compacted::default();
        for days in months(parts, |at| self.calendar.month(at), now.0) {
            crate::space::check(&self.path, self.settings.free_min.0)
                .map_err(|trouble| WriteError { what: "the joined days of a month", trouble })?;
            let done = self.join(&days).map_err(failed)?;
            // At once, so that the next month takes their room.
            self.delete_unfinished().map_err(failed)?;
            total.blocks_before += done.blocks_before;
            total.blocks_after += done.blocks_after;
            total.bytes_before += done.bytes_before;
            total.bytes_after += done.bytes_after;
        }
        Ok(total)
    }

    /// Deletes the rows of parts that count no more, or not yet, a few per transaction.
    fn delete_unfinished(&self) -> Result<(), rusqlite::Error> {
        let unfinished: Vec<i64> = lock(&self.reader)
            .prepare("SELECT id FROM part WHERE NOT is_ready")?
            .query_map((), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for part in unfinished {
            for table in ["block", "times", "rollup"] {
                let sql = format!(
                    "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id >= ? AND id < ? LIMIT {DELETED_AT_ONCE})"
                );
                let rows = [row_id(part, 0), row_id(part + 1, 0)];
                while self.transact(|transaction| transaction.prepare_cached(&sql)?.execute(rows))? > 0 {}
            }
            self.transact(|transaction| transaction.execute("DELETE FROM part WHERE id = ?", [part]))?;
        }
        Ok(())
    }

    fn join(&self, days: &Days) -> Result<Compacted, rusqlite::Error> {
        let (Some(first), Some(last)) = (days.parts.first(), days.parts.last()) else {
            return Ok(Compacted::default());
        };
        let span = first.span.start..last.span.end;
        let part = self.transact(|transaction| parts::insert(transaction, span, false))?;
        let series = series_in(&lock(&self.reader), &days.parts)?;
        let mut writer = PartWriter::new(part, Effort::Compact);
        let mut known: HashMap<Lists, i64> = HashMap::new();
        for some in series.chunks(SERIES_AT_ONCE) {
            // Packing takes long, so it is done between transactions.
            for series in some {
                let joined = self.join_series(&days.parts, *series)?;
                self.write_joined(&mut writer, &mut known, *series, &joined)?;
            }
        }
        self.transact(|transaction| swap(transaction, &days.parts, &writer.part))
    }

    /// The days of one series in one; what is damaged goes into quarantine.
    fn join_series(&self, days: &[Part], series: i64) -> Result<Joined, rusqlite::Error> {
        let sealing = self.sealing(series);
        loop {
            let joined = join_series(&lock(&self.reader), days, series, sealing.as_ref())?;
            match joined {
                Ok(joined) => return Ok(joined),
                Err(day) => self.transact(|transaction| {
                    quarantine::block(transaction, &days[day], row_id(days[day].id, series))
                })?,
            }
        }
    }

    fn write_joined(
        &self,
        writer: &mut PartWriter,
        known: &mut HashMap<Lists, i64>,
        series: i64,
        joined: &Joined,
    ) -> Result<(), rusqlite::Error> {
        let id = row_id(writer.part.id, series);
        let body = (!joined.values.numbers.is_empty()).then(|| joined.values.encode(id, Effort::Compact));
        let rollup = joined.rollup.as_ref().map(|rollup| rollup.encode(id, Effort::Compact));
        let list = match known.get(&joined.lists) {
            Some(list) => Some(*list),
            None if body.is_none() => None,
            None => {
                let times = {
                    let reader = lock(&self.reader);
                    joined_times(&reader, &joined.lists)?
                };
                let list = self.transact(|transaction| {
                    writer.write_list(transaction, |id, effort| rows::seal_times(id, &times, effort))
                })?;
                known.insert(joined.lists.clone(), list);
                Some(list)
            }
        };
        self.transact(|transaction| {
            if let (Some(body), Some(list)) = (&body, list) {
                rows::write_block(transaction, id, joined.span, joined.values.numbers.len(), list, body)?;
            }
            rollup.iter().try_for_each(|body| rows::write_rollup(transaction, id, body))
        })
    }
}

/// The groups of parts that are days of one month that has ended, if there is more than one of it.
fn months(parts: Vec<Part>, month: impl Fn(i64) -> std::ops::Range<i64>, now: i64) -> Vec<Days> {
    let mut groups: Vec<(i64, Vec<Part>)> = Vec::new();
    for part in parts {
        let month = month(part.span.start);
        if month.end.saturating_add(SETTLED_MS) > now || part.span.end > month.end {
            continue;
        }
        match groups.last_mut().filter(|(start, group)| {
            // Hours are counted from the start of a part: those of a day that begins at another minute do not fit.
            *start == month.start
                && group[0].span.start.abs_diff(part.span.start) % HOUR_MS.unsigned_abs() == 0
                && group.last().is_some_and(|last| last.has_raw == part.has_raw)
        }) {
            Some((_, group)) => group.push(part),
            None => groups.push((month.start, vec![part])),
        }
    }
    groups.into_iter().filter(|(_, group)| group.len() > 1).map(|(_, parts)| Days { parts }).collect()
}

/// The ids of the series that have rows in `parts`.
fn series_in(connection: &rusqlite::Connection, parts: &[Part]) -> Result<Vec<i64>, rusqlite::Error> {
    let mut found = std::collections::BTreeSet::new();
    for part in parts {
        let rows = part.rows();
        let mut select = connection.prepare_cached(
            "SELECT id FROM block WHERE id >= ?1 AND id < ?2 UNION SELECT id FROM rollup WHERE id >= ?1 AND id < ?2",
        )?;
        for id in select.query_map([rows.start, rows.end], |row| row.get::<_, i64>(0))? {
            found.insert(series_of(id?));
        }
    }
    Ok(found.into_iter().collect())
}

/// Puts the joined part in the place of the days, unless one of them changed. The rows of what counts no more are still
/// there.
fn swap(transaction: &Transaction<'_>, days: &[Part], part: &Part) -> Result<Compacted, rusqlite::Error> {
    if parts::within(transaction, part.span.clone())? != days {
        return Ok(Compacted::default());
    }
    let size = |part: &Part| -> Result<(i64, i64), rusqlite::Error> {
        let rows = part.rows();
        transaction
            .prepare_cached(
                "SELECT count(*), coalesce(sum(length(body)), 0) FROM block WHERE id >= ? AND id < ?",
            )?
            .query_row([rows.start, rows.end], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let (blocks, bytes) = size(part)?;
    let mut done = Compacted {
        blocks_after: blocks.unsigned_abs(),
        bytes_after: bytes.unsigned_abs(),
        ..Compacted::default()
    };
    for day in days {
        let (blocks, bytes) = size(day)?;
        done.blocks_before += blocks.unsigned_abs();
        done.bytes_before += bytes.unsigned_abs();
        transaction.execute("UPDATE part SET is_ready = 0 WHERE id = ?", [day.id])?;
    }
    let has_raw = days.iter().any(|day| day.has_raw);
    transaction.execute(
        "UPDATE part SET is_ready = 1, changes = 1, has_raw = ? WHERE id = ?",
        params![has_raw, part.id],
    )?;
    Ok(done)
}

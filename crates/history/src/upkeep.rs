//! What is done now and then: taking in many values at once, and deleting old ones.

use std::collections::BTreeMap;

use ohmstead_model::{Reading, UnixMillis};
use rusqlite::params;

use crate::open_day::OpenDay;
use crate::parts::{self, Part};
use crate::point::{Slot, factor};
use crate::seal;
use crate::store::{History, WriteError, lock};

/// Rows deleted by one transaction, so that it never holds the store up for long.
const DELETED_AT_ONCE: i64 = 128;

/// Values that are gathered by a backfill.
#[derive(Default)]
struct Arrivals {
    day: OpenDay,
    /// The decimals that the numbers have.
    decimals: BTreeMap<Slot, u8>,
    newest: i64,
}

impl History {
    /// Stores many readings at once, day by day; each day is durable when it is written. Values that cannot be kept
    /// are left out and counted in a log line. Returns how many values were stored. Upkeep waits until it ends;
    /// `readings` must not use this store itself.
    pub fn backfill(&self, readings: impl Iterator<Item = Reading>) -> Result<u64, WriteError> {
        let _turn = lock(&self.upkeep);
        // What came before is not less durable than what comes now.
        self.write_waiting(None).map_err(|trouble| WriteError { what: "the history", trouble })?;
        let (mut stored, mut refused) = (0, 0);
        let mut arrivals = Arrivals { newest: i64::MIN, ..Arrivals::default() };
        for reading in readings {
            refused += self.arrive(&mut arrivals, &reading);
            if arrivals.day.len() >= self.limits.backfill_values {
                // The newest day is probably not complete yet.
                let rest = arrivals.day.split(self.calendar.day(arrivals.newest).start);
                let whole =
                    if arrivals.day.len() == 0 { rest } else { std::mem::replace(&mut arrivals.day, rest) };
                stored += self.write_arrivals(&whole)?;
                if arrivals.day.len() >= self.limits.backfill_values {
                    stored += self.write_arrivals(&std::mem::take(&mut arrivals.day))?;
                }
            }
        }
        stored += self.write_arrivals(&arrivals.day)?;
        if refused > 0 {
            tracing::warn!(target: "store", refused, "values that cannot be kept were left out of a backfill");
        }
        Ok(stored)
    }

    /// Returns how many values were refused.
    fn arrive(&self, arrivals: &mut Arrivals, reading: &Reading) -> usize {
        let mut memory = self.memory();
        let (at, values, refused) = memory.take_in(reading);
        for (slot, value) in &values {
            let now = memory.registry.get(*slot).decimals;
            let before = arrivals.decimals.insert(*slot, now).unwrap_or(now);
            if before < now {
                arrivals.day.refine(*slot, factor(now - before));
            }
            arrivals.day.push(*slot, at, value);
        }
        arrivals.newest = arrivals.newest.max(at);
        refused.len()
    }

    fn write_arrivals(&self, day: &OpenDay) -> Result<u64, WriteError> {
        let Some((first, last)) = day.span() else { return Ok(0) };
        crate::space::check(&self.path, self.settings.free_min.0)
            .map_err(|trouble| WriteError { what: "the history", trouble })?;
        let meets = {
            let memory = self.memory();
            let spans = [memory.open.span(), memory.sealing.as_ref().and_then(|sealing| sealing.day.span())];
            spans.into_iter().flatten().any(|(from, to)| from <= last && first <= to)
        };
        if meets {
            // What is in memory came before, so it goes first; else it would seem to be newer.
            self.seal(i64::MAX, None).map_err(|trouble| WriteError { what: "the history", trouble })?;
        }
        let series = seal::series_of(day, &self.memory().registry);
        self.write_blocks(day, &series).map_err(|error| self.write_error("the history", error))
    }

    /// Deletes raw values older than the setting `keep_raw`, part by part: a day, or after [`History::compact`] a month,
    /// goes when its newest value is too old. Where the setting `size_max` is exceeded, the oldest parts go as well. Returns how many
    /// values went; their summaries per hour stay. A clock that is ahead of all stored values by more than `keep_raw` is
    /// not believed: nothing is deleted then.
    pub fn retain(&self, now: UnixMillis) -> Result<u64, WriteError> {
        let _turn = lock(&self.upkeep);
        let failed = |error| self.write_error("the deletion of old values", error);
        let cutoff = now.minus(self.keep_raw()).0;
        let mut parts = parts::all(&lock(&self.reader)).map_err(failed)?;
        parts.retain(|part| part.has_raw);
        let in_memory = self.memory().open.span().map(|(_, last)| last);
        let newest = match parts.last() {
            Some(part) => in_memory.max(self.last_of(part).map_err(failed)?),
            None => in_memory,
        };
        if newest.is_none_or(|newest| newest < cutoff) {
            tracing::warn!(target: "store", now = now.0, "nothing is as new as the clock says; nothing is deleted");
            return Ok(0);
        }
        let mut deleted = 0;
        for part in &parts {
            let is_old = part.span.end <= cutoff
                || self.last_of(part).map_err(failed)?.is_some_and(|last| last < cutoff);
            // The newest days stay, however large everything else is.
            let is_newest = parts.last().is_some_and(|last| last.id == part.id);
            if !is_old && (is_newest || !self.is_too_large().map_err(failed)?) {
                break;
            }
            deleted += self.delete_raw(part).map_err(failed)?;
        }
        Ok(deleted)
    }

    /// The time of the newest value in a part.
    fn last_of(&self, part: &Part) -> Result<Option<i64>, rusqlite::Error> {
        let rows = part.rows();
        lock(&self.reader)
            .prepare_cached("SELECT max(last) FROM block WHERE id >= ? AND id < ?")?
            .query_row([rows.start, rows.end], |row| row.get(0))
    }

    fn is_too_large(&self) -> Result<bool, rusqlite::Error> {
        let Some(most) = self.settings.size_max else { return Ok(false) };
        let reader = lock(&self.reader);
        let figure = |sql| reader.query_row(sql, (), |row| row.get::<_, i64>(0));
        let pages = figure("PRAGMA page_count")? - figure("PRAGMA freelist_count")?;
        Ok((pages * figure("PRAGMA page_size")?).unsigned_abs() > most.0)
    }

    /// Deletes the values of a part, not their summaries. Returns how many.
    pub(crate) fn delete_raw(&self, part: &Part) -> Result<u64, rusqlite::Error> {
        let rows = part.rows();
        let mut deleted = 0;
        loop {
            let (blocks, values) = self.transact(|transaction| {
                let (blocks, values): (i64, i64) = transaction.query_row(
                    "SELECT count(*), coalesce(sum(count), 0) FROM
                     (SELECT count FROM block WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)",
                    params![rows.start, rows.end, DELETED_AT_ONCE],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
                transaction.execute(
                    "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)",
                    params![rows.start, rows.end, DELETED_AT_ONCE],
                )?;
                if blocks < DELETED_AT_ONCE {
                    transaction.execute("DELETE FROM times WHERE id >= ? AND id < ?", [rows.start, rows.end])?;
                    transaction.execute(
                        "UPDATE part SET has_raw = 0, changes = changes + 1 WHERE id = ?",
                        [part.id],
                    )?;
                }
                Ok((blocks, values.unsigned_abs()))
            })?;
            deleted += values;
            if blocks < DELETED_AT_ONCE {
                return Ok(deleted);
            }
        }
    }
}

//! Moving values from memory into the database: part by part, a block and a rollup per series.
//!
//! What a part already has is merged with what comes, and the newer of two values at the same time stays; so to seal the
//! same values again changes nothing. Only the series that have new values are rewritten.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::block::{self, Values};
use crate::bytes::Undecodable;
use crate::calendar::Calendar;
use crate::numbers::Effort;
use crate::open_day::OpenDay;
use crate::parts::{Cut, Part, row_id};
use crate::point::{Point, Slot, Stored, factor, merge, signed};
use crate::quarantine;
use crate::registry::{Class, Registry, SeriesEntry};
use crate::rollup::Rollup;
use crate::times;

/// The series that `day` has values of.
pub(crate) fn series_of(day: &OpenDay, registry: &Registry) -> Vec<Sealing> {
    day.slots().map(|slot| Sealing::new(slot, registry.get(slot))).collect()
}

/// Series written by one transaction.
const SERIES_AT_ONCE: usize = 16;

/// Lists of times that are compared with those of the next series.
const COMPARED: usize = 12;

/// A series to be sealed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealing {
    pub(crate) slot: Slot,
    pub(crate) id: i64,
    pub(crate) decimals: u8,
    pub(crate) class: Class,
    pub(crate) is_counter: bool,
}

impl Sealing {
    pub(crate) fn new(slot: Slot, entry: &SeriesEntry) -> Self {
        let SeriesEntry { id, decimals, class, .. } = *entry;
        Self { slot, id, decimals, class, is_counter: entry.is_counter() }
    }
}

/// Something to be done within a transaction.
pub(crate) type Work<'a> = &'a mut dyn FnMut(&Transaction<'_>) -> Result<(), rusqlite::Error>;

/// What runs one transaction.
pub(crate) type Transact<'a> = &'a mut dyn FnMut(Work<'_>) -> Result<(), rusqlite::Error>;

/// Writes all of `day`, a few series per transaction, so that nobody waits long for the database: `transact` runs one.
/// Returns how many values were written.
pub(crate) fn write(
    day: &OpenDay,
    series: &[Sealing],
    calendar: &Calendar,
    transact: Transact<'_>,
) -> Result<u64, rusqlite::Error> {
    let (mut parts, mut written) = (Vec::new(), 0);
    transact(&mut |transaction| {
        parts = parts_of(transaction, calendar, day, series)?;
        Ok(())
    })?;
    for (part, slots) in parts {
        let mut writer = Writer::new(part, Effort::Seal);
        for some in slots.chunks(SERIES_AT_ONCE) {
            transact(&mut |transaction| {
                for sealing in some {
                    let points = day.points(sealing.slot, writer.part.span.start, writer.part.span.end);
                    written += points.len() as u64;
                    writer.add(transaction, sealing, points)?;
                }
                writer.touch(transaction)
            })?;
        }
        transact(&mut |transaction| writer.release(transaction))?;
    }
    let all: usize = day.slots().filter_map(|slot| Some(day.column(slot)?.all().len())).sum();
    if written < all as u64 {
        // Values that no part takes must not be forgotten: the table of parts is damaged.
        let what = Some("the parts of time overlap or leave a gap".to_owned());
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            what,
        ));
    }
    Ok(written)
}

/// The parts that `day` has values in, made where there is none, each with the series that do.
fn parts_of(
    transaction: &Transaction<'_>,
    calendar: &Calendar,
    day: &OpenDay,
    series: &[Sealing],
) -> Result<Vec<(Part, Vec<Sealing>)>, rusqlite::Error> {
    let mut cut = Cut::new(transaction, calendar)?;
    let mut found: BTreeMap<i64, (Part, Vec<Sealing>)> = BTreeMap::new();
    for sealing in series {
        let Some(column) = day.column(sealing.slot) else { continue };
        let mut end = i64::MIN;
        for point in column.all() {
            if point.at < end {
                continue;
            }
            let part = cut.part(point.at)?;
            end = part.span.end;
            found.entry(part.span.start).or_insert_with(|| (part.clone(), Vec::new())).1.push(*sealing);
        }
    }
    Ok(found.into_values().collect())
}

/// Writes the rows of one part.
pub(crate) struct Writer {
    pub(crate) part: Part,
    effort: Effort,
    is_new: bool,
    lists: Vec<(Rc<Vec<i64>>, i64)>,
    list_of: HashMap<Rc<Vec<i64>>, i64>,
    next_list: Option<i64>,
    /// Lists of blocks that were replaced.
    released: BTreeSet<i64>,
}

impl Writer {
    pub(crate) fn new(part: Part, effort: Effort) -> Self {
        let is_new = part.changes == 0;
        let (lists, list_of, released) = (Vec::new(), HashMap::new(), BTreeSet::new());
        Self { part, effort, is_new, lists, list_of, next_list: None, released }
    }

    /// Merges the newer `points` of a series, in order, into the part.
    fn add(
        &mut self,
        transaction: &Transaction<'_>,
        sealing: &Sealing,
        points: Vec<Point>,
    ) -> Result<(), rusqlite::Error> {
        let id = row_id(self.part.id, sealing.id);
        let points = match self.older(transaction, id, sealing)? {
            Some(older) => merge(older, points),
            None => points,
        };
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
        let span = (first.at, last.at);
        let (list, skips) = self.list(transaction, points.iter().map(|point| point.at).collect())?;
        let values = Values::of(sealing.decimals, skips, points.iter().map(|point| &point.value));
        write_block(transaction, id, span, points.len(), list, &values.encode(id, self.effort))?;
        if sealing.class == Class::Number { self.roll_up(transaction, id, sealing, &points) } else { Ok(()) }
    }

    /// What the part has of a series, in the unit of `sealing`. A damaged block is put into quarantine.
    fn older(
        &mut self,
        transaction: &Transaction<'_>,
        id: i64,
        sealing: &Sealing,
    ) -> Result<Option<Vec<Point>>, rusqlite::Error> {
        if self.is_new {
            return Ok(None);
        }
        let Some(row) = BlockRow::read(transaction, id)? else { return Ok(None) };
        self.released.insert(row.times);
        let Ok((decimals, mut points)) = row.points() else {
            quarantine::block(transaction, &self.part, id)?;
            return Ok(None);
        };
        let finer = factor(sealing.decimals.saturating_sub(decimals));
        if finer > 1 {
            for point in &mut points {
                point.value.refine(finer);
            }
        }
        Ok(Some(points))
    }

    /// The id of a list of times, written if it is new, and which of its times are skipped.
    fn list(
        &mut self,
        transaction: &Transaction<'_>,
        times: Vec<i64>,
    ) -> Result<(i64, Vec<usize>), rusqlite::Error> {
        if let Some(id) = self.list_of.get(&times) {
            return Ok((*id, Vec::new()));
        }
        let recent = self.lists.iter().rev().take(COMPARED);
        let fits = recent.filter_map(|(list, id)| Some((*id, block::skips(list, &times)?)));
        if let Some(best) = fits.min_by_key(|(_, skips)| skips.len()) {
            return Ok(best);
        }
        let id = self.write_list(transaction, |id, effort| seal_times(id, &times, effort))?;
        let times = Rc::new(times);
        self.lists.push((Rc::clone(&times), id));
        self.list_of.insert(times, id);
        Ok((id, Vec::new()))
    }

    /// Writes a new list of times; `body` makes its bytes.
    pub(crate) fn write_list(
        &mut self,
        transaction: &Transaction<'_>,
        body: impl FnOnce(i64, Effort) -> Vec<u8>,
    ) -> Result<i64, rusqlite::Error> {
        let rows = self.part.rows();
        let next = match self.next_list {
            Some(next) => next,
            None => transaction
                .prepare_cached("SELECT max(id) FROM times WHERE id >= ? AND id < ?")?
                .query_row([rows.start, rows.end], |row| row.get::<_, Option<i64>>(0))?
                .map_or(rows.start, |last| last + 1),
        };
        self.next_list = Some(next + 1);
        transaction
            .prepare_cached("INSERT INTO times (id, body) VALUES (?, ?)")?
            .execute(params![next, body(next, self.effort)])?;
        Ok(next)
    }

    fn roll_up(
        &self,
        transaction: &Transaction<'_>,
        id: i64,
        sealing: &Sealing,
        points: &[Point],
    ) -> Result<(), rusqlite::Error> {
        let older = if self.is_new { None } else { read_rollup(transaction, id)? };
        let is_counter = sealing.is_counter || older.as_ref().is_some_and(|older| older.is_counter);
        let mut rollup = rollup_of(points, self.part.span.start, &Sealing { is_counter, ..*sealing });
        if let Some(older) = older {
            rollup.keep(older);
        }
        write_rollup(transaction, id, &rollup.encode(id, self.effort))
    }

    /// Notes that the part changed.
    pub(crate) fn touch(&self, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        transaction
            .prepare_cached("UPDATE part SET changes = changes + 1, has_raw = 1 WHERE id = ?")?
            .execute([self.part.id])?;
        Ok(())
    }

    /// Deletes the lists of times that nothing uses any more.
    fn release(&self, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        if self.released.is_empty() {
            return Ok(());
        }
        let rows = self.part.rows();
        let used: BTreeSet<i64> = transaction
            .prepare_cached("SELECT DISTINCT times FROM block WHERE id >= ? AND id < ?")?
            .query_map([rows.start, rows.end], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut delete = transaction.prepare_cached("DELETE FROM times WHERE id = ?")?;
        for list in self.released.difference(&used) {
            delete.execute([list])?;
        }
        Ok(())
    }
}

/// The hours of a series' points within a part that begins at `origin`.
pub(crate) fn rollup_of(points: &[Point], origin: i64, sealing: &Sealing) -> Rollup {
    let numbers = points.iter().filter_map(|point| match point.value {
        Stored::Number(number) => Some((point.at, number)),
        Stored::Text(_) => None,
    });
    Rollup::of(numbers, origin, sealing.decimals, sealing.is_counter)
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
    pub(crate) fn read(connection: &rusqlite::Connection, id: i64) -> Result<Option<Self>, rusqlite::Error> {
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
pub(crate) fn read_rollup(
    connection: &rusqlite::Connection,
    id: i64,
) -> Result<Option<Rollup>, rusqlite::Error> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM rollup WHERE id = ?")?
        .query_row([id], |row| row.get(0))
        .optional()
        .or_else(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Ok(None),
            _ => Err(error),
        })?;
    Ok(body.and_then(|body| Rollup::decode(id, &body).ok()))
}

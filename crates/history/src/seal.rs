//! Moving values from memory into the database: part by part, a block and a rollup per series.
//!
//! What a part already has is merged with what comes, and the newer of two values at the same time stays; so to seal the
//! same values again changes nothing. Only the series that have new values are rewritten.

use std::collections::BTreeMap;

use rusqlite::Transaction;

use crate::calendar::Calendar;
use crate::numbers::Effort;
use crate::open_day::OpenDay;
use crate::part_writer::PartWriter;
use crate::parts::{Cut, Part};
use crate::point::{Point, Slot, Stored};
use crate::registry::{Class, Registry, SeriesEntry};
use crate::rollup::Rollup;

/// The series that `day` has values of.
pub(crate) fn series_of(day: &OpenDay, registry: &Registry) -> Vec<Sealing> {
    day.slots().map(|slot| Sealing::new(slot, registry.get(slot))).collect()
}

/// Series written by one transaction.
const SERIES_AT_ONCE: usize = 16;

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
        let mut writer = PartWriter::new(part, Effort::Seal);
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

/// The hours of a series' points within a part that begins at `origin`.
pub(crate) fn rollup_of(points: &[Point], origin: i64, sealing: &Sealing) -> Rollup {
    let numbers = points.iter().filter_map(|point| match point.value {
        Stored::Number(number) => Some((point.at, number)),
        Stored::Text(_) => None,
    });
    Rollup::of(numbers, origin, sealing.decimals, sealing.is_counter)
}

//! The days of one series, end to end: values renumbered, summaries kept, which lists of times they stand beside.

use rusqlite::Connection;

use crate::block::Values;
use crate::parts::{Part, row_id};
use crate::point::factor;
use crate::registry::Class;
use crate::rollup::Rollup;
use crate::rows::{BlockRow, open_times, read_rollup};
use crate::seal::{self, Sealing};

/// Which list of times each day of a series has, with what it skips: series with the same need one list in the month.
pub(super) type Lists = Vec<Option<i64>>;

/// One series of a month.
pub(super) struct Joined {
    pub(super) values: Values,
    pub(super) lists: Lists,
    pub(super) span: (i64, i64),
    pub(super) rollup: Option<Rollup>,
}

/// The days of one series in one, or which of them is damaged.
pub(super) fn join_series(
    connection: &Connection,
    days: &[Part],
    series: i64,
    sealing: Option<&Sealing>,
) -> Result<Result<Joined, usize>, rusqlite::Error> {
    let (mut values, mut lists) = (Values::default(), Vec::new());
    let mut rollup: Option<Rollup> = None;
    let mut times_before = 0;
    for (number, day) in days.iter().enumerate() {
        let id = row_id(day.id, series);
        let hours = read_rollup(connection, id)?;
        let lacks_hours = hours.is_none();
        if let Some(older) = hours {
            keep(&mut rollup, older);
        }
        let Some(row) = BlockRow::read(connection, id)? else {
            lists.push(None);
            continue;
        };
        let Ok((day_values, times)) = row.values() else { return Ok(Err(number)) };
        if let Some(sealing) = sealing.filter(|sealing| lacks_hours && sealing.class == Class::Number) {
            // The hours are damaged or missing, the values are not.
            let Ok((decimals, points)) = row.points() else { return Ok(Err(number)) };
            keep(&mut rollup, seal::rollup_of(&points, day.span.start, &Sealing { decimals, ..*sealing }));
        }
        lists.push(Some(row.times));
        append(&mut values, day_values, times_before);
        times_before += times.len();
    }
    let span = span_of(connection, days, series)?.unwrap_or_default();
    Ok(Ok(Joined { values, lists, span, rollup }))
}

/// The times of the first and the last value.
fn span_of(
    connection: &Connection,
    days: &[Part],
    series: i64,
) -> Result<Option<(i64, i64)>, rusqlite::Error> {
    let mut span: Option<(i64, i64)> = None;
    for day in days {
        let mut select = connection.prepare_cached("SELECT first, last FROM block WHERE id = ?")?;
        let mut rows = select.query([row_id(day.id, series)])?;
        if let Some(row) = rows.next()? {
            let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
            span = Some((span.map_or(first, |(first, _)| first), last));
        }
    }
    Ok(span)
}

/// Appends the values of a day whose times stand behind `before` others.
fn append(all: &mut Values, mut day: Values, before: usize) {
    let decimals = all.decimals.max(day.decimals);
    for (values, from) in [(&mut all.numbers, all.decimals), (&mut day.numbers, day.decimals)] {
        let finer = factor(decimals - from);
        if finer > 1 && all.texts.is_empty() && day.texts.is_empty() {
            for number in values {
                *number = number.saturating_mul(finer);
            }
        }
    }
    all.decimals = decimals;
    all.skips.extend(day.skips.iter().map(|skip| skip + before));
    if day.texts.is_empty() {
        all.numbers.append(&mut day.numbers);
        return;
    }
    let mut renumbered = Vec::with_capacity(day.texts.len());
    for text in day.texts {
        let known = all.texts.iter().position(|known| *known == text);
        renumbered.push(crate::point::signed(known.unwrap_or(all.texts.len())));
        if known.is_none() {
            all.texts.push(text);
        }
    }
    all.numbers.extend(day.numbers.into_iter().map(|number| {
        usize::try_from(number).ok().and_then(|index| renumbered.get(index)).copied().unwrap_or_default()
    }));
}

/// The times of all days in one.
pub(super) fn joined_times(connection: &Connection, lists: &Lists) -> Result<Vec<i64>, rusqlite::Error> {
    let mut all = Vec::new();
    for list in lists.iter().flatten() {
        let body: Vec<u8> = connection
            .prepare_cached("SELECT body FROM times WHERE id = ?")?
            .query_row([list], |row| row.get(0))?;
        // It was read with each block before.
        all.extend(open_times(*list, &body).unwrap_or_default());
    }
    Ok(all)
}

fn keep(rollup: &mut Option<Rollup>, more: Rollup) {
    match rollup {
        Some(rollup) => rollup.keep(more),
        None => *rollup = Some(more),
    }
}

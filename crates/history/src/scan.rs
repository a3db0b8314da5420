//! What is stored of one series within a span of time: parts of the database and memory merged, one part in memory at once.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::sync::Mutex;

use ohmstead_model::{Metric, SeriesQuery};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::bytes::Undecodable;
use crate::parts::{self, Part, row_id};
use crate::point::{Point, Stored, factor};
use crate::registry::Class;
use crate::rollup::{HOUR_MS, Hour, Rollup};
use crate::rows::{BlockRow, is_corrupt, read_rollup};

/// Why a scan ended early.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The visitor broke off.
    Stopped,
    /// The database refused.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for ScanError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// What memory has of a series.
pub(crate) struct InMemory {
    pub(crate) series: i64,
    pub(crate) decimals: u8,
    pub(crate) points: Vec<Point>,
}

/// A value, or the summary of an hour of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece {
    Point(i64, i64),
    Hour(Hour),
}

impl Piece {
    pub(crate) fn start(&self) -> i64 {
        match self {
            Self::Point(at, _) => *at,
            Self::Hour(hour) => hour.start,
        }
    }
}

/// One question, with all it takes to answer it.
pub(crate) struct Scan<'a> {
    transaction: &'a Transaction<'a>,
    pub(crate) metric: Metric,
    pub(crate) class: Class,
    /// Of the question.
    pub(crate) span: Range<i64>,
    series: Option<i64>,
    pub(crate) decimals: u8,
    /// The points in memory, with `decimals`.
    memory: Vec<Point>,
    parts: Vec<Part>,
}

impl<'a> Scan<'a> {
    /// `memory` is what memory has, if the series is known at all.
    pub(crate) fn new(
        transaction: &'a Transaction<'a>,
        query: &SeriesQuery,
        memory: Option<InMemory>,
    ) -> Result<Self, rusqlite::Error> {
        let span = query.from.0..query.to.0.max(query.from.0);
        let parts = match &memory {
            Some(_) => parts::within(transaction, span.clone())?,
            None => Vec::new(),
        };
        Ok(Self {
            transaction,
            metric: query.metric,
            class: Class::of(query.metric),
            span,
            series: memory.as_ref().map(|memory| memory.series),
            decimals: memory.as_ref().map_or(0, |memory| memory.decimals),
            memory: memory.map_or(Vec::new(), |memory| memory.points),
            parts,
        })
    }

    /// Hands every point to `visit`, oldest first, until it breaks off.
    pub(crate) fn each(
        &self,
        mut visit: impl FnMut(i64, &Stored) -> ControlFlow<()>,
    ) -> Result<(), ScanError> {
        let mut memory = self.memory.as_slice();
        for part in &self.parts {
            self.each_of(part, &mut memory, &mut visit)?;
        }
        memory.iter().try_for_each(|point| visited(visit(point.at, &point.value)))
    }

    /// The points of a part, and those in memory up to its end.
    fn each_of(
        &self,
        part: &Part,
        memory: &mut &[Point],
        visit: &mut impl FnMut(i64, &Stored) -> ControlFlow<()>,
    ) -> Result<(), ScanError> {
        let mut show = |point: &Point| visited(visit(point.at, &point.value));
        for sealed in self.sealed(part)? {
            while let Some(newer) = memory.split_off_first_if(|newer| newer.at < sealed.at) {
                show(newer)?;
            }
            // What is in memory came later than what is sealed.
            if memory.first().is_none_or(|newer| newer.at != sealed.at) {
                show(&sealed)?;
            }
        }
        while let Some(newer) = memory.split_off_first_if(|newer| newer.at < part.span.end) {
            show(newer)?;
        }
        Ok(())
    }

    /// The sealed points of a part within the question. Damage is left out.
    fn sealed(&self, part: &Part) -> Result<Vec<Point>, rusqlite::Error> {
        let Some(series) = self.series.filter(|_| part.has_raw) else { return Ok(Vec::new()) };
        let id = row_id(part.id, series);
        let row = match BlockRow::read(self.transaction, id) {
            Ok(None) => return Ok(Vec::new()),
            Ok(Some(row)) => Ok(row),
            Err(error) if is_corrupt(&error) => Err(Undecodable),
            Err(error) => return Err(error),
        };
        let Ok((decimals, mut points)) = row.and_then(|row| row.points_within(&self.span)) else {
            if is_news(id) {
                tracing::warn!(target: "store", metric = %self.metric, from = part.span.start, to = part.span.end,
                    "values of the history are damaged and left out");
            }
            return Ok(Vec::new());
        };
        let finer = factor(self.decimals.saturating_sub(decimals));
        if finer > 1 {
            for point in &mut points {
                point.value.refine(finer);
            }
        }
        Ok(points)
    }

    /// Hands every point to `visit`, oldest first, or in its place the summary of its hour, where that fits into one
    /// bucket of `grid`, until it breaks off.
    pub(crate) fn pieces(
        &self,
        grid: &dyn Fn(i64) -> Range<i64>,
        mut visit: impl FnMut(Piece) -> ControlFlow<()>,
    ) -> Result<(), ScanError> {
        let mut memory = self.memory.as_slice();
        for part in &self.parts {
            if let Some(hours) = self.hours(part, memory, grid)? {
                hours_and_memory(part, hours, &mut memory, &mut visit)?;
                continue;
            }
            self.each_of(part, &mut memory, &mut |at, stored| match stored {
                Stored::Number(number) => visit(Piece::Point(at, *number)),
                Stored::Text(_) => ControlFlow::Continue(()),
            })?;
        }
        memory.iter().try_for_each(|point| match point.value {
            Stored::Number(number) => visited(visit(Piece::Point(point.at, number))),
            Stored::Text(_) => Ok(()),
        })
    }

    /// How many values of a part are there, and how many its hours knew: more, where values were deleted or damaged.
    fn counts(&self, part: &Part, rollup: Option<&Rollup>) -> Result<(u64, u64), rusqlite::Error> {
        let Some(series) = self.series else { return Ok((0, 0)) };
        let count: Option<i64> = self
            .transaction
            .prepare_cached("SELECT count FROM block WHERE id = ?")?
            .query_row([row_id(part.id, series)], |row| row.get(0))
            .optional()?;
        let known = rollup.map_or(0, |rollup| rollup.hours.iter().map(|hour| hour.summary.count).sum());
        Ok((count.unwrap_or(0).unsigned_abs(), known))
    }

    /// Whether some values of the question are in the summaries alone.
    pub(crate) fn lacks_values(&self) -> Result<bool, rusqlite::Error> {
        let Some(series) = self.series.filter(|_| self.class == Class::Number) else { return Ok(false) };
        for part in &self.parts {
            let rollup = read_rollup(self.transaction, row_id(part.id, series))?;
            let (there, known) = self.counts(part, rollup.as_ref())?;
            if there < known {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The hours of a part within the question, if they can stand for its values: each is within one bucket and within the
    /// question or outside of it, and memory has nothing newer. Where they know of values that are not there any more they always do.
    fn hours(
        &self,
        part: &Part,
        memory: &[Point],
        grid: &dyn Fn(i64) -> Range<i64>,
    ) -> Result<Option<Vec<Hour>>, rusqlite::Error> {
        let Some(series) = self.series else { return Ok(None) };
        let first_bucket = grid(part.span.start.max(self.span.start));
        let is_fine = first_bucket.end.saturating_sub(first_bucket.start) < HOUR_MS;
        let is_newer = memory.first().is_some_and(|point| point.at < part.span.end);
        if (is_fine || is_newer) && part.has_raw && self.counts(part, None)?.0 > 0 {
            // Nearly always all of them are there; only then is it asked whether the hours knew more.
            let rollup = read_rollup(self.transaction, row_id(part.id, series))?;
            let (there, known) = self.counts(part, rollup.as_ref())?;
            if there >= known {
                return Ok(None);
            }
        }
        let Some(mut rollup) = read_rollup(self.transaction, row_id(part.id, series))? else {
            return Ok(None);
        };
        let (there, known) = self.counts(part, Some(&rollup))?;
        rollup.refine(self.decimals);
        let mut hours = Vec::with_capacity(rollup.hours.len());
        let mut bucket = first_bucket;
        for hour in rollup.hours {
            let end = hour.start.saturating_add(HOUR_MS).min(part.span.end);
            if end <= self.span.start || hour.start >= self.span.end {
                continue;
            }
            if !bucket.contains(&hour.start) {
                bucket = grid(hour.start);
            }
            let is_whole = hour.start >= self.span.start && end <= self.span.end && end <= bucket.end;
            if !is_whole && there >= known {
                return Ok(None);
            }
            // An hour that is cut is in the span that it starts in, and in no other.
            if hour.start >= self.span.start {
                hours.push(hour);
            }
        }
        Ok(Some(hours))
    }

    /// How many values the question has at least, found without reading them.
    pub(crate) fn count_at_least(&self) -> Result<u64, rusqlite::Error> {
        let Some(series) = self.series else { return Ok(0) };
        let mut count = 0u64;
        for part in &self.parts {
            let found: Option<(i64, i64, i64)> = self
                .transaction
                .prepare_cached("SELECT first, last, count FROM block WHERE id = ?")?
                .query_row([row_id(part.id, series)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            if let Some((first, last, values)) = found
                && self.span.start <= first
                && last < self.span.end
            {
                count += values.unsigned_abs();
            }
        }
        Ok(count)
    }

    /// From the first value within the question to the last, summaries included.
    pub(crate) fn span_of_values(&self) -> Result<Option<Range<i64>>, rusqlite::Error> {
        let (mut first, mut last) = (self.memory.first().map(|p| p.at), self.memory.last().map(|p| p.at));
        let Some(series) = self.series else { return Ok(None) };
        for part in &self.parts {
            let id = row_id(part.id, series);
            let block: Option<(i64, i64)> = self
                .transaction
                .prepare_cached("SELECT first, last FROM block WHERE id = ?")?
                .query_row(params![id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let found = match block {
                Some(found) => Some(found),
                None if part.has_raw => None,
                None => read_rollup(self.transaction, id)?
                    .and_then(|rollup| Some((rollup.hours.first()?.start, rollup.hours.last()?.start))),
            };
            if let Some((from, to)) = found {
                first = Some(first.map_or(from, |first| first.min(from)));
                last = Some(last.map_or(to, |last| last.max(to)));
            }
        }
        let span = first.zip(last).map(|(first, last)| {
            let first = first.max(self.span.start);
            first..last.saturating_add(1).min(self.span.end).max(first)
        });
        Ok(span)
    }
}

/// The hours of a part, and the points in memory that are in none of them.
fn hours_and_memory(
    part: &Part,
    hours: Vec<Hour>,
    memory: &mut &[Point],
    visit: &mut impl FnMut(Piece) -> ControlFlow<()>,
) -> Result<(), ScanError> {
    let mut points_before = |end: i64, visit: &mut dyn FnMut(Piece) -> ControlFlow<()>| {
        while let Some(point) = memory.split_off_first_if(|point| point.at < end) {
            if let Stored::Number(number) = point.value {
                visited(visit(Piece::Point(point.at, number)))?;
            }
        }
        Ok::<(), ScanError>(())
    };
    for hour in hours {
        points_before(hour.start, visit)?;
        visited(visit(Piece::Hour(hour)))?;
        // The hour knew more than the few values of it that came late.
        points_before(hour.start.saturating_add(HOUR_MS), &mut |_| ControlFlow::Continue(()))?;
    }
    points_before(part.span.end, visit)
}

fn visited(flow: ControlFlow<()>) -> Result<(), ScanError> {
    if flow.is_break() { Err(ScanError::Stopped) } else { Ok(()) }
}

/// Taking from the front of a slice.
trait SplitFirst<'a, T> {
    fn split_off_first_if(&mut self, is_wanted: impl FnOnce(&T) -> bool) -> Option<&'a T>;
}

impl<'a, T> SplitFirst<'a, T> for &'a [T] {
    fn split_off_first_if(&mut self, is_wanted: impl FnOnce(&T) -> bool) -> Option<&'a T> {
        let (first, rest) = self.split_first().filter(|(first, _)| is_wanted(first))?;
        *self = rest;
        Some(first)
    }
}

/// Whether damage of this row was not logged yet; a page that is refreshed must not fill the log.
fn is_news(row: i64) -> bool {
    const REMEMBERED_MAX: usize = 1_000;
    static LOGGED: Mutex<BTreeSet<i64>> = Mutex::new(BTreeSet::new());
    let mut logged = crate::store::lock(&LOGGED);
    logged.len() < REMEMBERED_MAX && logged.insert(row)
}

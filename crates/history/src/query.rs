//! Answering a [`SeriesQuery`]: blocks and memory merged in order of time, one block in memory at once.

use std::ops::ControlFlow;

use ohmstead_model::{Metric, Points, Resolution, Series, SeriesQuery, UnixMillis};
use ohmstead_units::Timespan;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::bucket::{Filling, fitting_step, start_of, to_duration};
use crate::columns::{Point, Stored, factor};
use crate::registry::{Class, to_value};
use crate::seal::decode_block;
use crate::store::{History, lock};
use crate::trouble::Trouble;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The answer would be too long to hold in memory.
    #[error("more than {most} points: ask for a step of {step} or more, or for a shorter time")]
    TooManyPoints {
        /// How many points an answer may have.
        most: usize,
        /// The finest round step whose answer fits.
        step: Timespan,
    },
    /// A step below one millisecond.
    #[error("the step must be at least 1 ms")]
    NoStep,
    /// The database could not be read.
    #[error("cannot read the history")]
    Storage(#[source] Trouble),
}

/// The finest answer that was too long, or the database's refusal.
enum ScanError {
    TooMany,
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for ScanError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl History {
    /// The values of one metric of one device. What was appended but not committed is included; where nothing was
    /// stored there is no point.
    ///
    /// * `Raw`: every value, up to 200,000.
    /// * `Step`: buckets aligned to whole steps since the epoch; one may begin before `from`, but holds only
    ///   values of the asked span. Of states and texts, which have no mean, the last value of each step at its own time.
    /// * `MaxPoints`: raw if that is at most so many points, else the finest of 10 s, 30 s, 1 min, 5 min, 15 min, 1 h,
    ///   6 h, 1 d (then 2, 4, 8 ... days) that is.
    ///
    /// A metric or device of which nothing is stored has no points; that is no error.
    pub fn range(&self, query: &SeriesQuery) -> Result<Series, QueryError> {
        if matches!(query.resolution, Resolution::Lttb(_) | Resolution::Calendar(_)) {
            return self.chosen(query);
        }
        let most = self.limits.answer_points;
        let mut reader = lock(&self.reader);
        let storage = |error| QueryError::Storage(Trouble::new(&self.path, error));
        // Memory first: what is sealed in between is then found twice, and not missed.
        let memory = self.memory_part(query);
        let transaction = reader.transaction().map_err(storage)?;
        let scan = Scan::new(&transaction, query, memory).map_err(storage)?;
        let answer = match query.resolution {
            Resolution::Raw | Resolution::Lttb(_) | Resolution::Calendar(_) => scan.raw(most),
            Resolution::Step(step) => {
                let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
                if step == 0 {
                    return Err(QueryError::NoStep);
                }
                scan.stepped(step, most)
            }
            Resolution::MaxPoints(wish) => match scan.raw(wish.clamp(1, most)) {
                Err(ScanError::TooMany) => {
                    let step = scan.fitting_step(wish.clamp(1, most)).map_err(storage)?;
                    scan.stepped(step, most)
                }
                answer => answer,
            },
        };
        match answer {
            Ok(series) => Ok(series),
            Err(ScanError::Database(error)) => Err(storage(error)),
            Err(ScanError::TooMany) => {
                let step = Timespan(to_duration(scan.fitting_step(most).map_err(storage)?));
                Err(QueryError::TooManyPoints { most, step })
            }
        }
    }

    fn memory_part(&self, query: &SeriesQuery) -> (Vec<Point>, u8) {
        let memory = self.memory();
        let class = Class::of(query.metric);
        match memory.registry.find(query.device.as_str(), query.metric.id(), class) {
            Some(slot) => (memory.points(slot, query.from.0, query.to.0), memory.registry.get(slot).decimals),
            None => (Vec::new(), 0),
        }
    }
}

/// One question, with all it takes to answer it.
struct Scan<'a> {
    transaction: &'a Transaction<'a>,
    metric: Metric,
    class: Class,
    from: i64,
    to: i64,
    /// The series' id, if it is in the database.
    series: Option<i64>,
    /// By how much the database's numbers are multiplied to have `decimals`.
    finer: i64,
    decimals: u8,
    /// The points in memory, with `decimals`.
    memory: Vec<Point>,
}

impl<'a> Scan<'a> {
    fn new(
        transaction: &'a Transaction<'a>,
        query: &SeriesQuery,
        (mut memory, memory_decimals): (Vec<Point>, u8),
    ) -> Result<Self, rusqlite::Error> {
        let class = Class::of(query.metric);
        let row: Option<(i64, u8)> = transaction
            .prepare_cached("SELECT id, decimals FROM series WHERE device = ? AND metric = ? AND kind = ?")?
            .query_row(params![query.device.as_str(), query.metric.id(), class.key()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let sealed_decimals = row.map_or(memory_decimals, |(_, decimals)| decimals);
        let decimals = memory_decimals.max(sealed_decimals);
        for point in &mut memory {
            point.value.refine(factor(decimals - memory_decimals));
        }
        Ok(Self {
            transaction,
            metric: query.metric,
            class,
            from: query.from.0,
            to: query.to.0,
            series: row.map(|(id, _)| id),
            finer: factor(decimals - sealed_decimals),
            decimals,
            memory,
        })
    }

    fn raw(&self, most: usize) -> Result<Series, ScanError> {
        let mut points = Vec::new();
        self.each(|at, stored| {
            if points.len() == most {
                return ControlFlow::Break(());
            }
            points.push((UnixMillis(at), to_value(stored, self.metric, self.decimals)));
            ControlFlow::Continue(())
        })?;
        Ok(Series { step: None, points: Points::Raw(points) })
    }

    fn stepped(&self, step: i64, most: usize) -> Result<Series, ScanError> {
        let points = match self.class {
            Class::Number => Points::Buckets(self.buckets(step, most)?),
            Class::Text => Points::Raw(self.last_of_each(step, most)?),
        };
        Ok(Series { step: Some(to_duration(step)), points })
    }

    fn buckets(&self, step: i64, most: usize) -> Result<Vec<ohmstead_model::Bucket>, ScanError> {
        let mut buckets = Vec::new();
        let mut filling: Option<Filling> = None;
        self.each(|at, stored| {
            let Stored::Number(number) = *stored else { return ControlFlow::Continue(()) };
            let start = start_of(at, step);
            if let Some(current) = filling.as_mut().filter(|current| current.at == start) {
                current.add(number);
                return ControlFlow::Continue(());
            }
            buckets.extend(filling.take().map(|full| full.finish(self.decimals)));
            if buckets.len() == most {
                return ControlFlow::Break(());
            }
            filling = Some(Filling::new(start, number));
            ControlFlow::Continue(())
        })?;
        buckets.extend(filling.map(|last| last.finish(self.decimals)));
        Ok(buckets)
    }

    fn last_of_each(
        &self,
        step: i64,
        most: usize,
    ) -> Result<Vec<(UnixMillis, ohmstead_model::Value)>, ScanError> {
        let mut points: Vec<(UnixMillis, ohmstead_model::Value)> = Vec::new();
        self.each(|at, stored| {
            if points.last().is_some_and(|(last, _)| start_of(last.0, step) == start_of(at, step)) {
                points.pop();
            } else if points.len() == most {
                return ControlFlow::Break(());
            }
            points.push((UnixMillis(at), to_value(stored, self.metric, self.decimals)));
            ControlFlow::Continue(())
        })?;
        Ok(points)
    }

    /// The finest round step that cuts what is stored within the question into at most `most` parts.
    fn fitting_step(&self, most: usize) -> Result<i64, rusqlite::Error> {
        let (first, last): (Option<i64>, Option<i64>) = self
            .transaction
            .prepare_cached(
                "SELECT min(first), max(last) FROM block WHERE series = ? AND first < ? AND last >= ?",
            )?
            .query_row(params![self.series, self.to, self.from], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let memory = |point: Option<&Point>| point.map(|point| point.at);
        let first = first.into_iter().chain(memory(self.memory.first())).min().unwrap_or(self.from);
        let last = last.into_iter().chain(memory(self.memory.last())).max().unwrap_or(self.from);
        let until = self.to.saturating_sub(1);
        Ok(fitting_step(first.max(self.from), last.min(until), most))
    }

    /// Hands every point of the question to `visit`, oldest first, until it breaks off: that is `TooMany`.
    fn each(&self, mut visit: impl FnMut(i64, &Stored) -> ControlFlow<()>) -> Result<(), ScanError> {
        let mut memory = self.memory.iter().peekable();
        let mut visit = |at: i64, stored: &Stored| match visit(at, stored) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ScanError::TooMany),
        };
        self.each_sealed(|mut sealed| {
            while let Some(newer) = memory.next_if(|newer| newer.at < sealed.at) {
                visit(newer.at, &newer.value)?;
            }
            // What is in memory came later than what is sealed.
            if memory.peek().is_some_and(|newer| newer.at == sealed.at) {
                return Ok(());
            }
            sealed.value.refine(self.finer);
            visit(sealed.at, &sealed.value)
        })?;
        memory.try_for_each(|newer| visit(newer.at, &newer.value))
    }

    fn each_sealed(&self, mut visit: impl FnMut(Point) -> Result<(), ScanError>) -> Result<(), ScanError> {
        let mut select = self.transaction.prepare_cached(
            "SELECT block.id, block.body, times.body FROM block LEFT JOIN times ON times.id = block.times
             WHERE block.series = ? AND block.first < ? AND block.last >= ? ORDER BY block.first",
        )?;
        let mut rows = select.query(params![self.series, self.to, self.from])?;
        // Blocks do not overlap; should damage make them, time must not run backwards in an answer.
        let mut next = self.from;
        while let Some(row) = rows.next()? {
            let (id, body, times): (i64, Vec<u8>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            for point in decode_block(id, &body, times.as_deref()).unwrap_or_default() {
                if (next..self.to).contains(&point.at) {
                    next = point.at.saturating_add(1);
                    visit(point)?;
                }
            }
        }
        Ok(())
    }
}

/// The newest sealed point of a series and the decimals of its number.
pub(crate) fn last_sealed(
    transaction: &Transaction<'_>,
    series: i64,
) -> Result<Option<(Point, u8)>, rusqlite::Error> {
    let found = transaction
        .prepare_cached(
            "SELECT block.id, block.body, times.body, series.decimals FROM block JOIN series ON series.id = block.series
             LEFT JOIN times ON times.id = block.times WHERE block.series = ? ORDER BY block.first DESC LIMIT 1",
        )?
        .query_row([series], |row| {
            let (id, body, times): (i64, Vec<u8>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((decode_block(id, &body, times.as_deref()), row.get(3)?))
        })
        .optional()?;
    Ok(found.and_then(|(points, decimals)| Some((points?.pop()?, decimals))))
}

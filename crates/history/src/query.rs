//! Answering a [`SeriesQuery`].

use std::ops::{ControlFlow, Range};

use ohmstead_model::{Bucket, DeviceId, Metric, Points, Resolution, Series, SeriesQuery, UnixMillis, Value};
use ohmstead_units::Timespan;

use crate::bucket::{Filling, fitting_step, step_of, to_duration};
use crate::lttb::Lttb;
use crate::point::Stored;
use crate::registry::{Class, to_value};
use crate::rollup::HOUR_MS;
use crate::scan::{Piece, Scan, ScanError};
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

/// Which bucket an instant is in.
type Grid<'a> = &'a dyn Fn(i64) -> Range<i64>;

impl History {
    /// The values of one metric of one device. What was appended but not committed is included; where nothing was
    /// stored there is no point.
    ///
    /// * `Raw`: every value, up to 200,000.
    /// * `Step`: buckets aligned to whole steps since the epoch; one may begin before `from`, but holds only
    ///   values of the asked span. Of states and texts, which have no mean, the last value of each step at its own time.
    /// * `MaxPoints`: raw if that is at most so many points, else the finest of 10 s, 30 s, 1 min, 5 min, 15 min, 1 h,
    ///   6 h, 1 d (then 2, 4, 8 ... days) that is.
    /// * `Lttb`: at most so many of the values, first and last among them; of states and texts as `MaxPoints`.
    /// * `Calendar`: as `Step`, in days, weeks or months of the site.
    ///
    /// Steps of whole hours and more are answered from the summaries per hour where these fit; they reach back further
    /// than the values do. A metric or device of which nothing is stored has no points; that is no error.
    pub fn range(&self, query: &SeriesQuery) -> Result<Series, QueryError> {
        let most = self.limits.answer_points;
        self.scan(query, |scan| {
            let answer = answer(self, scan, query, most)?;
            match answer {
                Ok(series) => Ok(series),
                Err(ScanError::Database(error)) => Err(self.unreadable(error)),
                Err(ScanError::Stopped) => {
                    let step = scan.fitting_step(most).map_err(|error| self.unreadable(error))?;
                    Err(QueryError::TooManyPoints { most, step: Timespan(to_duration(step)) })
                }
            }
        })
    }

    /// Every stored value of one series with `from <= at < to`, oldest first, one part of time in memory at once.
    /// `visit` ends it by breaking off. Other questions wait meanwhile.
    pub fn each(
        &self,
        device: &DeviceId,
        metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
        visit: &mut dyn FnMut(UnixMillis, &Value) -> ControlFlow<()>,
    ) -> Result<(), QueryError> {
        let query = SeriesQuery { device: device.clone(), metric, from, to, resolution: Resolution::Raw };
        self.scan(&query, |scan| {
            let each =
                scan.each(|at, stored| visit(UnixMillis(at), &to_value(stored, metric, scan.decimals)));
            match each {
                Ok(()) | Err(ScanError::Stopped) => Ok(()),
                Err(ScanError::Database(error)) => Err(self.unreadable(error)),
            }
        })
    }

    pub(crate) fn unreadable(&self, error: rusqlite::Error) -> QueryError {
        QueryError::Storage(Trouble::new(&self.path, error))
    }

    /// Runs `work` on what is stored of a series, unchanged while it runs.
    pub(crate) fn scan<T>(
        &self,
        query: &SeriesQuery,
        work: impl FnOnce(&Scan<'_>) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let mut reader = lock(&self.reader);
        // Memory first: what is sealed in between is then found twice, and not missed.
        let memory = self.memory_part(query);
        let transaction = reader.transaction().map_err(|error| self.unreadable(error))?;
        let scan = Scan::new(&transaction, query, memory).map_err(|error| self.unreadable(error))?;
        work(&scan)
    }

    fn memory_part(&self, query: &SeriesQuery) -> Option<crate::scan::InMemory> {
        let memory = self.memory();
        let slot = memory.registry.find(query.device.as_str(), query.metric.id(), Class::of(query.metric))?;
        let entry = memory.registry.get(slot);
        Some(crate::scan::InMemory {
            series: entry.id,
            decimals: entry.decimals,
            points: memory.points(slot, query.from.0, query.to.0),
        })
    }
}

fn answer(
    history: &History,
    scan: &Scan<'_>,
    query: &SeriesQuery,
    most: usize,
) -> Result<Result<Series, ScanError>, QueryError> {
    let calendar = &history.calendar;
    let answer = match query.resolution {
        Resolution::Raw => raw(scan, most),
        Resolution::Step(step) => {
            let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
            if step == 0 {
                return Err(QueryError::NoStep);
            }
            stepped(scan, step, most)
        }
        Resolution::Lttb(wish) if scan.class == Class::Number => lttb(scan, wish.clamp(3, most)),
        Resolution::MaxPoints(wish) | Resolution::Lttb(wish) => {
            let wish = wish.clamp(1, most);
            let unreadable = |error| history.unreadable(error);
            // The few values that are left must not hide the summaries of those that are not.
            let lacks_values = scan.lacks_values().map_err(unreadable)?;
            match if lacks_values { Err(ScanError::Stopped) } else { raw(scan, wish) } {
                Err(ScanError::Stopped) => {
                    let least = if lacks_values { HOUR_MS } else { 1 };
                    let step = scan.fitting_step(wish).map_err(unreadable)?.max(least);
                    stepped(scan, step, most)
                }
                answer => answer,
            }
        }
        Resolution::Calendar(unit) => {
            in_grid(scan, &|at| calendar.span(unit, at), most).map(|points| Series { step: None, points })
        }
    };
    Ok(answer)
}

fn raw(scan: &Scan<'_>, most: usize) -> Result<Series, ScanError> {
    // So many values are counted without reading them.
    if scan.count_at_least()? > most as u64 {
        return Err(ScanError::Stopped);
    }
    let mut points = Vec::new();
    scan.each(|at, stored| {
        if points.len() == most {
            return ControlFlow::Break(());
        }
        points.push((UnixMillis(at), to_value(stored, scan.metric, scan.decimals)));
        ControlFlow::Continue(())
    })?;
    Ok(Series { step: None, points: Points::Raw(points) })
}

fn lttb(scan: &Scan<'_>, wish: usize) -> Result<Series, ScanError> {
    let Some(span) = scan.span()? else { return Ok(Series { step: None, points: Points::Raw(Vec::new()) }) };
    let mut chosen = Lttb::new(span, wish);
    scan.each(|at, stored| {
        if let Stored::Number(number) = stored {
            chosen.add(at, *number);
        }
        ControlFlow::Continue(())
    })?;
    let value = |number| to_value(&Stored::Number(number), scan.metric, scan.decimals);
    let points = chosen.finish().into_iter().map(|(at, number)| (UnixMillis(at), value(number)));
    Ok(Series { step: None, points: Points::Raw(points.collect()) })
}

fn stepped(scan: &Scan<'_>, step: i64, most: usize) -> Result<Series, ScanError> {
    let points = in_grid(scan, &|at| step_of(at, step), most)?;
    Ok(Series { step: Some(to_duration(step)), points })
}

fn in_grid(scan: &Scan<'_>, grid: Grid<'_>, most: usize) -> Result<Points, ScanError> {
    match scan.class {
        Class::Number => buckets(scan, grid, most).map(Points::Buckets),
        Class::Text => last_of_each(scan, grid, most).map(Points::Raw),
    }
}

fn buckets(scan: &Scan<'_>, grid: Grid<'_>, most: usize) -> Result<Vec<Bucket>, ScanError> {
    let mut buckets = Vec::new();
    let mut filling: Option<Filling> = None;
    scan.pieces(grid, |piece| {
        let at = piece.start();
        if filling.as_ref().is_none_or(|current| !current.span.contains(&at)) {
            buckets.extend(filling.take().map(|full| full.finish(scan.decimals)));
            if buckets.len() == most {
                return ControlFlow::Break(());
            }
        }
        let current = filling.get_or_insert_with(|| {
            let span = grid(at);
            // What the question cuts off does not count.
            Filling::new(span.start..span.end.min(scan.span.end))
        });
        match piece {
            Piece::Point(at, number) => current.add(at, number),
            Piece::Hour(hour) => current.add_summary(hour.start, &hour.summary),
        }
        ControlFlow::Continue(())
    })?;
    buckets.extend(filling.map(|last| last.finish(scan.decimals)));
    Ok(buckets)
}

fn last_of_each(scan: &Scan<'_>, grid: Grid<'_>, most: usize) -> Result<Vec<(UnixMillis, Value)>, ScanError> {
    let mut points: Vec<(UnixMillis, Value)> = Vec::new();
    let mut span = 0..0;
    scan.each(|at, stored| {
        if span.contains(&at) {
            points.pop();
        } else if points.len() == most {
            return ControlFlow::Break(());
        }
        span = grid(at);
        points.push((UnixMillis(at), to_value(stored, scan.metric, scan.decimals)));
        ControlFlow::Continue(())
    })?;
    Ok(points)
}

impl Scan<'_> {
    /// The finest round step that cuts what is stored within the question into at most `most` parts.
    fn fitting_step(&self, most: usize) -> Result<i64, rusqlite::Error> {
        let span = self.span_of_values()?.unwrap_or(self.span.start..self.span.start);
        Ok(fitting_step(span.start, span.end.saturating_sub(1).max(span.start), most))
    }

    fn span(&self) -> Result<Option<Range<i64>>, ScanError> {
        Ok(self.span_of_values()?)
    }
}

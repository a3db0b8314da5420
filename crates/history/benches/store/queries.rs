//! The questions that every store is asked, and how long the answers take.

use std::time::Duration;

use anyhow::{Result, ensure};
use ohmstead_model::UnixMillis;

use crate::measure::{Spread, timed};
use crate::report::Engine;
use crate::station::DAY_MS;

const HOUR_MS: i64 = 3_600_000;

/// A store with data in it. Each answer says how many values it has, so that an empty one is not mistaken for a fast one.
pub(crate) trait Asked: Charts {
    /// The newest value of every metric.
    fn last(&mut self) -> Result<usize>;
}

/// What a chart needs of it.
pub(crate) trait Charts {
    /// Every value of the battery's power, told every 10 s.
    fn raw(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize>;
    /// Its least, mean and greatest value of each hour.
    fn hours(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize>;
}

/// Asks for the last values, for days and for the month of a store that holds the `days` before `end`.
pub(crate) fn ask_month(
    asked: &mut dyn Asked,
    engine: &mut Engine,
    end: UnixMillis,
    days: i64,
) -> Result<()> {
    engine.last = Some(spread(20, 250, |_| asked.last())?);
    engine.day = Some(days_raw(asked, end, days, 60)?);
    engine.month = Some(hours(asked, end, days)?);
    Ok(())
}

/// The last values and the year at 1 h.
pub(crate) fn ask_year(asked: &mut dyn Asked, engine: &mut Engine, end: UnixMillis) -> Result<()> {
    engine.last = Some(spread(20, 16, |_| asked.last())?);
    chart_year(asked, engine, end)
}

/// Days, a month and the year.
pub(crate) fn chart_year(charts: &mut dyn Charts, engine: &mut Engine, end: UnixMillis) -> Result<()> {
    engine.day = Some(days_raw(charts, end, 365, 60)?);
    engine.month = Some(hours(charts, end, 30)?);
    engine.year = Some(hours(charts, end, 365)?);
    Ok(())
}

/// A day after the other, so that none is asked for twice in a row.
fn days_raw(asked: &mut dyn Charts, end: UnixMillis, days: i64, times: i64) -> Result<Spread> {
    spread(times, 8_500, |time| {
        let to = UnixMillis(end.0 - (time * 7 % days) * DAY_MS);
        asked.raw(UnixMillis(to.0 - DAY_MS), to)
    })
}

fn hours(asked: &mut dyn Charts, end: UnixMillis, days: i64) -> Result<Spread> {
    // Whole hours, so that every engine makes the same ones.
    let to = UnixMillis(end.0 - end.0.rem_euclid(HOUR_MS));
    let least = usize::try_from(days * 24 - 24)?;
    spread(20, least, |_| asked.hours(UnixMillis(to.0 - days * DAY_MS), to))
}

fn spread(times: i64, least: usize, mut ask: impl FnMut(i64) -> Result<usize>) -> Result<Spread> {
    let mut took: Vec<Duration> = Vec::new();
    for time in 0..times {
        let (values, this) = timed(|| ask(time));
        let values = values?;
        ensure!(values >= least, "an answer has {values} values, {least} and more were expected");
        took.push(this.wall);
    }
    Ok(Spread::of(took))
}

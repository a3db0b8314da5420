//! The parts of a run, in their order. Each makes its own data, leaves its findings in the report and nothing on the disk.

use std::fs;
use std::path::Path;

use anyhow::Result;
use ohmstead_model::UnixMillis;

use crate::flash::{self, Flash};
use crate::measure::{bytes_of, timed};
use crate::ours::{self, HOUR_MS};
use crate::report::Budget::{AtLeast, AtMost};
use crate::report::{Engine, Report, Wear, say, short};
use crate::rest::Rest;
use crate::rows::Rows;
use crate::station::{DAY_MS, JANUARY, JUNE, Station};
use crate::{child, queries};

/// Days of a month and of a year.
pub(crate) const MONTH: i64 = 30;
const YEAR: i64 = 365;
/// Rows grow with their number alone: a part of the year tells the whole.
const ROWS_DAYS: i64 = 60;
/// What the sizes of others for 16 metrics and a year are, MB.
const OTHERS_16: &str = "estimates for others: InfluxDB 35-40, Prometheus 50-60, SQLite 100-150";

fn end(start: UnixMillis, days: i64) -> UnixMillis {
    UnixMillis(start.0 + days * DAY_MS)
}

/// How many values there are, and what it takes to make them.
pub(crate) fn data(report: &mut Report) {
    let mut station = Station::new(JUNE);
    let (values, took) = timed(|| {
        let mut values = 0u64;
        while let Some(batch) = station.next(end(JUNE, MONTH)) {
            values += batch.raw.len() as u64;
        }
        values
    });
    let nanoseconds = took.wall.as_nanos() as f64 / values as f64;
    let millions = values as f64 / 1e6;
    report.fact(
        "data",
        format!(
            "a month of 300 metrics is {millions:.2} M values; making one takes {nanoseconds:.0} ns, in no figure"
        ),
    );
}

/// The month as the daemon stores it, what it answers, what it takes in memory, and how it starts again.
pub(crate) fn month(report: &mut Report, folder: &Path) -> Result<()> {
    let folder = folder.join("month");
    let mut history = ours::open(&folder)?;
    let (values, ingest) = ours::live(&history, &mut Station::new(JUNE), JUNE..end(JUNE, MONTH), HOUR_MS)?;
    let mut engine = Engine { name: "ours, month".to_owned(), values, ingest, ..Engine::default() };
    engine.bytes = bytes_of(&folder)?;
    queries::ask_month(&mut history, &mut engine, end(JUNE, MONTH), MONTH)?;
    drop(history);
    report.figure("durable ingest, a commit each hour", "values/s", AtLeast(5e6), engine.values_per_s());
    report.engine(engine);

    let day = child::open_day(&folder, end(JUNE, MONTH))?;
    report.fact(
        "memory",
        format!(
            "RSS with a full day open {:.1} MB, of which {:.1} were there before the store; highest with queries {:.1} MB",
            day.open, day.before, day.highest
        ),
    );
    report.figure("RSS of a process with a full day open", "MB", AtMost(20.0), day.open);
    let mut restarts = Vec::new();
    for _ in 0..5 {
        restarts.push(child::restart(&folder, end(JUNE, MONTH))?);
    }
    restarts.sort_by(|left, right| left.answered.total_cmp(&right.answered));
    let (middle, slowest) = (restarts[2], restarts[4]);
    report.fact(
        "restart with a full day open, as after a crash",
        format!(
            "opened in {} ms, last values after {} ms (median of 5; slowest {} ms)",
            short(middle.opened),
            short(middle.answered),
            short(slowest.answered)
        ),
    );
    report.figure("restart with a full day open", "ms", AtMost(1000.0), slowest.answered);
    Ok(fs::remove_dir_all(&folder)?)
}

/// The month as one import.
pub(crate) fn import(report: &mut Report, folder: &Path) -> Result<()> {
    let folder = folder.join("import");
    let history = ours::open(&folder)?;
    let (values, ingest) = ours::import(&history, &mut Station::new(JUNE), JUNE..end(JUNE, MONTH))?;
    let bytes = bytes_of(&folder)?;
    drop(history);
    report.figure("import of a month", "values/s", AtLeast(5e6), values as f64 / ingest.wall.as_secs_f64());
    report.engine(Engine {
        name: "ours, month by import".to_owned(),
        values,
        bytes,
        ingest,
        ..Engine::default()
    });
    Ok(fs::remove_dir_all(&folder)?)
}

/// A year of the 16 metrics that others publish sizes for; with the daemon's binary, through REST too.
pub(crate) fn sixteen(report: &mut Report, folder: &Path, daemon: Option<&Path>) -> Result<()> {
    let folder = folder.join("sixteen");
    let mut history = ours::open(&folder)?;
    let (span, mut station) = (JANUARY..end(JANUARY, YEAR), Station::sixteen(JANUARY));
    let (values, ingest, _) = ours::live_and_join(&history, &mut station, span.clone())?;
    let mut engine = Engine { name: "ours, year of 16".to_owned(), values, ingest, ..Engine::default() };
    engine.bytes = bytes_of(&folder)?;
    queries::ask_year(&mut history, &mut engine, span.end)?;
    drop(history);
    let megabytes = engine.bytes as f64 / 1e6;
    report.fact("a year of 16 metrics", format!("{megabytes:.1} MB; {OTHERS_16}"));
    report.figure("a year of 16 metrics", "MB", AtMost(8.0), megabytes);
    let (values, bytes) = (engine.values, engine.bytes);
    report.engine(engine);
    match daemon {
        Some(binary) => {
            let mut rest = Rest::start(binary, &folder)?;
            let mut engine =
                Engine { name: "ours, through REST".to_owned(), values, bytes, ..Engine::default() };
            queries::chart_year(&mut rest, &mut engine, span.end)?;
            engine.memory = Some(rest.server.memory()?);
            let p95 = |spread: Option<crate::measure::Spread>| spread.map_or(f64::NAN, |spread| spread.p95);
            report.figure("24 h of one metric through REST, p95", "ms", AtMost(5.0), p95(engine.day));
            report.figure("a year at 1 h through REST, p95", "ms", AtMost(20.0), p95(engine.year));
            report.engine(engine);
        }
        None => report.fact("through REST", "not measured: no OHMSTEAD_BINARY"),
    }
    Ok(fs::remove_dir_all(&folder)?)
}

/// The month, and the year of 16 metrics, as plain rows.
pub(crate) fn rows(report: &mut Report, folder: &Path) -> Result<()> {
    let own = folder.join("rows");
    let mut station = Station::new(JUNE);
    let mut rows = Rows::open(&own, &station)?;
    let (values, ingest) = rows.live(&mut station, JUNE..end(JUNE, MONTH), HOUR_MS)?;
    let mut engine = Engine { name: "SQLite rows, month".to_owned(), values, ingest, ..Engine::default() };
    engine.bytes = bytes_of(&own)?;
    queries::ask_month(&mut rows, &mut engine, end(JUNE, MONTH), MONTH)?;
    report.engine(engine);
    drop(rows);
    fs::remove_dir_all(&own)?;

    let mut station = Station::sixteen(JANUARY);
    let mut rows = Rows::open(&own, &station)?;
    let (values, _) = rows.live(&mut station, JANUARY..end(JANUARY, ROWS_DAYS), HOUR_MS)?;
    let megabytes = bytes_of(&own)? as f64 / 1e6 * YEAR as f64 / ROWS_DAYS as f64;
    report.fact(
        "a year of 16 metrics in SQLite rows",
        format!("{megabytes:.0} MB, from {ROWS_DAYS} days ({values} rows)"),
    );
    Ok(fs::remove_dir_all(&own)?)
}

/// What commits cost the flash.
pub(crate) fn wear(report: &mut Report, folder: &Path) -> Result<()> {
    if let Some(why) = flash::missing() {
        report.fact("flash", format!("not measured: {why}"));
        return Ok(());
    }
    for (window_s, days) in [(10, 2), (60, 2), (60, 10), (300, 2), (600, 2)] {
        worn_by_ours(report, folder, window_s, days, Pace::Hurry)?;
    }
    worn_by_ours(report, folder, 10, 2, Pace::Life)?;
    let mb_per_day = worn_by_ours(report, folder, 60, 10, Pace::Life)?;
    report.figure("flash, a commit every 60 s", "MB/day", AtMost(10.0), mb_per_day);
    for (window_s, days) in [(60, 1), (600, 1)] {
        let flash = Flash::mount(folder)?;
        let before = flash.written()?;
        let mut station = Station::new(JUNE);
        let mut rows = Rows::open(&flash.folder().join("store"), &station)?;
        rows.live(&mut station, JUNE..end(JUNE, days), window_s * 1000)?;
        let written = flash.written()? - before;
        drop(rows);
        worn(report, "SQLite rows", window_s, days, written);
    }
    Ok(())
}

/// How the time between two commits passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Not at all: the file system has no time to write what need not be on the disk at once.
    Hurry,
    /// As in life: by the next commit everything is written.
    Life,
}

fn worn_by_ours(report: &mut Report, folder: &Path, window_s: i64, days: i64, pace: Pace) -> Result<f64> {
    let flash = Flash::mount(folder)?;
    let before = flash.written()?;
    let history = ours::open(&flash.folder().join("store"))?;
    let (span, mut station) = (JUNE..end(JUNE, days), Station::new(JUNE));
    ours::live_with(&history, &mut station, span, window_s * 1000, || match pace {
        Pace::Hurry => Ok(()),
        Pace::Life => flash.settle(),
    })?;
    // What closing it writes is written once, not each day.
    let written = flash.written()? - before;
    drop(history);
    let name = if pace == Pace::Life { "ours, all written by the next commit" } else { "ours" };
    Ok(worn(report, name, window_s, days, written))
}

fn worn(report: &mut Report, name: &str, window_s: i64, days: i64, written: u64) -> f64 {
    let mb_per_day = written as f64 / 1e6 / days as f64;
    say(&format!("flash, {name}, a commit every {window_s} s: {mb_per_day:.1} MB/day"));
    report.flash.push(Wear { name: name.to_owned(), window_s, days, mb_per_day });
    mb_per_day
}

/// A year of everything.
pub(crate) fn year(report: &mut Report, folder: &Path) -> Result<()> {
    let folder = folder.join("year");
    let mut history = ours::open(&folder)?;
    let span = JANUARY..end(JANUARY, YEAR);
    let (values, ingest, joining) = ours::live_and_join(&history, &mut Station::new(JANUARY), span.clone())?;
    let (wall, cpu) = (joining.wall.as_secs_f64() / 11.0, joining.cpu.as_secs_f64() / 11.0);
    report.fact("joining a month's days", format!("{wall:.1} s, {cpu:.1} s of CPU, once a month"));
    let mut engine = Engine { name: "ours, year".to_owned(), values, ingest, ..Engine::default() };
    engine.bytes = bytes_of(&folder)?;
    queries::ask_year(&mut history, &mut engine, span.end)?;
    drop(history);
    report.figure("a value after a year, all in", "bytes", AtMost(0.40), engine.bytes_per_value());
    report.engine(engine);
    Ok(fs::remove_dir_all(&folder)?)
}

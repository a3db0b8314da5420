//! Tests of the store from outside, through its public methods only: what a kill, a power cut, bad input or any order of
//! operations leaves. They know nothing of files and formats, so they hold for every version of the store.
//!
//! ```text
//! script: what operation N of a run is          writer: a program of its own that does them and acknowledges each
//! known:  what must be in the store after it    kill, power, input, laws: the tests
//! ```

#[cfg(test)]
mod input;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod known;
#[cfg(test)]
mod laws;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod power;
#[cfg(test)]
mod script;
#[cfg(test)]
mod writer;

use std::path::Path;
use std::time::Duration;

use ohmstead_history::{History, OpenError, Settings};
use ohmstead_model::{DeviceId, Metric, Points, Resolution, SeriesQuery, UnixMillis, Value};
use ohmstead_units::Timespan;

/// How long raw values are kept here: longer than a month, so that ended months are whole for a while.
const KEEP: Duration = Duration::from_secs(45 * 86_400);

/// Opens the store in `folder` as the product does, with a shorter memory.
fn open(folder: &Path) -> Result<History, OpenError> {
    let settings = Settings { keep_raw: Timespan(KEEP), ..Settings::default() };
    // A zone whose days have 23 and 25 hours.
    let zone = jiff::tz::TimeZone::get("Europe/Paris").expect("a zone");
    History::open(folder, &settings, &zone, &[])
}

/// Every stored value of one series.
fn raw(history: &History, device: &DeviceId, metric: Metric) -> Vec<(i64, Value)> {
    let device = device.clone();
    let all = (UnixMillis(i64::MIN), UnixMillis(i64::MAX));
    let query = SeriesQuery { device, metric, from: all.0, to: all.1, resolution: Resolution::Raw };
    match history.range(&query).expect("readable").points {
        Points::Raw(points) => points.into_iter().map(|(at, value)| (at.0, value)).collect(),
        Points::Buckets(_) => panic!("raw values were asked"),
    }
}

/// What is wrong with the store in `folder` as a whole.
fn damage(folder: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(folder.join("history.sqlite")).expect("the file opens");
    let mut check = database.prepare("PRAGMA integrity_check").expect("a pragma");
    let rows = check.query_map((), |row| row.get::<_, String>(0)).expect("readable");
    rows.map(|row| row.expect("readable")).filter(|row| row != "ok").collect()
}

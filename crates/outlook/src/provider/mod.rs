//! The sources. Each is one file: what it is asked, and a pure `parse` of what it answers.
//!
//! A new source is one file here, its settings in [`crate::settings`], one line in `open.rs`, and a row in
//! `docs/support.md`.

mod awattar;
mod couleur_tempo;
mod data_gouv;
mod energy_charts;
mod entsoe;
mod forecast_solar;
mod nordpool;
mod octopus;
mod open;
mod open_meteo;
mod rte_api;
mod rte_site;
mod solcast;
mod tibber;
mod vrm;

use std::ops::RangeInclusive;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use ohmstead_model::{TimeSpan, UnixMillis};

use crate::http::Caller;
use crate::schedule::{Pace, Publication};
use crate::{Answer, Failure};

pub(crate) use open::{Opened, colour_source, distinct, grid_source, price_source, pv_source};

/// Nothing costs more than 10 EUR/kWh; the market's own limits are 4 and -0.5.
const PRICES: RangeInclusive<f64> = -10.0..=10.0;
/// The step of a price whose neighbours are missing.
const HOUR: Duration = Duration::from_secs(3600);
/// One megawatt: whoever has more needs no home battery.
const POWERS: RangeInclusive<f64> = 0.0..=1e6;

/// Tempo: a first hint in the morning, what RTE commits to at 10:30, and once more, for it has been corrected.
pub(crate) const TEMPO: Publication = Publication {
    zone: "Europe/Paris",
    times: &[(6, 40, 10), (10, 40, 4), (10, 45, 30)],
    due: (10, 30),
    keep_trying: Duration::from_secs(1800),
};

/// The day-ahead auction of Europe: its prices come at about 13:00.
pub(crate) const DAY_AHEAD: Publication = Publication {
    zone: "Europe/Brussels",
    times: &[(13, 0, 15)],
    due: (13, 0),
    keep_trying: Duration::from_secs(600),
};

/// Octopus publishes Agile prices between 16:00 and 20:00.
pub(crate) const OCTOPUS: Publication = Publication {
    zone: "Europe/London",
    times: &[(16, 10, 15)],
    due: (16, 0),
    keep_trying: Duration::from_secs(1200),
};

/// What a source needs to know of the moment and the place.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) now: UnixMillis,
}

impl Ask {
    /// The civil date now in `zone`.
    fn today(&self, zone: &TimeZone) -> Date {
        crate::parse::today(self.now, zone)
    }

    /// From the beginning of today to the end of tomorrow in `zone`.
    fn two_days(&self, zone: &TimeZone) -> TimeSpan {
        let today = self.today(zone);
        let edge = |days: i64| midnight(today.checked_add(Span::new().days(days)).unwrap_or(today), zone);
        TimeSpan::new(edge(0), edge(2))
    }
}

/// One source.
pub(crate) trait Provider: Send {
    /// How often it may and should be asked.
    fn pace(&self) -> Pace;

    /// What its figures are of, such as a zone or a place; figures of another identity are not ours. No secrets.
    fn identity(&self) -> String;

    /// Asks, and understands the answer.
    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>>;
}

/// The first instant of a civil date.
pub(crate) fn midnight(date: Date, zone: &TimeZone) -> UnixMillis {
    let start = date.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).unwrap_or_default();
    UnixMillis(start.as_millisecond())
}

/// The zone of the European day-ahead market.
fn market_zone() -> TimeZone {
    DAY_AHEAD.zone()
}

fn stamp(at: UnixMillis) -> Timestamp {
    Timestamp::from_millisecond(at.0).unwrap_or_default()
}

/// Powers below nothing are nothing; holes stay holes.
fn not_negative(value: Option<f64>) -> Option<f64> {
    value.map(|value| value.max(0.0))
}

#[cfg(test)]
mod tests;

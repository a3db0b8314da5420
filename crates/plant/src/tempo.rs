//! A stand-in for RTE's page on Tempo: the colours of a season as it tells them, made up by rule and seed.
//!
//! ```text
//! GET /...?season=2026-2027    {"values":{"2026-09-01":"BLUE", ...}}    up to tomorrow from 10:30 on, else up to today
//! ```
//! 22 days are red, in the cold months and never on a weekend; 43 are white, never on a Sunday; the others are blue.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::{self, Reply};

/// What time it is for the service, ms since the epoch.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Serves the colours on `listen` until told to stop. Returns the address.
pub async fn serve(
    listen: SocketAddr,
    seed: u64,
    now: Now,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> io::Result<SocketAddr> {
    let answer = move |target: &str| {
        Reply::Good(match season(target) {
            Some(first) => json!({ "values": known(first, seed, now()) }),
            None => json!({ "error": "season is missing" }),
        })
    };
    http::serve(listen, answer, tasks, stop).await
}

/// The first year of the season that is asked for.
fn season(target: &str) -> Option<i16> {
    let (_, rest) = target.split_once("season=")?;
    rest.get(..4)?.parse().ok()
}

/// The colours that are told at `now_ms`.
fn known(first_year: i16, seed: u64, now_ms: i64) -> BTreeMap<String, &'static str> {
    let paris = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    let now = Timestamp::from_millisecond(now_ms).unwrap_or_default().to_zoned(paris).datetime();
    let published = (now.hour(), now.minute()) >= (10, 30);
    let last = if published { now.date().tomorrow().unwrap_or(now.date()) } else { now.date() };
    colours(first_year, seed)
        .into_iter()
        .take_while(|(day, _)| *day <= last)
        .map(|(day, colour)| (day.to_string(), colour))
        .collect()
}

/// All days of a season, in order.
fn colours(first_year: i16, seed: u64) -> Vec<(Date, &'static str)> {
    let days: Vec<Date> =
        date(first_year, 9, 1).series(1.day()).take_while(|day| *day < date(first_year + 1, 9, 1)).collect();
    let mut random = fastrand::Rng::with_seed(seed ^ u64::from(first_year.unsigned_abs()));
    let may_be_red = |day: &Date| {
        matches!(day.month(), 11 | 12 | 1 | 2 | 3)
            && !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
    };
    let mut red: Vec<Date> = days.iter().copied().filter(may_be_red).collect();
    random.shuffle(&mut red);
    red.truncate(22);
    let may_be_white =
        |day: &Date| day.weekday() != Weekday::Sunday && matches!(day.month(), 10 | 11 | 12 | 1..=4);
    let mut white: Vec<Date> =
        days.iter().copied().filter(|day| may_be_white(day) && !red.contains(day)).collect();
    random.shuffle(&mut white);
    white.truncate(43);
    let colour = |day: Date| match day {
        day if red.contains(&day) => "RED",
        day if white.contains(&day) => "WHITE",
        _ => "BLUE",
    };
    days.into_iter().map(|day| (day, colour(day))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_season_has_its_days_of_each_colour() {
        for (year, days) in [(2025, 365), (2027, 366)] {
            let all = colours(year, 7);
            let count = |colour| all.iter().filter(|(_, of_day)| *of_day == colour).count();
            assert_eq!((all.len(), count("RED"), count("WHITE")), (days, 22, 43));
            let wrong = |(day, colour): &&(Date, &str)| {
                *colour == "RED" && matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
            };
            assert_eq!(all.iter().find(wrong), None);
        }
    }

    #[test]
    fn tomorrow_is_told_from_half_past_ten() {
        let last = |now| known(2025, 7, ms(now)).into_keys().next_back();
        assert_eq!(last("2026-01-05T09:29:00Z").as_deref(), Some("2026-01-05"));
        assert_eq!(last("2026-01-05T09:30:00Z").as_deref(), Some("2026-01-06"));
    }

    #[tokio::test]
    async fn it_is_asked_over_http() {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let now: Now = Arc::new(|| 1_767_600_000_000);
        let listen = "127.0.0.1:0".parse().unwrap();
        let address = serve(listen, 7, now, &tasks, stop.clone()).await.unwrap();
        let (status, body) = http::asked(address, "/tempo?season=2025-2026").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert_eq!(body["values"].as_object().unwrap().len(), 127);
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
}

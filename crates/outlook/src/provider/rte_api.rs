//! RTE's data API "Tempo Like Supply Contract": the colours with client credentials (OAuth 2), which anybody can register.
//!
//! ```text
//! POST /token/oauth   Basic(id:secret)          {"access_token": "..", "expires_in": 7200}
//! GET  ../tempo_like_calendars?start_date=..&end_date=..   Bearer; at most 366 days, until D+2
//! {"tempo_like_calendars": {"values": [{"start_date": "2025-12-29T00:00:00+01:00", "value": "RED", ..}]}}
//! ```
//! Some documents show a list around the object: both are read. `value` can be missing.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Span;
use jiff::civil::Date;
use ohmstead_model::UnixMillis;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, Pace, Provider, TEMPO};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, date, document, season_of, text, whole};
use crate::provider::open::secret_of;
use crate::{Answer, Failure, Secret};

pub(super) struct RteApi {
    pub(super) url: Url,
    pub(super) token_url: Url,
    pub(super) client_id: String,
    pub(super) client_secret_file: PathBuf,
    pub(super) token: Option<Token>,
}

#[derive(Debug)]
pub(super) struct Token {
    secret: Secret,
    until: UnixMillis,
}

/// A token is not used in its last minute.
const MARGIN: Duration = Duration::from_secs(60);

impl Provider for RteApi {
    fn pace(&self) -> Pace {
        Pace {
            every: HOUR * 12,
            calls: 4,
            per_hour: Some(20),
            per_day: Some(120),
            publication: Some(&TEMPO),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        "tempo".to_owned()
    }

    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let had_token = self.token.as_ref().is_some_and(|token| ask.now < token.until);
            match self.calendar(caller, ask).await {
                // A token can be withdrawn before its time.
                Err(Failure::Refused(_)) if had_token => {
                    self.token = None;
                    self.calendar(caller, ask).await
                }
                other => other,
            }
        })
    }
}

impl RteApi {
    async fn calendar(&mut self, caller: &mut Caller, ask: &Ask) -> Result<Answer, Failure> {
        let token = self.token(caller, ask.now).await?;
        let (start, end) = window(ask);
        let request = Request::get(self.url.clone())
            .query("start_date", &with_offset(start))
            .query("end_date", &with_offset(end))
            .header("authorization", "Bearer ", &token);
        Ok(parse(&caller.body(&request).await?)?)
    }

    async fn token(&mut self, caller: &mut Caller, now: UnixMillis) -> Result<Secret, Failure> {
        if let Some(token) = self.token.as_ref().filter(|token| now < token.until) {
            return Ok(token.secret.clone());
        }
        let secret = secret_of(&self.client_secret_file)?;
        let form = "application/x-www-form-urlencoded";
        let request =
            Request::post(self.token_url.clone(), form, String::new()).basic(&self.client_id, &secret);
        let (token, lifetime) = parse_token(&caller.body(&request).await?)?;
        let until = now.plus(lifetime.saturating_sub(MARGIN));
        self.token = Some(Token { secret: token.clone(), until });
        Ok(token)
    }
}

/// From the beginning of the season of tomorrow, but at least of the last week, until the day after tomorrow.
fn window(ask: &Ask) -> (Date, Date) {
    let today = ask.today(&TEMPO.zone());
    let shifted = |days: i64| today.checked_add(Span::new().days(days)).unwrap_or(today);
    let season = Date::new(season_of(shifted(1)), 9, 1).unwrap_or(today);
    (season.min(shifted(-7)), shifted(2))
}

fn with_offset(date: Date) -> String {
    let zoned = date.to_zoned(TEMPO.zone());
    zoned.map_or_else(|_| date.to_string(), |zoned| zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

pub(super) fn parse_token(body: &[u8]) -> Result<(Secret, Duration), ParseError> {
    let json = document(body)?;
    let token = text(&json, "access_token").filter(|token| !token.is_empty());
    let lifetime = json.get("expires_in").and_then(whole).and_then(|seconds| u64::try_from(seconds).ok());
    let token = token.ok_or(ParseError::Missing("access_token"))?;
    Ok((Secret::new(token), Duration::from_secs(lifetime.unwrap_or(3600).min(86_400))))
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let calendars = json.get("tempo_like_calendars").ok_or(ParseError::Missing("tempo_like_calendars"))?;
    let calendars = match calendars {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut answer = Answer::default();
    for value in calendars.iter().filter_map(|it| it.get("values")?.as_array()).flatten() {
        // The local date, as written: the offset in it is that of the civil day.
        let day = text(value, "start_date").and_then(date);
        let Some(name) = text(value, "value").filter(|name| !name.is_empty()) else {
            answer.undecided.extend(day);
            continue;
        };
        match (day, name.parse().ok()) {
            (Some(day), Some(colour)) => {
                // Newest first: of two for one day the first counts.
                answer.colours.entry(day).or_insert(colour);
            }
            _ => answer.refused += 1,
        }
    }
    // An older row of a day that has a colour says nothing.
    let Answer { colours, undecided, .. } = &mut answer;
    undecided.retain(|day| !colours.contains_key(day));
    Ok(answer)
}

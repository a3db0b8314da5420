//! The JSON behind RTE's page on Tempo: the colours of a season, without a key.
//!
//! ```text
//! GET tempo?season=2025-2026    {"values": {"2025-09-01": "BLUE", "2025-12-29-fallback": "..", ..}}
//! ```
//! Keys that are no dates are left out.

use futures_util::future::BoxFuture;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, Pace, Provider, TEMPO};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, date, document, season_of};
use crate::{Answer, Failure};

pub(super) struct RteSite {
    pub(super) url: Url,
}

impl Provider for RteSite {
    fn pace(&self) -> Pace {
        Pace { every: HOUR * 12, per_day: Some(60), publication: Some(&TEMPO), ..Pace::default() }
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
            // On 31 August the day that is asked for, tomorrow, belongs to the next season.
            let tomorrow = ask.today(&TEMPO.zone()).tomorrow().unwrap_or(ask.today(&TEMPO.zone()));
            let year = season_of(tomorrow);
            let request = Request::get(self.url.clone()).query("season", &format!("{year}-{}", year + 1));
            Ok(parse(&caller.body(&request).await?)?)
        })
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let values = json.get("values").and_then(Value::as_object).ok_or(ParseError::Missing("values"))?;
    let mut answer = Answer::default();
    for (key, value) in values {
        let Some(day) = date(key).filter(|_| key.trim().len() == 10) else { continue };
        let name = value.as_str().unwrap_or_default();
        match name.parse().ok() {
            Some(colour) => {
                answer.colours.insert(day, colour);
            }
            // An empty text or null is a day that is not decided.
            None if name.trim().is_empty() => {
                answer.undecided.insert(day);
            }
            None => answer.refused += 1,
        }
    }
    Ok(answer)
}

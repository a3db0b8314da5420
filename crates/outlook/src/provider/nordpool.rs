//! The portal of Nord Pool: day-ahead prices of its areas, one day of delivery (in central European time) a call.
//!
//! ```text
//! {"currency": "EUR", "multiAreaEntries": [{"deliveryStart": "2025-09-30T22:00:00Z", "deliveryEnd": "..",
//!  "entryPerArea": {"FR": 61.2}}]}          nothing, with status 204, while the day is not published
//! ```

use futures_util::future::BoxFuture;
use jiff::Span;
use jiff::civil::Date;
use ohmstead_model::{TimeSpan, UnixMillis};
use reqwest::Url;
use serde_json::Value;

use super::{Ask, DAY_AHEAD, HOUR, PRICES, Pace, Provider, market_zone};
use crate::answer::Lack;
use crate::http::{Caller, Request};
use crate::parse::{ParseError, Spans, array, currency, document, instant, number, text};
use crate::{Answer, Failure, Quantity};

pub(super) struct NordPool {
    pub(super) url: Url,
    pub(super) area: String,
    pub(super) currency: String,
}

impl Provider for NordPool {
    fn pace(&self) -> Pace {
        Pace {
            every: HOUR * 12,
            calls: 2,
            per_day: Some(200),
            publication: Some(&DAY_AHEAD),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        format!("area={} currency={}", self.area, self.currency)
    }

    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let today = ask.today(&market_zone());
            let tomorrow = today.checked_add(Span::new().days(1)).unwrap_or(today);
            let mut answer = self.day(caller, today, ask.now).await?;
            match self.day(caller, tomorrow, ask.now).await {
                Ok(more) if more.currency == answer.currency => answer.join(more),
                Ok(_) => {
                    let why = Failure::Useless("they are in another currency than today's".to_owned());
                    answer.lack = Some(Lack { what: "no prices of tomorrow", why });
                }
                // Nobody misses tomorrow before it is due; nor is it a trouble when the portal is late with it.
                Err(Failure::NotYet) => {}
                Err(_) if !DAY_AHEAD.is_due(ask.now) => {}
                // Today is worth having whatever becomes of tomorrow, which is asked for again.
                Err(why) => answer.lack = Some(Lack { what: "no prices of tomorrow", why }),
            }
            Ok(answer)
        })
    }
}

impl NordPool {
    async fn day(&self, caller: &mut Caller, date: Date, now: UnixMillis) -> Result<Answer, Failure> {
        let request = Request::get(self.url.clone())
            .query("market", "DayAhead")
            .query("date", &date.to_string())
            .query("deliveryArea", &self.area)
            .query("currency", &self.currency);
        let answer = parse(&caller.body(&request).await?, &self.area)?;
        answer.usable(crate::held::window(now))
    }
}

pub(super) fn parse(body: &[u8], area: &str) -> Result<Answer, ParseError> {
    let json = document(body)?;
    // What it says counts, not what was asked for: kronor taken for euros are ten times the price.
    let currency = currency(text(&json, "currency").ok_or(ParseError::Missing("currency"))?)?;
    let mut spans = Spans::within(PRICES);
    let entries = array(&json, "/multiAreaEntries")?;
    let is_among = |entry: &Value| entry.get("entryPerArea").is_some_and(|areas| areas.get(area).is_some());
    if !entries.is_empty() && !entries.iter().any(is_among) {
        return Err(ParseError::NotAmong(format!("area {area}")));
    }
    for entry in entries {
        let edge = |key: &str| text(entry, key).and_then(instant);
        let price = entry.get("entryPerArea").and_then(|areas| areas.get(area)).and_then(number);
        match (edge("deliveryStart"), edge("deliveryEnd")) {
            (Some(start), Some(end)) => spans.add(TimeSpan::new(start, end), price.map(|it| it / 1000.0))?,
            _ => spans.refuse(),
        }
    }
    Ok(Answer::of(Quantity::SpotPrice, spans.timeline()).priced_in(currency.code()))
}

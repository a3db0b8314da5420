//! aWATTar in Germany and Austria: the day-ahead prices of their zones, without a key.
//!
//! ```text
//! {"data": [{"start_timestamp": 1733785200000, "end_timestamp": .., "marketprice": 92.85, "unit": "Eur/MWh"}]}
//! ```

use futures_util::future::BoxFuture;
use ohmstead_model::TimeSpan;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, DAY_AHEAD, HOUR, PRICES, Pace, Provider, market_zone};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, Spans, array, document, number, other_unit, seconds, text, whole};
use crate::{Answer, Failure, Quantity};

pub(super) struct Awattar {
    pub(super) url: Url,
    pub(super) country: &'static str,
}

impl Provider for Awattar {
    fn pace(&self) -> Pace {
        Pace {
            every: HOUR * 12,
            per_hour: Some(60),
            per_day: Some(100),
            publication: Some(&DAY_AHEAD),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        format!("country={}", self.country)
    }

    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let days = ask.two_days(&market_zone());
            let request = Request::get(self.url.clone())
                .query("start", &days.start.0.to_string())
                .query("end", &days.end.0.to_string());
            Ok(parse(&caller.body(&request).await?)?)
        })
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let mut spans = Spans::within(PRICES);
    for row in array(&json, "/data")? {
        let unit = text(row, "unit").unwrap_or_default();
        if !unit.eq_ignore_ascii_case("eur/mwh") {
            return Err(other_unit("unit", unit, "\"Eur/MWh\""));
        }
        let edge = |key: &str| seconds(row.get(key).and_then(whole)?.div_euclid(1000));
        match (edge("start_timestamp"), edge("end_timestamp")) {
            (Some(start), Some(end)) => spans.add(TimeSpan::new(start, end), price(row))?,
            _ => spans.refuse(),
        }
    }
    Ok(Answer::of(Quantity::SpotPrice, spans.timeline()).priced_in("EUR"))
}

fn price(row: &Value) -> Option<f64> {
    Some(number(row.get("marketprice")?)? / 1000.0)
}

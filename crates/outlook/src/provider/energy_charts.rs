//! Energy-Charts of Fraunhofer ISE: day-ahead prices of European bidding zones, without a key.
//!
//! ```text
//! {"license_info": "CC BY 4.0 ...", "unix_seconds": [1733785200, ..], "price": [92.85, ..], "unit": "EUR / MWh"}
//! ```
//! Hours until delivery 2025-09-30, quarters from then on: the step is seen from the stamps.

use futures_util::future::BoxFuture;
use jiff::Span;
use ohmstead_units::Currency;
use reqwest::Url;

use super::{Ask, DAY_AHEAD, HOUR, PRICES, Pace, Provider, market_zone};
use crate::http::{Caller, Request};
use crate::parse::{
    ParseError, Points, array, currency, document, number, other_unit, seconds, short, text, whole,
};
use crate::{Answer, Failure, Quantity};

pub(super) struct EnergyCharts {
    pub(super) url: Url,
    pub(super) zone: String,
}

impl Provider for EnergyCharts {
    fn pace(&self) -> Pace {
        Pace { every: HOUR * 12, per_day: Some(96), publication: Some(&DAY_AHEAD), ..Pace::default() }
    }

    fn identity(&self) -> String {
        format!("bzn={}", self.zone)
    }

    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let today = ask.today(&market_zone());
            let tomorrow = today.checked_add(Span::new().days(1)).unwrap_or(today);
            let request = Request::get(self.url.clone())
                .query("bzn", &self.zone)
                .query("start", &today.to_string())
                .query("end", &tomorrow.to_string());
            Ok(parse(&caller.body(&request).await?)?)
        })
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let (stamps, prices) = (array(&json, "/unix_seconds")?, array(&json, "/price")?);
    let unit = text(&json, "unit").unwrap_or_default();
    let currency = currency_of(unit)?;
    let mut points = Points::within(PRICES);
    for (stamp, price) in stamps.iter().zip(prices) {
        match whole(stamp).and_then(seconds) {
            Some(at) => points.add(at, number(price).map(|per_mwh| per_mwh / 1000.0))?,
            None => points.refuse(),
        }
    }
    let mut answer = Answer::of(Quantity::SpotPrice, points.beginning(HOUR)).priced_in(currency.code());
    answer.licence = text(&json, "license_info").map(short);
    Ok(answer)
}

/// `EUR` of `EUR / MWh`.
fn currency_of(unit: &str) -> Result<Currency, ParseError> {
    let compact = unit.split('/').map(str::trim).collect::<Vec<_>>();
    match compact[..] {
        [code, per] if per.eq_ignore_ascii_case("mwh") => currency(code),
        _ => Err(other_unit("unit", unit, "\"EUR / MWh\"")),
    }
}

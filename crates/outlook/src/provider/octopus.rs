//! Octopus Energy in Great Britain: the public unit rates of a product, half-hours, newest first, in pages.
//!
//! ```text
//! {"count": 96, "next": "https://..&page=2" | null, "results": [{"value_exc_vat": 23.4, "value_inc_vat": 24.57,
//!  "valid_from": "2023-03-26T01:00:00Z", "valid_to": "2023-03-26T01:30:00Z" | null, "payment_method": null}]}
//! ```
//! Values are pence per kWh.

use futures_util::future::BoxFuture;
use jiff::Span;
use ohmstead_model::TimeSpan;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, OCTOPUS, PRICES, Pace, Provider, midnight, stamp};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, Spans, array, document, instant, number, text};
use crate::{Answer, Failure, Quantity};

pub(super) struct Octopus {
    /// Up to and with `standard-unit-rates/`.
    pub(super) url: Url,
    pub(super) product: String,
    pub(super) region: char,
}

/// Two days and an hour of half-hours are two pages of 100, or one if the server takes our page size.
const PAGES_MAX: u32 = 4;

impl Provider for Octopus {
    fn pace(&self) -> Pace {
        Pace {
            every: HOUR * 12,
            calls: PAGES_MAX,
            per_day: Some(200),
            publication: Some(&OCTOPUS),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        format!("product={} region={}", self.product, self.region)
    }

    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let window = window(ask);
            let mut request = Request::get(self.url.clone())
                .query("period_from", &stamp(window.start).to_string())
                .query("period_to", &stamp(window.end).to_string())
                .query("page_size", "1500");
            let mut answer = Answer::default();
            for _ in 0..PAGES_MAX {
                let (page, next) = parse(&caller.body(&request).await?, window)?;
                answer.join(page);
                let Some(next) = next else { break };
                request = Request::get(self.next_page(&next)?);
            }
            Ok(answer)
        })
    }
}

impl Octopus {
    /// The next page as the server names it, if it is one of this very list.
    fn next_page(&self, next: &str) -> Result<Url, Failure> {
        let elsewhere = || Failure::Unreadable(crate::parse::said("its next page is on another server"));
        let named = Url::parse(next).map_err(|_| elsewhere())?;
        // Behind a proxy the server may not know its own name or scheme: only the parameters are taken over.
        if named.path() != self.url.path() {
            return Err(elsewhere());
        }
        let mut url = self.url.clone();
        url.set_query(named.query());
        Ok(url)
    }
}

fn window(ask: &Ask) -> TimeSpan {
    let zone = OCTOPUS.zone();
    let today = ask.today(&zone);
    let end = today.checked_add(Span::new().days(2)).unwrap_or(today);
    TimeSpan::new(midnight(today, &zone), midnight(end, &zone))
}

/// One page, and where the next is. A rate without an end holds until the window's.
pub(super) fn parse(body: &[u8], window: TimeSpan) -> Result<(Answer, Option<String>), ParseError> {
    let json = document(body)?;
    let mut prices = Spans::within(PRICES);
    for row in array(&json, "/results")? {
        // Where the price depends on how one pays, the usual way is by direct debit.
        if text(row, "payment_method").is_some_and(|method| method != "DIRECT_DEBIT") {
            continue;
        }
        let end = row.get("valid_to").filter(|end| !end.is_null());
        let end = end.map_or(Some(window.end), |end| end.as_str().and_then(instant));
        match (text(row, "valid_from").and_then(instant), end) {
            (Some(start), Some(end)) => {
                let span = TimeSpan::new(start, end).common(window);
                if !span.is_empty() {
                    prices.add(span, pounds(row, "value_inc_vat"))?;
                }
            }
            _ => prices.refuse(),
        }
    }
    let answer = Answer::of(Quantity::FullPrice, prices.timeline()).priced_in("GBP");
    Ok((answer, text(&json, "next").map(str::to_owned)))
}

fn pounds(row: &Value, key: &str) -> Option<f64> {
    Some(number(row.get(key)?)? / 100.0)
}

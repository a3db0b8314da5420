//! Tibber: the prices of one customer's home over GraphQL. `total` is all in, `energy` the market's part, per kWh.
//!
//! ```text
//! {"data": {"viewer": {"homes": [{"id": "..", "currentSubscription": {"priceInfo": {
//!    "today": [{"startsAt": "2025-12-10T00:00:00.000+01:00", "total": 0.31, "energy": 0.11, "currency": "EUR"}],
//!    "tomorrow": []}}}]}}}                       tomorrow is empty until about 13:00; with `home(id:)` one home, no list
//! {"errors": [{"message": "..", "extensions": {"code": "UNAUTHENTICATED"}}]}
//! ```

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use ohmstead_units::Currency;
use reqwest::Url;
use serde_json::{Value, json};

use super::{Ask, DAY_AHEAD, HOUR, PRICES, Pace, Provider};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, Points, currency, document, instant, number, said, text};
use crate::provider::open::secret_of;
use crate::{Answer, Failure, Quantity};

pub(super) struct Tibber {
    pub(super) url: Url,
    pub(super) token_file: PathBuf,
    pub(super) home: Option<String>,
}

const PRICE_INFO: &str = "id currentSubscription { priceInfo(resolution: QUARTER_HOURLY) { \
     today { startsAt total energy currency } tomorrow { startsAt total energy currency } } }";

impl Provider for Tibber {
    fn pace(&self) -> Pace {
        Pace {
            every: HOUR * 12,
            per_hour: Some(20),
            per_day: Some(100),
            publication: Some(&DAY_AHEAD),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        format!("home={}", self.home.as_deref().unwrap_or("first"))
    }

    fn fetch<'a>(&'a mut self, caller: &'a mut Caller, _: &'a Ask) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let token = secret_of(&self.token_file)?;
            let body = match &self.home {
                Some(id) => json!({
                    "query": format!("query($id: ID!) {{ viewer {{ home(id: $id) {{ {PRICE_INFO} }} }} }}"),
                    "variables": { "id": id },
                }),
                None => json!({ "query": format!("{{ viewer {{ homes {{ {PRICE_INFO} }} }} }}") }),
            };
            let request = Request::post(self.url.clone(), "application/json", body.to_string());
            let request = request.header("authorization", "Bearer ", &token);
            parse(&caller.body(&request).await?)
        })
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, Failure> {
    let json = document(body)?;
    if let Some(error) = json.pointer("/errors/0") {
        return Err(failure(error));
    }
    let info = price_info(&json).ok_or_else(|| {
        Failure::Refused("Tibber knows no home with a subscription for this token; check `home`".to_owned())
    })?;
    let (mut total, mut energy) = (Points::within(PRICES), Points::within(PRICES));
    let mut money: Option<Currency> = None;
    for row in ["today", "tomorrow"].iter().filter_map(|day| info.get(*day)?.as_array()).flatten() {
        let Some(at) = text(row, "startsAt").and_then(instant) else {
            total.refuse();
            continue;
        };
        if let Some(named) = text(row, "currency") {
            let named = currency(named)?;
            if *money.get_or_insert(named) != named {
                return Err(said("prices in several currencies").into());
            }
        }
        total.add(at, row.get("total").and_then(number))?;
        energy.add(at, row.get("energy").and_then(number))?;
    }
    let mut answer = Answer::of(Quantity::FullPrice, total.beginning(HOUR));
    answer.add(Quantity::SpotPrice, energy.beginning(HOUR));
    Ok(match money {
        Some(money) => answer.priced_in(money.code()),
        None if answer.is_empty() => answer,
        None => return Err(ParseError::Missing("currency").into()),
    })
}

/// The price list of the home that was asked for, or of the first one that has a subscription.
fn price_info(json: &Value) -> Option<&Value> {
    let viewer = json.pointer("/data/viewer")?;
    let homes = match viewer.get("home") {
        Some(home) => std::slice::from_ref(home),
        None => viewer.get("homes")?.as_array()?.as_slice(),
    };
    homes.iter().find_map(|home| home.pointer("/currentSubscription/priceInfo").filter(|it| it.is_object()))
}

fn failure(error: &Value) -> Failure {
    let words = text(error, "message").unwrap_or("an error without words");
    match error.pointer("/extensions/code").and_then(Value::as_str) {
        Some("UNAUTHENTICATED" | "FORBIDDEN") => {
            Failure::Refused(format!("Tibber does not let us in ({}); check the token", said(words)))
        }
        _ => said(words).into(),
    }
}

//! Victron's VRM portal: what it expects of the sun and of the house, for installations of Victron.
//!
//! ```text
//! GET /v2/installations/{site}/stats?type=forecast&interval=hours&start=<s>&end=<s>   X-Authorization: Token ..
//! {"success": true, "records": {"solar_yield_forecast": [[1733785200000, 120.5], ..] | false,
//!                               "vrm_consumption_fc": [[..], ..] | false}, "totals": {..}}
//! ```
//! Wh of the hour that begins at the stamp.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, POWERS, Pace, Provider, not_negative};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, Points, document, number, said, seconds, text, whole};
use crate::provider::open::secret_of;
use crate::{Answer, Failure, Quantity};

pub(super) struct Vrm {
    /// Up to and without the site.
    pub(super) url: Url,
    pub(super) site: u64,
    pub(super) token_file: PathBuf,
    pub(super) every: Duration,
}

impl Provider for Vrm {
    fn pace(&self) -> Pace {
        Pace { every: self.every, per_hour: Some(12), per_day: Some(200), ..Pace::default() }
    }

    fn identity(&self) -> String {
        format!("site={}", self.site)
    }

    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let token = secret_of(&self.token_file)?;
            let mut url = self.url.clone();
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend(["v2", "installations", &self.site.to_string(), "stats"]);
            }
            let start = ask.now.0.div_euclid(3_600_000) * 3600;
            let request = Request::get(url)
                .query("type", "forecast")
                .query("interval", "hours")
                .query("start", &start.to_string())
                .query("end", &(start + 3 * 86_400).to_string())
                .header("x-authorization", "Token ", &token);
            Ok(parse(&caller.body(&request).await?)?)
        })
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    if json.get("success").and_then(Value::as_bool) == Some(false) {
        return Err(said(text(&json, "errors").unwrap_or("an error without words")));
    }
    // No records at all is an empty list, one without values is `false`.
    let records = json.get("records").ok_or(ParseError::Missing("records"))?;
    let mut answer = Answer::default();
    for (quantity, field) in
        [(Quantity::PvPower, "solar_yield_forecast"), (Quantity::LoadPower, "vrm_consumption_fc")]
    {
        let Some(rows) = records.get(field).and_then(Value::as_array) else { continue };
        let mut points = Points::within(POWERS);
        for row in rows {
            match row.get(0).and_then(whole).and_then(|ms| seconds(ms.div_euclid(1000))) {
                // Wh of one hour are W.
                Some(at) => points.add(at, not_negative(row.get(1).and_then(number)))?,
                None => points.refuse(),
            }
        }
        answer.add(quantity, points.beginning(HOUR));
    }
    Ok(answer)
}

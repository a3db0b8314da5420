//! Solcast: the power of a registered rooftop site with its spread. Ten calls a day for private homes.
//!
//! ```text
//! {"forecasts": [{"pv_estimate": 1.9176, "pv_estimate10": 0.8644, "pv_estimate90": 2.0456,
//!                 "period_end": "2022-07-23T14:00:00.0000000Z", "period": "PT30M"}]}
//! ```
//! Means in kW of the period that ends at `period_end`.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use ohmstead_model::TimeSpan;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, POWERS, Pace, Provider, not_negative};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, Spans, array, document, instant, number, sum, text};
use crate::provider::open::secret_of;
use crate::{Answer, Failure, Quantity};

pub(super) struct Solcast {
    /// Up to and without the site.
    pub(super) url: Url,
    pub(super) sites: Vec<String>,
    pub(super) api_key_file: PathBuf,
    pub(super) calls_per_day: u32,
}

const ALL: [(Quantity, &str); 3] = [
    (Quantity::PvPower, "pv_estimate"),
    (Quantity::PvPowerLow, "pv_estimate10"),
    (Quantity::PvPowerHigh, "pv_estimate90"),
];

impl Provider for Solcast {
    fn pace(&self) -> Pace {
        let calls = u32::try_from(self.sites.len()).unwrap_or(u32::MAX).max(1);
        let asks = (self.calls_per_day / calls).max(1);
        // Spread over sixteen hours, and some kept for tries after a failure.
        let every = Duration::from_secs(u64::from(16 * 3600 / asks)).max(HOUR) * 5 / 4;
        Pace {
            every,
            least: Duration::from_secs(1800),
            calls,
            per_day: Some(self.calls_per_day),
            awake: Some((4, 20)),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        format!("sites={}", self.sites.join(","))
    }

    fn fetch<'a>(&'a mut self, caller: &'a mut Caller, _: &'a Ask) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let key = secret_of(&self.api_key_file)?;
            let mut answers = Vec::new();
            for site in &self.sites {
                let mut url = self.url.clone();
                if let Ok(mut path) = url.path_segments_mut() {
                    path.pop_if_empty().extend(["rooftop_sites", site, "forecasts"]);
                }
                let request = Request::get(url)
                    .query("format", "json")
                    .query("hours", "96")
                    .query("period", "PT30M")
                    .header("authorization", "Bearer ", &key);
                answers.push(parse(&caller.body(&request).await?)?);
            }
            Ok(together(&answers))
        })
    }
}

/// Several sites are several roofs of one house. The sum of the pessimistic ones is somewhat too pessimistic.
fn together(answers: &[Answer]) -> Answer {
    let mut answer = Answer {
        refused: answers.iter().map(|it| it.refused).sum(),
        blank: answers.iter().map(|it| it.blank).sum(),
        ..Answer::default()
    };
    for (quantity, _) in ALL {
        let parts: Vec<_> = answers.iter().filter_map(|it| it.series.get(&quantity).cloned()).collect();
        if parts.len() == answers.len() {
            answer.series.insert(quantity, sum(&parts));
        }
    }
    answer
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let rows = array(&json, "/forecasts")?;
    let mut answer = Answer::default();
    for (quantity, field) in ALL {
        let mut spans = Spans::within(POWERS);
        for row in rows {
            match span(row) {
                Some(span) => {
                    let kw = not_negative(row.get(field).and_then(number));
                    spans.add(span, kw.map(|kw| kw * 1000.0))?;
                }
                None => spans.refuse(),
            }
        }
        answer.add(quantity, spans.timeline());
    }
    Ok(answer)
}

fn span(row: &Value) -> Option<TimeSpan> {
    let end = text(row, "period_end").and_then(instant)?;
    let period: SignedDuration = text(row, "period").unwrap_or("PT30M").parse().ok()?;
    let length = period.unsigned_abs();
    (Duration::from_secs(60)..=HOUR).contains(&length).then(|| TimeSpan::new(end.minus(length), end))
}

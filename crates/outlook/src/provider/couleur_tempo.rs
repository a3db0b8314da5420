//! api-couleur-tempo.fr, a private service: the colours of single days, without a key, also over plain HTTP.
//!
//! ```text
//! GET /api/joursTempo?dateJour[]=2025-12-29&dateJour[]=..
//! [{"dateJour": "2025-12-29", "codeJour": 3, "periode": "2025-2026", "libCouleur": "Rouge"}]
//! ```
//! 0 unknown, 1 blue, 2 white, 3 red.

use futures_util::future::BoxFuture;
use jiff::Span;
use ohmstead_model::TempoColour;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, Pace, Provider, TEMPO};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, date, document, text, whole};
use crate::{Answer, Failure};

pub(super) struct CouleurTempo {
    pub(super) url: Url,
}

impl Provider for CouleurTempo {
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
            let today = ask.today(&TEMPO.zone());
            let mut request = Request::get(self.url.clone());
            for days in -1..=1 {
                let day = today.checked_add(Span::new().days(days)).unwrap_or(today);
                request = request.query("dateJour[]", &day.to_string());
            }
            Ok(parse(&caller.body(&request).await?)?)
        })
    }
}

/// One day, as `/jourTempo/..` answers, or a list of days.
pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let days = match &json {
        Value::Array(days) => days.as_slice(),
        one if one.get("dateJour").is_some() => std::slice::from_ref(one),
        _ => return Err(ParseError::Missing("dateJour")),
    };
    let mut answer = Answer::default();
    for day in days {
        let date = text(day, "dateJour").and_then(date);
        let colour = match day.get("codeJour").and_then(whole) {
            Some(1) => Some(TempoColour::Blue),
            Some(2) => Some(TempoColour::White),
            Some(3) => Some(TempoColour::Red),
            Some(0) | None => {
                answer.undecided.extend(date);
                continue;
            }
            Some(_) => None,
        };
        match (date, colour) {
            (Some(date), Some(colour)) => {
                answer.colours.insert(date, colour);
            }
            _ => answer.refused += 1,
        }
    }
    Ok(answer)
}

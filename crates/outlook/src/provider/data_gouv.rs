//! The official grid of Tempo prices on data.gouv.fr, through its tabular API.
//!
//! ```text
//! {"data": [{"__id": 75, "DATE_DEBUT": "2026-02-01", "DATE_FIN": null, "P_SOUSCRITE": 6, "PART_FIXE_TTC": 191.8,
//!            "PART_VARIABLE_HCBleu_TTC": 0.1325, "PART_VARIABLE_HPBleu_TTC": .., "..Blanc..", "..Rouge.."}]}
//! ```
//! `DATE_DEBUT` has been served as `YYYY-DD-MM` and as `DD/MM/YYYY`, numbers as text with a comma. Rows of the future come
//! early, so all rows are kept and the date decides.

use futures_util::future::BoxFuture;
use jiff::civil::Date;
use reqwest::Url;
use serde_json::Value;

use super::{Ask, HOUR, Pace, Provider};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, array, date, document, number, text};
use crate::{Answer, Failure, PriceGrid};

pub(super) struct DataGouv {
    pub(super) url: Url,
    pub(super) power_kva: f64,
}

impl Provider for DataGouv {
    fn pace(&self) -> Pace {
        Pace { every: HOUR * 24, per_day: Some(24), ..Pace::default() }
    }

    fn identity(&self) -> String {
        format!("power_kva={}", self.power_kva)
    }

    fn fetch<'a>(&'a mut self, caller: &'a mut Caller, _: &'a Ask) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let request = Request::get(self.url.clone())
                .query("page_size", "20")
                .query("P_SOUSCRITE__exact", &self.power_kva.to_string())
                .query("__id__sort", "desc");
            Ok(parse(&caller.body(&request).await?)?)
        })
    }
}

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let json = document(body)?;
    let mut answer = Answer { currency: Some("EUR".to_owned()), ..Answer::default() };
    for row in array(&json, "/data")? {
        match grid(row) {
            // Newest first: of two rows from one day the first counts.
            Some(grid) if answer.grids.iter().any(|held| is_same(held, &grid)) => {}
            Some(grid) => answer.grids.push(grid),
            None => answer.refused += 1,
        }
    }
    answer.grids.sort_by_key(|grid| grid.from);
    Ok(answer)
}

fn is_same(one: &PriceGrid, other: &PriceGrid) -> bool {
    one.from == other.from && (one.power_kva - other.power_kva).abs() < 0.01
}

fn grid(row: &Value) -> Option<PriceGrid> {
    let price = |hours: &str, colour: &str| {
        let value = number(row.get(format!("PART_VARIABLE_{hours}{colour}_TTC"))?)?;
        (0.001..=5.0).contains(&value).then_some(value)
    };
    let of = |colour| Some([price("HC", colour)?, price("HP", colour)?]);
    Some(PriceGrid {
        from: first_day(text(row, "DATE_DEBUT")?)?,
        until: text(row, "DATE_FIN").and_then(last_day),
        power_kva: number(row.get("P_SOUSCRITE")?)?,
        fixed_eur_per_year: row
            .get("PART_FIXE_TTC")
            .and_then(number)
            .filter(|fee| (0.0..10_000.0).contains(fee)),
        prices: [of("Bleu")?, of("Blanc")?, of("Rouge")?],
    })
}

/// A grid begins on the first of a month. Where day and month stand in the wrong order, that decides which they are.
fn first_day(written: &str) -> Option<Date> {
    let as_written = date(written).or_else(|| french(written));
    let turned = turned(written);
    match (as_written, turned) {
        (Some(plain), Some(turned)) if plain.day() != 1 && turned.day() == 1 => Some(turned),
        (plain, turned) => plain.or(turned),
    }
}

/// A last day is the end of a month; else as written.
fn last_day(written: &str) -> Option<Date> {
    let plain = date(written).or_else(|| french(written));
    let is_end = |date: &Date| date.day() == date.days_in_month();
    match turned(written) {
        Some(turned) if !plain.as_ref().is_some_and(is_end) && is_end(&turned) => Some(turned),
        turned => plain.or(turned),
    }
}

/// `YYYY-DD-MM`.
fn turned(written: &str) -> Option<Date> {
    let head = written.trim().get(..10)?;
    let (year, day, month) = (head.get(..4)?, head.get(5..7)?, head.get(8..10)?);
    date(&format!("{year}-{month}-{day}"))
}

/// `DD/MM/YYYY`.
fn french(written: &str) -> Option<Date> {
    let mut parts = written.trim().split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    date(&format!("{year}-{month}-{day}"))
}

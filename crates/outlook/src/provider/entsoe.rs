//! ENTSO-E, the transparency platform of Europe's grid operators: day-ahead prices of every zone, with a token.
//!
//! ```text
//! Publication_MarketDocument
//!   TimeSeries*                     several auctions may cover the same interval: only the lowest position counts
//!     classificationSequence_AttributeInstanceComponent.position   currency_Unit.name   price_Measure_Unit.name   curveType
//!     Period*  timeInterval{start, end}  resolution PT60M  Point*{position, price.amount}
//! Acknowledgement_MarketDocument Reason{code, text}                no data, or a request that it does not take
//! ```
//! A03 curves leave out a point that repeats the one before it. How many points there are follows from the interval: a day
//! has 23, 24 or 25 hours.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use ohmstead_model::{TimeSpan, UnixMillis};
use ohmstead_units::Currency;
use reqwest::Url;
use roxmltree::{Document, Node, ParsingOptions};

use super::{Ask, DAY_AHEAD, HOUR, PRICES, Pace, Provider, market_zone, stamp};
use crate::http::{Caller, Request};
use crate::parse::{ParseError, Spans, currency, instant, malformed, other_unit, said};
use crate::provider::open::secret_of;
use crate::{Answer, Failure, Quantity};

pub(super) struct Entsoe {
    pub(super) url: Url,
    pub(super) area: String,
    pub(super) token_file: PathBuf,
}

impl Provider for Entsoe {
    fn pace(&self) -> Pace {
        Pace {
            every: HOUR * 12,
            per_hour: Some(30),
            per_day: Some(150),
            publication: Some(&DAY_AHEAD),
            ..Pace::default()
        }
    }

    fn identity(&self) -> String {
        format!("area={}", self.area)
    }

    fn fetch<'a>(
        &'a mut self,
        caller: &'a mut Caller,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let token = secret_of(&self.token_file)?;
            let days = ask.two_days(&market_zone());
            let utc = |at| stamp(at).to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M").to_string();
            let request = Request::get(self.url.clone())
                .secret_query("securityToken", &token)
                .query("documentType", "A44")
                .query("in_Domain", &self.area)
                .query("out_Domain", &self.area)
                .query("periodStart", &utc(days.start))
                .query("periodEnd", &utc(days.end));
            match caller.body(&request).await {
                // The same document also comes with status 400.
                Err(Failure::Refused(said)) if is_no_data(&said) => Err(Failure::NotYet),
                body => Ok(parse(&body?)?),
            }
        })
    }
}

/// A document of more is none of ours. No document types are allowed, so nothing expands.
const NODES_MAX: u32 = 200_000;

pub(super) fn parse(body: &[u8]) -> Result<Answer, ParseError> {
    let text = std::str::from_utf8(body).map_err(|error| malformed("XML", error))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.get(..14).is_some_and(|head| head.eq_ignore_ascii_case("<!doctype html"))
        || text.starts_with("<html")
    {
        return Err(ParseError::Html);
    }
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| malformed("XML", error))?;
    let root = document.root_element();
    match root.tag_name().name() {
        "Publication_MarketDocument" => prices(root),
        "Acknowledgement_MarketDocument" => Err(acknowledged(root)),
        _ => Err(ParseError::Missing("Publication_MarketDocument")),
    }
}

/// Reason 999 with "No matching data found" is what one gets until the prices are there.
fn acknowledged(root: Node<'_, '_>) -> ParseError {
    let words = child(root, "Reason").and_then(|reason| text(reason, "text")).unwrap_or_default();
    if is_no_data(words) { ParseError::NothingYet } else { said(words) }
}

fn is_no_data(words: &str) -> bool {
    words.to_ascii_lowercase().contains("no matching data")
}

fn prices(root: Node<'_, '_>) -> Result<Answer, ParseError> {
    // By the position of their auction; what has none is the only one.
    let mut auctions: BTreeMap<u32, Spans> = BTreeMap::new();
    let mut money: Option<Currency> = None;
    for series in children(root, "TimeSeries") {
        let unit = text(series, "price_Measure_Unit.name").unwrap_or("MWH");
        if !unit.eq_ignore_ascii_case("mwh") {
            return Err(other_unit("price_Measure_Unit.name", unit, "MWH"));
        }
        let named = currency(text(series, "currency_Unit.name").unwrap_or("EUR"))?;
        if *money.get_or_insert(named) != named {
            return Err(said("prices in several currencies"));
        }
        let position = text(series, "classificationSequence_AttributeInstanceComponent.position");
        let position = position.and_then(|text| text.parse().ok()).unwrap_or(1);
        let spans = auctions.entry(position).or_insert_with(|| Spans::within(PRICES));
        let curve = if text(series, "curveType") == Some("A01") { Curve::Blocks } else { Curve::Changes };
        for period in children(series, "Period") {
            add_period(period, curve, spans)?;
        }
    }
    // Only the first auction: one of another hour has other prices, and is out before the first one.
    let first = auctions.pop_first().map(|(_, spans)| spans.timeline()).unwrap_or_default();
    Ok(Answer::of(Quantity::SpotPrice, first).priced_in(money.unwrap_or(Currency::EUR).code()))
}

/// What a point that is not there means.
#[derive(Clone, Copy)]
enum Curve {
    /// A01: that it is missing.
    Blocks,
    /// A03: that it is as the one before.
    Changes,
}

fn add_period(period: Node<'_, '_>, curve: Curve, spans: &mut Spans) -> Result<(), ParseError> {
    let interval = child(period, "timeInterval").ok_or(ParseError::Missing("timeInterval"))?;
    let edge = |name| text(interval, name).and_then(instant);
    let (Some(start), Some(end)) = (edge("start"), edge("end")) else {
        spans.refuse();
        return Ok(());
    };
    let step = text(period, "resolution").and_then(step).ok_or(ParseError::Missing("resolution"))?;
    let count = TimeSpan::new(start, end).length().as_millis() / step.as_millis();
    let mut points: BTreeMap<u32, Option<f64>> = BTreeMap::new();
    for point in children(period, "Point") {
        let position = text(point, "position").and_then(|text| text.parse::<u32>().ok());
        let Some(position) = position.filter(|at| *at >= 1 && u128::from(*at) <= count) else {
            spans.refuse();
            continue;
        };
        let amount = text(point, "price.amount").and_then(|text| text.parse::<f64>().ok());
        points.insert(position, amount.filter(|amount| amount.is_finite()).map(|per_mwh| per_mwh / 1000.0));
    }
    let at = |position: u32| start.plus(step.saturating_mul(position.saturating_sub(1)));
    let mut following = points.keys().skip(1).copied().collect::<Vec<_>>().into_iter();
    for (position, amount) in &points {
        let next = following.next();
        let until: UnixMillis = match curve {
            Curve::Blocks => at(position.saturating_add(1)).min(end),
            Curve::Changes => next.map_or(end, at),
        };
        spans.add(TimeSpan::new(at(*position), until), *amount)?;
    }
    Ok(())
}

/// `PT15M`, `PT30M`, `PT60M`, `PT1H`.
fn step(text: &str) -> Option<Duration> {
    let step: SignedDuration = text.parse().ok()?;
    let step = step.unsigned_abs();
    (Duration::from_secs(60)..=HOUR).contains(&step).then_some(step)
}

fn children<'a, 'd>(node: Node<'a, 'd>, name: &'static str) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

fn child<'a, 'd>(node: Node<'a, 'd>, name: &'static str) -> Option<Node<'a, 'd>> {
    children(node, name).next()
}

fn text<'a>(node: Node<'a, '_>, name: &'static str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim)
}

//! Prices, colours and forecasts of the time ahead, and where they come from.

use ohmstead_model::{Language, TempoColour, UnixMillis};
use utoipa::ToSchema;

use super::figure::{money, watts};
use super::reason::ReasonJson;
use super::value::iso;
use crate::language::code;
use crate::{AheadSlot, Expected, Outlook, SourceFigures};

/// What is known of the time ahead.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Outlook)]
pub(crate) struct OutlookJson {
    /// When it was put together, UTC.
    #[schema(format = DateTime)]
    at: String,
    /// The currency of the prices, ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// The configuration says that nobody is asked.
    offline: bool,
    /// The time ahead, in order and without overlap.
    slots: Vec<AheadSlotJson>,
    /// Who was asked.
    sources: Vec<SourceJson>,
    /// The language of what is missing, ISO 639-1.
    #[schema(example = "fr")]
    language: &'static str,
    /// What is missing or guessed.
    missing: Vec<ReasonJson>,
}

/// A price and what is expected in a stretch of time.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = OutlookSlot)]
pub(crate) struct AheadSlotJson {
    /// Its first instant, UTC.
    #[schema(format = DateTime)]
    start: String,
    /// The first instant after it, UTC.
    #[schema(format = DateTime)]
    end: String,
    /// What a kWh from the grid costs; `null` where that is not known.
    #[schema(required = true, example = 0.1612)]
    import_price: Option<f64>,
    /// What a kWh fed into the grid brings; `null` where that is not known.
    #[schema(required = true, example = 0.04)]
    export_price: Option<f64>,
    /// Whether a price is a guess and may still change.
    estimated: bool,
    /// The colour of the Tempo day: `blue`, `white` or `red`; `null` where there is none or it is not known.
    #[schema(required = true, example = "red")]
    colour: Option<&'static str>,
    /// What the house will use; `null` where nobody knows.
    #[schema(required = true)]
    load: Option<ExpectedJson>,
    /// What the sun will give; `null` where nobody knows.
    #[schema(required = true)]
    pv: Option<ExpectedJson>,
}

/// A forecast power.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Expected)]
#[expect(clippy::struct_field_names, reason = "the unit is at the end")]
pub(crate) struct ExpectedJson {
    /// What to count on, W.
    #[schema(required = true, example = 620.5)]
    mean_w: Option<f64>,
    /// One in ten is below, W.
    #[schema(required = true, example = 240)]
    low_w: Option<f64>,
    /// One in ten is above, W.
    #[schema(required = true, example = 1480)]
    high_w: Option<f64>,
}

/// Where figures come from, and how old they are.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Source)]
pub(crate) struct SourceJson {
    /// Its name.
    #[schema(example = "rte_site")]
    name: String,
    /// What it is asked for: `prices`, `tempo`, `tempo_prices`, `pv`, ...
    #[schema(example = "tempo")]
    kind: String,
    /// When it last answered something of use, UTC; `null` if never.
    #[schema(format = DateTime, required = true)]
    fetched_at: Option<String>,
    /// Why the last try failed; `null` where it did not.
    #[schema(required = true)]
    trouble: Option<String>,
    /// When it is asked again, UTC; `null` where it is not.
    #[schema(format = DateTime, required = true)]
    next_try: Option<String>,
    /// The licence under which it gives its figures; `null` where it does not say.
    #[schema(required = true, example = "CC BY 4.0")]
    licence: Option<String>,
}

impl OutlookJson {
    pub(crate) fn new(outlook: &Outlook, language: Language) -> Self {
        Self {
            at: iso(outlook.at),
            currency: outlook.currency.clone(),
            offline: outlook.offline,
            slots: outlook.slots.iter().map(AheadSlotJson::from).collect(),
            sources: outlook.sources.iter().map(SourceJson::from).collect(),
            language: code(language),
            missing: ReasonJson::all(&outlook.missing, language),
        }
    }
}

impl From<&AheadSlot> for AheadSlotJson {
    fn from(slot: &AheadSlot) -> Self {
        Self {
            start: iso(slot.span.start),
            end: iso(slot.span.end),
            import_price: slot.import_price.and_then(money),
            export_price: slot.export_price.and_then(money),
            estimated: slot.price_estimated,
            colour: slot.colour.map(TempoColour::key),
            load: slot.load.map(ExpectedJson::from),
            pv: slot.pv.map(ExpectedJson::from),
        }
    }
}

impl From<Expected> for ExpectedJson {
    fn from(expected: Expected) -> Self {
        Self { mean_w: watts(expected.mean_w), low_w: watts(expected.low_w), high_w: watts(expected.high_w) }
    }
}

impl From<&SourceFigures> for SourceJson {
    fn from(source: &SourceFigures) -> Self {
        let time = |at: Option<UnixMillis>| at.map(iso);
        Self {
            name: source.name.clone(),
            kind: source.kind.clone(),
            fetched_at: time(source.fetched_at),
            trouble: source.trouble.clone(),
            next_try: time(source.next_try),
            licence: source.licence.clone(),
        }
    }
}

/// What is known of the time ahead as JSON, as in `GET /api/v1/outlook`.
pub fn outlook_json(outlook: &Outlook, language: Language) -> serde_json::Value {
    serde_json::to_value(OutlookJson::new(outlook, language))
        .expect("names are strings and numbers are finite")
}

//! The Tempo tariff: its days, their colours, and who said so.

use ohmstead_model::TempoColour;
use utoipa::ToSchema;

use super::figure::{money, odds};
use super::value::iso;
use crate::error::ApiError;
use crate::{ColourVoice, Tempo, TempoDay};

/// A season of the Tempo tariff.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Tempo)]
pub(crate) struct TempoJson {
    /// First day of the season; it ends a year later.
    #[schema(format = Date, example = "2026-09-01")]
    season: String,
    /// The tariff day that is running: until 06:00 it is the one of the civil day before.
    today: TempoDayJson,
    /// The next tariff day.
    tomorrow: TempoDayJson,
    /// All days of the season of which something is known, in order.
    days: Vec<TempoDayJson>,
    /// Days by colour, blue first.
    counts: Vec<ColourCountJson>,
    /// What a kWh costs, blue first.
    prices: Vec<ColourPricesJson>,
    /// From when on these prices hold.
    #[schema(format = Date, example = "2026-02-01")]
    prices_since: String,
}

/// One tariff day: it lasts from 06:00 until 06:00 of the next.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = TempoDay)]
pub(crate) struct TempoDayJson {
    /// Its date.
    #[schema(format = Date, example = "2026-11-21")]
    date: String,
    /// `blue`, `white` or `red`; `null` where nobody told.
    #[schema(required = true, example = "red")]
    colour: Option<&'static str>,
    /// It may still change.
    provisional: bool,
    /// The sources do not agree.
    disputed: bool,
    /// The owner said so.
    by_hand: bool,
    /// Who said what.
    voices: Vec<ColourVoiceJson>,
    /// How likely each colour is where nobody told; `null` where somebody did or nothing can be said.
    #[schema(required = true)]
    odds: Option<ColourOddsJson>,
}

/// What one source said of a day's colour.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = ColourVoice)]
pub(crate) struct ColourVoiceJson {
    /// Which source.
    #[schema(example = "rte_site")]
    source: String,
    /// What it says.
    #[schema(example = "red")]
    colour: &'static str,
    /// Since when it says so, UTC.
    #[schema(format = DateTime)]
    since: String,
    /// It may still change.
    provisional: bool,
}

/// How likely each colour is, 0 to 1.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = ColourOdds)]
pub(crate) struct ColourOddsJson {
    /// Blue.
    #[schema(required = true, example = 0.62)]
    blue: Option<f64>,
    /// White.
    #[schema(required = true, example = 0.25)]
    white: Option<f64>,
    /// Red.
    #[schema(required = true, example = 0.13)]
    red: Option<f64>,
}

/// The days of one colour in the season.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = ColourCount)]
pub(crate) struct ColourCountJson {
    /// The colour.
    #[schema(example = "red")]
    colour: &'static str,
    /// Days that are known.
    #[schema(example = 3)]
    used: usize,
    /// Days that must still come, or were missed.
    #[schema(example = 19)]
    left: usize,
}

/// What a kWh costs on days of one colour.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = ColourPrices)]
pub(crate) struct ColourPricesJson {
    /// The colour.
    #[schema(example = "red")]
    colour: &'static str,
    /// From 22:00 until 06:00.
    #[schema(required = true, example = 0.1575)]
    off_peak: Option<f64>,
    /// From 06:00 until 22:00.
    #[schema(required = true, example = 0.706)]
    peak: Option<f64>,
}

impl From<&Tempo> for TempoJson {
    fn from(tempo: &Tempo) -> Self {
        let prices = TempoColour::ALL.into_iter().zip(tempo.prices);
        Self {
            season: tempo.season.to_string(),
            today: (&tempo.today).into(),
            tomorrow: (&tempo.tomorrow).into(),
            days: tempo.days.iter().map(TempoDayJson::from).collect(),
            counts: tempo.counts.iter().map(|count| counted(*count)).collect(),
            prices: prices.map(|(colour, prices)| priced(colour, prices)).collect(),
            prices_since: tempo.prices_since.to_string(),
        }
    }
}

fn counted(count: crate::ColourCount) -> ColourCountJson {
    ColourCountJson { colour: count.colour.key(), used: count.used, left: count.left }
}

fn priced(colour: TempoColour, [off_peak, peak]: [f64; 2]) -> ColourPricesJson {
    ColourPricesJson { colour: colour.key(), off_peak: money(off_peak), peak: money(peak) }
}

impl From<&TempoDay> for TempoDayJson {
    fn from(day: &TempoDay) -> Self {
        let likely = |[blue, white, red]: [f64; 3]| ColourOddsJson {
            blue: odds(blue),
            white: odds(white),
            red: odds(red),
        };
        Self {
            date: day.date.to_string(),
            colour: day.colour.map(TempoColour::key),
            provisional: day.provisional,
            disputed: day.disputed,
            by_hand: day.by_hand,
            voices: day.voices.iter().map(ColourVoiceJson::from).collect(),
            odds: day.odds.map(likely),
        }
    }
}

impl From<&ColourVoice> for ColourVoiceJson {
    fn from(voice: &ColourVoice) -> Self {
        Self {
            source: voice.source.clone(),
            colour: voice.colour.key(),
            since: iso(voice.since),
            provisional: voice.provisional,
        }
    }
}

/// The Tempo tariff as JSON, as in `GET /api/v1/tempo`.
pub fn tempo_json(tempo: &Tempo) -> serde_json::Value {
    serde_json::to_value(TempoJson::from(tempo)).expect("names are strings and numbers are finite")
}

/// The colour of a tariff day, as its owner knows it.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ColourRequest, example = json!({"colour": "red"}))]
pub(crate) struct ColourBody {
    /// `blue`, `white` or `red`; `null` takes back what was said, and the sources count again.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    colour: Option<String>,
}

impl ColourBody {
    /// The colour, or what is wrong with it.
    pub(crate) fn read(self) -> Result<Option<TempoColour>, ApiError> {
        let Some(text) = self.colour else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let shown: String = text.chars().take(32).collect();
            let hint = "give blue, white or red, or null to take back what was said";
            ApiError::bad("bad_colour", format!("{shown:?} is no colour of the Tempo tariff"), hint)
        })
    }
}

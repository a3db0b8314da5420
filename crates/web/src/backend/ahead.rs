//! What lies ahead, as it is shown: prices, colours, forecasts, the plan, and what all of it came to in money.
//!
//! Powers in the project's signs: what feeds the house is positive. Prices in the site's currency per kWh.

use std::sync::Arc;

use jiff::civil::Date;
use ohmstead_model::{BatteryMode, DeviceId, TempoColour, TimeSpan, UnixMillis};

/// Where a figure comes from, and how old it is.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceFigures {
    /// Its name: `rte_site`, `energy_charts`, ...
    pub name: String,
    /// What it is asked for: `prices`, `tempo`, `tempo_prices`, `pv`.
    pub kind: String,
    /// When it last answered something of use.
    pub fetched_at: Option<UnixMillis>,
    /// Why the last try failed, if it did.
    pub trouble: Option<String>,
    /// When it is asked again.
    pub next_try: Option<UnixMillis>,
    /// The licence under which it gives its figures, if it says so.
    pub licence: Option<String>,
}

/// A forecast power: the mean, and what one in ten is below and above, W.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Expected {
    /// What to count on.
    pub mean_w: f64,
    /// One in ten is below.
    pub low_w: f64,
    /// One in ten is above.
    pub high_w: f64,
}

/// A price and what is expected in a stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct AheadSlot {
    /// From when until when.
    pub span: TimeSpan,
    /// What a kWh from the grid costs.
    pub import_price: Option<f64>,
    /// What a kWh fed into the grid brings.
    pub export_price: Option<f64>,
    /// Whether a price is a guess and may still change.
    pub price_estimated: bool,
    /// The colour of the tariff day, where it is known.
    pub colour: Option<TempoColour>,
    /// What the house will use.
    pub load: Option<Expected>,
    /// What the sun will give.
    pub pv: Option<Expected>,
}

/// What is known of the time ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// When it was put together.
    pub at: UnixMillis,
    /// The site's currency, ISO 4217.
    pub currency: String,
    /// Nobody is asked: the configuration says `offline`.
    pub offline: bool,
    /// The time ahead, in order.
    pub slots: Vec<AheadSlot>,
    /// Who was asked.
    pub sources: Vec<SourceFigures>,
    /// What is missing or guessed.
    pub missing: Vec<PlanReason>,
}

/// What a plan may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannerMode {
    /// No plan is made.
    Off,
    /// A plan is shown.
    Advise,
    /// A plan is carried out.
    Act,
}

impl PlannerMode {
    /// As it is written.
    pub fn key(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Advise => "advise",
            Self::Act => "act",
        }
    }
}

/// A reason in words, or what is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanReason {
    /// The code, stable for programs.
    pub code: &'static str,
    /// The sentence in each of [`ohmstead_model::Language::ALL`].
    pub sentences: [String; 5],
}

/// What one battery does in a slot.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStep {
    /// Its mode.
    pub mode: BatteryMode,
    /// Its power, W.
    pub power_w: f64,
    /// What is in it at the end, Wh.
    pub stored_wh: f64,
    /// The same as a share of its capacity, 0 to 100; unknown for one without a capacity.
    pub soc_pct: Option<f64>,
    /// Why.
    pub reason: PlanReason,
    /// Somebody asked for this by hand; until when that counts.
    pub by_hand_until: Option<UnixMillis>,
}

/// One slot of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanSlot {
    /// From when until when.
    pub span: TimeSpan,
    /// What a kWh from the grid costs.
    pub import_price: f64,
    /// What a kWh fed into the grid brings.
    pub export_price: f64,
    /// Whether a price is a guess.
    pub price_estimated: bool,
    /// Expected load, W.
    pub load_w: f64,
    /// Expected sun that is used, W.
    pub pv_w: f64,
    /// Power of the grid, W.
    pub grid_w: f64,
    /// What a stored kWh is worth in it, where that is known.
    pub worth: Option<f64>,
    /// What the slot costs.
    pub cost: f64,
    /// Each battery, in the order of [`Plan::batteries`].
    pub steps: Vec<PlanStep>,
    /// Why, for the slot as a whole.
    pub reason: PlanReason,
}

/// A battery of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanBattery {
    /// Its device.
    pub device: DeviceId,
    /// Whether the plan steers it.
    pub acts: bool,
    /// Its capacity, Wh.
    pub capacity_wh: f64,
    /// What is in it now, Wh.
    pub now_wh: f64,
}

/// The plan in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// When it was made.
    pub made_at: UnixMillis,
    /// How long that took, ms.
    pub took_ms: f64,
    /// Where it comes from: `found`, `self_consumption`, `kept`, `fallback`.
    pub origin: &'static str,
    /// Why it is no better than that, where it is a fallback.
    pub trouble: Option<PlanReason>,
    /// The site's currency.
    pub currency: String,
    /// The batteries.
    pub batteries: Vec<PlanBattery>,
    /// The time ahead, in order.
    pub slots: Vec<PlanSlot>,
    /// What it costs, wear included, less what is in the batteries at the end.
    pub cost: f64,
    /// What following the house would cost.
    pub self_consumption_cost: f64,
    /// What doing without batteries would cost.
    pub no_battery_cost: f64,
    /// What is missing or guessed.
    pub missing: Vec<PlanReason>,
}

/// How planning stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Planning {
    /// What the configuration lets it do.
    pub mode: PlannerMode,
    /// Whether it is carried out at present: allowed, and not switched off.
    pub acting: bool,
    /// Whether nothing is written to any device: what would be carried out is only told.
    pub read_only: bool,
    /// The plan; `None` where none could be made.
    pub plan: Option<Arc<Plan>>,
    /// Why there is none.
    pub why_none: Option<PlanReason>,
}

/// What one source said of a day's colour.
#[derive(Debug, Clone, PartialEq)]
pub struct ColourVoice {
    /// Which source.
    pub source: String,
    /// What it says.
    pub colour: TempoColour,
    /// Since when it says so.
    pub since: UnixMillis,
    /// It may still change.
    pub provisional: bool,
}

/// One tariff day.
#[derive(Debug, Clone, PartialEq)]
pub struct TempoDay {
    /// Its date: it lasts from 06:00 until 06:00 of the next.
    pub date: Date,
    /// Its colour, where it was told.
    pub colour: Option<TempoColour>,
    /// It may still change.
    pub provisional: bool,
    /// Sources do not agree.
    pub disputed: bool,
    /// The owner said so.
    pub by_hand: bool,
    /// Who said what.
    pub voices: Vec<ColourVoice>,
    /// How likely blue, white and red are where nobody told, 0 to 1.
    pub odds: Option<[f64; 3]>,
}

/// The days of one colour in a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColourCount {
    /// The colour.
    pub colour: TempoColour,
    /// Days that are known.
    pub used: usize,
    /// Days that must still come, or were missed.
    pub left: usize,
}

/// The Tempo tariff.
#[derive(Debug, Clone, PartialEq)]
pub struct Tempo {
    /// First day of the season that is shown.
    pub season: Date,
    /// The tariff day that is running.
    pub today: TempoDay,
    /// The next one.
    pub tomorrow: TempoDay,
    /// All days of the season of which something is known.
    pub days: Vec<TempoDay>,
    /// Days by colour, blue first.
    pub counts: [ColourCount; 3],
    /// The prices of today's grid: blue, white, red, each off-peak and peak.
    pub prices: [[f64; 2]; 3],
    /// From when on that grid holds.
    pub prices_since: Date,
}

/// What a civil day or month came to.
#[derive(Debug, Clone, PartialEq)]
pub struct MoneyRow {
    /// The day, or the first day of the month.
    pub from: Date,
    /// From the grid, kWh.
    pub import_kwh: f64,
    /// Into the grid, kWh.
    pub export_kwh: f64,
    /// What that cost.
    pub cost: f64,
    /// What it would have cost if the batteries had only followed the house.
    pub self_consumption_cost: Option<f64>,
    /// What it would have cost without batteries.
    pub no_battery_cost: Option<f64>,
    /// Hours of which the energy or the price is not known; they are in no figure.
    pub unknown_h: f64,
}

/// What energy came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Money {
    /// The site's currency.
    pub currency: String,
    /// By day or month, in order.
    pub rows: Vec<MoneyRow>,
}

/// How finely money is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyBy {
    /// A row a civil day.
    Day,
    /// A row a month.
    Month,
}

/// Why there is no answer of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AheadError {
    /// The configuration says nothing of it.
    #[error("{what} is not configured")]
    NotConfigured {
        /// What.
        what: &'static str,
        /// What to add to the configuration.
        hint: &'static str,
    },
    /// Nobody can say anything of a day so far away.
    #[error("{0} is too far away to have a colour")]
    TooFar(jiff::civil::Date),
    /// The rules of the tariff do not allow it: on Sundays, on holidays, in summer.
    #[error("{0} cannot be {key}: the rules of Tempo do not allow that", key = .1.key())]
    Impossible(jiff::civil::Date, ohmstead_model::TempoColour),
    /// The history cannot be read.
    #[error("{0}")]
    Unavailable(String),
}

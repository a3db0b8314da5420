//! What one answer of a source says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use ohmstead_model::{TempoColour, TimeSpan, Timeline};

use crate::Failure;
use crate::parse::Left;

/// What a series of figures is of, with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// The market's price of a kWh, without grid fees, taxes and margin. In the currency of the answer.
    SpotPrice,
    /// What the customer of this supplier pays for a kWh, all in. In the currency of the answer.
    FullPrice,
    /// Irradiance in the plane of the panels of this number, W/m².
    Irradiance(u8),
    /// Air temperature at 2 m, °C.
    AirTemperature,
    /// Wind at 10 m, m/s.
    WindSpeed,
    /// Share of the sky under cloud, %.
    CloudCover,
    /// Power of all panels, W.
    PvPower,
    /// The power that is exceeded with 90 % probability, W.
    PvPowerLow,
    /// The power that is exceeded with 10 % probability, W.
    PvPowerHigh,
    /// What the house will use, W.
    LoadPower,
}

impl Quantity {
    /// Its name, as it stands in the cache.
    pub fn id(self) -> String {
        match self {
            Self::SpotPrice => "spot_price".to_owned(),
            Self::FullPrice => "full_price".to_owned(),
            Self::Irradiance(plane) => format!("irradiance_{plane}"),
            Self::AirTemperature => "air_temperature".to_owned(),
            Self::WindSpeed => "wind_speed".to_owned(),
            Self::CloudCover => "cloud_cover".to_owned(),
            Self::PvPower => "pv_power".to_owned(),
            Self::PvPowerLow => "pv_power_low".to_owned(),
            Self::PvPowerHigh => "pv_power_high".to_owned(),
            Self::LoadPower => "load_power".to_owned(),
        }
    }

    /// The quantity of a name.
    pub fn named(id: &str) -> Option<Self> {
        if let Some(plane) = id.strip_prefix("irradiance_") {
            return plane.parse().ok().map(Self::Irradiance);
        }
        let all = [
            Self::SpotPrice,
            Self::FullPrice,
            Self::AirTemperature,
            Self::WindSpeed,
            Self::CloudCover,
            Self::PvPower,
            Self::PvPowerLow,
            Self::PvPowerHigh,
            Self::LoadPower,
        ];
        all.into_iter().find(|quantity| quantity.id() == id)
    }

    /// Whether it is a price.
    pub fn is_price(self) -> bool {
        matches!(self, Self::SpotPrice | Self::FullPrice)
    }
}

/// One row of the official grid of Tempo prices.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceGrid {
    /// The first day of its validity.
    pub from: Date,
    /// The last day, if it is said.
    pub until: Option<Date>,
    /// The subscribed power, kVA.
    pub power_kva: f64,
    /// The subscription, EUR a year with tax, if it is said.
    pub fixed_eur_per_year: Option<f64>,
    /// EUR/kWh with tax of blue, white and red days, at off-peak and peak hours (HC, HP).
    pub prices: [[f64; 2]; 3],
}

/// All that one answer says. Where nothing is said, nothing is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Series of figures.
    pub series: BTreeMap<Quantity, Timeline<f64>>,
    /// Colours of Tempo days by civil date; the day begins at 06:00.
    pub colours: BTreeMap<Date, TempoColour>,
    /// Days that it names without a colour: they are not decided.
    pub undecided: BTreeSet<Date>,
    /// Rows of the grid of Tempo prices.
    pub grids: Vec<PriceGrid>,
    /// The currency of prices, such as `EUR`.
    pub currency: Option<String>,
    /// What the source wants to be said of where the figures are from.
    pub licence: Option<String>,
    /// Values that cannot be: absurd, or with a stamp that is none. They are holes.
    pub refused: usize,
    /// Values that are null, or no number. They are holes too.
    pub blank: usize,
    /// A part that should be there and could not be had.
    pub lack: Option<Lack>,
}

/// What an answer is without, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What is missing.
    pub what: &'static str,
    /// Why it could not be had.
    pub why: Failure,
}

impl Answer {
    /// Only this series.
    pub(crate) fn of(quantity: Quantity, (timeline, left): (Timeline<f64>, Left)) -> Self {
        let Left { refused, blank } = left;
        Self { series: BTreeMap::from([(quantity, timeline)]), refused, blank, ..Self::default() }
    }

    /// The same with a currency.
    pub(crate) fn priced_in(self, currency: &str) -> Self {
        Self { currency: Some(currency.trim().to_ascii_uppercase()), ..self }
    }

    /// One more series.
    pub(crate) fn add(&mut self, quantity: Quantity, (timeline, left): (Timeline<f64>, Left)) {
        self.refused += left.refused;
        self.blank += left.blank;
        let known = self.series.entry(quantity).or_default();
        *known = timeline.or(known);
    }

    /// Takes in what another answer of the same source says; what is there already counts.
    pub(crate) fn join(&mut self, other: Self) {
        for (quantity, timeline) in other.series {
            let known = self.series.entry(quantity).or_default();
            *known = known.or(&timeline);
        }
        for (date, colour) in other.colours {
            self.colours.entry(date).or_insert(colour);
        }
        self.undecided.extend(other.undecided);
        self.grids.extend(other.grids);
        self.currency = self.currency.take().or(other.currency);
        self.licence = self.licence.take().or(other.licence);
        self.refused += other.refused;
        self.blank += other.blank;
        self.lack = self.lack.take().or(other.lack);
    }

    /// The answer if there is anything in it within `window`, else why not: an answer of values that cannot be is no answer,
    /// and tells nothing of what is published.
    pub(crate) fn usable(self, window: TimeSpan) -> Result<Self, Failure> {
        if self.is_empty() {
            return Err(match self.lack {
                _ if self.refused + self.blank > 0 => {
                    Failure::Absurd { refused: self.refused, blank: self.blank }
                }
                Some(Lack { what, why }) => Failure::Useless(format!("{what}: {why}")),
                None => Failure::NotYet,
            });
        }
        let is_there = |known: &Timeline<f64>| !known.within(window).is_empty();
        let has_figures = !self.series.values().all(Timeline::is_empty);
        if has_figures && !self.series.values().any(is_there) {
            return Err(Failure::Useless(
                "the figures in its answer are of other days than these".to_owned(),
            ));
        }
        Ok(self)
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.series.values().all(Timeline::is_empty) && self.colours.is_empty() && self.grids.is_empty()
    }
}

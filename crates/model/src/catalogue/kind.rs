//! The parts of a metric's definition.

use super::priced::PriceUnit;

/// Units of the catalogue. A driver converts to them; nobody else converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it; the symbol stands beside each in `symbol`")]
pub enum Unit {
    Watt,
    VoltAmpere,
    Var,
    WattHour,
    KilowattHour,
    Volt,
    Ampere,
    AmpereHour,
    Hertz,
    Percent,
    Celsius,
    CubicMetre,
    DecibelMilliwatt,
    Millisecond,
    Second,
    PerKilowattHour(PriceUnit),
}

impl Unit {
    /// The symbol printed behind a number, which is also Home Assistant's unit of measurement.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Watt => "W",
            Self::VoltAmpere => "VA",
            Self::Var => "var",
            Self::WattHour => "Wh",
            Self::KilowattHour => "kWh",
            Self::Volt => "V",
            Self::Ampere => "A",
            Self::AmpereHour => "Ah",
            Self::Hertz => "Hz",
            Self::Percent => "%",
            Self::Celsius => "°C",
            Self::CubicMetre => "m³",
            Self::DecibelMilliwatt => "dBm",
            Self::Millisecond => "ms",
            Self::Second => "s",
            Self::PerKilowattHour(price) => price.symbol,
        }
    }

    /// The name of its base unit as it ends the name of a figure in Prometheus, and the factor to it.
    pub const fn base(self) -> (&'static str, f64) {
        match self {
            Self::Watt => ("watts", 1.0),
            Self::VoltAmpere => ("voltamperes", 1.0),
            Self::Var => ("vars", 1.0),
            Self::WattHour => ("watthours", 1.0),
            Self::KilowattHour => ("watthours", 1000.0),
            Self::Volt => ("volts", 1.0),
            Self::Ampere => ("amperes", 1.0),
            Self::AmpereHour => ("amperehours", 1.0),
            Self::Hertz => ("hertz", 1.0),
            Self::Percent => ("percent", 1.0),
            Self::Celsius => ("celsius", 1.0),
            Self::CubicMetre => ("cubic_meters", 1.0),
            Self::DecibelMilliwatt => ("dbm", 1.0),
            Self::Millisecond => ("seconds", 0.001),
            Self::Second => ("seconds", 1.0),
            Self::PerKilowattHour(price) => (price.base, 1.0),
        }
    }
}

/// What a metric's sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Never negative, or the sign has its everyday meaning (a temperature).
    Plain,
    /// Positive while it feeds the house: import, discharge, production.
    FeedsHouse,
    /// A consumer: positive while it consumes.
    Consumes,
    /// A battery's direct current: positive while discharging.
    Discharge,
}

impl Sign {
    /// The sign convention in words; `None` where there is nothing to say.
    pub const fn words(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::FeedsHouse => Some("positive while it feeds the house (import, discharge, production)"),
            Self::Consumes => Some("positive while it consumes"),
            Self::Discharge => Some("positive while the battery discharges"),
        }
    }
}

/// What kind of value a metric has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that goes up and down.
    Gauge,
    /// A number that only grows, except for resets.
    Counter,
    /// One of a fixed list of states.
    State(&'static [StateDef]),
    /// Free text.
    Text,
}

/// One state of a state metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateDef {
    /// Key as stored and published, `snake_case`.
    pub key: &'static str,
    /// Name for people.
    pub label: Labels,
}

/// How often a metric is worth reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PollClass {
    /// About every 10 s, or as often as the device bears: powers, state of charge, modes.
    Fast,
    /// About every minute: temperatures, counters.
    Medium,
    /// About every 5 minutes or rarer: identity, network.
    Slow,
    /// Of no device: told of the whole house once for each quarter of an hour that it holds for, such as a price.
    Quarter,
}

/// How Home Assistant classifies a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HaClass {
    /// `device_class`.
    pub device_class: Option<&'static str>,
    /// `state_class`.
    pub state_class: Option<&'static str>,
    /// Whether the entity is diagnostic rather than a main value.
    pub diagnostic: bool,
}

/// A name in the five languages of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the ISO 639-1 code of its language")]
pub struct Labels {
    pub en: &'static str,
    pub fr: &'static str,
    pub nl: &'static str,
    pub et: &'static str,
    pub de: &'static str,
}

impl Labels {
    /// The name in `language` (ISO 639-1), English where the language is not one of ours.
    pub fn get(&self, language: &str) -> &'static str {
        match language {
            "fr" => self.fr,
            "nl" => self.nl,
            "et" => self.et,
            "de" => self.de,
            _ => self.en,
        }
    }

    /// Language code and name, for each language.
    pub const fn all(&self) -> [(&'static str, &'static str); 5] {
        [("en", self.en), ("fr", self.fr), ("nl", self.nl), ("et", self.et), ("de", self.de)]
    }
}

//! The sections of the configuration that are about what is going to be.

use ohmstead_tariff::Tariff;
use serde::Deserialize;

use super::{PriceSource, PvSource, Sources, TempoPriceSource, TempoSource};

/// The `tariffs:` section: what a kilowatt hour costs and brings, and where what changes in that is known from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariffs {
    /// What a kilowatt hour from the grid costs.
    pub import: Tariff,
    /// What one fed into the grid brings; nothing where no contract pays for it.
    #[serde(default, deserialize_with = "Tariff::of_export")]
    pub export: Tariff,
    /// Where market prices come from, in order of trust.
    #[serde(default)]
    pub market: Sources<PriceSource>,
    /// Where the colours of Tempo days come from, in order of trust; the usual two where nothing is said.
    #[serde(default)]
    pub colours: Option<Sources<TempoSource>>,
    /// Where the official prices of Tempo come from.
    #[serde(default)]
    pub official_prices: Sources<TempoPriceSource>,
}

/// The `forecast:` section.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forecast {
    /// Where the forecast of the sun comes from, in order of trust.
    pub pv: Sources<PvSource>,
}

/// The `outlook:` section: how it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asking {
    /// Whether nobody is asked.
    pub offline: bool,
}

/// What is wrong with a section although each of its values can be: the key, what is wrong, what to do.
pub type Wrong = (&'static str, &'static str, &'static str);

impl Tariffs {
    /// The prices of both directions alone.
    pub fn prices(&self) -> ohmstead_tariff::Tariffs {
        ohmstead_tariff::Tariffs { import: self.import.clone(), export: self.export.clone() }
    }

    /// Whether imports are paid by the colour of the day.
    pub fn is_tempo(&self) -> bool {
        matches!(self.import, Tariff::Tempo(_))
    }

    /// Where colours come from: nobody is asked where the tariff has none.
    pub fn colour_sources(&self) -> Sources<TempoSource> {
        match &self.colours {
            Some(sources) => sources.clone(),
            None if self.is_tempo() => TempoSource::usual(),
            None => Sources::default(),
        }
    }

    /// Sources that are missing, and sources that nobody would use.
    pub fn wrong(&self) -> Vec<Wrong> {
        let is_market = |tariff: &Tariff| matches!(tariff, Tariff::Market(_));
        let has_sources = !self.market.0.is_empty();
        let mut wrong = Vec::new();
        for (key, tariff) in [("import", &self.import), ("export", &self.export)] {
            if is_market(tariff) && !has_sources {
                let text = "a tariff made of market prices needs a source of them";
                wrong.push((
                    key,
                    text,
                    "name one: `market: { energy_charts: { zone: FR } }` beside `import`",
                ));
            }
        }
        if has_sources && is_market(&self.export) && !self.market.0.iter().any(PriceSource::tells_market) {
            let text = "what is fed in is paid by the market's price, and none of the sources tells that: octopus tells what its customers pay";
            let hint = "name one that does beside it, or write what is paid: `export: { fixed: 15 p/kWh }`";
            wrong.push(("export", text, hint));
        }
        if has_sources && !is_market(&self.import) && !is_market(&self.export) {
            let text = "no tariff is made of market prices, so nobody would use these";
            wrong.push(("market", text, "take them out, or write `import: { market: { add: 8.5 ct/kWh } }`"));
        }
        let of_tempo = [
            ("colours", self.colours.is_some(), "no tariff is Tempo, so nobody would use its colours"),
            (
                "official_prices",
                !self.official_prices.0.is_empty(),
                "no tariff is Tempo, so nobody would use its prices",
            ),
        ];
        for (key, is_given, text) in of_tempo {
            if is_given && !self.is_tempo() {
                wrong.push((key, text, "take them out, or write `import: { tempo: {} }`"));
            }
        }
        wrong
    }
}

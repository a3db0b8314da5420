//! The `tariffs:` section of the configuration: what a kilowatt hour from the grid costs, and what one to it brings.
//!
//! ```yaml
//! tariffs:
//!   import: { tempo: {} }
//!   export: { fixed: 0.04 EUR/kWh }
//! ```

use std::collections::BTreeSet;

use ohmstead_units::{Currency, EnergyPrice};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::spot::{Awattar, EnergyCharts, Entsoe, NordPool, Octopus, Tibber};
use crate::tempo::Tempo;
use crate::{Formula, Zones};

/// The prices of both directions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariffs {
    /// What a kilowatt hour from the grid costs.
    pub import: Tariff,
    /// What one fed into the grid brings; nothing where no contract pays for it.
    #[serde(default = "unpaid", deserialize_with = "export")]
    pub export: Tariff,
}

/// One direction's tariff, by its kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tariff {
    /// The same at all times.
    Fixed(EnergyPrice),
    /// By the clock.
    Zones(Zones),
    /// EDF Tempo.
    Tempo(Tempo),
    /// Market prices from Energy-Charts.
    EnergyCharts(EnergyCharts),
    /// Market prices from ENTSO-E.
    Entsoe(Entsoe),
    /// Market prices from aWATTar.
    Awattar(Awattar),
    /// Market prices from Nord Pool.
    NordPool(NordPool),
    /// Rates of Octopus Energy.
    Octopus(Octopus),
    /// Prices of Tibber.
    Tibber(Tibber),
}

impl Tariff {
    /// How the price is made from the market's; nothing where it does not depend on a market.
    pub fn formula(&self) -> Option<&Formula> {
        match self {
            Self::Fixed(_) | Self::Zones(_) | Self::Tempo(_) => None,
            Self::EnergyCharts(EnergyCharts { formula, .. })
            | Self::Entsoe(Entsoe { formula, .. })
            | Self::Awattar(Awattar { formula, .. })
            | Self::NordPool(NordPool { formula, .. })
            | Self::Octopus(Octopus { formula, .. })
            | Self::Tibber(Tibber { formula, .. }) => Some(formula),
        }
    }

    /// The currencies that it names. A site has one: more than one in all tariffs together is a mistake.
    pub fn currencies(&self) -> BTreeSet<Currency> {
        let in_prices = |prices: &mut dyn Iterator<Item = EnergyPrice>| -> BTreeSet<Currency> {
            prices.filter_map(|price| price.currency).collect()
        };
        let mut named = match self {
            Self::Fixed(price) => in_prices(&mut std::iter::once(*price)),
            Self::Zones(zones) => in_prices(&mut zones.all_prices()),
            Self::Tempo(_) => BTreeSet::from([Currency::EUR]),
            _ => self.formula().map(|formula| in_prices(&mut formula.all_prices())).unwrap_or_default(),
        };
        match self {
            Self::EnergyCharts(_) | Self::Entsoe(_) | Self::Awattar(_) => named.insert(Currency::EUR),
            Self::NordPool(nord_pool) => named.insert(nord_pool.currency),
            Self::Octopus(_) => Currency::of_code("GBP").is_some_and(|pound| named.insert(pound)),
            Self::Fixed(_) | Self::Zones(_) | Self::Tempo(_) | Self::Tibber(_) => false,
        };
        named
    }
}

impl Default for Tariff {
    fn default() -> Self {
        unpaid()
    }
}

fn unpaid() -> Tariff {
    Tariff::Fixed(EnergyPrice::per_kwh(0.0))
}

fn export<'de, D: Deserializer<'de>>(source: D) -> Result<Tariff, D::Error> {
    match Tariff::deserialize(source)? {
        Tariff::Tempo(_) => Err(D::Error::custom(
            "tempo has no price for what is fed into the grid: expected fixed, zones or a market",
        )),
        tariff => Ok(tariff),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("{ import: { tempo: {} } }", "EUR")]
    #[case("{ import: { fixed: 0.25 }, export: { fixed: 0 EUR/kWh } }", "")]
    #[case("{ import: { zones: { price: 2 SEK/kWh, zones: [{ price: 1 EUR/kWh }] } } }", "EUR SEK")]
    #[case("{ import: { nord_pool: { area: SE3, currency: SEK, formula: { add: 1 SEK/kWh } } } }", "SEK")]
    #[case("{ import: { octopus: { product: AGILE, region: C } } }", "GBP")]
    #[case("{ import: { tibber: { token_file: /etc/token } } }", "")]
    #[case("{ import: { energy_charts: { zone: FR } }, export: { entsoe: { zone: X, token: t } } }", "EUR")]
    #[case("{ import: { awattar: { country: de, formula: { vat: 19 % } } } }", "EUR")]
    fn every_kind_is_read(#[case] yaml: &str, #[case] currencies: &str) {
        let tariffs: Tariffs = serde_saphyr::from_str(yaml).unwrap();
        let named = tariffs.import.currencies();
        assert_eq!(named.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), currencies);
        assert!(!format!("{tariffs:?}").contains("\"t\""), "a token is printed");
    }

    #[test]
    fn nobody_pays_for_export_where_nothing_is_said() {
        let tariffs: Tariffs = serde_saphyr::from_str("import: { fixed: 0.25 EUR/kWh }").unwrap();
        assert_eq!(tariffs.export, Tariff::Fixed(EnergyPrice::per_kwh(0.0)));
    }

    #[test]
    fn an_error_deep_within_has_its_place() {
        let yaml = "import:
  energy_charts:
    zone: FR
    formula:
      zones:
        - { price: 5 ct/kWh, hours: \"7-22\" }
        - { price: 3 ct, hours: \"22-7\" }
";
        let error = serde_saphyr::from_str::<Tariffs>(yaml).unwrap_err().to_string();
        expect![[r#"
            error: line 7 column 13: invalid value: string "3 ct", expected a price of energy such as 0.2516, "0.2516 EUR/kWh", "25.16 ct/kWh" or "95.2 EUR/MWh"
             --> <input>:7:13
              |
            5 |       zones:
            6 |         - { price: 5 ct/kWh, hours: "7-22" }
            7 |         - { price: 3 ct, hours: "22-7" }
              |             ^ invalid value: string "3 ct", expected a price of energy such as 0.2516, "0.2516 EUR/kWh", "25.16 ct/kWh" or "95.2 EUR/MWh""#]].assert_eq(&error);
    }

    #[rstest]
    #[case("{ import: { fixed: 0.25 EUR } }", "a price of energy such as")]
    #[case("{ import: { tempo: { price: 1 } } }", "price")]
    #[case("{ import: { tempi: {} } }", "tempi")]
    #[case("{ import: { tempo: {} }, export: { tempo: {} } }", "tempo has no price for what is fed")]
    #[case("{ export: { fixed: 1 } }", "missing field `import`")]
    #[case("{ import: { nord_pool: { area: FR, currency: EURO } } }", "is no currency")]
    fn a_wrong_tariff_says_what_is_wrong(#[case] yaml: &str, #[case] why: &str) {
        let error = serde_saphyr::from_str::<Tariffs>(yaml).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

//! What a kilowatt hour from the grid costs, and what one to it brings, as it stands in the configuration.
//!
//! ```yaml
//! import: { market: { add: 8.5 ct/kWh, vat: 20 % } }
//! export: { fixed: 0.04 EUR/kWh }
//! ```

use std::collections::BTreeSet;

use ohmstead_units::{Currency, EnergyPrice};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::tempo::Tempo;
use crate::{Formula, Zones};

/// The prices of both directions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariffs {
    /// What a kilowatt hour from the grid costs.
    pub import: Tariff,
    /// What one fed into the grid brings; nothing where no contract pays for it.
    #[serde(default, deserialize_with = "Tariff::of_export")]
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
    /// Made from the market's price. Where that comes from is not said here.
    Market(Formula),
}

impl Tariff {
    /// The currencies that it names. A site has one: more than one in all tariffs together is a mistake.
    pub fn currencies(&self) -> BTreeSet<Currency> {
        let in_prices = |prices: &mut dyn Iterator<Item = EnergyPrice>| -> BTreeSet<Currency> {
            prices.filter_map(|price| price.currency).collect()
        };
        match self {
            Self::Fixed(price) => in_prices(&mut std::iter::once(*price)),
            Self::Zones(zones) => in_prices(&mut zones.all_prices()),
            Self::Tempo(tempo) => {
                let mut named = in_prices(&mut tempo.all_prices());
                named.insert(Currency::EUR);
                named
            }
            Self::Market(formula) => in_prices(&mut formula.all_prices()),
        }
    }

    /// Reads one for what is fed into the grid: Tempo has no price for that.
    pub fn of_export<'de, D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match Self::deserialize(source)? {
            Self::Tempo(_) => Err(D::Error::custom(
                "tempo has no price for what is fed into the grid: expected fixed, zones or market",
            )),
            tariff => Ok(tariff),
        }
    }
}

impl Default for Tariff {
    /// Nobody pays.
    fn default() -> Self {
        Self::Fixed(EnergyPrice::per_kwh(0.0))
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
    #[case(
        "{ import: { tempo: { prices: [{ valid_from: 2030-01-01, blue: { hc: 1 SEK/kWh, hp: 1 }, white: { hc: 1, hp: 1 }, red: { hc: 1, hp: 1 } }] } } }",
        "EUR SEK"
    )]
    #[case("{ import: { market: {} }, export: { market: { factor: 0.9 } } }", "")]
    #[case("{ import: { market: { add: 8.5 ct/kWh, vat: 20 % } } }", "")]
    #[case("{ import: { market: { add: 1 SEK/kWh, fee: 1 EUR/kWh } } }", "EUR SEK")]
    fn every_kind_is_read(#[case] yaml: &str, #[case] currencies: &str) {
        let tariffs: Tariffs = serde_saphyr::from_str(yaml).unwrap();
        let named = tariffs.import.currencies();
        assert_eq!(named.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), currencies);
    }

    #[test]
    fn nobody_pays_for_export_where_nothing_is_said() {
        let tariffs: Tariffs = serde_saphyr::from_str("import: { fixed: 0.25 EUR/kWh }").unwrap();
        assert_eq!(tariffs.export, Tariff::Fixed(EnergyPrice::per_kwh(0.0)));
    }

    #[test]
    fn an_error_deep_within_has_its_place() {
        let yaml = "import:
  market:
    zones:
      - { price: 5 ct/kWh, hours: \"7-22\" }
      - { price: 3 ct, hours: \"22-7\" }
";
        let error = serde_saphyr::from_str::<Tariffs>(yaml).unwrap_err().to_string();
        expect![[r#"
            error: line 5 column 11: invalid value: string "3 ct", expected a price of energy such as 0.2516, "0.2516 EUR/kWh", "25.16 ct/kWh" or "95.2 EUR/MWh"
             --> <input>:5:11
              |
            3 |     zones:
            4 |       - { price: 5 ct/kWh, hours: "7-22" }
            5 |       - { price: 3 ct, hours: "22-7" }
              |           ^ invalid value: string "3 ct", expected a price of energy such as 0.2516, "0.2516 EUR/kWh", "25.16 ct/kWh" or "95.2 EUR/MWh""#]].assert_eq(&error);
    }

    #[rstest]
    #[case("{ import: { fixed: 0.25 EUR } }", "a price of energy such as")]
    #[case("{ import: { tempo: { price: 1 } } }", "price")]
    #[case("{ import: { tempi: {} } }", "tempi")]
    #[case("{ import: { tempo: {} }, export: { tempo: {} } }", "tempo has no price for what is fed")]
    #[case("{ export: { fixed: 1 } }", "missing field `import`")]
    #[case("{ import: { market: { zone: FR } } }", "zone")]
    fn a_wrong_tariff_says_what_is_wrong(#[case] yaml: &str, #[case] why: &str) {
        let error = serde_saphyr::from_str::<Tariffs>(yaml).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

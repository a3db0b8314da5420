//! What is made of a market price: `(spot * factor + add) * (1 + vat) + fee`.

use jiff::tz::TimeZone;
use ohmstead_model::Timeline;
use ohmstead_units::{EnergyPrice, Percent};
use serde::Deserialize;

use crate::zones::{Zone, by_clock};

/// How a supplier makes its price from the market's. Nothing is clipped: a negative result is one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Formula {
    /// The market price is multiplied by this: losses of the grid, or the part that a feed-in contract passes on.
    #[serde(deserialize_with = "finite")]
    pub factor: f64,
    /// Added: margin, grid fees, taxes before VAT.
    pub add: EnergyPrice,
    /// Where one of these holds, its price is added instead of `add`; the later one counts.
    pub zones: Vec<Zone>,
    /// Value added tax on all of this.
    pub vat: Percent,
    /// Added behind the tax.
    pub fee: EnergyPrice,
}

impl Default for Formula {
    fn default() -> Self {
        let nothing = EnergyPrice::per_kwh(0.0);
        Self { factor: 1.0, add: nothing, zones: Vec::new(), vat: Percent(0.0), fee: nothing }
    }
}

impl Formula {
    /// The price where `add` is what is added.
    pub(crate) fn apply(&self, spot_per_kwh: f64, add_per_kwh: f64) -> f64 {
        (spot_per_kwh * self.factor + add_per_kwh) * (1.0 + self.vat.0 / 100.0) + self.fee.per_kwh
    }

    /// The all-in prices of market prices, known where those are. What is no number is not known.
    pub fn prices(&self, spot_per_kwh: &Timeline<f64>, zone: &TimeZone) -> Timeline<f64> {
        let (Some(start), Some(end)) =
            (spot_per_kwh.slots().next().map(|(span, _)| span.start), spot_per_kwh.end())
        else {
            return Timeline::default();
        };
        let window = ohmstead_model::TimeSpan::new(start, end);
        let adders = by_clock(self.add, &self.zones, window, zone);
        let all_in = spot_per_kwh.zip(&adders, |_, spot, add| self.apply(*spot, *add));
        Timeline::of(
            all_in.slots().filter(|(_, price)| price.is_finite()).map(|(span, price)| (span, *price)),
        )
    }

    pub(crate) fn all_prices(&self) -> impl Iterator<Item = EnergyPrice> {
        [self.add, self.fee].into_iter().chain(self.zones.iter().map(|zone| zone.price))
    }
}

fn finite<'de, D: serde::Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    let factor = f64::deserialize(source)?;
    if factor.is_finite() {
        return Ok(factor);
    }
    Err(serde::de::Error::custom("the factor is no number: expected one such as 1 or 1.05"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::civil::tests::{ms, paris, span};

    const IMPORT: &str = r#"{ factor: 1.05, add: 10 ct/kWh, zones: [{ price: 15 ct/kWh, hours: "17-21" }], vat: 20 %, fee: 0.01 EUR/kWh }"#;

    #[rstest]
    #[case::noon(IMPORT, "2026-01-15T11:00:00Z", 0.1, (0.105 + 0.1) * 1.2 + 0.01)]
    #[case::evening(IMPORT, "2026-01-15T16:00:00Z", 0.1, (0.105 + 0.15) * 1.2 + 0.01)]
    #[case::negative(IMPORT, "2026-01-15T11:00:00Z", -0.2, (-0.21 + 0.1) * 1.2 + 0.01)]
    #[case::plain("{}", "2026-01-15T11:00:00Z", 0.0952, 0.0952)]
    #[case::export("{ factor: 0.9, fee: -0.01 }", "2026-01-15T11:00:00Z", 0.05, 0.035)]
    fn all_in(#[case] yaml: &str, #[case] at: &str, #[case] spot: f64, #[case] expected: f64) {
        let formula: Formula = serde_saphyr::from_str(yaml).unwrap();
        let day = span("2026-01-14T23:00:00Z", "2026-01-15T23:00:00Z");
        let price = *formula.prices(&Timeline::of([(day, spot)]), &paris()).at(ms(at)).unwrap();
        assert!((price - expected).abs() < 1e-12, "{price}");
    }

    #[test]
    fn holes_and_nonsense_stay_unknown() {
        let spot = Timeline::of([
            (span("2026-01-15T00:00:00Z", "2026-01-15T01:00:00Z"), 0.1),
            (span("2026-01-15T02:00:00Z", "2026-01-15T03:00:00Z"), f64::NAN),
            (span("2026-01-15T03:00:00Z", "2026-01-15T03:15:00Z"), 0.2),
        ]);
        let prices = Formula::default().prices(&spot, &paris());
        assert_eq!(prices.slots().len(), 2);
        assert!(Formula::default().prices(&Timeline::default(), &paris()).is_empty());
    }

    #[rstest]
    #[case("{ factor: .inf }", "the factor is no number")]
    #[case("{ vat: 20 EUR }", "a percentage such as")]
    #[case("{ tax: 20 }", "tax")]
    fn a_wrong_formula_says_why(#[case] yaml: &str, #[case] why: &str) {
        let error = serde_saphyr::from_str::<Formula>(yaml).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

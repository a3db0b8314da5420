//! Metrics in money. The catalogue defines them once, without a currency; a site has them in its own.
//!
//! A metric and its form in a currency are equal, as their ids are: series, topics and questions know one
//! `import_price`. Only the unit tells them apart, and with it everything that is derived from the unit.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ohmstead_units::Currency;

use super::{Metric, MetricDef, Unit};

/// The names of a price per kilowatt hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PriceUnit {
    /// As it is printed: `EUR/kWh`.
    pub symbol: &'static str,
    /// As it ends the name of a figure in Prometheus: `eur_per_kilowatthour`.
    pub base: &'static str,
}

impl PriceUnit {
    /// In the currency of a site that is not named here: never a wrong one.
    pub const UNNAMED: Self = Self { symbol: "/kWh", base: "per_kilowatthour" };

    fn of(currency: Currency) -> Self {
        let code = currency.code();
        let base = format!("{}_per_kilowatthour", code.to_ascii_lowercase());
        Self {
            symbol: Box::leak(format!("{code}/kWh").into_boxed_str()),
            base: Box::leak(base.into_boxed_str()),
        }
    }
}

/// Definitions that were made, so that each is made once: a site has one currency, and a program one site.
static MADE: Mutex<BTreeMap<(&'static str, Currency), &'static MetricDef>> = Mutex::new(BTreeMap::new());

impl Metric {
    /// The metric in a currency; itself where it is not in money.
    #[must_use]
    pub fn in_currency(self, currency: Currency) -> Self {
        let def = self.def();
        if !matches!(def.unit, Some(Unit::PerKilowattHour(_))) {
            return self;
        }
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let own = made.entry((def.id, currency)).or_insert_with(|| {
            let unit = Some(Unit::PerKilowattHour(PriceUnit::of(currency)));
            Box::leak(Box::new(MetricDef { unit, ..*def }))
        });
        Self::new(own)
    }
}

/// The metrics of the catalogue that are in money.
pub fn priced() -> impl Iterator<Item = Metric> {
    let is_priced = |metric: &Metric| matches!(metric.def().unit, Some(Unit::PerKilowattHour(_)));
    super::CORE.iter().copied().filter(is_priced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_in_the_currency_of_the_site() {
        let cases = [
            ("EUR", "EUR/kWh", "eur_per_kilowatthour"),
            ("GBP", "GBP/kWh", "gbp_per_kilowatthour"),
            ("sek", "SEK/kWh", "sek_per_kilowatthour"),
        ];
        for (code, symbol, base) in cases {
            let currency = Currency::of_code(code).expect("three letters");
            for metric in priced() {
                let own = metric.in_currency(currency);
                let unit = own.def().unit.expect("a unit");
                assert_eq!((unit.symbol(), unit.base()), (symbol, (base, 1.0)));
                assert_eq!((own, own.def().decimals, own.def().label.en), (metric, 5, metric.def().label.en));
                // Made once, and from any form of it.
                assert!(std::ptr::eq(own.in_currency(currency).def(), metric.in_currency(currency).def()));
            }
        }
    }

    #[test]
    fn what_is_not_in_money_is_what_it_was() {
        let same = Metric::GridPower.in_currency(Currency::EUR);
        assert!(std::ptr::eq(same.def(), Metric::GridPower.def()));
        let ids: Vec<_> = priced().map(Metric::id).collect();
        assert_eq!(ids, ["import_price", "export_price", "spot_price"]);
        // The catalogue itself names no currency.
        assert!(priced().all(|metric| metric.def().unit == Some(Unit::PerKilowattHour(PriceUnit::UNNAMED))));
    }
}

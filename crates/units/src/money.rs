//! A sum of money, as people write it: `0.02`, `2 ct`, `0.02 EUR`.

use std::fmt;
use std::str::FromStr;

use crate::energy_price::Currency;
use crate::text::{ParseQuantityError, UnitForm, split, visit_quantity};

/// A sum of money; always finite. One that names no currency, and one in hundredths, is in that of the site.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Money {
    /// Currency units.
    pub amount: f64,
    /// The currency, where it was named.
    pub currency: Option<Currency>,
}

const FORM: UnitForm =
    UnitForm { expected: "a sum of money such as 0.02, \"2 ct\" or \"0.02 EUR\"", units: &[] };

impl Money {
    /// A sum in the site's currency.
    pub const fn of(amount: f64) -> Self {
        Self { amount, currency: None }
    }

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let (currency, divisor) = match unit {
            "" => (None, 1.0),
            unit => Currency::of_money(unit)?,
        };
        let amount = number / divisor;
        amount.is_finite().then_some(Self { amount, currency })
    }
}

impl FromStr for Money {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).ok_or_else(|| ParseQuantityError::refused(text, &FORM))
    }
}

impl fmt::Display for Money {
    /// As it is read; where no currency was named, the number alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.amount, f)?;
        self.currency.map_or(Ok(()), |currency| write!(f, " {currency}"))
    }
}

impl<'de> serde::Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(MoneyVisitor)
    }
}

/// Numbers are read as every quantity's are; only text needs more.
struct MoneyVisitor;

impl serde::de::Visitor<'_> for MoneyVisitor {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORM.expected)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Money, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Money, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Money, E> {
        visit_quantity(serde::de::value::F64Deserializer::new(value), &FORM).map(Money::of)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Money, E> {
        text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, amount, currency) in [
            ("0.02", 0.02, None),
            ("2 ct", 0.02, None),
            ("2ct", 0.02, None),
            ("0.5 €", 0.5, Some(Currency::EUR)),
            ("-3 eur", -3.0, Some(Currency::EUR)),
            ("1 SEK", 1.0, Currency::of_code("SEK")),
        ] {
            assert_eq!(text.parse(), Ok(Money { amount, currency }), "{text}");
        }
        for text in ["", "ct", "2 ct/kWh", "2 euros", "1e999", "2 EUR EUR"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    #[test]
    fn prints_what_can_be_read() {
        for (text, shown) in [("2 ct", "0.02"), ("0.5 €", "0.5 EUR")] {
            assert_eq!(text.parse::<Money>().map(|money| money.to_string()).as_deref(), Ok(shown));
        }
    }
}

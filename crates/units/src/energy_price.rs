//! What a kilowatt hour costs, as people write it: `0.2516`, `25.16 ct/kWh`, `95.2 EUR/MWh`, `1.10 SEK/kWh`.

use std::fmt;
use std::str::FromStr;

use crate::text::{ParseQuantityError, UnitForm, split, visit_quantity};

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The currency of a code of three letters; nothing for anything else.
    pub fn of_code(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(letters.map(|letter| letter.to_ascii_uppercase())))
    }

    /// What stands behind a number of money: the currency, where it is named, and by how much the number is divided.
    pub(crate) fn of_money(unit: &str) -> Option<(Option<Self>, f64)> {
        match unit {
            "ct" | "c" | "cent" => Some((None, 100.0)),
            "€" => Some((Some(Self::EUR), 1.0)),
            code => Some((Some(Self::of_code(code)?), 1.0)),
        }
    }

    /// The code, in capitals.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters only")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A price per kilowatt hour; negative where one is paid for taking the energy. Always finite.
///
/// A site has one currency. A price that names none is in it, and so is one in hundredths (`ct/kWh`); that all that name
/// one name the same is for whoever sees all of them to check.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EnergyPrice {
    /// Currency units per kilowatt hour.
    pub per_kwh: f64,
    /// The currency, where it was named.
    pub currency: Option<Currency>,
}

const FORM: UnitForm = UnitForm {
    expected: "a price of energy such as 0.2516, \"0.2516 EUR/kWh\", \"25.16 ct/kWh\" or \"95.2 EUR/MWh\"",
    units: &[],
};

impl EnergyPrice {
    /// A price in the site's currency, per kilowatt hour.
    pub const fn per_kwh(per_kwh: f64) -> Self {
        Self { per_kwh, currency: None }
    }

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let (money, divisor) = match unit {
            "" => return is_plausible(number).then(|| Self::per_kwh(number)),
            unit => match unit.split_once('/')? {
                (money, "kWh") => (money.trim(), 1.0),
                (money, "MWh") => (money.trim(), 1000.0),
                _ => return None,
            },
        };
        let (currency, parts) = Currency::of_money(money)?;
        let per_kwh = number / (divisor * parts);
        per_kwh.is_finite().then_some(Self { per_kwh, currency })
    }
}

/// No kilowatt hour costs more than this in a currency that is worth about a euro: where no unit is written, a greater number is
/// cents that somebody took for the whole.
const BARE_MAX: f64 = 5.0;

fn is_plausible(bare: f64) -> bool {
    bare.abs() <= BARE_MAX
}

impl FromStr for EnergyPrice {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).ok_or_else(|| ParseQuantityError::refused(text, &FORM))
    }
}

impl fmt::Display for EnergyPrice {
    /// As it is read; where no currency was named, the number alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.per_kwh, f)?;
        self.currency.map_or(Ok(()), |currency| write!(f, " {currency}/kWh"))
    }
}

impl<'de> serde::Deserialize<'de> for EnergyPrice {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(PriceVisitor)
    }
}

/// Numbers are read as every quantity's are; only text needs more.
struct PriceVisitor;

impl serde::de::Visitor<'_> for PriceVisitor {
    type Value = EnergyPrice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORM.expected)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<EnergyPrice, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<EnergyPrice, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<EnergyPrice, E> {
        if value.is_finite() && !is_plausible(value) {
            return Err(E::invalid_value(serde::de::Unexpected::Float(value), &self));
        }
        let number = serde::de::value::F64Deserializer::new(value);
        visit_quantity(number, &FORM).map(EnergyPrice::per_kwh)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<EnergyPrice, E> {
        text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 25.16 is meant in cents; a currency of small coins is written out.
    #[test]
    fn a_bare_number_that_is_no_price_is_refused() {
        for text in ["25.16", "-5.1", "1e308"] {
            assert!(text.parse::<EnergyPrice>().is_err(), "{text}");
        }
        assert_eq!("70 HUF/kWh".parse::<EnergyPrice>().map(|price| price.per_kwh), Ok(70.0));
        assert_eq!("-5".parse::<EnergyPrice>().map(|price| price.per_kwh), Ok(-5.0));
    }

    #[test]
    fn reads_what_people_write() {
        let eur = Some(Currency::EUR);
        for (text, per_kwh, currency) in [
            ("0.2516", 0.2516, None),
            ("0.2516 EUR/kWh", 0.2516, eur),
            ("0.25€/kWh", 0.25, eur),
            ("0.25 eur/kWh", 0.25, eur),
            ("25 ct/kWh", 0.25, None),
            ("95.2 EUR/MWh", 0.0952, eur),
            ("-0.1 EUR/kWh", -0.1, eur),
            ("1.10 SEK/kWh", 1.1, Currency::of_code("SEK")),
            (" 0 ", 0.0, None),
        ] {
            let price: EnergyPrice = text.parse().expect(text);
            assert_eq!((price.per_kwh, price.currency), (per_kwh, currency), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_price_and_says_what_is() {
        for text in
            ["", "EUR", "0.25 EUR", "0.25 EUR/Wh", "NaN", "inf EUR/kWh", "1e400", "0.25 E1R/kWh", "1 €€/kWh"]
        {
            assert!(text.parse::<EnergyPrice>().is_err(), "{text:?} was accepted");
        }
        let long = format!("1{} EUR/kWh", "0".repeat(400));
        assert!(long.parse::<EnergyPrice>().is_err(), "infinite");
        let error = "0.25 EUR".parse::<EnergyPrice>().expect_err("no price of energy").to_string();
        assert_eq!(
            error,
            r#""0.25 EUR" is not a price of energy such as 0.2516, "0.2516 EUR/kWh", "25.16 ct/kWh" or "95.2 EUR/MWh""#
        );
    }

    #[test]
    fn prints_as_it_is_read() {
        for text in ["0.2516 EUR/kWh", "-0.1", "1.5 NOK/kWh"] {
            assert_eq!(text.parse::<EnergyPrice>().map(|price| price.to_string()).as_deref(), Ok(text));
        }
    }
}

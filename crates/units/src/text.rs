//! Quantities as text: a number, then optionally a unit. Shared by every type of this crate.

use std::fmt;

/// How one quantity is written: the units it may carry, with their factor to the base unit, and the words for an error.
pub(crate) struct UnitForm {
    pub(crate) expected: &'static str,
    pub(crate) units: &'static [(&'static str, f64)],
}

/// A text that is not the quantity that was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseQuantityError {
    text: String,
    expected: &'static str,
}

impl ParseQuantityError {
    pub(crate) fn refused(text: &str, form: &UnitForm) -> Self {
        Self { text: text.to_owned(), expected: form.expected }
    }
}

impl fmt::Display for ParseQuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not {}", self.text, self.expected)
    }
}

impl std::error::Error for ParseQuantityError {}

/// Reads `3000`, `3000 W` or `3kW`: the number in the base unit. Infinite and not-a-number are refused.
pub(crate) fn parse_quantity(text: &str, form: &UnitForm) -> Result<f64, ParseQuantityError> {
    let refused = || ParseQuantityError::refused(text, form);
    let (number, unit) = split(text).ok_or_else(refused)?;
    let factor = if unit.is_empty() {
        1.0
    } else {
        form.units
            .iter()
            .find(|(symbol, _)| *symbol == unit)
            .map(|(_, factor)| *factor)
            .ok_or_else(refused)?
    };
    let value = number * factor;
    if value.is_finite() { Ok(value) } else { Err(refused()) }
}

/// The number at the beginning of a text and the unit behind it, which may be empty.
pub(crate) fn split(text: &str) -> Option<(f64, &str)> {
    let trimmed = text.trim();
    let number_ends = trimmed
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_')))
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(number_ends);
    Some((number.replace('_', "").parse().ok()?, unit.trim()))
}

/// Deserialises a quantity from a number in the base unit, or from text.
pub(crate) fn visit_quantity<'de, D>(source: D, form: &'static UnitForm) -> Result<f64, D::Error>
where
    D: serde::Deserializer<'de>,
{
    source.deserialize_any(QuantityVisitor(form))
}

struct QuantityVisitor(&'static UnitForm);

impl serde::de::Visitor<'_> for QuantityVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expected)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<f64, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<f64, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<f64, E> {
        if value.is_finite() {
            Ok(value)
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Float(value), &self))
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
        parse_quantity(text, self.0).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

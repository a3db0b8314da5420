//! One value of a GX device: whatever type the transport has, as one of five kinds.
//!
//! Types are loose on a GX: the same path is an `int32` of one driver and a `double` of another, and an empty array of any
//! type stands for "there is no value". What was a 32-bit float once is given its short decimal back.

use std::fmt;
use std::sync::Arc;

/// Longer texts are cut: the longest real ones are lists of networks in JSON.
pub(crate) const TEXT_MAX: usize = 32 * 1024;

/// A value of a path. `None` instead of one is a value that does not exist at present.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    /// Any integer type.
    Int(i64),
    /// A double.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A text.
    Text(Arc<str>),
    /// An array or a structure, as JSON.
    Compound(Arc<str>),
}

impl Scalar {
    /// A finite float with a short decimal; none for what is no number.
    pub(crate) fn float(number: f64) -> Option<Self> {
        number.is_finite().then(|| Self::Float(shortest(number)))
    }

    /// A text, cut to what can be kept.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Arc::from(clipped(text)))
    }

    /// The number: booleans count as 0 and 1, texts as what they say if that is a number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Bool(truth) => Some(f64::from(u8::from(*truth))),
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Compound(_) => None,
        }
    }

    /// The whole number, such as that of a state.
    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => whole(self.number()?),
        }
    }

    /// The text, if it is one and says something.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Bool(truth) => f.write_str(if *truth { "1" } else { "0" }),
            Self::Text(text) | Self::Compound(text) => f.write_str(text),
        }
    }
}

/// The value of a JSON answer: an empty array and `null` are no value.
pub(crate) fn from_json(value: &serde_json::Value) -> Option<Scalar> {
    use serde_json::Value;
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(Scalar::Bool(*truth)),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Some(Scalar::Int(int)),
            None => Scalar::float(number.as_f64()?),
        },
        Value::String(text) => Some(Scalar::text(text)),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(_) | Value::Object(_) => Some(Scalar::Compound(Arc::from(clipped(&value.to_string())))),
    }
}

/// At most [`TEXT_MAX`] bytes of `text`.
pub(crate) fn clipped(text: &str) -> &str {
    let end = (0..=TEXT_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// `number` as an integer, if it is one.
pub(crate) fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number that an i64 holds")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// The short decimal that a 32-bit float stood for: 56.84 for 56.8400001526. Left alone if there is none with six digits.
fn shortest(number: f64) -> f64 {
    /// Half a unit in the last place of a 32-bit float, and what scaling in 32 bits adds.
    const F32_ERROR: f64 = 1.2e-7;
    const DIGITS: usize = 6;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "that is the question: what it was as a 32-bit float"
    )]
    let narrow = number as f32;
    if f64::from(narrow) == 0.0 || !narrow.is_finite() {
        return number;
    }
    let text = format!("{narrow:e}");
    let mantissa = text.split('e').next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    match text.parse::<f64>() {
        Ok(short) if digits <= DIGITS && (short - number).abs() <= number.abs() * F32_ERROR => short,
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(56.840_000_152_6, 56.84)]
    #[case(26.500_000_228_9, 26.5)]
    #[case(0.100_000_001_49, 0.1)]
    #[case(-13_653.299_804_7, -13_653.3)]
    #[case(238.149_993_896, 238.15)]
    #[case(-1_342.124_453_06, -1_342.124_453_06)]
    #[case(3_661.086_353_65, 3_661.086_353_65)]
    #[case(0.0, 0.0)]
    #[case(1e-300, 1e-300)]
    #[case(1e300, 1e300)]
    #[case(51.2, 51.2)]
    fn floats_get_their_short_decimal_back(#[case] number: f64, #[case] short: f64) {
        assert_eq!(Scalar::float(number), Some(Scalar::Float(short)));
    }

    #[test]
    fn what_is_no_number_is_no_value() {
        assert_eq!(Scalar::float(f64::NAN), None);
        assert_eq!(Scalar::float(f64::INFINITY), None);
        assert_eq!(from_json(&json!([])), None);
        assert_eq!(from_json(&json!(null)), None);
        assert_eq!(from_json(&json!({"a": 1})), Some(Scalar::Compound("{\"a\":1}".into())));
        assert_eq!(Scalar::text("  ").as_text(), None);
        assert_eq!(Scalar::Text("---".into()).number(), None);
    }

    #[test]
    fn types_are_loose() {
        for value in [json!(3), json!(3.0), json!("3")] {
            assert_eq!(from_json(&value).and_then(|value| value.int()), Some(3), "{value}");
        }
        assert_eq!(Scalar::Bool(true).int(), Some(1));
        assert_eq!(Scalar::Float(2.5).int(), None);
    }
}

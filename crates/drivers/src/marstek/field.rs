//! Tolerant readers of single JSON fields. Firmware sends numbers as text, null for "nothing", and sometimes nonsense.

use ohmstead_model::Unknown;
use serde_json::{Map, Value};

/// The result object of a reply.
pub(crate) type Fields = Map<String, Value>;

/// A finite number, from a JSON number or a number in a string. Absent and null are "not reported".
pub(crate) fn number(fields: &Fields, name: &str) -> Result<f64, Unknown> {
    let value = match fields.get(name) {
        None | Some(Value::Null) => return Err(Unknown::NotReported),
        Some(value) => value,
    };
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite()).ok_or_else(|| refused(name, value))
}

/// A flag, from true/false or 0/1.
pub(crate) fn flag(fields: &Fields, name: &str) -> Result<bool, Unknown> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(Unknown::NotReported),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(value) => match number(fields, name) {
            Ok(0.0) => Ok(false),
            Ok(1.0) => Ok(true),
            _ => Err(refused(name, value)),
        },
    }
}

/// A non-empty text of at most 64 characters without control characters.
pub(crate) fn text<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Unknown> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(Unknown::NotReported),
        Some(Value::String(text)) if text.trim().is_empty() => Err(Unknown::NotReported),
        Some(Value::String(text)) if text.chars().count() <= 64 && !text.contains(char::is_control) => {
            Ok(text.trim())
        }
        Some(value) => Err(refused(name, value)),
    }
}

/// A number within `range`, else implausible.
pub(crate) fn number_in(
    fields: &Fields,
    name: &str,
    range: std::ops::RangeInclusive<f64>,
) -> Result<f64, Unknown> {
    let value = number(fields, name)?;
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(Unknown::implausible(format!("{name} = {value}, expected {} to {}", range.start(), range.end())))
    }
}

fn refused(name: &str, value: &Value) -> Unknown {
    let mut seen = value.to_string();
    if let Some((cut, _)) = seen.char_indices().nth(60) {
        seen.truncate(cut);
        seen.push('…');
    }
    Unknown::implausible(format!("{name} = {seen}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: &Value) -> Fields {
        Fields::from_iter([("x".to_owned(), value.clone())])
    }

    #[test]
    fn numbers_in_every_costume() {
        for (value, expected) in
            [(json!(12), 12.0), (json!(-1.5), -1.5), (json!("98"), 98.0), (json!(" 2.0 "), 2.0)]
        {
            assert_eq!(number(&fields(&value), "x"), Ok(expected), "{value}");
        }
        assert_eq!(number(&fields(&json!(null)), "x"), Err(Unknown::NotReported));
        assert_eq!(number(&Fields::new(), "x"), Err(Unknown::NotReported));
        for value in [json!("NaN"), json!("inf"), json!("1e999"), json!([1]), json!(true), json!("")] {
            assert!(matches!(number(&fields(&value), "x"), Err(Unknown::Implausible(_))), "{value}");
        }
    }

    #[test]
    fn flags_and_texts() {
        assert_eq!(flag(&fields(&json!(1)), "x"), Ok(true));
        assert_eq!(flag(&fields(&json!(false)), "x"), Ok(false));
        assert!(flag(&fields(&json!(2)), "x").is_err());
        assert_eq!(text(&fields(&json!("  Hame ")), "x"), Ok("Hame"));
        assert_eq!(text(&fields(&json!("")), "x"), Err(Unknown::NotReported));
        assert!(text(&fields(&json!("a\nb")), "x").is_err());
        assert!(text(&fields(&json!("x".repeat(65))), "x").is_err());
    }
}

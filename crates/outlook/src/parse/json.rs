//! JSON as servers send it: with a byte order mark, with `NaN`, as an HTML page.

use serde_json::Value;

use super::{ParseError, malformed};

/// The document in `body`. `NaN` and `Infinity`, which JSON does not have and some servers send, become null.
pub(crate) fn document(body: &[u8]) -> Result<Value, ParseError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
    if body.is_empty() {
        return Err(ParseError::Empty);
    }
    if body.starts_with(b"<") {
        return Err(ParseError::Html);
    }
    let parsed = serde_json::from_slice(body).or_else(|error| {
        let repaired = without_nan(body);
        if repaired == body { Err(error) } else { serde_json::from_slice(&repaired) }
    });
    parsed.map_err(|error| malformed("JSON", error))
}

/// The same with null for every `NaN` and `Infinity` outside of strings.
fn without_nan(body: &[u8]) -> Vec<u8> {
    let mut repaired = Vec::with_capacity(body.len());
    let (mut rest, mut is_in_string) = (body, false);
    while let Some((&byte, tail)) = rest.split_first() {
        let word =
            [&b"-Infinity"[..], b"Infinity", b"-NaN", b"NaN"].into_iter().find(|it| rest.starts_with(it));
        if let Some(word) = word.filter(|_| !is_in_string) {
            repaired.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            continue;
        }
        if is_in_string && byte == b'\\' {
            let pair = rest.len().min(2);
            repaired.extend_from_slice(&rest[..pair]);
            rest = &rest[pair..];
            continue;
        }
        is_in_string ^= byte == b'"';
        repaired.push(byte);
        rest = tail;
    }
    repaired
}

/// The array at `path`, a JSON pointer.
pub(crate) fn array<'v>(value: &'v Value, path: &'static str) -> Result<&'v Vec<Value>, ParseError> {
    value.pointer(path).and_then(Value::as_array).ok_or(ParseError::Missing(path))
}

/// A text field.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

/// A number, also as text, also with a decimal comma; `None` for null and for what is none.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().replace(',', ".").parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A whole number, also as text or with a fraction of zero.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    if let Some(whole) = value.as_i64() {
        return Some(whole);
    }
    let number = number(value)?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    let whole = number as i64;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nan_is_null_outside_of_strings_only() {
        let body = b"\xEF\xBB\xBF{\"a\": [NaN, -Infinity, 1], \"b\": \"NaN \\\" NaN\"}";
        assert_eq!(document(body).unwrap(), json!({"a": [null, null, 1], "b": "NaN \" NaN"}));
        assert_eq!(document(b" <!doctype html>"), Err(ParseError::Html));
        assert_eq!(document(b"  "), Err(ParseError::Empty));
        assert!(matches!(document(b"{\"a\": Na"), Err(ParseError::Malformed { .. })));
    }

    #[test]
    fn numbers_come_in_many_forms() {
        let numbers =
            [json!(1), json!("2,5"), json!(" 3 "), json!(null), json!("x"), json!("NaN"), json!(true)];
        assert_eq!(numbers.map(|it| number(&it)), [Some(1.0), Some(2.5), Some(3.0), None, None, None, None]);
        let wholes = [json!(7), json!(7.0), json!("7"), json!(7.5), json!(1e300)];
        assert_eq!(wholes.map(|it| whole(&it)), [Some(7), Some(7), Some(7), None, None]);
    }
}

//! Messages of `com.victronenergy.BusItem` as values and back.
//!
//! ```text
//! GetItems -> a{sa{sv}}    absolute path -> { Value, Text, ... }
//! ItemsChanged a{sa{sv}}   the same, of what changed
//! PropertiesChanged a{sv}  of the one path that the signal comes from
//! GetValue "/" -> v        a{sv} in it: path without its first slash -> value
//! SetValue v -> i          0: taken
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use ohmstead_model::{NativeLimits, Value};
use serde_json::Value as Json;
use zbus::message::Body;
use zbus::{Array, Str, Variant};

use super::super::SetReply;
use crate::victron::tree::Told;
use crate::victron::value::{Scalar, clipped};

/// Deeper structures than any service has are cut.
const DEPTH_MAX: u8 = 6;

/// Longer names than any path has.
const PATH_MAX: usize = 255;

type Attributes<'a> = HashMap<&'a str, Variant<'a>>;

/// The values of `GetItems` or `ItemsChanged`.
pub(super) fn items(body: &Body) -> Result<Vec<Told>, zbus::Error> {
    let items: HashMap<&str, Attributes<'_>> = body.deserialize()?;
    // A few drivers have keys that are no paths: kept like all the others.
    Ok(items
        .iter()
        .filter(|(path, _)| path.len() <= PATH_MAX)
        .filter_map(|(path, attributes)| told(path, attributes))
        .collect())
}

/// The value of `PropertiesChanged` at `path`; none if only other attributes changed.
pub(super) fn properties(path: &str, body: &Body) -> Result<Option<Told>, zbus::Error> {
    let attributes: Attributes<'_> = body.deserialize()?;
    Ok(told(path, &attributes))
}

/// The values of `GetValue` at the root.
pub(super) fn subtree(body: &Body) -> Result<Vec<Told>, zbus::Error> {
    let Variant::Dict(dict) = body.deserialize::<Variant<'_>>()? else { return Ok(Vec::new()) };
    let leaf = |(key, value): (&Variant<'_>, &Variant<'_>)| match key {
        Variant::Str(key) => Some(Told {
            path: Arc::from(format!("/{}", key.trim_start_matches('/'))),
            value: scalar(value),
            text: None,
            limits: None,
        }),
        _ => None,
    };
    Ok(dict.iter().filter_map(leaf).collect())
}

/// The answer of `GetValue` at a leaf.
pub(super) fn value(body: &Body) -> Result<Option<Scalar>, zbus::Error> {
    Ok(scalar(&body.deserialize::<Variant<'_>>()?))
}

/// The answer of `SetValue`.
pub(super) fn set_reply(body: &Body) -> Result<SetReply, zbus::Error> {
    let code = scalar(&Variant::I32(body.deserialize::<i32>()?)).and_then(|code| code.int()).unwrap_or(-1);
    Ok(match code {
        0 => SetReply::Taken,
        1 => SetReply::Refused("1: it cannot be written, or not with this type".to_owned()),
        2 => SetReply::Refused("2: its owner does not take this value".to_owned()),
        -1 => SetReply::Refused("-1: out of its range, or of another type".to_owned()),
        code => SetReply::Refused(format!("{code}: a code without a known meaning")),
    })
}

/// A value for `SetValue`; no value is an empty array.
pub(super) fn variant(value: Option<&Scalar>) -> Variant<'static> {
    match value {
        None => Variant::Array(Array::new(&zbus::Signature::I32)),
        Some(Scalar::Int(number)) => i32::try_from(*number).map_or(Variant::I64(*number), Variant::I32),
        Some(Scalar::Float(number)) => Variant::F64(*number),
        Some(Scalar::Bool(truth)) => Variant::I32(i32::from(*truth)),
        Some(Scalar::Text(text) | Scalar::Compound(text)) => Variant::Str(Str::from(text.to_string())),
    }
}

fn told(path: &str, attributes: &Attributes<'_>) -> Option<Told> {
    let value = attributes.get("Value")?;
    let text = attributes.get("Text").and_then(|text| match text {
        Variant::Str(text) => Some(Arc::from(clipped(text.as_str()))),
        _ => None,
    });
    Some(Told { path: Arc::from(path), value: scalar(value), text, limits: limits(attributes) })
}

/// What only settings have. Equal limits stand for none.
fn limits(attributes: &Attributes<'_>) -> Option<Arc<NativeLimits>> {
    let of = |key: &str| attributes.get(key).and_then(scalar);
    let default = of("Default");
    let (min, max) = (of("Min").and_then(|min| min.number()), of("Max").and_then(|max| max.number()));
    let (min, max) = if min == max { (None, None) } else { (min, max) };
    if default.is_none() && min.is_none() && max.is_none() {
        return None;
    }
    let default = default.map(|default| match default {
        Scalar::Text(text) | Scalar::Compound(text) => Value::Text(text),
        other => other.number().map_or_else(|| Value::text(other.to_string()), Value::Number),
    });
    Some(Arc::new(NativeLimits { min, max, default }))
}

/// A value of any type; an empty array of any type is none.
fn scalar(value: &Variant<'_>) -> Option<Scalar> {
    Some(match value {
        Variant::Bool(truth) => Scalar::Bool(*truth),
        Variant::U8(number) => Scalar::Int(i64::from(*number)),
        Variant::I16(number) => Scalar::Int(i64::from(*number)),
        Variant::U16(number) => Scalar::Int(i64::from(*number)),
        Variant::I32(number) => Scalar::Int(i64::from(*number)),
        Variant::U32(number) => Scalar::Int(i64::from(*number)),
        Variant::I64(number) => Scalar::Int(*number),
        Variant::U64(number) => i64::try_from(*number).map_or(Scalar::Float(*number as f64), Scalar::Int),
        Variant::F64(number) => return Scalar::float(*number),
        Variant::Str(text) => Scalar::text(text.as_str()),
        Variant::ObjectPath(path) => Scalar::text(path.as_str()),
        Variant::Signature(signature) => Scalar::text(&signature.to_string()),
        Variant::Variant(inner) => return scalar(inner),
        Variant::Array(array) if array.is_empty() => return None,
        Variant::Array(_) | Variant::Dict(_) | Variant::Structure(_) => {
            Scalar::Compound(Arc::from(clipped(&json(value, DEPTH_MAX).to_string())))
        }
        Variant::Fd(_) => return None,
    })
}

fn json(value: &Variant<'_>, depth: u8) -> Json {
    let Some(depth) = depth.checked_sub(1) else { return Json::Null };
    match value {
        Variant::Variant(inner) => json(inner, depth),
        Variant::Array(array) => array.inner().iter().map(|item| json(item, depth)).collect(),
        Variant::Structure(structure) => structure.fields().iter().map(|item| json(item, depth)).collect(),
        Variant::Dict(dict) => dict.iter().map(|(key, value)| (key_text(key), json(value, depth))).collect(),
        leaf => match scalar(leaf) {
            None => Json::Null,
            Some(Scalar::Int(number)) => number.into(),
            Some(Scalar::Float(number)) => number.into(),
            Some(Scalar::Bool(truth)) => truth.into(),
            Some(Scalar::Text(text) | Scalar::Compound(text)) => (&*text).into(),
        },
    }
}

fn key_text(key: &Variant<'_>) -> String {
    scalar(key).map(|key| key.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn array(bytes: &[u8]) -> Variant<'static> {
        let mut array = Array::new(&zbus::Signature::U8);
        for byte in bytes {
            array.append(Variant::U8(*byte)).expect("a byte");
        }
        Variant::Array(array)
    }

    #[rstest]
    #[case(Variant::U8(3), Some(Scalar::Int(3)))]
    #[case(Variant::I16(-3), Some(Scalar::Int(-3)))]
    #[case(Variant::U16(65_535), Some(Scalar::Int(65_535)))]
    #[case(Variant::I32(-1), Some(Scalar::Int(-1)))]
    #[case(Variant::U32(u32::MAX), Some(Scalar::Int(4_294_967_295)))]
    #[case(Variant::I64(i64::MIN), Some(Scalar::Int(i64::MIN)))]
    #[case(Variant::U64(7), Some(Scalar::Int(7)))]
    #[case(Variant::F64(56.840_000_152_6), Some(Scalar::Float(56.84)))]
    #[case(Variant::F64(f64::NAN), None)]
    #[case(Variant::Bool(true), Some(Scalar::Bool(true)))]
    #[case(Variant::Str("3".into()), Some(Scalar::Text("3".into())))]
    #[case(Variant::Variant(Box::new(Variant::U8(1))), Some(Scalar::Int(1)))]
    #[case(Variant::Array(Array::new(&zbus::Signature::I32)), None)]
    #[case(Variant::Array(Array::new(&zbus::Signature::U32)), None)]
    #[case(Variant::Array(Array::new(&zbus::Signature::U8)), None)]
    #[case(array(&[97, 1]), Some(Scalar::Compound("[97,1]".into())))]
    fn every_type_is_taken(#[case] value: Variant<'static>, #[case] expected: Option<Scalar>) {
        assert_eq!(scalar(&value), expected);
    }

    #[rstest]
    #[case(Some(Scalar::Int(-800)), "i")]
    #[case(Some(Scalar::Float(-800.5)), "d")]
    #[case(Some(Scalar::Int(5_000_000_000)), "x")]
    #[case(Some(Scalar::Text("a".into())), "s")]
    #[case(None, "ai")]
    fn values_are_written_with_their_type(#[case] value: Option<Scalar>, #[case] signature: &str) {
        assert_eq!(variant(value.as_ref()).value_signature().to_string(), signature);
        assert_eq!(scalar(&variant(value.as_ref())), value);
    }

    #[test]
    fn a_bottomless_structure_is_cut() {
        let mut value = Variant::U8(1);
        for _ in 0..40 {
            let mut array = Array::new(&zbus::Signature::Variant);
            array.append(Variant::Variant(Box::new(value))).expect("a variant");
            value = Variant::Array(array);
        }
        assert_eq!(scalar(&value), Some(Scalar::Compound("[[[null]]]".into())));
    }
}

//! Values on the bus and back.

use crate::venus::{
    tree::{Item, Service},
    value::Value,
};
use std::collections::{BTreeMap, HashMap};
use zbus::{Array, Dict, Signature, Str, Variant};

/// A value inside of a variant; none is an empty array of int32.
pub(super) fn variant(value: &Value) -> Variant<'static> {
    let array = |signature: Signature, items: &mut dyn Iterator<Item = Variant<'static>>| {
        let mut array = Array::new(&signature);
        for item in items {
            if let Err(error) = array.append(item) {
                tracing::debug!(%error, "a member of an array is left out");
            }
        }
        Variant::Array(array)
    };
    match value {
        Value::Invalid => array(Signature::I32, &mut std::iter::empty()),
        Value::Bool(on) => Variant::Bool(*on),
        Value::Byte(number) => Variant::U8(*number),
        Value::I16(number) => Variant::I16(*number),
        Value::U16(number) => Variant::U16(*number),
        Value::I32(number) => Variant::I32(*number),
        Value::U32(number) => Variant::U32(*number),
        Value::F64(number) => Variant::F64(*number),
        Value::Text(text) => Variant::Str(Str::from(text.clone())),
        Value::Bytes(bytes) => array(Signature::U8, &mut bytes.iter().map(|byte| Variant::U8(*byte))),
        Value::Words(words) => array(Signature::U32, &mut words.iter().map(|word| Variant::U32(*word))),
        Value::Ints(numbers) => {
            array(Signature::I32, &mut numbers.iter().map(|number| Variant::I32(*number)))
        }
        Value::Record(record) => {
            Variant::Dict(dict(record.iter().map(|(key, value)| (key.clone(), variant(value)))))
        }
        Value::Records(records) => {
            let signature = Signature::dict(Signature::Str, Signature::Variant);
            array(signature, &mut records.iter().map(|record| variant(&Value::Record(record.clone()))))
        }
    }
}

/// `a{sv}`.
pub(super) fn dict(entries: impl Iterator<Item = (String, Variant<'static>)>) -> Dict<'static, 'static> {
    let mut dict = Dict::new(&Signature::Str, &Signature::Variant);
    for (key, value) in entries {
        if let Err(error) = dict.append(Variant::Str(Str::from(key)), Variant::Variant(Box::new(value))) {
            tracing::debug!(%error, "a member of a dictionary is left out");
        }
    }
    dict
}

/// A value that came in; `None` for what no item can hold.
pub(super) fn value(variant: &Variant<'_>) -> Option<Value> {
    Some(match variant {
        Variant::Bool(on) => Value::Bool(*on),
        Variant::U8(number) => Value::Byte(*number),
        Variant::I16(number) => Value::I16(*number),
        Variant::U16(number) => Value::U16(*number),
        Variant::I32(number) => Value::I32(*number),
        Variant::U32(number) => Value::U32(*number),
        Variant::I64(number) => Value::F64(*number as f64),
        Variant::U64(number) => Value::F64(*number as f64),
        Variant::F64(number) => Value::F64(*number),
        Variant::Str(text) => Value::Text(text.as_str().to_owned()),
        Variant::Variant(inner) => return value(inner),
        Variant::Array(array) if array.is_empty() => Value::Invalid,
        Variant::Array(array) => {
            let whole = |item: &Variant<'_>| match item {
                Variant::I32(number) => Some(*number),
                _ => None,
            };
            Value::Ints(array.inner().iter().map(whole).collect::<Option<_>>()?)
        }
        Variant::Dict(dict) => {
            let entry = |(key, item): (&Variant<'_>, &Variant<'_>)| match key {
                Variant::Str(key) => Some((key.as_str().to_owned(), value(item)?)),
                _ => None,
            };
            Value::Record(dict.iter().map(entry).collect::<Option<BTreeMap<_, _>>>()?)
        }
        _ => return None,
    })
}

/// Where attributes go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// `GetItems`: localsettings adds bounds and default.
    Items,
    /// A signal: value and text.
    Signal,
}

/// What is told of a leaf.
pub(super) fn attributes(service: &Service, item: &Item, of: Of) -> HashMap<&'static str, Variant<'static>> {
    let mut all = HashMap::from([
        ("Value", variant(item.value())),
        ("Text", Variant::Str(Str::from(service.text_of(item)))),
    ]);
    if let (Of::Items, Some(own)) = (of, &item.attributes) {
        all.insert("Default", variant(&own.default));
        for (name, bound) in [("Min", &own.min), ("Max", &own.max)] {
            if !bound.is_invalid() {
                all.insert(name, variant(bound));
            }
        }
    }
    all
}

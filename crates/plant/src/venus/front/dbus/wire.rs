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
        Value::I64(number) => Variant::I64(*number),
        Value::U64(number) => Variant::U64(*number),
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
        Value::List(items) if items.is_empty() => array(Signature::U32, &mut std::iter::empty()),
        Value::List(items) => {
            let inner = |item| Variant::Variant(Box::new(variant(item)));
            array(Signature::Variant, &mut items.iter().map(inner))
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
        Variant::I64(number) => Value::I64(*number),
        Variant::U64(number) => Value::U64(*number),
        Variant::F64(number) => Value::F64(*number),
        Variant::Str(text) => Value::Text(text.as_str().to_owned()),
        Variant::Variant(inner) => return value(inner),
        Variant::Array(array) if array.is_empty() => Value::Invalid,
        Variant::Array(array) => numbers(array)?,
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

/// An array of bytes or of whole numbers.
fn numbers(array: &Array<'_>) -> Option<Value> {
    macro_rules! all {
        ($kind:ident) => {
            array.inner().iter().map(|item| match item {
                Variant::$kind(number) => Some(*number),
                _ => None,
            })
        };
    }
    let bytes = || all!(U8).collect::<Option<_>>().map(Value::Bytes);
    let words = || all!(U32).collect::<Option<_>>().map(Value::Words);
    all!(I32).collect::<Option<_>>().map(Value::Ints).or_else(bytes).or_else(words)
}

/// Where attributes go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// `GetItems`: localsettings adds bounds and default.
    Items,
    /// A signal: value and text.
    Signal,
    /// A signal of localsettings after bounds or default changed: it has them too, 0 for a bound that is none.
    Description,
}

/// What is told of a leaf.
pub(super) fn attributes(service: &Service, item: &Item, of: Of) -> HashMap<&'static str, Variant<'static>> {
    let mut all = HashMap::from([
        ("Value", variant(item.value())),
        ("Text", Variant::Str(Str::from(service.text_of(item)))),
    ]);
    let Some(own) = item.attributes.as_ref().filter(|_| of != Of::Signal) else { return all };
    all.insert("Default", variant(&own.default));
    for (name, value) in [("Min", &own.min), ("Max", &own.max)] {
        if !value.is_invalid() || of == Of::Description {
            all.insert(name, bound(value));
        }
    }
    all
}

/// A setting without bounds says 0.
pub(super) fn bound(value: &Value) -> Variant<'static> {
    if value.is_invalid() { Variant::I32(0) } else { variant(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_its_type_on_the_bus_and_comes_back() {
        let record = Value::Record(BTreeMap::from([("soc".to_owned(), Value::F64(81.0))]));
        for value in [
            Value::Invalid,
            Value::Bool(true),
            Value::Byte(7),
            Value::I16(-7),
            Value::U16(7),
            Value::I32(-7),
            Value::U32(7),
            Value::I64(1 << 60),
            Value::U64(u64::MAX),
            Value::F64(0.5),
            Value::from("x"),
            Value::Bytes(vec![1, 2]),
            Value::Words(vec![3]),
            Value::Ints(vec![-1]),
            record,
        ] {
            let sent = variant(&value);
            assert_eq!(sent.value_signature().to_string(), value.signature(), "{value:?}");
            assert_eq!(super::value(&sent).as_ref(), Some(&value));
        }
    }

    #[test]
    fn a_list_is_one_of_variants_and_an_empty_one_of_words() {
        let list = Value::List(vec![Value::Record(BTreeMap::new()), Value::I32(1)]);
        let empty = Value::List(Vec::new());
        for value in [list, empty] {
            assert_eq!(variant(&value).value_signature().to_string(), value.signature(), "{value:?}");
        }
    }
}

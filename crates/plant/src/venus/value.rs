//! A value as a D-Bus service of a GX holds it: loosely typed, and invalid when there is none.
//!
//! ```text
//!   D-Bus            MQTT             port-8088 API   Modbus TCP
//!   variant i 5      {"value":5}      5               5 * scale
//!   variant ai []    {"value":null}   []              0
//! ```

use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// A value of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value at this moment: an empty array on the wire.
    Invalid,
    /// `b`.
    Bool(bool),
    /// `y`.
    Byte(u8),
    /// `n`.
    I16(i16),
    /// `q`.
    U16(u16),
    /// `i`.
    I32(i32),
    /// `u`.
    U32(u32),
    /// `x`.
    I64(i64),
    /// `t`.
    U64(u64),
    /// `d`.
    F64(f64),
    /// `s`.
    Text(String),
    /// `ay`.
    Bytes(Vec<u8>),
    /// `au`.
    Words(Vec<u32>),
    /// `ai` with something in it.
    Ints(Vec<i32>),
    /// `a{sv}`.
    Record(BTreeMap<String, Value>),
    /// `av`, as velib wraps a list; `au` when it is empty, for then nobody can tell of what it is a list.
    List(Vec<Value>),
}

/// The type that a path usually has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `b`.
    Bool,
    /// `y`.
    Byte,
    /// `n`.
    I16,
    /// `q`.
    U16,
    /// `i`.
    I32,
    /// `u`.
    U32,
    /// `x`.
    I64,
    /// `t`.
    U64,
    /// `d`.
    F64,
    /// `s`.
    Text,
    /// An array or a dictionary.
    Compound,
}

impl Kind {
    /// A number with this type: integers are rounded and kept in their range. A text and a compound take none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts from float to integer saturate, which is what a driver does with its own readings"
    )]
    pub fn of(self, number: f64) -> Value {
        match self {
            _ if number.is_nan() => Value::Invalid,
            Self::Bool => Value::Bool(number != 0.0),
            Self::Byte => Value::Byte(number.round() as u8),
            Self::I16 => Value::I16(number.round() as i16),
            Self::U16 => Value::U16(number.round() as u16),
            Self::I32 => Value::I32(number.round() as i32),
            Self::U32 => Value::U32(number.round() as u32),
            Self::I64 => Value::I64(number.round() as i64),
            Self::U64 => Value::U64(number.round() as u64),
            Self::F64 => Value::F64(number),
            Self::Text | Self::Compound => Value::Invalid,
        }
    }
}

impl Value {
    /// The number in it; a text is none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(on) => Some(f64::from(u8::from(*on))),
            Self::Byte(number) => Some(f64::from(*number)),
            Self::I16(number) => Some(f64::from(*number)),
            Self::U16(number) => Some(f64::from(*number)),
            Self::I32(number) => Some(f64::from(*number)),
            Self::U32(number) => Some(f64::from(*number)),
            Self::I64(number) => Some(*number as f64),
            Self::U64(number) => Some(*number as f64),
            Self::F64(number) => Some(*number),
            _ => None,
        }
    }

    /// The text in it.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is no value.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid)
    }

    /// Its type; `None` when invalid.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Invalid => return None,
            Self::Bool(_) => Kind::Bool,
            Self::Byte(_) => Kind::Byte,
            Self::I16(_) => Kind::I16,
            Self::U16(_) => Kind::U16,
            Self::I32(_) => Kind::I32,
            Self::U32(_) => Kind::U32,
            Self::I64(_) => Kind::I64,
            Self::U64(_) => Kind::U64,
            Self::F64(_) => Kind::F64,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) | Self::Words(_) | Self::Ints(_) | Self::Record(_) | Self::List(_) => {
                Kind::Compound
            }
        })
    }

    /// Its type on the bus.
    pub fn signature(&self) -> &'static str {
        match self {
            Self::Invalid | Self::Ints(_) => "ai",
            Self::Bool(_) => "b",
            Self::Byte(_) => "y",
            Self::I16(_) => "n",
            Self::U16(_) => "q",
            Self::I32(_) => "i",
            Self::U32(_) => "u",
            Self::I64(_) => "x",
            Self::U64(_) => "t",
            Self::F64(_) => "d",
            Self::Text(_) => "s",
            Self::Bytes(_) => "ay",
            Self::Words(_) => "au",
            Self::Record(_) => "a{sv}",
            Self::List(items) => {
                if items.is_empty() {
                    "au"
                } else {
                    "av"
                }
            }
        }
    }

    /// Equal as a velib service compares: by number, whatever the type.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.number(), other.number()) {
            #[expect(clippy::float_cmp, reason = "a value that changed by the least bit has changed")]
            (Some(one), Some(two)) => one == two,
            _ => self == other,
        }
    }

    /// As JSON writes it, with `invalid` for a value that is none (`null` over MQTT, `[]` in the port-8088 API).
    pub fn json(&self, invalid: &Json) -> Json {
        match self {
            Self::Invalid => invalid.clone(),
            Self::Bool(on) => Json::from(*on),
            Self::Byte(number) => Json::from(*number),
            Self::I16(number) => Json::from(*number),
            Self::U16(number) => Json::from(*number),
            Self::I32(number) => Json::from(*number),
            Self::U32(number) => Json::from(*number),
            Self::I64(number) => Json::from(*number),
            Self::U64(number) => Json::from(*number),
            Self::F64(number) => Json::from(*number),
            Self::Text(text) => Json::from(text.as_str()),
            Self::Bytes(bytes) => Json::from(bytes.as_slice()),
            Self::Words(words) => Json::from(words.as_slice()),
            Self::Ints(numbers) => Json::from(numbers.as_slice()),
            Self::Record(record) => record_json(record, invalid),
            Self::List(items) => items.iter().map(|item| item.json(invalid)).collect(),
        }
    }

    /// From JSON: `null` and an empty array are invalid; a whole number is an int32 where it fits, as a Python client
    /// makes it. Anything else that is no single value is refused.
    pub fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::Null => Some(Self::Invalid),
            Json::Array(items) if items.is_empty() => Some(Self::Invalid),
            Json::Bool(on) => Some(Self::Bool(*on)),
            Json::Number(number) => match number.as_i64().and_then(|whole| i32::try_from(whole).ok()) {
                Some(whole) => Some(Self::I32(whole)),
                None => number.as_f64().map(Self::F64),
            },
            Json::String(text) => Some(Self::Text(text.clone())),
            Json::Array(_) | Json::Object(_) => None,
        }
    }
}

fn record_json(record: &BTreeMap<String, Value>, invalid: &Json) -> Json {
    Json::Object(record.iter().map(|(key, value)| (key.clone(), value.json(invalid))).collect::<Map<_, _>>())
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::F64(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::I32(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

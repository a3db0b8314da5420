//! The keys of a problem's file: every error says which key, which place of a list, what is there and what may be.

use std::fmt;

use serde_json::{Map, Value};

use super::FileError;

/// What a number may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) from: f64,
    /// Infinite: there is no upper bound.
    pub(super) to: f64,
    /// The unit, or what it is a part of.
    pub(super) of: &'static str,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, of } = self;
        if to.is_infinite() {
            return write!(f, "{of}, {} or more", short(*from));
        }
        write!(f, "{of}, {} to {}", short(*from), short(*to))
    }
}

/// A number as short as it can be read.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) { format!("{value:e}") } else { format!("{value}") }
}

/// An object of the file.
pub(super) struct Keys<'j> {
    /// What stands before each key.
    path: String,
    keys: &'j Map<String, Value>,
}

impl<'j> Keys<'j> {
    /// The object at `path`, which has no other keys than `known`.
    pub(super) fn of(path: &str, value: &'j Value, known: &[&str]) -> Result<Self, FileError> {
        let Some(keys) = value.as_object() else {
            let expected = format!("an object {{ \"{}\": .. }}", known.join("\": .., \""));
            let key = if path.is_empty() { "the file" } else { path };
            return Err(FileError::Key { key: key.to_owned(), found: in_words(value), expected });
        };
        let keys = Self { path: path.to_owned(), keys };
        match keys.keys.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(keys),
            Some(unknown) => Err(FileError::Unknown { key: keys.full(unknown), known: known.join(", ") }),
        }
    }

    /// What stands at a key; `null` is nothing.
    pub(super) fn value(&self, key: &str) -> Option<&'j Value> {
        self.keys.get(key).filter(|value| !value.is_null())
    }

    /// A number that may be left out.
    pub(super) fn optional(&self, key: &str, bounds: Bounds) -> Result<Option<f64>, FileError> {
        self.value(key).map(|value| number(&self.full(key), value, bounds)).transpose()
    }

    /// A number that must be there.
    pub(super) fn number(&self, key: &str, bounds: Bounds) -> Result<f64, FileError> {
        number(&self.full(key), self.there(key, &bounds)?, bounds)
    }

    /// A list of numbers.
    pub(super) fn list(&self, key: &str, bounds: Bounds) -> Result<Vec<f64>, FileError> {
        let expected = format!("a list of numbers ({bounds})");
        let value = self.there(key, &expected)?;
        let Some(values) = value.as_array() else { return Err(self.wrong(key, value, &expected)) };
        let places = values.iter().enumerate();
        places.map(|(place, value)| number(&format!("{}[{place}]", self.full(key)), value, bounds)).collect()
    }

    /// A text; nothing where it is left out.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'j str>, FileError> {
        let text = |value: &'j Value| value.as_str().ok_or_else(|| self.wrong(key, value, &"a text"));
        self.value(key).map(text).transpose()
    }

    /// `true` or `false`; `false` where it is left out.
    pub(super) fn flag(&self, key: &str) -> Result<bool, FileError> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| self.wrong(key, value, &"true or false"));
        self.value(key).map_or(Ok(false), flag)
    }

    /// An error at a key.
    pub(super) fn wrong(&self, key: &str, found: &Value, expected: &dyn fmt::Display) -> FileError {
        FileError::Key { key: self.full(key), found: in_words(found), expected: expected.to_string() }
    }

    fn there(&self, key: &str, expected: &dyn fmt::Display) -> Result<&'j Value, FileError> {
        let missing = || FileError::Missing { key: self.full(key), expected: expected.to_string() };
        self.keys.get(key).ok_or_else(missing)
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn number(key: &str, value: &Value, bounds: Bounds) -> Result<f64, FileError> {
    let number = value.as_f64().filter(|number| (bounds.from..=bounds.to).contains(number));
    number.ok_or_else(|| FileError::Key {
        key: key.to_owned(),
        found: in_words(value),
        expected: bounds.to_string(),
    })
}

/// What is found, in a few words.
fn in_words(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), short),
        Value::String(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// In which place of which list a text stops to be JSON; empty where that is in none.
pub(super) fn place(text: &str, error: &serde_json::Error) -> String {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let end = before + error.column().saturating_sub(1);
    let read = text.get(..end.min(text.len())).unwrap_or_default();
    let Some(begin) = read.rfind('[').filter(|begin| !read[*begin..].contains(']')) else {
        return String::new();
    };
    let (head, list) = read.split_at(begin);
    let key = head.trim_end().strip_suffix(':').and_then(|head| head.trim_end().strip_suffix('"'));
    let key = key.and_then(|head| head.rsplit_once('"')).map(|(_, key)| key);
    let is_of_numbers = !list.contains(['{', '"']);
    key.filter(|_| is_of_numbers)
        .map(|key| format!(", in {key}[{}]", list.matches(',').count()))
        .unwrap_or_default()
}

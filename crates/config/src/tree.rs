//! The YAML text as a tree in which every key and value knows where it stands.
//!
//! Scalars stay text: `off` and `0123` mean what the setting they are for makes of them, not what YAML guesses.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::problem::{Fault, What};
use crate::snippet::without_secrets;
use crate::variables;

/// A place in the file: line and column from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// Characters to underline; at least 1.
    pub(crate) length: usize,
}

impl Mark {
    pub(crate) const START: Self = Self { line: 1, column: 1, length: 1 };

    fn at(location: Location) -> Self {
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX).max(1);
        Self {
            line: number(location.line()),
            column: number(location.column()),
            length: number(location.span().len()),
        }
    }
}

/// A key with its place.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) mark: Mark,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

/// What stands at a place.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A text or a number, as text.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Whether it stands there without quotes, so that it may be a number.
    pub(crate) plain: bool,
    /// The text before `${VAR}` was replaced, if it was. Only this may be shown.
    pub(crate) unexpanded: Option<String>,
}

impl Node {
    /// The value of `key`, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The key and its value, if this is a map that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&(Key, Self)> {
        self.entries().iter().find(|(candidate, _)| candidate.text == key)
    }

    /// The entries of a map; none for anything else.
    pub(crate) fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What kind of thing this is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map of keys",
        }
    }
}

/// Parses masked text (see [`variables::mask`]). An empty document is `Null`.
pub(crate) fn parse(masked: &str) -> Result<Node, Fault> {
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(masked, options()) {
        Ok(raw) => Ok(node(raw, masked)),
        Err(error) => Err(syntax_fault(&error, masked)),
    }
}

/// Limits far above what a house needs and far below what hurts.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            flow_nesting_limit: 64,
            max_nodes: 20_000,
            max_events: 100_000,
            max_anchors: 200,
            max_aliases: 500,
            max_merge_keys: 500,
            max_recorded_anchor_events: 20_000,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 8,
        },
        emit_comments: false,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// What the parser sees: typed guesses are dropped, their text is taken from the source.
enum Raw {
    Null,
    Text(String),
    Guessed,
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

fn node(raw: Spanned<Raw>, source: &str) -> Node {
    let slice = slice(source, raw.defined);
    let plain = !slice.starts_with(['"', '\'', '|', '>', '!', '&']);
    let scalar =
        |text: &str| Value::Scalar(Scalar { text: variables::unmask(text), plain, unexpanded: None });
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => scalar(&text),
        Raw::Guessed => scalar(slice.trim()),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, source)).collect()),
        Raw::Map(entries) => Value::Map(
            entries.into_iter().map(|(key, value)| (self::key(&key), node(value, source))).collect(),
        ),
    };
    Node { mark: Mark::at(raw.referenced), value }
}

fn key(raw: &Spanned<String>) -> Key {
    Key { text: variables::unmask(&raw.value), mark: Mark::at(raw.referenced) }
}

fn slice(source: &str, location: Location) -> &str {
    let range = |location: Location| {
        let start = usize::try_from(location.span().byte_offset()?).ok()?;
        let length = usize::try_from(location.span().byte_len()?).ok()?;
        source.get(start..start.checked_add(length)?)
    };
    range(location).unwrap_or_default()
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Guessed)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Guessed)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Guessed)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Guessed)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

/// What the parser found wrong, in words for somebody who writes YAML twice a year.
fn syntax_fault(error: &serde_saphyr::Error, masked: &str) -> Fault {
    use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};
    let mark = error.location().map_or(Mark::START, |location| Mark { length: 1, ..Mark::at(location) });
    if let Some(tab) = tab_near(masked, mark.line) {
        return Fault::at(
            tab,
            What::Text("a tab at the beginning of the line; YAML allows only spaces there".into()),
        );
    }
    let inner = match error {
        Error::AliasError { error, .. } => error,
        other => other,
    };
    let text = match inner {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{}` is given twice; keep one", without_secrets(&variables::unmask(key)))
        }
        Error::MultipleDocuments { .. } => {
            "a second document begins; the file is one YAML document".to_owned()
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            "too much: the nesting or the repetition by aliases goes beyond what a configuration may have"
                .to_owned()
        }
        Error::UnknownAnchor { .. } => "an alias (`*name`) without an anchor (`&name`) before it".to_owned(),
        other => format!("no valid YAML: {}", variables::unmask(&UserMessageFormatter.format_message(other))),
    };
    Fault::at(mark, What::Text(text))
}

/// The tab that a syntax error on `line` is most likely about: at the beginning of that line or of the one before.
fn tab_near(masked: &str, line: usize) -> Option<Mark> {
    [line, line.saturating_sub(1)].into_iter().filter(|line| *line > 0).find_map(|line| {
        let text = masked.lines().nth(line - 1)?;
        let indentation = &text[..text.len() - text.trim_start().len()];
        indentation.find('\t').map(|tabs| Mark { line, column: tabs + 1, length: 1 })
    })
}

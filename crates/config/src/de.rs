//! Turns the tree into settings through serde: the types say what a text means, and every error gets its place.
//!
//! An unknown key does not end the work: it is put aside and the rest is read, so that one run shows every slip. A key
//! with nothing behind it counts as absent.

mod access;

use std::cell::RefCell;

use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

use self::access::{Entries, Items, Variant};
use crate::nearest::nearest;
use crate::problem::{Fault, What};
use crate::snippet::is_secret;
use crate::tree::{Key, Mark, Node, Scalar, Value};

/// The keys that lead to a node.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    key: &'p Key,
}

impl<'p> Path<'p> {
    fn below(parent: Option<&'p Path<'p>>, key: &'p Key) -> Self {
        Self { parent, key }
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.parent.map_or_else(Vec::new, Path::names);
        names.push(self.key.text.clone());
        names
    }

    fn is_secret(&self) -> bool {
        is_secret(&self.key.text) || self.parent.is_some_and(Path::is_secret)
    }
}

/// A node on its way to a setting.
#[derive(Clone, Copy)]
pub(crate) struct NodeDeserializer<'n> {
    node: &'n Node,
    path: Option<&'n Path<'n>>,
    aside: &'n RefCell<Vec<Fault>>,
}

/// Reads `T` from what stands at `path` below the root. Unknown keys go to `aside`.
pub(crate) fn read<T: de::DeserializeOwned>(
    node: &Node,
    path: &[&Key],
    aside: &RefCell<Vec<Fault>>,
) -> Result<T, Fault> {
    match path {
        [] => T::deserialize(NodeDeserializer { node, path: None, aside }),
        [first] => T::deserialize(NodeDeserializer { node, path: Some(&Path::below(None, first)), aside }),
        [first, second, ..] => {
            let first = Path::below(None, first);
            let second = Path::below(Some(&first), second);
            T::deserialize(NodeDeserializer { node, path: Some(&second), aside })
        }
    }
}

impl<'n> NodeDeserializer<'n> {
    fn names(self) -> Vec<String> {
        self.path.map_or_else(Vec::new, Path::names)
    }

    /// Where to point when something about the whole value is wrong: a map is known by its key.
    fn mark(self) -> Mark {
        match (&self.node.value, self.path) {
            (Value::Map(_) | Value::List(_) | Value::Null, Some(path)) => path.key.mark,
            _ => self.node.mark,
        }
    }

    /// Gives the fault its place, and takes out of it what must not be shown.
    fn placed(self, fault: Fault) -> Fault {
        let fault = fault.or_at(self.mark(), || self.names());
        let Value::Scalar(scalar) = &self.node.value else { return fault };
        if self.path.is_some_and(Path::is_secret) {
            fault.without_value(&scalar.text, "(not shown)")
        } else if let Some(unexpanded) = &scalar.unexpanded {
            fault.without_value(&scalar.text, &format!("from {unexpanded}"))
        } else {
            fault
        }
    }

    fn unexpected(self, expected: impl Into<String>) -> Fault {
        let found = match &self.node.value {
            Value::Scalar(scalar) => format!("{:?}", scalar.text),
            _ => format!("({})", self.node.kind()),
        };
        self.placed(Fault::new(What::Invalid { found, expected: expected.into() }))
    }

    fn scalar(self, expected: &str) -> Result<&'n Scalar, Fault> {
        match &self.node.value {
            Value::Scalar(scalar) => Ok(scalar),
            _ => Err(self.unexpected(expected)),
        }
    }

    fn child(self, node: &'n Node, path: Option<&'n Path<'n>>) -> Self {
        Self { node, path, aside: self.aside }
    }

    fn integer<'de, V: Visitor<'de>>(self, visitor: V, low: i128, high: i128) -> Result<V::Value, Fault> {
        let expected = format!("a whole number from {low} to {high}");
        let text = &self.scalar(&expected)?.text;
        let number = text.trim().parse::<i128>().ok().filter(|number| (low..=high).contains(number));
        let number = number.ok_or_else(|| self.unexpected(expected.as_str()))?;
        match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => visitor.visit_u64(number),
            (_, Ok(number)) => visitor.visit_i64(number),
            _ => Err(self.unexpected(expected)),
        }
        .map_err(|fault: Fault| self.placed(fault))
    }
}

macro_rules! integers {
    ($($method:ident $type:ty),+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.integer(visitor, i128::from(<$type>::MIN), i128::from(<$type>::MAX))
        })+
    };
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Fault;

    integers!(
        deserialize_i8 i8, deserialize_i16 i16, deserialize_i32 i32, deserialize_i64 i64,
        deserialize_u8 u8, deserialize_u16 u16, deserialize_u32 u32, deserialize_u64 u64
    );

    /// For quantities, which take a number or a text with a unit.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null => visitor.visit_unit().map_err(|fault| self.placed(fault)),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Scalar(scalar) => visit_guess(scalar, visitor).map_err(|fault: Fault| self.placed(fault)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match self.scalar("true or false")?.text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => true,
            "false" | "no" | "off" => false,
            _ => return Err(self.unexpected("true or false")),
        };
        visitor.visit_bool(value)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number =
            self.scalar("a number")?.text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let number = number.ok_or_else(|| self.unexpected("a number"))?;
        visitor.visit_f64(number).map_err(|fault: Fault| self.placed(fault))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = &self.scalar("a text")?.text;
        visitor.visit_str(text).map_err(|fault: Fault| self.placed(explained(fault, text)))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() { visitor.visit_unit() } else { Err(self.unexpected("nothing")) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self).map_err(|fault: Fault| self.placed(fault))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Value::List(items) = &self.node.value else {
            return Err(self.unexpected("a list such as [a, b]"));
        };
        visitor.visit_seq(Items { parent: self, rest: items.iter() }).map_err(|fault| self.placed(fault))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Value::Map(entries) = &self.node.value else {
            return Err(self.unexpected("a map of keys"));
        };
        let rest = entries.iter().collect::<Vec<_>>().into_iter();
        visitor.visit_map(Entries { parent: self, rest, value: None }).map_err(|fault| self.placed(fault))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let entries = match &self.node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => return Err(self.unexpected(format!("a map of keys such as {}", examples(fields)))),
        };
        let (known, unknown): (Vec<_>, Vec<_>) =
            entries.iter().partition(|(key, _)| fields.contains(&key.text.as_str()));
        let rest = known.iter().copied().filter(|(_, node)| !node.is_null()).collect::<Vec<_>>().into_iter();
        let result = visitor.visit_map(Entries { parent: self, rest, value: None });
        let missing = match &result {
            Err(Fault { mark: None, what: What::Missing { key }, .. }) => Some(key.clone()),
            _ => None,
        };
        let misspelt = missing.as_ref().is_some_and(|missing| {
            unknown.iter().any(|(key, _)| nearest(&key.text, fields.iter().copied()) == Some(missing))
        });
        let empty = missing.and_then(|missing| known.iter().find(|(key, _)| key.text == missing));
        let mut unknown = unknown.into_iter().map(|(key, _)| self.unknown_key(key, fields));
        match (result, empty) {
            // The slip explains why the key is missing: one message, not two.
            (Err(fault), _) if misspelt => {
                Err(unknown.next().inspect(|_| self.aside.borrow_mut().extend(unknown)).unwrap_or(fault))
            }
            (result, empty) => {
                self.aside.borrow_mut().extend(unknown);
                result.map_err(|fault| match empty {
                    Some((key, _)) => Fault::at(key.mark, What::Text(format!("`{}` has no value", key.text))),
                    None => self.placed(fault),
                })
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Scalar(scalar) => visitor
                .visit_enum(IntoDeserializer::<Fault>::into_deserializer(scalar.text.as_str()))
                .map_err(|fault| self.placed(fault)),
            Value::Map(entries) => match entries.as_slice() {
                [(key, node)] => visitor
                    .visit_enum(Variant { parent: self, key, node })
                    .map_err(|fault| self.placed(fault)),
                _ => Err(self.unexpected(format!("exactly one of {}", quoted(variants)))),
            },
            _ => Err(self.unexpected(format!("one of {}", quoted(variants)))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

impl NodeDeserializer<'_> {
    fn unknown_key(self, key: &Key, known: &'static [&'static str]) -> Fault {
        Fault::at(key.mark, What::UnknownKey { key: key.text.clone(), known })
            .or_at(key.mark, || self.names())
    }
}

/// What a scalar is when nothing is known about the target: YAML 1.2's core rules.
fn visit_guess<'de, V: Visitor<'de>>(scalar: &Scalar, visitor: V) -> Result<V::Value, Fault> {
    let text = scalar.text.as_str();
    if !scalar.plain {
        return visitor.visit_str(text);
    }
    if let Ok(value) = text.parse::<bool>() {
        return visitor.visit_bool(value);
    }
    if let Ok(number) = text.parse::<u64>() {
        return visitor.visit_u64(number);
    }
    if let Ok(number) = text.parse::<i64>() {
        return visitor.visit_i64(number);
    }
    let looks_like_a_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match text.parse::<f64>() {
        Ok(number) if looks_like_a_number && number.is_finite() => visitor.visit_f64(number),
        _ => visitor.visit_str(text),
    }
}

/// The standard library's parsers name what failed, not what they want.
fn explained(fault: Fault, found: &str) -> Fault {
    let expected = match &fault.what {
        What::Text(text) if text.contains("invalid socket address") => {
            "an address with a port such as 127.0.0.1:8230 or [::1]:8230"
        }
        What::Text(text) if text.contains("invalid IP address") => "an IP address such as 192.0.2.7",
        _ => return fault,
    };
    Fault { what: What::Invalid { found: format!("{found:?}"), expected: expected.to_owned() }, ..fault }
}

fn examples(names: &[&str]) -> String {
    quoted(&names[..names.len().min(4)])
}

/// All of them: what is one of a few is not told by some.
fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only what does not fit matters here")]
    struct Sample {
        token: Option<u16>,
        pin: Option<std::net::IpAddr>,
        number: Option<i8>,
        share: Option<f64>,
        pair: Option<(u8, u8)>,
        choice: Option<Choice>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only what does not fit matters here")]
    enum Choice {
        Plain,
        Deep { depth: u8 },
    }

    fn message(text: &str) -> String {
        let aside = RefCell::new(Vec::new());
        let node = crate::tree::parse(text).expect("sound YAML");
        read::<Sample>(&node, &[], &aside).expect_err("it does not fit").to_string()
    }

    #[test]
    fn what_is_secret_is_not_repeated() {
        assert_eq!(
            message("token: hunter2"),
            "invalid value (not shown) for `token`: expected a whole number from 0 to 65535"
        );
        assert_eq!(
            message("pin: hunter2"),
            "invalid value (not shown) for `pin`: expected an IP address such as 192.0.2.7"
        );
    }

    #[test]
    fn every_kind_of_value_says_what_it_wants() {
        for (text, expected) in [
            ("number: 128", "invalid value \"128\" for `number`: expected a whole number from -128 to 127"),
            ("share: .inf", "invalid value \".inf\" for `share`: expected a number"),
            ("pair: 3", "invalid value \"3\" for `pair`: expected a list such as [a, b]"),
            ("choice: x", "unknown value `x` for `choice`"),
            ("choice: { plain: 1 }", "invalid value \"1\" for `plain` in `choice`: expected nothing"),
            (
                "choice: { deep: { depth: x } }",
                "invalid value \"x\" for `depth` in `choice.deep`: expected a whole number from 0 to 255",
            ),
            (
                "choice: { deep: {}, plain: }",
                "invalid value (a map of keys) for `choice`: expected exactly one of `plain`, `deep`",
            ),
            ("choice: [plain]", "invalid value (a list) for `choice`: expected one of `plain`, `deep`"),
        ] {
            assert_eq!(message(text), expected);
        }
    }
}

//! One source, or a list of them, without losing where in the file an error is.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One source, or a list of them: the first that is fresh counts, the others fill its gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Sources<T>(pub Vec<T>);

impl<T> Default for Sources<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Not `untagged`, which would lose where in the file an error is.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sources<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(OneOrMany(PhantomData))
    }
}

struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Sources<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a source such as `name: {}`, or a list of sources")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let one = T::deserialize(MapAccessDeserializer::new(&mut map))?;
        if map.next_key::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom(
                "more than one source in one map: write a list in the order of trust, such as `[a: {}, b: {}]`",
            ));
        }
        Ok(Sources(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut sources = Vec::new();
        while let Some(source) = list.next_element()? {
            sources.push(source);
        }
        Ok(Sources(sources))
    }
}

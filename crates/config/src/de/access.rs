//! The inside of lists, maps and `driver: { ... }`, item by item.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::{NodeDeserializer, Path};
use crate::problem::Fault;
use crate::tree::{Key, Node};

/// A list.
pub(super) struct Items<'n> {
    pub(super) parent: NodeDeserializer<'n>,
    pub(super) rest: std::slice::Iter<'n, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        let child = self.parent.child(node, self.parent.path);
        seed.deserialize(child).map(Some).map_err(|fault| child.placed(fault).or_at(node.mark, Vec::new))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A map, or the known keys of one.
pub(super) struct Entries<'n> {
    pub(super) parent: NodeDeserializer<'n>,
    pub(super) rest: std::vec::IntoIter<&'n (Key, Node)>,
    pub(super) value: Option<&'n (Key, Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.value = self.rest.next();
        let Some((key, _)) = self.value else { return Ok(None) };
        let text: StrDeserializer<'_, Fault> = key.text.as_str().into_deserializer();
        seed.deserialize(text).map(Some).map_err(|fault| fault.or_at(key.mark, || self.parent.names()))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (key, node) = self.value.take().expect("serde asks for a value after its key");
        let path = Path::below(self.parent.path, key);
        let child = self.parent.child(node, Some(&path));
        seed.deserialize(child).map_err(|fault| child.placed(fault))
    }
}

/// `driver: { ... }`: the one key is the variant.
pub(super) struct Variant<'n> {
    pub(super) parent: NodeDeserializer<'n>,
    pub(super) key: &'n Key,
    pub(super) node: &'n Node,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let text: StrDeserializer<'_, Fault> = self.key.text.as_str().into_deserializer();
        match seed.deserialize(text) {
            Ok(variant) => Ok((variant, self)),
            Err(fault) => Err(fault.or_at(self.key.mark, || self.parent.names())),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        if self.node.is_null() {
            return Ok(());
        }
        let path = Path::below(self.parent.path, self.key);
        Err(self.parent.child(self.node, Some(&path)).unexpected("nothing"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let path = Path::below(self.parent.path, self.key);
        let child = self.parent.child(self.node, Some(&path));
        seed.deserialize(child).map_err(|fault| child.placed(fault))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        let path = Path::below(self.parent.path, self.key);
        self.parent.child(self.node, Some(&path)).deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let path = Path::below(self.parent.path, self.key);
        self.parent.child(self.node, Some(&path)).deserialize_struct("", fields, visitor)
    }
}

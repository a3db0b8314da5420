//! Thrift's compact protocol, as far as Parquet's headers need it
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).
//!
//! ```text
//! struct:  field ... 0x00
//! field:   id - id of the field before (4 bits) | type (4 bits) | value
//! integer: zigzag, then 7 bits a byte, low ones first
//! list:    length (4 bits, or 15 and a number) | type (4 bits) | values
//! ```

const TRUE: u8 = 1;
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A struct being written. Fields come in the order of their ids.
#[derive(Default)]
pub(super) struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

impl Struct {
    pub(super) fn i32(self, id: u8, value: i32) -> Self {
        self.i64_as(I32, id, value.into())
    }

    pub(super) fn i64(self, id: u8, value: i64) -> Self {
        self.i64_as(I64, id, value)
    }

    pub(super) fn is(mut self, id: u8) -> Self {
        self.field(id, TRUE);
        self
    }

    pub(super) fn binary(mut self, id: u8, value: &[u8]) -> Self {
        self.field(id, BINARY);
        binary(&mut self.bytes, value);
        self
    }

    pub(super) fn with(mut self, id: u8, value: Self) -> Self {
        self.field(id, STRUCT);
        self.bytes.extend(value.finish());
        self
    }

    pub(super) fn structs(mut self, id: u8, values: impl ExactSizeIterator<Item = Self>) -> Self {
        self.list(id, STRUCT, values.len());
        for value in values {
            self.bytes.extend(value.finish());
        }
        self
    }

    pub(super) fn i32s(mut self, id: u8, values: &[i32]) -> Self {
        self.list(id, I32, values.len());
        for value in values {
            varint(&mut self.bytes, zigzag((*value).into()));
        }
        self
    }

    pub(super) fn texts(mut self, id: u8, values: &[&str]) -> Self {
        self.list(id, BINARY, values.len());
        for value in values {
            binary(&mut self.bytes, value.as_bytes());
        }
        self
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    fn i64_as(mut self, kind: u8, id: u8, value: i64) -> Self {
        self.field(id, kind);
        varint(&mut self.bytes, zigzag(value));
        self
    }

    /// Ids are at most 15 apart in all of Parquet.
    fn field(&mut self, id: u8, kind: u8) {
        self.bytes.push((id - self.last) << 4 | kind);
        self.last = id;
    }

    fn list(&mut self, id: u8, kind: u8, length: usize) {
        self.field(id, LIST);
        match u8::try_from(length) {
            Ok(short) if short < 15 => self.bytes.push(short << 4 | kind),
            _ => {
                self.bytes.push(0xf0 | kind);
                varint(&mut self.bytes, length as u64);
            }
        }
    }
}

fn binary(to: &mut Vec<u8>, value: &[u8]) {
    varint(to, value.len() as u64);
    to.extend_from_slice(value);
}

/// Seven bits a byte, low ones first.
pub(super) fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

/// Small numbers of either sign become small ones without.
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

//! The table of registers: `registers.tsv`, one line each, in the order of their addresses.

use crate::venus::value::{Kind, Value};
use std::sync::LazyLock;

/// Address, class, path, type, scale, `w` where it can be written.
const TABLE: &str = include_str!("registers.tsv");

/// What stands in the registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    I16,
    U16,
    I32,
    U32,
    /// Packed ASCII, so many registers.
    Text(usize),
    /// Answered, with 0xFFFF.
    Reserved,
}

/// One value's place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Register {
    pub(super) address: u16,
    pub(super) service: &'static str,
    pub(super) path: &'static str,
    pub(super) shape: Shape,
    /// raw = value * scale; negative = the sign is turned.
    pub(super) scale: f64,
    pub(super) is_writable: bool,
}

static REGISTERS: LazyLock<Vec<Register>> = LazyLock::new(|| TABLE.lines().filter_map(parse).collect());

fn parse(line: &'static str) -> Option<Register> {
    let mut cells = line.split('\t');
    let address = cells.next()?.parse().ok()?;
    let (service, path) = (cells.next()?, cells.next()?);
    let shape = match cells.next()? {
        "int16" => Shape::I16,
        "uint16" => Shape::U16,
        "int32" => Shape::I32,
        "uint32" => Shape::U32,
        "reserved" => Shape::Reserved,
        text => Shape::Text(text.strip_prefix("string[")?.strip_suffix(']')?.parse().ok()?),
    };
    let scale = cells.next()?.parse().ok()?;
    Some(Register { address, service, path, shape, scale, is_writable: cells.next() == Some("w") })
}

/// The value that a register belongs to.
pub(super) fn find(address: u16) -> Option<&'static Register> {
    let above = REGISTERS.partition_point(|register| register.address <= address);
    let register = REGISTERS.get(above.checked_sub(1)?)?;
    (usize::from(address - register.address) < register.len()).then_some(register)
}

impl Register {
    /// Registers that it takes.
    pub(super) fn len(&self) -> usize {
        match self.shape {
            Shape::I16 | Shape::U16 | Shape::Reserved => 1,
            Shape::I32 | Shape::U32 => 2,
            Shape::Text(count) => count,
        }
    }

    /// Least and largest raw number. The real one keeps integers one below the largest.
    fn range(&self) -> (f64, f64) {
        match self.shape {
            Shape::I16 => (f64::from(i16::MIN), f64::from(i16::MAX) - 1.0),
            Shape::I32 => (f64::from(i32::MIN), f64::from(i32::MAX) - 1.0),
            Shape::U32 => (0.0, f64::from(u32::MAX) - 1.0),
            Shape::U16 | Shape::Text(_) | Shape::Reserved => (0.0, f64::from(u16::MAX) - 1.0),
        }
    }

    /// A value as it stands in the registers: nothing is 0, integers are kept in range, doubles wrap.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "wrapping is what the real one does with doubles"
    )]
    pub(super) fn encode(&self, value: &Value) -> Vec<u16> {
        if let Shape::Text(count) = self.shape {
            let mut bytes = value.text().unwrap_or_default().bytes().collect::<Vec<_>>();
            bytes.resize(count * 2, 0);
            return bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        }
        let scaled = (value.number().unwrap_or(0.0) * self.scale).round();
        let (least, most) = self.range();
        let is_double = value.kind() == Some(Kind::F64);
        let raw = if is_double { scaled as i64 } else { scaled.clamp(least, most) as i64 };
        match self.len() {
            1 => vec![raw as u16],
            _ => vec![((raw as u32) >> 16) as u16, raw as u16],
        }
    }

    /// The other way.
    pub(super) fn decode(&self, words: &[u16], kind: Kind) -> Value {
        let high = words.first().copied().unwrap_or(0);
        let long = u32::from(high) << 16 | u32::from(words.get(1).copied().unwrap_or(0));
        let raw = match self.shape {
            Shape::I16 => f64::from(high.cast_signed()),
            Shape::I32 => f64::from(long.cast_signed()),
            Shape::U32 => f64::from(long),
            Shape::U16 | Shape::Reserved => f64::from(high),
            Shape::Text(_) => {
                let bytes: Vec<u8> =
                    words.iter().flat_map(|word| word.to_be_bytes()).take_while(|byte| *byte != 0).collect();
                return Value::Text(String::from_utf8_lossy(&bytes).into_owned());
            }
        };
        let number = raw / self.scale;
        // The owner makes its own type of it; a fraction for an integer is cut there.
        if kind == Kind::F64 { Value::F64(number) } else { kind.of(number) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_register() {
        assert_eq!(REGISTERS.len(), TABLE.lines().count());
        for pair in REGISTERS.windows(2) {
            let end = usize::from(pair[0].address) + pair[0].len();
            assert!(end <= usize::from(pair[1].address), "{pair:?} overlap");
        }
        assert!(REGISTERS.iter().all(|register| register.scale != 0.0 && register.path.starts_with('/')));
    }

    #[test]
    fn values_go_there_and_back() {
        let register =
            |shape, scale| Register { address: 1, service: "x", path: "/X", shape, scale, is_writable: true };
        assert_eq!(register(Shape::I16, 10.0).encode(&Value::F64(-12.34)), [(-123_i16).cast_unsigned()]);
        assert_eq!(register(Shape::U16, 1.0).encode(&Value::Invalid), [0]);
        assert_eq!(register(Shape::U16, 1.0).encode(&Value::I32(99_999)), [65_534]);
        assert_eq!(register(Shape::U16, 1.0).encode(&Value::F64(65_537.0)), [1], "a double wraps");
        assert_eq!(register(Shape::I32, 1.0).encode(&Value::F64(-2.0)), [0xFFFF, 0xFFFE]);
        assert_eq!(register(Shape::I32, 1.0).decode(&[0xFFFF, 0xFFFE], Kind::F64), Value::F64(-2.0));
        assert_eq!(register(Shape::I16, -10.0).decode(&[20], Kind::F64), Value::F64(-2.0));
        assert_eq!(register(Shape::Text(2), 1.0).encode(&Value::from("abc")), [0x6162, 0x6300]);
    }
}

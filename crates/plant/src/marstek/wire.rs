//! The firmware's JSON text: newlines, one tab of indentation per level, a tab after each colon.
//!
//! ```text
//! {⏎
//! →"id":→0,⏎
//! →"result":→{⏎
//! →→"soc":→86⏎
//! →}⏎
//! }
//! ```
//!
//! Numbers come in two spellings. In the captures of real units `bat_temp`, `bat_capacity` and `rated_capacity` (and the
//! panel values of the document) read `25.0`, `314.0`, `5120.0`, always whole and always with one decimal, beside integers
//! in the same answer: the firmware keeps whole numbers and prints these with `%.1f`. So [`Json::Tenths`] is a whole number.

use std::fmt::Write as _;

/// A value as the firmware prints it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number, printed with one decimal.
    Tenths(i64),
    Text(String),
    /// Text that is put out as it stands, valid or not.
    Raw(&'static str),
    Object(Fields),
}

/// The members of an object, in the firmware's order.
pub(crate) type Fields = Vec<(&'static str, Json)>;

impl Json {
    /// A physical value divided by its scale, as an integer.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates, and the values are watts and watt-hours"
    )]
    pub(crate) fn int(value: f64) -> Self {
        Self::Int(value.round() as i64)
    }

    /// The same in the spelling with one decimal.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates, and the values are watts and watt-hours"
    )]
    pub(crate) fn tenths(value: f64) -> Self {
        Self::Tenths(value.round() as i64)
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Prints at the given depth.
    pub(crate) fn print(&self, out: &mut String, depth: usize) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Null => out.write_str("null"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Int(value) => write!(out, "{value}"),
            Self::Tenths(value) => write!(out, "{value}.0"),
            Self::Raw(text) => out.write_str(text),
            Self::Text(text) => {
                quote(out, text);
                Ok(())
            }
            Self::Object(fields) => {
                object(out, fields, depth);
                Ok(())
            }
        };
    }
}

/// A datagram's bytes.
pub(crate) fn datagram(fields: &Fields) -> Vec<u8> {
    let mut out = String::with_capacity(512);
    object(&mut out, fields, 0);
    out.into_bytes()
}

fn object(out: &mut String, fields: &Fields, depth: usize) {
    out.push_str("{\n");
    for (index, (name, value)) in fields.iter().enumerate() {
        indent(out, depth + 1);
        quote(out, name);
        out.push_str(":\t");
        value.print(out, depth + 1);
        out.push_str(if index + 1 < fields.len() { ",\n" } else { "\n" });
    }
    indent(out, depth);
    out.push('}');
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n('\t', depth));
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 32 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_the_firmware_does() {
        let reply = vec![
            ("id", Json::Int(0)),
            ("src", Json::text("VenusE 3.0-020000000001")),
            (
                "error",
                Json::Object(vec![
                    ("code", Json::Int(-32_700)),
                    ("message", Json::text("Parse error")),
                    ("data", Json::Int(403)),
                ]),
            ),
        ];
        // Byte for byte the text of a capture (jaapp/ha-marstek-local-api#85, MAC masked).
        let captured = "{\n\t\"id\":\t0,\n\t\"src\":\t\"VenusE 3.0-020000000001\",\n\t\"error\":\t{\n\t\t\"code\":\t-32700,\n\t\t\"message\":\t\"Parse error\",\n\t\t\"data\":\t403\n\t}\n}";
        assert_eq!(String::from_utf8(datagram(&reply)).unwrap(), captured);
    }

    #[rstest::rstest]
    #[case(Json::tenths(313.6), "314.0")]
    #[case(Json::tenths(-4.0), "-4.0")]
    #[case(Json::int(-166.4), "-166")]
    #[case(Json::int(f64::NAN), "0")]
    #[case(Json::Bool(true), "true")]
    #[case(Json::Null, "null")]
    #[case(Json::text("a\"b\\\u{1}\n"), "\"a\\\"b\\\\\\u0001\\n\"")]
    fn prints_a_value(#[case] value: Json, #[case] text: &str) {
        let mut out = String::new();
        value.print(&mut out, 0);
        assert_eq!(out, text);
    }
}

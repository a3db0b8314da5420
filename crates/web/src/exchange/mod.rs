//! Stored values as text for other programs, one line each.
//!
//! ```text
//! time,device,metric,value,unit                           CSV (RFC 4180, lines end in \n)
//! 2026-11-21T08:00:00.123Z,gx,battery_soc,81.0,%
//! battery_soc,device=gx value=81.0 1795248000123          InfluxDB's line protocol, time stamps in milliseconds
//! ```
//!
//! Numbers have exactly the decimals that the catalogue declares, so that what is written, read and written again is
//! the same to the byte.

mod choice;

use std::borrow::Cow;
use std::fmt::Write as _;

use ohmstead_model::catalogue::Unit;
use ohmstead_model::{Metric, UnixMillis, Value};

pub use choice::{Choice, ChoiceError};

use crate::shape::iso;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// `time,device,metric,value,unit`.
    Csv,
    /// InfluxDB's line protocol.
    Line,
}

/// The first line of a CSV file.
pub const CSV_HEAD: &str = "time,device,metric,value,unit";

impl TextFormat {
    /// The format of that key.
    pub fn of_key(key: &str) -> Option<Self> {
        match key {
            "csv" => Some(Self::Csv),
            "line" => Some(Self::Line),
            _ => None,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Line => "text/plain; charset=utf-8",
        }
    }

    /// What stands before all values.
    pub fn head(self) -> String {
        match self {
            Self::Csv => format!("{CSV_HEAD}\n"),
            Self::Line => String::new(),
        }
    }

    /// Appends the line of one value.
    pub fn write(self, to: &mut String, device: &str, metric: Metric, at: UnixMillis, value: &Value) {
        // Writing to a text cannot fail.
        let _ = match self {
            Self::Csv => {
                let unit = metric.def().unit.map_or("", Unit::symbol);
                let (time, value) = (iso(at), plain(metric, value));
                let (device, metric) = (quoted(device), quoted(metric.id()));
                writeln!(to, "{time},{device},{metric},{},{}", quoted(&value), quoted(unit))
            }
            Self::Line => {
                let (name, device) = (escaped(metric.id(), ", "), escaped(device, ",= "));
                match value {
                    Value::Number(_) => {
                        writeln!(to, "{name},device={device} value={} {}", plain(metric, value), at.0)
                    }
                    Value::State(_) | Value::Text(_) => {
                        let text = escaped(value.as_str().unwrap_or_default(), "\"\\").replace('\n', "\\n");
                        writeln!(to, "{name},device={device} value=\"{text}\" {}", at.0)
                    }
                }
            }
        };
    }
}

/// A number with the decimals of its metric, else the text.
pub fn plain(metric: Metric, value: &Value) -> Cow<'_, str> {
    match value {
        Value::Number(number) => {
            let decimals = usize::from(metric.def().decimals);
            Cow::Owned(format!("{:.decimals$}", metric.round(*number)))
        }
        Value::State(key) => Cow::Borrowed(key),
        Value::Text(text) => Cow::Borrowed(text),
    }
}

/// A field of CSV: in quotes where it holds what would end it, or would be taken away around it.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = !text.contains([',', '"', '\n', '\r']) && text.trim() == text;
    if is_plain { Cow::Borrowed(text) } else { Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))) }
}

/// `text` with a backslash before each of `special`.
fn escaped<'a>(text: &'a str, special: &str) -> Cow<'a, str> {
    if !text.contains(|c| special.contains(c)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if special.contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const AT: UnixMillis = UnixMillis(1_795_248_000_123);

    #[rstest]
    #[case(Metric::BatterySoc, Value::Number(81.0), "81.0,%", "value=81.0")]
    #[case(Metric::BatteryPower, Value::Number(-0.2), "0,W", "value=0")]
    #[case(Metric::BatteryVoltage, Value::Number(51.2), "51.20,V", "value=51.20")]
    #[case(Metric::BatteryMode, Value::State("auto"), "auto,", "value=\"auto\"")]
    #[case(
        Metric::BatteryModeNative,
        Value::text("a, \"b\"\\"),
        "\"a, \"\"b\"\"\\\",",
        r#"value="a, \"b\"\\""#
    )]
    #[case(Metric::BatteryModeNative, Value::text(" \nx"), "\" \nx\",", r#"value=" \nx""#)]
    fn values_as_lines(#[case] metric: Metric, #[case] value: Value, #[case] csv: &str, #[case] line: &str) {
        let written = |format: TextFormat| {
            let mut text = String::new();
            format.write(&mut text, "gx", metric, AT, &value);
            text
        };
        assert_eq!(written(TextFormat::Csv), format!("2026-11-21T08:00:00.123Z,gx,{metric},{csv}\n"));
        assert_eq!(written(TextFormat::Line), format!("{metric},device=gx {line} 1795248000123\n"));
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(escaped("a b=c,d", ",= "), "a\\ b\\=c\\,d");
    }
}

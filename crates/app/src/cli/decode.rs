//! `decode`: one captured datagram or frame, explained.

use std::fs;
use std::io::Read as _;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use ohmstead_drivers::marstek::{self, Method};
use ohmstead_drivers::voltronic::{self, Family};
use ohmstead_model::catalogue::Unit;
use ohmstead_model::{Metric, Observation, Value};
use serde_json::{Map, json};

use super::Common;
use super::table::table;
use crate::failure::{Code, Failure};
use crate::print;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Debug, Subcommand)]
enum Protocol {
    /// A datagram of Marstek's local API
    Marstek(Marstek),
    /// A frame of a Voltronic (Axpert) inverter
    Voltronic(Voltronic),
}

#[derive(Debug, Args)]
struct Capture {
    /// The capture's text; `-` reads standard input, `@FILE` a file
    #[arg(required_unless_present = "hex", value_name = "TEXT|-|@FILE")]
    text: Option<String>,
    /// The capture in hexadecimal digits, blanks allowed
    #[arg(long, conflicts_with = "text")]
    hex: Option<String>,
}

#[derive(Debug, Args)]
struct Voltronic {
    #[command(flatten)]
    capture: Capture,
    /// What was asked, such as QPIGS; without it the answer's shape tells
    #[arg(long)]
    command: Option<String>,
    /// PI30, PI30MAX, PI30REVO, PI41, PI18 or PI17, where the answer alone does not tell
    #[arg(long, value_parser = family)]
    family: Option<Family>,
}

fn family(name: &str) -> Result<Family, String> {
    let names = || Family::ALL.map(Family::name).join(", ");
    Family::by_name(name).ok_or_else(|| format!("expected one of {}", names()))
}

#[derive(Debug, Args)]
struct Marstek {
    #[command(flatten)]
    capture: Capture,
    /// The method that was asked, such as ES.GetMode, where the reply alone does not tell
    #[arg(long, value_parser = method)]
    method: Option<Method>,
    /// The unit's model, such as "VenusE 3.0", where `src` does not tell
    #[arg(long)]
    model: Option<String>,
    /// The unit's raw firmware version: units of numbers differ by firmware
    #[arg(long)]
    firmware: Option<f64>,
}

fn method(name: &str) -> Result<Method, String> {
    let names = || Method::ALL.map(Method::name).join(", ");
    Method::by_name(name).ok_or_else(|| format!("expected one of {}", names()))
}

/// The largest capture that is read; no datagram is larger.
const CAPTURE_MAX: u64 = 1 << 17;

/// What a capture says, whichever the protocol.
struct Explained {
    what: String,
    values: Vec<(Metric, Observation)>,
    raw: Vec<(String, String)>,
}

pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let explained = match &arguments.protocol {
        Protocol::Marstek(options) => {
            let bytes = bytes(&options.capture)?;
            marstek::explain(&bytes, options.method, options.model.as_deref(), options.firmware)
                .map(|marstek::Explained { what, values, raw }| Explained { what, values, raw })
                .map_err(anyhow::Error::from)
        }
        Protocol::Voltronic(options) => {
            let bytes = frame(bytes(&options.capture)?, options.capture.hex.is_some());
            voltronic::explain(&bytes, options.command.as_deref(), options.family)
                .map(|voltronic::Explained { what, values, raw }| Explained { what, values, raw })
                .map_err(anyhow::Error::from)
        }
    };
    match explained {
        Ok(explained) => {
            let raw: Map<_, _> =
                explained.raw.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
            let values: Map<_, _> = explained
                .values
                .iter()
                .map(|(metric, seen)| (metric.id().to_owned(), value_json(*metric, seen)))
                .collect();
            let json = json!({ "ok": true, "what": explained.what, "values": values, "raw": raw });
            common.print(&json, || text(&explained))
        }
        Err(error) => {
            if common.json {
                print::out(format!("{:#}", json!({ "ok": false, "error": error.to_string() })))?;
            }
            Err(Failure::of(Code::Failed, error))
        }
    }
}

/// A frame that was given as text lost the carriage return that ends it.
fn frame(mut bytes: Vec<u8>, is_exact: bool) -> Vec<u8> {
    if !is_exact && !bytes.contains(&b'\r') {
        bytes.push(b'\r');
    }
    bytes
}

fn bytes(arguments: &Capture) -> Result<Vec<u8>, Failure> {
    if let Some(hex) = &arguments.hex {
        return unhex(hex)
            .ok_or_else(|| Failure::new(Code::Usage, "--hex: expected pairs of hexadecimal digits"));
    }
    let text = arguments.text.as_deref().unwrap_or_default();
    if text == "-" {
        return read(std::io::stdin().lock(), "standard input");
    }
    match text.strip_prefix('@') {
        Some(path) => read(fs::File::open(path).with_context(|| format!("cannot open {path}"))?, path),
        None => Ok(text.as_bytes().to_vec()),
    }
}

fn read(from: impl std::io::Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(CAPTURE_MAX).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
    // An editor ends the last line; a datagram does not.
    while bytes.last().is_some_and(u8::is_ascii_whitespace) {
        bytes.pop();
    }
    Ok(bytes)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b':').collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

fn value_json(metric: Metric, seen: &Observation) -> serde_json::Value {
    let unit = metric.def().unit.map(Unit::symbol);
    match seen {
        Ok(Value::Number(number)) => json!({ "value": metric.round(*number), "unit": unit }),
        Ok(value) => json!({ "value": value.as_str(), "unit": unit }),
        Err(why) => json!({ "value": null, "unit": unit, "why": why.to_string() }),
    }
}

fn text(explained: &Explained) -> String {
    let values: Vec<_> = explained
        .values
        .iter()
        .map(|(metric, seen)| vec![format!("  {metric}"), shown(*metric, seen)])
        .collect();
    let raw: Vec<_> =
        explained.raw.iter().map(|(name, text)| vec![format!("  {name}"), text.clone()]).collect();
    let mut parts = vec![explained.what.clone()];
    if !values.is_empty() {
        parts.push(format!("values:\n{}", table(&values, &[])));
    }
    parts.push(format!("as sent:\n{}", table(&raw, &[])));
    parts.join("\n")
}

fn shown(metric: Metric, seen: &Observation) -> String {
    match seen {
        Ok(Value::Number(number)) => {
            let unit = metric.def().unit.map_or("", Unit::symbol);
            format!("{} {unit}", metric.round(*number)).trim_end().to_owned()
        }
        Ok(value) => value.as_str().unwrap_or_default().to_owned(),
        Err(why) => format!("unknown: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_in_every_dress() {
        assert_eq!(unhex("7b 7D"), Some(b"{}".to_vec()));
        assert_eq!(unhex("7b:7d"), Some(b"{}".to_vec()));
        assert_eq!(unhex("7b7"), None);
        assert_eq!(unhex("zz"), None);
    }
}

//! Every known frame of the protocols: questions byte for byte, answers to the documented values, damaged ones refused with
//! their reason. The captures are not part of this repository: the folder that holds them is named by `OHMSTEAD_SHARED`.

use std::collections::BTreeMap;

use ohmstead_drivers::voltronic::{ExplainError, Explained, Family, explain, question_bytes};
use serde_json::Value;

fn vectors() -> Option<Value> {
    let file = std::env::var_os("OHMSTEAD_SHARED")
        .map(|shared| std::path::Path::new(&shared).join("data/voltronic/vectors.json"));
    let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    if text.is_none() {
        // Said where people look for it: `--no-capture`.
        std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: OHMSTEAD_SHARED names no folder with the captures\n",
        )
        .unwrap();
    }
    text.map(|text| serde_json::from_str(&text).expect("the captures are JSON"))
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("hexadecimal digits").as_bytes();
    hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn questions_are_byte_for_byte_the_documented_ones() {
    let Some(vectors) = vectors() else { return };
    for (list, family) in [("pi30_command_frames", Family::Pi30), ("pi18_command_frames", Family::Pi18)] {
        let frames = vectors[list].as_array().expect("a list");
        assert!(frames.len() > 10);
        for frame in frames {
            let command = frame["command"].as_str().unwrap();
            // Setters of the family have a letter of their own.
            let is_setter = frame["ascii"].as_str().is_some_and(|ascii| ascii.starts_with("^S"));
            let spelled = if is_setter { format!("S:{command}") } else { command.to_owned() };
            assert_eq!(question_bytes(family, &spelled), bytes(&frame["frame_hex"]), "{command}");
        }
    }
}

/// Keys of the captures whose name here is another one.
const RENAMED: &[(&str, &str)] = &[
    ("mode", "value"),
    ("mode_code", "value"),
    // The captures name the fields of PI30REVO after those of PI30, where they mean something else.
    ("battery_discharge_current", "solar_energy_of_day"),
    ("battery_voltage_offset_fans", "reserved_17"),
    ("eeprom_version", "reserved_18"),
    ("pv_charging_power", "reserved_19"),
    ("device_status_2", "reserved_20"),
    ("solar_current", "solar_power"),
];

/// A documented value against the raw field of that name.
fn same(expected: &Value, raw: &str) -> bool {
    match expected {
        Value::Number(number) => {
            let (expected, raw) = (number.as_f64().unwrap(), raw.trim().parse::<f64>().unwrap_or(f64::NAN));
            // Some families send tenths.
            (expected - raw).abs() < 1e-9 || (expected - raw / 10.0).abs() < 1e-9
        }
        Value::String(text) => text.trim() == raw.trim(),
        other => panic!("{other} is no documented value"),
    }
}

/// What a capture should give, key by key; the keys that nothing here explains.
fn unexplained(id: &str, decoded: &serde_json::Map<String, Value>, explained: &Explained) -> Vec<String> {
    let raw: BTreeMap<_, _> =
        explained.raw.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let values: BTreeMap<_, _> = explained.values.iter().map(|(metric, seen)| (metric.id(), seen)).collect();
    let mut wrong = Vec::new();
    for (key, expected) in decoded {
        let is_right = match (key.as_str(), expected) {
            ("tokens", Value::Array(tokens)) => {
                let listed: Vec<_> = explained
                    .raw
                    .iter()
                    .filter(|(name, _)| name != "grid_failed")
                    .map(|(_, text)| text.as_str())
                    .collect();
                let joined = listed.join(" ");
                let wanted: Vec<_> = tokens.iter().filter_map(Value::as_str).collect();
                let flat = |text: &str| text.replace([' ', ','], "");
                flat(&joined).starts_with(&flat(&wanted.join(" ")))
            }
            ("enabled" | "disabled", Value::Array(letters)) => {
                let state = if key == "enabled" { "yes" } else { "no" };
                let set = values.iter().filter(|(id, seen)| {
                    id.starts_with("flag_") && seen.as_ref().is_ok_and(|value| value.as_str() == Some(state))
                });
                // `l` and `n` are sent by some units and documented nowhere.
                let known =
                    letters.iter().filter(|letter| !["l", "n", "m"].contains(&letter.as_str().unwrap()));
                set.count() == known.count()
            }
            ("length", Value::Number(length)) => raw["value"].len() as u64 == length.as_u64().unwrap(),
            ("set_bits", Value::Array(bits)) => {
                let set = raw["value"].bytes().enumerate().filter(|(_, byte)| *byte != b'0');
                let set: Vec<u64> = set.map(|(index, _)| index as u64).collect();
                let wanted: Vec<u64> =
                    bits.iter().map(|bit| bit.as_u64().or_else(|| bit["bit"].as_u64()).unwrap()).collect();
                set == wanted
            }
            ("mode", Value::String(mode)) if values.contains_key("inverter_mode") => {
                let native = values["inverter_mode_native"].as_ref().unwrap().as_str() == Some(mode);
                native || values["inverter_mode"].as_ref().is_ok_and(|value| value.as_str() == Some(mode))
            }
            ("ack", Value::Bool(true)) => explained.what.starts_with("the inverter says yes"),
            (key, expected) => {
                let renamed =
                    RENAMED.iter().find(|(theirs, _)| *theirs == key).and_then(|(_, ours)| raw.get(ours));
                let only = (raw.len() == 1).then(|| raw.values().next()).flatten();
                let text = raw.get(key).or(renamed).or(only);
                text.is_some_and(|text| same(expected, text))
            }
        };
        if !is_right {
            wrong.push(format!("{id} {key}: {expected} expected, {explained:?}"));
        }
    }
    wrong
}

fn family(name: &str) -> Option<Family> {
    Family::by_name(name)
}

#[test]
fn every_answer_decodes_to_the_documented_values_or_is_refused() {
    let Some(vectors) = vectors() else { return };
    let (mut valid, mut compared, mut corrupt, mut refusals, mut wrong) = (0, 0, 0, 0, Vec::new());
    for response in vectors["responses"].as_array().expect("a list") {
        let id = response["id"].as_str().unwrap();
        let command = response["command"].as_str().unwrap();
        let result = explain(
            &bytes(&response["response_hex"]),
            Some(command),
            family(response["family"].as_str().unwrap()),
        );
        match (response["kind"].as_str().unwrap(), result) {
            ("valid", Ok(explained)) => {
                valid += 1;
                let decoded = response["decoded"].as_object().cloned().unwrap_or_default();
                // The families that are not supported are only listed raw.
                if response["family"] != "PI16" {
                    compared += decoded.len();
                    wrong.extend(unexplained(id, &decoded, &explained));
                }
            }
            ("corrupt", Err(ExplainError::Corrupt(_))) => corrupt += 1,
            ("nak", Err(ExplainError::Refusal)) => refusals += 1,
            (kind, result) => wrong.push(format!("{id} is {kind}: {result:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((valid, corrupt, refusals), (131, 5, 3));
    assert!(compared > 900, "{compared} values compared");
}

#[test]
fn damaged_answers_say_what_is_wrong() {
    let Some(vectors) = vectors() else { return };
    let why = |id: &str| {
        let response =
            vectors["responses"].as_array().unwrap().iter().find(|response| response["id"] == id).unwrap();
        explain(&bytes(&response["response_hex"]), None, None).unwrap_err().to_string()
    };
    assert_eq!(why("v012"), "this is no good frame: the checksum does not fit");
    assert_eq!(why("v029"), "this is no good frame: the checksum does not fit");
    assert_eq!(why("v038"), "this is no good frame: the checksum does not fit");
}

/// The canonical values of captures that owners explained.
#[test]
fn captures_give_the_values_that_their_owners_saw() {
    let Some(vectors) = vectors() else { return };
    let value = |id: &str, metric: &str| {
        let response =
            vectors["responses"].as_array().unwrap().iter().find(|response| response["id"] == id).unwrap();
        let family = family(response["family"].as_str().unwrap());
        let explained =
            explain(&bytes(&response["response_hex"]), response["command"].as_str(), family).unwrap();
        let found = explained.values.into_iter().find(|(known, _)| known.id() == metric);
        found.and_then(|(metric, seen)| seen.ok()?.number().map(|number| metric.round(number)))
    };
    // Field 19, not voltage times current (1453 W).
    assert_eq!(value("v066", "pv_power"), Some(856.0));
    assert_eq!(value("v066", "battery_power"), Some(-690.0));
    assert_eq!(value("v016", "pv_power"), Some(473.0));
    assert_eq!(value("v053", "battery_power"), Some(264.0), "5 A out of 52.8 V");
    assert_eq!(value("v043", "load_power"), Some(3724.0), "five digits");
    assert_eq!(value("v081", "battery_current"), Some(-20.0));
    assert_eq!(value("v019", "pv_power_2"), Some(205.0));
    assert_eq!(value("v001", "battery_current"), Some(-4.0), "PI18");
    assert_eq!(value("v010", "pv_energy"), None, "Wh or kWh: not without the unit's rating");
    assert_eq!(value("v089", "pv_energy"), Some(238.8));
}

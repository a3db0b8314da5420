//! Every known frame of the protocols: questions byte for byte, answers to the documented values, damaged ones refused with
//! their reason. The captures are not part of this repository: the folder that holds them is named by `OHMSTEAD_SHARED`.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

mod mapping;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mapping::To;
use ohmstead_drivers::voltronic::{ExplainError, Explained, Family, explain, question_bytes};
use serde_json::Value;

fn say(text: &str) {
    // Said where people look for it: `--no-capture`.
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}

fn vectors() -> Option<Value> {
    let file = std::env::var_os("OHMSTEAD_SHARED")
        .map(|shared| std::path::Path::new(&shared).join("data/voltronic/vectors.json"));
    let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    if text.is_none() {
        say("skipped: OHMSTEAD_SHARED names no folder with the captures\n");
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
    let lists = [
        ("pi30_command_frames", Family::Pi30, "command", "frame_hex", 107),
        ("pi18_command_frames", Family::Pi18, "command", "frame_hex", 15),
    ];
    for (list, family, name, hex, count) in lists {
        let frames = vectors[list].as_array().expect("a list");
        assert_eq!(frames.len(), count, "{list}");
        for frame in frames {
            let command = frame[name].as_str().unwrap();
            // Setters of the family have a letter of their own.
            let is_setter = frame["ascii"].as_str().is_some_and(|ascii| ascii.starts_with("^S"));
            let spelled = if is_setter { format!("S:{command}") } else { command.to_owned() };
            assert_eq!(question_bytes(family, &spelled), bytes(&frame[hex]), "{command}");
        }
    }
}

#[test]
fn checksums_are_the_documented_ones() {
    let Some(vectors) = vectors() else { return };
    let known = vectors["crc_vectors"].as_array().expect("a list");
    assert_eq!(known.len(), 22);
    for vector in known {
        let text = vector["ascii"].as_str().expect("text");
        let frame = question_bytes(Family::Pi30, text);
        assert_eq!(frame[text.len()..text.len() + 2], bytes(&vector["sent"]), "{text}");
    }
}

/// An answer, for looking things up in it.
struct Answer<'a> {
    explained: &'a Explained,
    family: &'a str,
    command: &'a str,
    /// Every documented key.
    decoded: &'a serde_json::Map<String, Value>,
}

impl Answer<'_> {
    fn raw(&self, name: &str) -> &str {
        let found = self.explained.raw.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, text)| text.trim())
    }

    fn number(&self, metric: &str) -> Option<f64> {
        let found = self.explained.values.iter().find(|(known, _)| known.id() == metric)?;
        found.1.as_ref().ok()?.number()
    }

    fn text(&self, metric: &str) -> &str {
        let found = self.explained.values.iter().find(|(known, _)| known.id() == metric);
        found.and_then(|(_, seen)| seen.as_ref().ok()?.as_str()).unwrap_or("")
    }

    /// The raw fields one after the other; names of complaints stand behind them.
    fn fields(&self, count: usize) -> Vec<&str> {
        let whole = self.raw("value");
        if !whole.is_empty() {
            return whole.split([' ', ',']).collect();
        }
        self.explained.raw.iter().take(count).map(|(_, text)| text.as_str()).collect()
    }

    /// Whether the answer has what is documented under `key`, and where that was looked for.
    fn has(&self, key: &str, expected: &Value) -> (bool, String) {
        let expected_text = match expected {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        let list: Vec<&str> = expected
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        match (key, self.family, self.command) {
            ("ack", _, _) => (self.explained.what.starts_with("the inverter says yes"), "ACK".to_owned()),
            // Not supported: nothing but the fields one after the other.
            (_, "PI16", _) => {
                let position = self.decoded.keys().position(|known| known == key).expect("one of them");
                let text = self.explained.raw.get(position).map_or("", |(_, text)| text.as_str());
                (is_same(expected, text, 1.0), format!("field {position}"))
            }
            ("value", _, "QET") => (
                is_close(self.number("pv_energy"), expected_text.parse::<f64>().unwrap() / 1000.0),
                "pv_energy".to_owned(),
            ),
            ("value", _, _) => (self.fields(1).concat() == expected_text, "the whole".to_owned()),
            ("mode", _, _) => {
                let known =
                    mapping::mode(&expected_text).unwrap_or_else(|| panic!("mode {expected_text} is new"));
                (self.text("inverter_mode") == known, "inverter_mode".to_owned())
            }
            ("mode_code", _, _) => (
                self.text("inverter_mode_native").parse().ok() == expected.as_i64(),
                "inverter_mode_native".to_owned(),
            ),
            ("length", _, _) => {
                (self.raw("value").len() as u64 == expected.as_u64().unwrap(), "length".to_owned())
            }
            ("set_bits", _, _) => (self.bits() == numbers(expected), "flags".to_owned()),
            ("enabled" | "disabled", _, _) => {
                let wanted = if key == "enabled" { "yes" } else { "no" };
                let known: Vec<_> = list.iter().filter_map(|letter| mapping::switch(letter)).collect();
                (
                    known.iter().all(|switch| self.text(switch) == wanted) && !known.is_empty(),
                    "flag_*".to_owned(),
                )
            }
            ("tokens", "PI18", "FLAG") => {
                let set = |text: &str| if text == "1" { "yes" } else { "no" };
                let mut each = mapping::SWITCHES_18.iter().zip(&list);
                (each.all(|(switch, text)| self.text(switch) == set(text)), "flag_*".to_owned())
            }
            ("tokens", _, _) => (self.fields(list.len()) == list, "fields".to_owned()),
            _ => self.mapped(key, expected, &expected_text),
        }
    }

    fn mapped(&self, key: &str, expected: &Value, expected_text: &str) -> (bool, String) {
        let rows = mapping::rows(self.family, self.command)
            .unwrap_or_else(|| panic!("{} {} has no mapping", self.family, self.command));
        let found = rows.iter().find(|(known, _)| *known == key);
        let (_, to) =
            found.unwrap_or_else(|| panic!("{} {} {key} has no mapping", self.family, self.command));
        let right = match *to {
            To::Metric(metric) => is_close(self.number(metric), expected.as_f64().unwrap_or(f64::NAN)),
            To::State(metric, states) => {
                let known = states.iter().find(|(code, _)| *code == expected_text);
                known.is_some_and(|(_, state)| self.text(metric) == *state)
            }
            To::Text(metric) => self.text(metric) == expected_text,
            To::Raw(name) => is_same(expected, self.raw(name), 1.0),
            To::RawTenths(name) => is_same(expected, self.raw(name), 0.1),
        };
        (right, to.place())
    }

    fn bits(&self) -> Vec<u64> {
        let set = self.raw("value").bytes().enumerate().filter(|(_, byte)| *byte != b'0');
        set.map(|(index, _)| index as u64).collect()
    }

    /// What the documents do not spell out: one signed battery current and power from two unsigned currents.
    fn is_battery_right(&self) -> bool {
        let of = |key: &str| self.decoded.get(key).and_then(Value::as_f64);
        let (Some(charging), Some(discharging), Some(volts)) =
            (of("battery_charge_current"), of("battery_discharge_current"), of("battery_voltage"))
        else {
            return true;
        };
        // REVO does not tell the one, PI16 is not supported.
        if matches!(self.family, "PI30REVO" | "PI16") {
            return self.number("battery_current").is_none();
        }
        is_close(self.number("battery_current"), discharging - charging)
            && is_close(self.number("battery_power"), volts * (discharging - charging))
    }
}

fn numbers(list: &Value) -> Vec<u64> {
    let each = list.as_array().expect("a list").iter();
    each.map(|bit| bit.as_u64().or_else(|| bit["bit"].as_u64()).expect("a number")).collect()
}

fn is_close(seen: Option<f64>, expected: f64) -> bool {
    seen.is_some_and(|seen| (seen - expected).abs() < 1e-6)
}

/// A documented value against a raw field.
fn is_same(expected: &Value, raw: &str, scale: f64) -> bool {
    match expected {
        Value::Number(number) => {
            is_close(raw.parse::<f64>().ok().map(|raw| raw * scale), number.as_f64().unwrap())
        }
        Value::String(text) => text.trim() == raw,
        other => panic!("{other} is no documented value"),
    }
}

#[test]
fn every_answer_decodes_to_the_documented_values_or_is_refused() {
    let Some(vectors) = vectors() else { return };
    let (mut valid, mut corrupt, mut refusals, mut wrong) = (0, 0, 0, Vec::new());
    let mut compared: BTreeMap<String, usize> = BTreeMap::new();
    for response in vectors["responses"].as_array().expect("a list") {
        let of = |key: &str| response[key].as_str().expect("text");
        let (id, name, command) = (of("id"), of("family"), of("command"));
        let family = Family::by_name(name);
        match (of("kind"), explain(&bytes(&response["response_hex"]), Some(command), family)) {
            ("valid", Ok(explained)) => {
                valid += 1;
                let decoded = response["decoded"].as_object().cloned().unwrap_or_default();
                let answer = Answer { explained: &explained, family: name, command, decoded: &decoded };
                for (key, expected) in &decoded {
                    let (right, place) = answer.has(key, expected);
                    *compared.entry(format!("{name} {command} {key} -> {place}")).or_default() += 1;
                    if !right {
                        wrong.push(format!(
                            "{id} {name} {command} {key}: {expected} expected at {place}, {explained:?}"
                        ));
                    }
                }
                if !answer.is_battery_right() {
                    wrong.push(format!("{id}: battery power, {explained:?}"));
                }
            }
            ("corrupt", Err(ExplainError::Corrupt(_))) => corrupt += 1,
            ("nak", Err(ExplainError::Refusal)) => refusals += 1,
            (kind, result) => wrong.push(format!("{id} is {kind}: {result:?}")),
        }
    }
    let mut told = String::new();
    for (what, count) in &compared {
        writeln!(told, "{count:4} {what}").unwrap();
    }
    let sum: usize = compared.values().sum();
    say(&format!(
        "{told}{sum} values compared in {valid} answers; {corrupt} damaged and {refusals} refusals\n"
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((valid, corrupt, refusals), (131, 5, 3));
    assert!(sum > 1000, "{sum} values compared");
}

fn response<'a>(vectors: &'a Value, id: &str) -> &'a Value {
    vectors["responses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|response| response["id"] == id)
        .expect("a known one")
}

#[test]
fn damaged_answers_say_what_is_wrong() {
    let Some(vectors) = vectors() else { return };
    let why = |id: &str| {
        explain(&bytes(&response(&vectors, id)["response_hex"]), None, None).unwrap_err().to_string()
    };
    for id in ["v012", "v029", "v031", "v036", "v038"] {
        let told = why(id);
        say(&format!("{id}: {told}\n"));
        assert!(told.starts_with("this is no good frame: "), "{id}: {told}");
    }
    assert_eq!(why("v029"), "this is no good frame: the checksum does not fit");
}

/// The canonical values of captures that owners explained.
#[test]
fn captures_give_the_values_that_their_owners_saw() {
    let Some(vectors) = vectors() else { return };
    let value = |id: &str, metric: &str| {
        let response = response(&vectors, id);
        let family = Family::by_name(response["family"].as_str().unwrap());
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

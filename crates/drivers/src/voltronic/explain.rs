//! One captured frame, explained: what it is, and the canonical values in it.

use ohmstead_model::{Metric, Observation, Unknown};

use super::crc;
use super::decode::{self, Context};
use super::families::Family;
use super::frame::{Corrupt, CrcOut, Dialect, Payload, Receiver, encode};
use super::table::{self, Query};

/// What a frame says.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// What it is, for people.
    pub what: String,
    /// The canonical values, each with what was observed.
    pub values: Vec<(Metric, Observation)>,
    /// Every field as it was received, by name.
    pub raw: Vec<(String, String)>,
}

/// Why a frame could not be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// It is damaged, or none at all.
    #[error("this is no good frame: {0}")]
    Corrupt(String),
    /// It is not complete.
    #[error("the frame does not end: expected a carriage return (0d) at the end of {0} bytes")]
    Unfinished(usize),
    /// The inverter refuses.
    #[error("the inverter says no (NAK): it does not know the command, or not with this value, or not now")]
    Refusal,
}

/// Explains `bytes`. `command` is what was asked, where known; otherwise it is told from the shape of the answer.
pub fn explain(
    bytes: &[u8],
    command: Option<&str>,
    family: Option<Family>,
) -> Result<Explained, ExplainError> {
    let mut receiver = Receiver::new(Dialect::Paren);
    receiver.push(bytes);
    let frames: Vec<_> = std::iter::from_fn(|| receiver.next()).collect();
    if let Some(payload) = frames.iter().flatten().last() {
        return answer(payload, command, family);
    }
    match frames.into_iter().filter_map(Result::err).next_back() {
        Some(Corrupt::Foreign(_)) if question(bytes).is_some() => {
            let asked = question(bytes).unwrap_or_default();
            Ok(Explained { what: format!("a question: {asked}"), values: Vec::new(), raw: Vec::new() })
        }
        Some(why) => Err(ExplainError::Corrupt(why.to_string())),
        None => Err(ExplainError::Unfinished(bytes.len())),
    }
}

/// The bytes with which a unit of `family` is asked for `command`, such as `QPIGS` or `GS`.
pub fn question_bytes(family: Family, command: &str) -> Vec<u8> {
    encode(family.dialect(), command, CrcOut::Classic)
}

/// The command of a question with a good checksum.
fn question(bytes: &[u8]) -> Option<String> {
    let line: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let [command @ .., high, low, b'\r'] = line.as_slice() else { return None };
    let is_text = !command.is_empty() && command.iter().all(u8::is_ascii_graphic);
    (is_text && crc::classic(command) == [*high, *low]).then(|| String::from_utf8_lossy(command).into_owned())
}

fn answer(
    payload: &Payload,
    command: Option<&str>,
    family: Option<Family>,
) -> Result<Explained, ExplainError> {
    if payload.is_nak() {
        return Err(ExplainError::Refusal);
    }
    let asked = command.map_or(String::new(), |command| format!(" to {command}"));
    if payload.is_ack() {
        let what =
            format!("the inverter says yes (ACK){asked}; whether it does so, only reading it back shows");
        return Ok(Explained { what, values: Vec::new(), raw: Vec::new() });
    }
    let Some((family, query)) = find(payload, command, family) else {
        let fields = table::split(payload.body(), payload.is_caret());
        let raw =
            fields.iter().enumerate().map(|(index, text)| (format!("field_{index}"), (*text).to_owned()));
        let what = format!("an answer{asked} that has no table");
        return Ok(Explained { what, values: Vec::new(), raw: raw.collect() });
    };
    let decoded = decode::read_of(family, query, payload, &mut Context::default());
    let states = decoded.states.iter().flatten();
    let states =
        states.map(|named| (named.key.to_owned(), format!("{}: {}", named.severity.key(), named.text)));
    // What other answers are needed for is not in this frame.
    let told = decoded.values.into_iter().filter(|(_, seen)| !matches!(seen, Err(Unknown::NotReported)));
    let extra = if decoded.extra > 0 {
        format!(", {} fields more than are known", decoded.extra)
    } else {
        String::new()
    };
    let what = format!("an answer to {} ({family}{extra})", query.command);
    Ok(Explained { what, values: told.collect(), raw: decoded.raw.into_iter().chain(states).collect() })
}

/// The table for an answer: the command's, else the first that it fits.
fn find(
    payload: &Payload,
    command: Option<&str>,
    family: Option<Family>,
) -> Option<(Family, &'static Query)> {
    let likely = || match (payload.is_caret(), table::split(payload.body(), payload.is_caret()).len()) {
        (true, _) => vec![Family::Pi18, Family::Pi17],
        (false, 22..=24) => vec![Family::Pi30Max],
        (false, _) => vec![Family::Pi30, Family::Pi30Max, Family::Pi41],
    };
    let families = family.map_or_else(likely, |family| vec![family]);
    let queries = |family: Family| family.queries().iter().chain(family.members());
    let candidates = families.iter().flat_map(|family| queries(*family).map(|query| (*family, query)));
    // The numbers of a parallel set's units share one table.
    let wanted = command.map(str::to_ascii_uppercase);
    let shared = ["QPGS0", "QP2GS0"].into_iter();
    let shared =
        |command: &str| shared.clone().find(|of_set| command.starts_with(of_set.trim_end_matches('0')));
    let wanted = wanted.as_deref().map(|command| shared(command).unwrap_or(command));
    let mut asked = candidates.filter(|(_, query)| wanted.is_none_or(|command| query.command == command));
    asked.find(|(_, query)| table::fits(query, payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn frame(text: &str) -> Vec<u8> {
        [text.as_bytes(), &crc::classic(text.as_bytes()), b"\r"].concat()
    }

    fn check(bytes: &[u8], command: Option<&str>, expected: &Expect) {
        let shown = match explain(bytes, command, None) {
            Ok(explained) => {
                let values = explained.values.iter().map(|(metric, seen)| match seen {
                    Ok(value) => {
                        let unit = metric.def().unit.map_or("", |unit| unit.symbol());
                        let shown = value.number().map_or_else(
                            || value.as_str().unwrap_or_default().to_owned(),
                            |number| metric.round(number).to_string(),
                        );
                        format!("{metric} = {shown} {unit}").trim_end().to_owned()
                    }
                    Err(why) => format!("{metric}: {why}"),
                });
                std::iter::once(explained.what.clone()).chain(values).collect::<Vec<_>>().join("\n")
            }
            Err(error) => format!("error: {error}"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_classic_unit_charging_from_the_sun() {
        let text = "(000.0 00.0 230.0 49.9 0161 0119 003 460 57.50 012 100 0069 0014 103.8 57.45 00000 00110110 00 00 00856 010";
        check(
            &frame(text),
            Some("QPIGS"),
            &expect![[r#"
                an answer to QPIGS (PI30)
                grid_voltage = 0 V
                grid_frequency = 0 Hz
                inverter_voltage = 230 V
                inverter_frequency = 49.9 Hz
                inverter_apparent_power = 161 VA
                load_power = 119 W
                inverter_load_share = 3 %
                inverter_bus_voltage = 460 V
                battery_voltage = 57.5 V
                battery_soc = 100 %
                voltronic_solar_current = 14 A
                pv_voltage_1 = 103.8 V
                voltronic_battery_voltage_scc = 57.45 V
                voltronic_device_status = 00110110
                voltronic_battery_voltage_offset_fans = 0
                voltronic_eeprom_version = 0
                voltronic_device_status_2 = 010
                battery_current = -12 A
                battery_power = -690 W
                voltronic_battery_charge_current = 12 A
                voltronic_battery_discharge_current = 0 A
                inverter_temperature = 69 °C
                pv_power_1 = 856 W
                pv_power = 856 W"#]],
        );
    }

    #[test]
    fn an_old_unit_without_field_19_and_with_a_raw_temperature() {
        let text =
            "(230.0 50.0 230.0 50.0 0161 0119 003 380 27.50 000 100 0569 0014 063.8 27.40 00005 00010110";
        check(
            &frame(text),
            Some("QPIGS"),
            &expect![[r#"
                an answer to QPIGS (PI30)
                grid_voltage = 230 V
                grid_frequency = 50 Hz
                inverter_voltage = 230 V
                inverter_frequency = 50 Hz
                inverter_apparent_power = 161 VA
                load_power = 119 W
                inverter_load_share = 3 %
                inverter_bus_voltage = 380 V
                battery_voltage = 27.5 V
                battery_soc = 100 %
                voltronic_solar_current = 14 A
                pv_voltage_1 = 63.8 V
                voltronic_battery_voltage_scc = 27.4 V
                voltronic_device_status = 00010110
                battery_current = 5 A
                battery_power = 138 W
                voltronic_battery_charge_current = 0 A
                voltronic_battery_discharge_current = 5 A
                inverter_temperature: implausible: 569 is the raw value of the sensor, not degrees
                pv_power_1 = 384 W
                pv_power = 384 W"#]],
        );
    }

    #[test]
    fn the_settings_of_a_max() {
        let text = "(230.0 34.7 230.0 50.0 34.7 8000 8000 48.0 51.0 48.0 55.2 55.0 2 010 040 0 2 3 9 01 0 0 52.0 1 1 480 0 140";
        check(
            &frame(text),
            None,
            &expect![[r#"
            an answer to QPIRI (PI30)
            inverter_power_max = 8000 W
            battery_recharge_voltage = 51 V
            battery_cutoff_voltage = 48 V
            battery_bulk_voltage = 55.2 V
            battery_float_voltage = 55 V
            battery_type = user
            grid_charge_current_max = 10 A
            charge_current_max = 40 A
            inverter_input_range = appliance
            output_priority = solar_battery_utility
            charger_priority = solar_only
            battery_redischarge_voltage = 52 V
            battery_mode = auto
            battery_mode_native = SBU"#]],
        );
    }

    #[test]
    fn pi18() {
        let text = "^D1062312,500,0000,000,0000,0000,000,518,000,000,000,004,036,027,000,000,0302,0000,2438,0000,0,2,0,0,1,2,2,0";
        check(
            &frame(text),
            Some("GS"),
            &expect![[r#"
                an answer to GS (PI18)
                grid_voltage = 231.2 V
                grid_frequency = 50 Hz
                inverter_voltage = 0 V
                inverter_frequency = 0 Hz
                inverter_apparent_power = 0 VA
                load_power = 0 W
                inverter_load_share = 0 %
                battery_voltage = 51.8 V
                battery_soc = 36 %
                pv_power_1 = 302 W
                pv_power_2 = 0 W
                pv_voltage_1 = 243.8 V
                pv_voltage_2 = 0 V
                battery_current = -4 A
                battery_power = -207 W
                voltronic_battery_charge_current = 4 A
                voltronic_battery_discharge_current = 0 A
                pv_power = 302 W
                inverter_temperature = 27 °C"#]],
        );
    }

    #[test]
    fn what_is_not_an_answer_with_values() {
        check(
            &frame("(Q"),
            Some("QMOD"),
            &expect![[r#"
            an answer to QMOD (PI30)
            inverter_mode: implausible: mode letter "Q" is not known
            inverter_mode_native = Q"#]],
        );
        check(
            &frame("(ACK"),
            Some("POP02"),
            &expect!["the inverter says yes (ACK) to POP02; whether it does so, only reading it back shows"],
        );
        check(
            b"(NAKss\r",
            None,
            &expect![
                "error: the inverter says no (NAK): it does not know the command, or not with this value, or not now"
            ],
        );
        check(b"(NAOss\r", None, &expect!["error: this is no good frame: the checksum does not fit"]);
        check(&frame("QPIGS"), None, &expect!["a question: QPIGS"]);
        check(
            b"(230.0 50",
            None,
            &expect!["error: the frame does not end: expected a carriage return (0d) at the end of 9 bytes"],
        );
        check(&frame("(1 2 3"), Some("QWHAT"), &expect!["an answer to QWHAT that has no table"]);
    }
}

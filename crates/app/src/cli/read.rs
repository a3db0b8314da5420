//! `read`: what a device tells, with the age of each value.

use std::time::Duration;

use clap::Args;
use ohmstead_control::limiter::{Method, methods};
use ohmstead_model::Metric;
use ohmstead_model::catalogue::{Kind, PollClass};
use ohmstead_web::{device_json, native_json};
use serde_json::{Value, json};

use super::table::table;
use super::target::{self, Own, Target, daemon_failure, title};
use super::{Common, real_clock};
use crate::failure::{Code, Failure};
use crate::hub::span_words;
use crate::one_shot::Wanted;
use crate::socket::Question;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name in the configuration, or an address such as `marstek://192.0.2.7:30000`
    #[arg(value_name = "DEVICE|ADDRESS")]
    device: String,
    /// Say for each value what it means
    #[arg(long)]
    explain: bool,
    /// Print the vendor's own values too, where the driver has such a table
    #[arg(long)]
    native: bool,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let device = match target::find(common, &arguments.device).await? {
        Target::Daemon(mut client, name) => {
            let read = Question::Read { device: name.clone() };
            let mut device = client.ask(&read).await.map_err(daemon_failure)?;
            if arguments.native || explains_limits(arguments, &device) {
                let native = client.ask(&Question::Native { device: name }).await;
                device["native"] = native.map_err(daemon_failure)?;
            }
            device
        }
        Target::Own(own) => ask(&own, arguments).await?,
    };
    let device = with_limits(device, arguments);
    common.print(&device, || text(&device, arguments))?;
    if device["online"] == Value::Bool(true) {
        return Ok(());
    }
    let address = device["address"].as_str().unwrap_or_default();
    Err(Failure::new(Code::NoAnswer, format!("{} does not answer at {address}", title(&device))))
}

async fn ask(own: &Own, arguments: &Arguments) -> Result<Value, Failure> {
    let clock = real_clock();
    let (mut one_shot, _lock) = own.open(&clock)?;
    one_shot.poll(Wanted::Everything).await;
    let (state, now) = (one_shot.state(), clock.now());
    let mut device = device_json(&state, now);
    if arguments.native || explains_limits(arguments, &device) {
        device["native"] = native_json(&state, now);
    }
    Ok(device)
}

/// Whether it is said what became of venus-export-limiter's ways to limit.
fn explains_limits(arguments: &Arguments, device: &Value) -> bool {
    arguments.explain && device["driver"] == "victron"
}

/// Adds to the evidence which of venus-export-limiter's paths the device has, and what is used instead.
fn with_limits(mut device: Value, arguments: &Arguments) -> Value {
    if !explains_limits(arguments, &device) {
        return device;
    }
    let has = |class: &str, path: &str| {
        let parts = device["native"].as_object().into_iter().flatten();
        parts.map(|(key, _)| key).any(|key| is_path_of(key, class, path))
    };
    let report: Vec<_> = methods(has)
        .into_iter()
        .map(|Method { path, exists, instead }| {
            let seen = if exists { "there" } else { "not there" };
            json!({ "what": format!("venus-export-limiter: {path}"), "seen": seen, "means": instead })
        })
        .collect();
    if let Some(evidence) = device["evidence"].as_array_mut() {
        evidence.extend(report);
    }
    if !arguments.native
        && let Some(device) = device.as_object_mut()
    {
        device.remove("native");
    }
    device
}

/// Whether a key such as `vebus/276/Mode` or `settings/0/Settings/...` is this path of a part of this class.
fn is_path_of(key: &str, class: &str, path: &str) -> bool {
    let of_class = key.strip_prefix(class).and_then(|rest| rest.strip_prefix('/'));
    of_class.and_then(|rest| rest.find('/').map(|at| &rest[at..])).is_some_and(|rest| rest == path)
}

fn text(device: &Value, arguments: &Arguments) -> String {
    let values = || device["values"].as_object().into_iter().flatten();
    // Of a device that does not answer a list of dashes would only push away what its notices say.
    let told = arguments.explain
        || device["online"] != false
        || values().any(|(_, value)| !value["value"].is_null());
    let rows: Vec<_> =
        values().filter(|_| told).map(|(id, value)| row(id, value, arguments.explain)).collect();
    let notices = device["notices"].as_array().into_iter().flatten().map(notice);
    let evidence = if arguments.explain { evidence(device) } else { String::new() };
    let parts =
        std::iter::once(head(device)).chain(notices).chain([table(&rows, &[1]), evidence, native(device)]);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(device: &Value) -> String {
    let known = |key: &str, before: &str| device[key].as_str().map(|text| format!("{before}{text}"));
    let about = [
        known("model", ""),
        known("firmware", "firmware "),
        known("serial", "serial "),
        known("address", "at "),
    ];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let online = match device["online"].as_bool() {
        Some(true) => "answers",
        Some(false) => "does not answer",
        // It has answered, but not to what its driver must know before it counts.
        None if device["last_success"].is_string() => "answers, but was not recognised",
        None => "was not asked yet",
    };
    format!("{}: {about}: {online}", title(device))
}

fn notice(notice: &Value) -> String {
    let text = |key: &str| notice[key].as_str().unwrap_or_default();
    // What is to be copied stands on lines of its own.
    let hint = text("hint").replace('\n', "\n    ");
    format!("  {}: {}; {hint}", text("severity"), text("text"))
}

/// What the driver knows about the device, and what from.
fn evidence(device: &Value) -> String {
    let known = device["evidence"].as_array().into_iter().flatten();
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        vec![format!("  {}", text("what")), text("seen"), text("means")]
    };
    let rows: Vec<_> = known.map(row).collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("What the driver knows, and from what:\n{}", table(&rows, &[]))
    }
}

/// The device's own paths: value with unit or the name of the state, and what it means.
fn native(device: &Value) -> String {
    let Some(native) = device["native"].as_object() else { return String::new() };
    let row = |(path, value): (&String, &Value)| {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let shown = match value["state"].as_str() {
            Some(state) => format!("{state} ({})", value["value"]),
            None => clipped(&shown(None, value)),
        };
        let meaning = value["why"].as_str().map_or_else(
            || text("meaning"),
            |why| {
                if text("meaning").is_empty() {
                    why.to_owned()
                } else {
                    format!("{} ({why})", text("meaning"))
                }
            },
        );
        vec![format!("  {path}"), shown, meaning]
    };
    let rows: Vec<_> = native.iter().map(row).collect();
    if rows.is_empty() {
        return "It has told nothing in its own words.".to_owned();
    }
    let count = rows.len();
    format!("In its own words, {count} values:\n{}", table(&rows, &[]))
}

/// Some texts are lists of networks; with `--json` they are there as a whole.
fn clipped(text: &str) -> String {
    const SHOWN: usize = 48;
    let mut clipped: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        clipped.push_str("...");
    }
    clipped
}

fn row(id: &str, value: &Value, explain: bool) -> Vec<String> {
    let metric = ohmstead_drivers::metric(id);
    let label = metric.map_or(id, |metric| metric.def().label.en);
    let age = value["age_ms"]
        .as_u64()
        .map_or(String::new(), |age| format!("{} ago", span_words(Duration::from_millis(age))));
    let mut row = vec![format!("  {label}"), shown(metric, value), age];
    row.push(value["why"].as_str().map_or(String::new(), ToString::to_string));
    if explain {
        row.push(metric.map_or(String::new(), |metric| format!("{id}: {}", meaning(metric))));
    }
    row
}

/// The value with its unit; a dash where there is none.
fn shown(metric: Option<Metric>, value: &Value) -> String {
    let unit = value["unit"].as_str().map_or(String::new(), |unit| format!(" {unit}"));
    match (&value["value"], metric) {
        (Value::Number(number), Some(metric)) => {
            let decimals = usize::from(metric.def().decimals);
            format!("{:.decimals$}{unit}", number.as_f64().unwrap_or_default())
        }
        (Value::Number(number), None) => format!("{number}{unit}"),
        (Value::String(text), _) => text.clone(),
        (Value::Bool(truth), _) => truth.to_string(),
        (list @ (Value::Array(_) | Value::Object(_)), _) => list.to_string(),
        _ => "-".to_owned(),
    }
}

fn meaning(metric: Metric) -> String {
    let def = metric.def();
    let kind = match def.kind {
        Kind::Gauge => "a measurement".to_owned(),
        Kind::Counter => "a counter that only grows".to_owned(),
        Kind::State(states) => {
            format!("one of {}", states.iter().map(|state| state.key).collect::<Vec<_>>().join(", "))
        }
        Kind::Text => "text".to_owned(),
    };
    let sign = def.sign.words().map_or(String::new(), |words| format!(", {words}"));
    let often = match def.poll {
        PollClass::Fast => "read as often as the device bears",
        PollClass::Medium => "read about every minute",
        PollClass::Slow => "read every few minutes",
        PollClass::Quarter => "told once for each quarter of an hour",
    };
    format!("{kind}{sign}; {often}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn ways_of_before_are_looked_for_where_they_would_be() {
        assert!(is_path_of("vebus/276/Ac/PowerLimit", "vebus", "/Ac/PowerLimit"));
        assert!(is_path_of(
            "settings/0/Settings/CGwacs/MaxDischargePower",
            "settings",
            "/Settings/CGwacs/MaxDischargePower"
        ));
        assert!(!is_path_of("pvinverter/20/Ac/PowerLimit", "vebus", "/Ac/PowerLimit"));
        assert!(!is_path_of("vebus/276/Ac/PowerLimits", "vebus", "/Ac/PowerLimit"));
    }

    #[test]
    fn what_became_of_them_stands_among_the_evidence() {
        let gx = json!({ "driver": "victron", "evidence": [], "native": { "hub4/0/Overrides/MaxDischargePower": {} } });
        let shown = with_limits(gx, &arguments(true));
        let evidence: Vec<_> =
            shown["evidence"].as_array().unwrap().iter().map(|row| row["seen"].as_str()).collect();
        assert_eq!(evidence, [Some("not there"); 4]);
        assert_eq!(shown.get("native"), None, "it was not asked for");
        assert_eq!(with_limits(device(), &arguments(true)), device(), "of a GX device only");
    }

    fn device() -> Value {
        json!({
            "device": "fase_a", "driver": "marstek", "name": "Fase A", "model": "VenusE 3.0", "firmware": "150",
            "serial": null, "address": "192.0.2.7:30000", "online": true,
            "notices": [{ "code": "x", "severity": "warning", "text": "firmware 147", "hint": "update it" }],
            "values": {
                "battery_soc": { "value": 81.0, "unit": "%", "at": "2026-11-21T08:00:00.000Z", "age_ms": 812 },
                "battery_power": { "value": -790.0, "unit": "W", "at": "2026-11-21T08:00:00.000Z", "age_ms": 125_000 },
                "battery_mode": { "value": "auto", "unit": null, "at": "2026-11-21T08:00:00.000Z", "age_ms": 812 },
                "battery_soh": { "value": null, "unit": "%", "at": null, "age_ms": null, "why": "not read yet" },
            },
        })
    }

    fn arguments(explain: bool) -> Arguments {
        Arguments { device: "fase_a".to_owned(), explain, native: false }
    }

    #[test]
    fn a_reading_for_people() {
        expect![[r#"
            Fase A (fase_a): VenusE 3.0, firmware 150, at 192.0.2.7:30000: answers
              warning: firmware 147; update it
              State of charge  81.0 %  812 ms ago
              Battery power    -790 W  2 min ago
              Battery mode       auto  812 ms ago
              State of health       -              not read yet"#]]
        .assert_eq(&text(&device(), &arguments(false)));
    }

    #[test]
    fn of_a_device_that_does_not_answer_its_notices_are_shown() {
        let mut device = device();
        device["online"] = json!(false);
        device["values"] =
            json!({ "battery_soc": { "value": null, "unit": "%", "why": "the device does not answer" } });
        device["notices"][0]["hint"] = json!("these lines:\nA\nB");
        expect![[r#"
            Fase A (fase_a): VenusE 3.0, firmware 150, at 192.0.2.7:30000: does not answer
              warning: firmware 147; these lines:
                A
                B"#]]
        .assert_eq(&text(&device, &arguments(false)));
        assert!(text(&device, &arguments(true)).contains("battery_soc"));
    }

    #[test]
    fn what_the_driver_knows_is_explained() {
        let mut device = device();
        device["evidence"] = json!([{ "what": "QPI", "seen": "(PI30", "means": "PI30" }, { "what": "QPIGS", "seen": "24 fields", "means": "" }]);
        let text = text(&device, &arguments(true));
        expect![[r#"
            the driver knows, and from what:
              QPI    (PI30      PI30
              QPIGS  24 fields"#]]
        .assert_eq(text.split_once("What ").unwrap().1);
    }

    #[test]
    fn and_what_it_means() {
        expect![[r#"
            Fase A (fase_a): VenusE 3.0, firmware 150, at 192.0.2.7:30000: answers
              warning: firmware 147; update it
              State of charge  81.0 %  812 ms ago                battery_soc: a measurement; read as often as the device bears
              Battery power    -790 W  2 min ago                 battery_power: a measurement, positive while it feeds the house (import, discharge, production); read as often as the device bears
              Battery mode       auto  812 ms ago                battery_mode: one of auto, hold, hold_charge, charge, discharge, idle, manual, native; read as often as the device bears
              State of health       -              not read yet  battery_soh: a measurement; read every few minutes"#]].assert_eq(&text(&device(), &arguments(true)));
    }
}

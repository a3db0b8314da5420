//! What Home Assistant demands of an announcement, as its documentation says.

use super::*;

/// Units that Home Assistant takes for each device class, of those that the catalogue uses.
fn units_of(class: &str) -> &'static [&'static str] {
    match class {
        "battery" => &["%"],
        "power" => &["mW", "W", "kW", "MW"],
        "energy" | "energy_storage" => &["Wh", "kWh", "MWh"],
        "voltage" => &["mV", "V"],
        "current" => &["mA", "A"],
        "temperature" => &["°C", "°F", "K"],
        "volume_storage" => &["m³", "L"],
        "frequency" => &["Hz", "kHz"],
        "duration" => &["ms", "s", "min", "h", "d"],
        "signal_strength" => &["dB", "dBm"],
        "apparent_power" => &["mVA", "VA", "kVA"],
        "reactive_power" => &["mvar", "var", "kvar"],
        other => panic!("device class {other} is not in this test's table"),
    }
}

/// Keys that the platforms know; others are ignored by Home Assistant, which means that they are mistakes here.
const SENSOR_KEYS: &[&str] = &[
    "platform",
    "name",
    "unique_id",
    "default_entity_id",
    "value_template",
    "device_class",
    "state_class",
    "unit_of_measurement",
    "suggested_display_precision",
    "options",
    "entity_category",
    "enabled_by_default",
    "expire_after",
    "icon",
    "state_topic",
    "json_attributes_topic",
    "json_attributes_template",
];
const SELECT_KEYS: &[&str] = &[
    "platform",
    "name",
    "unique_id",
    "default_entity_id",
    "command_topic",
    "options",
    "state_topic",
    "value_template",
];
const BUTTON_KEYS: &[&str] =
    &["platform", "name", "unique_id", "default_entity_id", "command_topic", "payload_press"];
const SETTING_KEYS: &[&str] = &[
    "platform",
    "name",
    "unique_id",
    "default_entity_id",
    "entity_category",
    "command_topic",
    "value_template",
    "options",
    "min",
    "max",
    "step",
    "mode",
    "unit_of_measurement",
];
const SWITCH_KEYS: &[&str] = &[
    "platform",
    "entity_category",
    "state_topic",
    "name",
    "unique_id",
    "default_entity_id",
    "command_topic",
    "value_template",
    "payload_on",
    "payload_off",
    "state_on",
    "state_off",
];
const NUMBER_KEYS: &[&str] = &[
    "platform",
    "name",
    "unique_id",
    "default_entity_id",
    "entity_category",
    "command_topic",
    "state_topic",
    "value_template",
    "device_class",
    "min",
    "max",
    "step",
    "mode",
    "unit_of_measurement",
];
const SHARED_KEYS: &[&str] = &["device", "origin", "availability", "availability_mode", "state_topic"];

/// Holds one entity against the rules and returns its unique id.
fn check_entity(platform: &str, config: &serde_json::Map<String, Json>, shared: bool) -> String {
    let text = |key: &str| config.get(key).and_then(Json::as_str);
    let known = match platform {
        "sensor" => SENSOR_KEYS,
        "switch" => SWITCH_KEYS,
        "button" => BUTTON_KEYS,
        "number" => NUMBER_KEYS,
        _ if config.contains_key("entity_category") => SETTING_KEYS,
        _ => SELECT_KEYS,
    };
    for key in config.keys() {
        assert!(
            known.contains(&key.as_str()) || (shared && SHARED_KEYS.contains(&key.as_str())),
            "{key} in {config:?}"
        );
    }
    let entity_id = text("default_entity_id").expect("every entity suggests an id");
    let object = entity_id.strip_prefix(&format!("{platform}.")).expect("the domain is the platform's");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(
        !object.is_empty() && object.chars().all(plain) && object.trim_matches('_') == object,
        "{object}"
    );
    assert!(text("name").is_some_and(|name| !name.is_empty()));
    match platform {
        "sensor" => check_sensor(config),
        "select" => assert!(config["options"].as_array().is_some_and(|options| !options.is_empty())),
        "number" => {
            let number = |key: &str| config[key].as_f64().expect("a number");
            assert!(number("min") <= number("max") && number("step") >= 1e-3 && config["mode"] == "box");
        }
        "switch" => {
            assert!(config["payload_on"] != config["payload_off"]);
            assert!(config.get("entity_category").is_none_or(|category| category == "config"));
        }
        "button" => assert!(text("payload_press").is_some_and(|payload| !payload.is_empty())),
        other => panic!("platform {other} is not in this test"),
    }
    assert!(platform == "sensor" || text("command_topic").is_some_and(|topic| !topic.is_empty()));
    text("unique_id").expect("every entity has a unique id").to_owned()
}

fn check_sensor(config: &serde_json::Map<String, Json>) {
    let text = |key: &str| config.get(key).and_then(Json::as_str);
    let (class, unit, state_class) = (text("device_class"), text("unit_of_measurement"), text("state_class"));
    match class {
        Some("enum") => assert!(unit.is_none() && state_class.is_none() && config.contains_key("options")),
        Some("timestamp") => {
            assert!(unit.is_none() && state_class.is_none() && !config.contains_key("options"));
        }
        Some(class) => {
            assert!(unit.is_some_and(|unit| units_of(class).contains(&unit)), "{class} in {unit:?}");
            let fits = match class {
                "energy" => matches!(state_class, Some("total" | "total_increasing")),
                _ => state_class == Some("measurement"),
            };
            assert!(fits, "{class} with {state_class:?}");
        }
        None => assert!(!config.contains_key("options")),
    }
    assert!(config.get("entity_category").is_none_or(|category| category == "diagnostic"));
    assert!(config["expire_after"].as_u64().is_some_and(|seconds| seconds > 60));
}

/// Holds one announcement against the rules; adds the unique ids of its entities.
pub(super) fn check_announcement(prefix: &str, announcement: &Announcement, unique: &mut BTreeSet<String>) {
    let rest = announcement.topic.strip_prefix(&format!("{prefix}/")).expect("under the prefix");
    let parts: Vec<&str> = rest.split('/').collect();
    let valid =
        |id: &&str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    assert!(matches!(parts.len(), 3 | 4) && parts.iter().all(valid) && parts.last() == Some(&"config"));
    let payload = announcement.payload.as_object().expect("an object");
    match payload.get("device") {
        Some(device) => assert!(device["identifiers"].as_array().is_some_and(|ids| !ids.is_empty())),
        // A device's name would stand before the names that these entities keep.
        None => assert!(announcement.owner.starts_with("pv-inverter-monitor ")),
    }
    assert_eq!(payload["origin"]["name"], "Ohmstead");
    assert_eq!(payload["availability_mode"], "all");
    let topics: Vec<&str> = payload["availability"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["topic"].as_str())
        .collect();
    assert!(topics.len() == 2 && topics[0].ends_with("/status") && topics[1].ends_with("/availability"));
    if parts[0] == "device" {
        for (component, config) in payload["components"].as_object().expect("a map") {
            assert!(valid(&component.as_str()));
            let config = config.as_object().expect("an object");
            let platform = config["platform"].as_str().expect("a platform");
            assert!(
                unique.insert(format!("{platform} {}", check_entity(platform, config, false))),
                "{config:?}"
            );
        }
    } else {
        let id = check_entity(parts[0], payload, true);
        assert!(unique.insert(format!("{} {id}", parts[0])), "{id} is there twice");
    }
}

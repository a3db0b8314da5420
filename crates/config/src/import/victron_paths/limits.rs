//! Limits of a path as rules, and what of them the driver tells by itself.

use super::{comment, number_of, text_of};
use crate::tree::Node;

/// Keys whose direction is in their name.
const BELOW: &[(&str, &str)] = &[
    ("critical_threshold_low", "critical"),
    ("critical_threshold_min", "critical"),
    ("warning_threshold_min", "warning"),
    ("warning_low", "warning"),
    ("min_safe", "warning"),
];
const ABOVE: &[(&str, &str)] = &[
    ("critical_threshold_max", "critical"),
    ("critical_if_greater_than", "critical"),
    ("warning_threshold_max", "warning"),
    ("warning_high", "warning"),
    ("max_safe", "warning"),
];

/// The rules for the metric `metric`, one line each.
pub(super) fn rules(metric: &str, name: &str, path: &str, entry: &Node) -> Vec<String> {
    // Alarms tell themselves; 2 is an alarm, 1 only a warning, which rules for 1 miss.
    if notice(path).is_some() {
        return Vec::new();
    }
    let unit = text_of(entry, "unit").unwrap_or_default();
    let mut rules = Vec::new();
    let mut rule = |level: &str, sign: char, limit: f64| {
        rules.push(line(name, level, metric, sign, limit, unit));
    };
    for (key, level) in BELOW {
        if let Some(limit) = number_of(entry, key) {
            rule(level, '<', limit);
        }
    }
    for (key, level) in ABOVE {
        if let Some(limit) = number_of(entry, key) {
            rule(level, '>', limit);
        }
    }
    let plain = |level: &str| {
        number_of(entry, &format!("{level}_threshold"))
            .or_else(|| number_of(entry, &format!("{level}_threshold_bytes")))
    };
    let worst = plain("critical").or_else(|| number_of(entry, "critical_threshold_low"));
    if let (Some(warning), Some(critical)) = (plain("warning"), worst) {
        let sign = if warning > critical { '<' } else { '>' };
        rule("warning", sign, warning);
        if plain("critical").is_some() {
            rule("critical", sign, critical);
        }
    }
    rules
}

fn line(name: &str, level: &str, metric: &str, sign: char, limit: f64, unit: &str) -> String {
    let unit = match unit {
        "C" => " °C".to_owned(),
        "" | "bytes" | "unix_timestamp" => String::new(),
        unit => format!(" {}", comment(unit)),
    };
    format!("{{ name: {}_{level}, when: \"{metric} {sign} {limit}{unit}\" }}", super::metric_id(name))
}

/// The notice that the driver gives by itself for a path.
fn notice(path: &str) -> Option<&'static str> {
    Some(match path {
        "/Alarms/GridLost" => "grid_lost",
        "/Alarms/BmsConnectionLost" => "bms_connection_lost",
        "/Alarms/CellImbalance" => "battery_imbalance",
        "/Device/DataPartitionError" => "gx_storage_corrupt",
        "/Firmware/Installed/Version" => "firmware_update",
        path if path.starts_with("/CanBus/Interface/") => "can_errors",
        path if path.starts_with("/Alarms/") => "gx_alarms",
        _ => return None,
    })
}

/// What becomes of a rule about a path.
pub(super) fn told_anyway(path: &str) -> String {
    match notice(path) {
        Some(code) => format!("the driver tells it by itself, as the notice `{code}`"),
        None => "left out, this version has no rules of the owner's own yet".to_owned(),
    }
}

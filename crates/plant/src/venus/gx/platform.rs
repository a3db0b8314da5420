//! venus-platform: notifications of alarms, and the statistics of the CAN bus.

use crate::venus::{
    tree::{Service, Tree},
    value::Value,
};
use serde_json::json;

/// Alarms that become notifications: class, path, what the screen says.
const ALARMS: [(&str, &str, &str); 4] = [
    ("vebus", "/Alarms/GridLost", "Grid lost"),
    ("vebus", "/Alarms/LowBattery", "Low battery"),
    ("hub4", "/Alarms/NoGridMeter", "Grid meter not found"),
    ("battery", "/Alarms/LowSoc", "Low state of charge"),
];
/// Frames in a second on a battery's bus.
const FRAMES_PER_S: u64 = 14;
/// What the counters showed before the simulator was there.
const FRAMES: u64 = 7_470_000;
const ERRORS: u64 = 649;

const BASE: &str = "/Notifications/0";

/// The latest alarm that became active, as the only notification; `seen` remembers how each stood.
pub(super) fn notify(tree: &mut Tree, seen: &mut [bool; ALARMS.len()], now_ms: i64) {
    let mut news = None;
    for ((class, path, words), seen) in ALARMS.into_iter().zip(seen) {
        let service = tree.service(class).filter(|service| service.present);
        let value = service.and_then(|service| service.item(path)?.value().number()).unwrap_or(0.0);
        let is_active = value > 0.5;
        if is_active != *seen {
            *seen = is_active;
            let name = service.map(Service::bus_name).unwrap_or_default();
            let product =
                service.and_then(|service| service.item("/ProductName")?.value().text()).unwrap_or(class);
            news = Some((product.to_owned(), name, path, words, value));
        }
    }
    let Some(platform) = tree.service_mut("platform") else { return };
    if let Some((product, service, path, words, value)) = news {
        tell(platform, (&product, &service, path, words), value, now_ms);
    }
    if platform.number("/Notifications/AcknowledgeAll").is_some_and(|all| all > 0.5) {
        platform.put("/Notifications/AcknowledgeAll", 0.0);
        platform.put(&format!("{BASE}/Acknowledged"), 1.0);
    }
    counts(platform);
}

fn tell(
    platform: &mut Service,
    (device, service, path, words): (&str, &str, &str, &str),
    value: f64,
    now_ms: i64,
) {
    let is_active = value > 0.5;
    let is_same =
        platform.item(&format!("{BASE}/Trigger")).and_then(|item| item.value().text()) == Some(path);
    platform.put(&format!("{BASE}/Active"), f64::from(u8::from(is_active)));
    if !is_active && is_same {
        return;
    }
    for (name, text) in
        [("DeviceName", device), ("Service", service), ("Trigger", path), ("Description", words)]
    {
        platform.put_text(&format!("{BASE}/{name}"), text);
    }
    platform.put_text(&format!("{BASE}/Value"), if value > 1.5 { "Alarm" } else { "Warning" });
    platform.put(&format!("{BASE}/AlarmValue"), value);
    // 0 warning, 1 alarm, 2 information.
    platform.put(&format!("{BASE}/Type"), if value > 1.5 { 1.0 } else { 0.0 });
    platform.put(&format!("{BASE}/DateTime"), (now_ms / 1_000) as f64);
    platform.put(&format!("{BASE}/Acknowledged"), 0.0);
}

fn counts(platform: &mut Service) {
    let flag = |platform: &Service, name: &str| {
        platform.number(&format!("{BASE}/{name}")).is_some_and(|on| on > 0.5)
    };
    let exists =
        platform.item(&format!("{BASE}/Trigger")).is_some_and(|item| item.value().text() != Some(""));
    let is_active = exists && flag(platform, "Active");
    let is_open = exists && !flag(platform, "Acknowledged");
    let is_alarm = flag(platform, "Type");
    let number = |on: bool| f64::from(u8::from(on));
    platform.put("/Notifications/NumberOfNotifications", number(exists));
    platform.put("/Notifications/NumberOfActiveNotifications", number(is_active));
    platform.put("/Notifications/NumberOfActiveAlarms", number(is_active && is_alarm));
    platform.put("/Notifications/NumberOfActiveWarnings", number(is_active && !is_alarm));
    platform.put("/Notifications/NumberOfUnAcknowledgedAlarms", number(is_open && is_alarm));
    platform.put("/Notifications/NumberOfUnAcknowledgedWarnings", number(is_open && !is_alarm));
    platform.put("/Notifications/Alarm", number(is_open && is_alarm));
    platform.put("/Notifications/Alert", number(is_open));
}

/// What `ip -json -details -statistics link` prints; told when asked for, never by signal.
pub(super) fn can_statistics(tree: &mut Tree, seconds: u64, errors: u64) {
    let frames = FRAMES + seconds * FRAMES_PER_S;
    let sent = frames / 7;
    let errors = ERRORS + errors;
    let statistics = json!([{
        "ifindex": 4, "ifname": "can1", "flags": ["NOARP", "UP", "LOWER_UP", "ECHO"], "mtu": 16, "operstate": "UP",
        "linkinfo": {
            "info_kind": "can",
            "info_data": {
                "state": "ERROR-ACTIVE", "berr_counter": { "tx": 0, "rx": 0 }, "restart_ms": 100,
                "bittiming": { "bitrate": 500_000, "sample_point": "0.875" },
            },
            "info_xstats": {
                "restarts": 0, "bus_error": 0, "arbitration_lost": 0, "error_warning": 3, "error_passive": 2, "bus_off": 0,
            },
        },
        "stats64": {
            "rx": { "bytes": frames * 8, "packets": frames, "errors": 0, "dropped": 0, "over_errors": 0, "multicast": 0 },
            "tx": { "bytes": sent * 8, "packets": sent, "errors": errors, "dropped": 0, "carrier_errors": 0, "collisions": 0 },
        },
    }]);
    if let Some(platform) = tree.service_mut("platform") {
        platform.set_quietly("/CanBus/Interface/can1/Statistics", Value::Text(statistics.to_string()));
    }
}

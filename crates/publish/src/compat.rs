//! `compat: [marstek-poller]`: the topics, payload keys, entity ids and unique ids of that program, for the devices of
//! the `marstek` driver, so that dashboards and automations go on working.
//!
//! ```text
//! <discovery_prefix>/sensor/<device_id>_soc|_mode|_power/config
//! <state_topic_prefix>/<device_id>/state         {"soc","mode","ongrid_power","offgrid_power","timestamp"}
//! <state_topic_prefix>/<device_id>/availability  online | offline
//! ```
//!
//! Different on purpose: state and availability are retained; all three entities have an availability, which includes
//! this program's last will; what is not known is `null`, never 0. `object_id` is left out, because Home Assistant
//! dropped it (2026.4) after warning about each one; `default_entity_id` says the same.
//!
//! `ongrid_power` keeps the vendor's sign: positive while the unit feeds the house's AC side.
//!
//! The native entities of these devices exist besides, under unique ids of their own; `discovery: off` leaves only
//! the three.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use ohmstead_model::{DeviceId, DeviceInfo, DeviceState, Metric, Moment, Snapshot, UnixMillis, Value};
use serde_json::{Map, Value as Json, json};

use crate::discovery::{self, Announcement};
use crate::render::{self, Said, Write};
use crate::scheme::{Message, Scheme, availability_word, entity_slug, slug};

/// The names that one device has in the topics and ids of marstek-poller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) device_id: String,
    /// Whether another device had one of the names first.
    pub(crate) renamed: bool,
    soc: String,
    mode: String,
    power: String,
}

/// The names of every Marstek device. No two devices share one, whatever is configured.
pub(crate) fn names(scheme: &Scheme, snapshot: &Snapshot) -> BTreeMap<DeviceId, Names> {
    let mut taken = BTreeSet::new();
    let marstek = snapshot.devices().filter(|device| device.info.driver == "marstek");
    marstek
        .filter(|_| scheme.marstek_poller)
        .map(|device| (device.info.id.clone(), distinct(&device.info, &mut taken)))
        .collect()
}

/// The names that marstek-poller would give; if another device has one of them, the device's own name is appended.
fn distinct(info: &DeviceInfo, taken: &mut BTreeSet<String>) -> Names {
    let device_id = info.device_id.clone().unwrap_or_else(|| info.title.to_lowercase().replace(' ', "_"));
    let mut device_id = topic_level(&device_id);
    let mut renamed = false;
    let entity_id = info.entity_id.as_deref().map(|id| id.strip_prefix("sensor.").unwrap_or(id).to_owned());
    while taken.contains(&device_key(&device_id)) {
        renamed = true;
        device_id = format!("{device_id}_{}", info.id);
    }
    taken.insert(device_key(&device_id));
    let mut soc = entity_id.unwrap_or_else(|| format!("{device_id}_soc"));
    loop {
        let names = Names {
            mode: derived(&soc, "mode"),
            power: derived(&soc, "power"),
            soc: soc.clone(),
            device_id: device_id.clone(),
            renamed,
        };
        let entities = [&names.soc, &names.mode, &names.power].map(|id| format!("entity {id}"));
        if entities.iter().all(|id| !taken.contains(id)) {
            taken.extend(entities);
            return names;
        }
        renamed = true;
        soc = format!("{soc}_{}", info.id);
    }
}

fn device_key(device_id: &str) -> String {
    format!("device {}", slug(device_id))
}

/// The id of the mode or power entity, from that of the state of charge. Never the same as the latter.
fn derived(soc: &str, what: &str) -> String {
    if soc.contains("state_of_charge") {
        soc.replace("state_of_charge", what)
    } else if soc.contains("_soc") {
        soc.replace("_soc", &format!("_{what}"))
    } else {
        format!("{soc}_{what}")
    }
}

/// `text` without what a level of a topic may not hold.
fn topic_level(text: &str) -> String {
    let level: String =
        text.chars().map(|c| if matches!(c, '/' | '+' | '#') || c.is_control() { '_' } else { c }).collect();
    if level.is_empty() { "_".to_owned() } else { level }
}

/// The three entities of a device.
pub(crate) fn announcements(scheme: &Scheme, info: &DeviceInfo, names: &Names) -> Vec<Announcement> {
    let id = slug(&names.device_id);
    let title = &info.title;
    let make = |suffix: &str, entity: &str, metric: Metric, particular: Json| Announcement {
        topic: scheme.discovery_topic("sensor", &format!("{id}{suffix}")),
        owner: format!("marstek-poller {}", names.device_id),
        components: vec![(entity.to_owned(), "sensor")],
        payload: Json::Object(payload(scheme, info, names, entity, metric, particular)),
    };
    vec![
        make(
            "_soc",
            &names.soc,
            Metric::BatterySoc,
            json!({
                "name": format!("{title} SOC"),
                "value_template": "{{ value_json.soc }}",
                "unit_of_measurement": "%",
                "device_class": "battery",
                "state_class": "measurement",
            }),
        ),
        make(
            "_mode",
            &names.mode,
            Metric::BatteryModeNative,
            json!({
                "name": format!("{title} Mode"),
                "value_template": "{{ value_json.mode }}",
                "icon": "mdi:battery-sync",
            }),
        ),
        make(
            "_power",
            &names.power,
            Metric::InverterPower,
            json!({
                "name": format!("{title} Power"),
                "value_template": "{{ value_json.ongrid_power }}",
                "unit_of_measurement": "W",
                "device_class": "power",
                "state_class": "measurement",
            }),
        ),
    ]
}

fn payload(
    scheme: &Scheme,
    info: &DeviceInfo,
    names: &Names,
    entity: &str,
    metric: Metric,
    particular: Json,
) -> Map<String, Json> {
    let mut map = Map::new();
    if let Json::Object(particular) = particular {
        map.extend(particular);
    }
    map.insert("state_topic".to_owned(), json!(scheme.compat_topic(&names.device_id, "state")));
    map.insert("unique_id".to_owned(), json!(entity));
    map.insert("default_entity_id".to_owned(), json!(format!("sensor.{}", entity_slug(entity))));
    let topics = [scheme.status(), scheme.compat_topic(&names.device_id, "availability")];
    map.extend(discovery::availability(&topics));
    if let Some(seconds) = scheme.expire_after_s(info, metric) {
        map.insert("expire_after".to_owned(), json!(seconds));
    }
    map.insert(
        "device".to_owned(),
        json!({
            "identifiers": [names.device_id],
            "name": format!("Marstek {}", info.title),
            "manufacturer": "Marstek",
            "model": "Venus E",
        }),
    );
    map.insert("origin".to_owned(), discovery::origin(scheme));
    map
}

/// `<state_topic_prefix>/<device_id>/availability`.
pub(crate) fn availability(scheme: &Scheme, device: &DeviceState, names: &Names) -> Said {
    let topic = scheme.compat_topic(&names.device_id, "availability");
    let word = availability_word(device.is_online());
    Said { message: Message::retained(topic, word), essence: word.to_owned() }
}

/// `<state_topic_prefix>/<device_id>/state`, and when it must be looked at again.
pub(crate) fn state(
    scheme: &Scheme,
    device: &DeviceState,
    names: &Names,
    now: Moment,
) -> (Said, Option<Duration>) {
    let wanted: [(&str, Metric, Write); 4] = [
        ("soc", Metric::BatterySoc, plain_number),
        ("mode", Metric::BatteryModeNative, vendor_mode),
        ("ongrid_power", Metric::InverterPower, plain_number),
        ("offgrid_power", Metric::InverterBackupPower, plain_number),
    ];
    let values = render::select(device, now, wanted.into_iter());
    let topic = scheme.compat_topic(&names.device_id, "state");
    let stamp = values.newest.and_then(|at| local_time(scheme, at));
    (render::stamped(topic, values.json, "timestamp", stamp), values.expires)
}

/// A number as that program printed it: whole where it is whole.
fn plain_number(metric: Metric, value: &Value) -> Json {
    let number = value.number().map(|number| metric.round(number));
    number.map_or(Json::Null, |number| render::whole(number).unwrap_or_else(|| json!(number)))
}

/// The mode in the vendor's spelling, which automations compare with.
fn vendor_mode(metric: Metric, value: &Value) -> Json {
    const SPELLED: [&str; 5] = ["Auto", "AI", "Manual", "Passive", "UPS"];
    let text = value.as_str().unwrap_or_default();
    match SPELLED.iter().find(|spelled| spelled.eq_ignore_ascii_case(text)) {
        Some(spelled) => json!(spelled),
        None => render::published(metric, value),
    }
}

/// Local time of the site to the second, without a zone.
fn local_time(scheme: &Scheme, at: UnixMillis) -> Option<String> {
    let instant = Timestamp::from_millisecond(at.0).ok()?;
    Some(instant.to_zoned(scheme.time_zone.clone()).strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

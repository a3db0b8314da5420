//! Announcing devices and entities to Home Assistant. Pure.
//!
//! Facts from Home Assistant's MQTT integration, 2026.11: a unit that does not belong to the device class is refused;
//! `options` goes with device class `enum` only; a sensor may be `diagnostic` but not `config`; `object_id` no longer
//! exists, `default_entity_id` takes its place; a template that renders `None` makes the entity unknown.
//!
//! Yes/no states are enum sensors, not binary sensors: a state of the catalogue is the same word in MQTT, REST and the
//! store, and an unknown one needs no third rule.

mod control;
mod setter;
mod site;

use ohmstead_model::catalogue::Kind;
use ohmstead_model::{DeviceInfo, DeviceState, Metric};
use serde_json::{Map, Value as Json, json};

use crate::render;
use crate::scheme::{Message, Scheme};
use crate::settings::Discovery;

pub(crate) use site::{Controls, limit_id, switch_id};

/// A discovery message and what it announces.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Announcement {
    pub(crate) topic: String,
    /// The device's id in discovery: what moves between kinds of discovery moves within one owner.
    pub(crate) owner: String,
    /// Component id and platform.
    pub(crate) components: Vec<(String, &'static str)>,
    pub(crate) payload: Json,
}

impl Announcement {
    pub(crate) fn message(&self) -> Message {
        Message::retained(self.topic.clone(), self.payload.to_string())
    }

    /// The payload with the components in `gone` (id, platform) reduced to their platform, which makes Home Assistant
    /// remove them. `None` for an announcement that is not of a whole device.
    pub(crate) fn with_removed(&self, gone: &[(String, String)]) -> Option<Message> {
        let mut payload = self.payload.clone();
        let components = payload.get_mut("components")?.as_object_mut()?;
        for (id, platform) in gone {
            components.insert(id.clone(), json!({ "platform": platform }));
        }
        Some(Message::retained(self.topic.clone(), payload.to_string()))
    }
}

struct Component {
    id: String,
    platform: &'static str,
    config: Map<String, Json>,
}

/// The announcements of one device, by the configured kind of discovery. `controls` is what can be steered of control; it
/// belongs to the site.
pub(crate) fn announcements(scheme: &Scheme, device: &DeviceState, controls: &Controls) -> Vec<Announcement> {
    match scheme.discovery {
        Discovery::Device => vec![whole_device(scheme, device, controls)],
        Discovery::Entity => single_entities(scheme, device, controls),
        Discovery::Off => Vec::new(),
    }
}

fn whole_device(scheme: &Scheme, device: &DeviceState, controls: &Controls) -> Announcement {
    let components = components(scheme, device, controls);
    let owner = scheme.node_id(&device.info.id);
    let ids = components.iter().map(|component| (component.id.clone(), component.platform)).collect();
    let map: Map<String, Json> = components
        .into_iter()
        .map(|component| {
            let mut config = Map::new();
            config.insert("platform".to_owned(), json!(component.platform));
            config.extend(component.config);
            (component.id, Json::Object(config))
        })
        .collect();
    let mut payload = shared(scheme, &device.info);
    payload.insert("components".to_owned(), Json::Object(map));
    let topic = scheme.discovery_topic("device", &owner);
    Announcement { topic, owner, components: ids, payload: Json::Object(payload) }
}

fn single_entities(scheme: &Scheme, device: &DeviceState, controls: &Controls) -> Vec<Announcement> {
    let owner = scheme.node_id(&device.info.id);
    let announce = |component: Component| {
        let mut payload = component.config;
        for (key, value) in shared(scheme, &device.info) {
            // What an entity has of its own counts, as it does within a device.
            payload.entry(key).or_insert(value);
        }
        Announcement {
            topic: scheme.discovery_topic(component.platform, &format!("{owner}/{}", component.id)),
            owner: owner.clone(),
            components: vec![(component.id, component.platform)],
            payload: Json::Object(payload),
        }
    };
    components(scheme, device, controls).into_iter().map(announce).collect()
}

/// What all entities of a device have in common: who they belong to, who announces them, when they are available.
fn shared(scheme: &Scheme, info: &DeviceInfo) -> Map<String, Json> {
    let mut map = Map::new();
    map.insert("device".to_owned(), ha_device(scheme, info));
    map.insert("origin".to_owned(), origin(scheme));
    let topics = [scheme.status(), scheme.device_topic(&info.id, "availability")];
    map.extend(availability(&topics));
    map.insert("state_topic".to_owned(), json!(scheme.device_topic(&info.id, "state")));
    map
}

fn ha_device(scheme: &Scheme, info: &DeviceInfo) -> Json {
    let mut device = Map::new();
    device.insert("identifiers".to_owned(), json!([scheme.node_id(&info.id)]));
    device.insert("name".to_owned(), json!(info.title));
    let known = [
        ("manufacturer", render::non_empty(info.manufacturer)),
        ("model", info.model.as_deref()),
        ("sw_version", info.firmware.as_deref()),
        ("serial_number", info.serial.as_deref()),
    ];
    for (key, text) in known {
        if let Some(text) = text {
            device.insert(key.to_owned(), json!(text));
        }
    }
    Json::Object(device)
}

/// Who announces.
pub(crate) fn origin(scheme: &Scheme) -> Json {
    json!({ "name": "Ohmstead", "sw_version": scheme.version })
}

/// Available only while every one of `topics` says `online`, the words that Home Assistant expects by default.
pub(crate) fn availability(topics: &[String]) -> [(String, Json); 2] {
    let list: Vec<Json> = topics.iter().map(|topic| json!({ "topic": topic })).collect();
    [("availability".to_owned(), Json::Array(list)), ("availability_mode".to_owned(), json!("all"))]
}

fn components(scheme: &Scheme, device: &DeviceState, controls: &Controls) -> Vec<Component> {
    let sensors = render::metrics(device).into_iter().map(|metric| sensor(scheme, &device.info, metric));
    let settings =
        device.info.settings.iter().filter_map(|setting| setter::component(scheme, &device.info, setting));
    let control = control::components(scheme, &device.info).into_iter();
    let site = site::components(scheme, &device.info, controls);
    sensors.chain(control).chain(site).chain(settings).collect()
}

/// Metrics that change with every poll and that few people want in their database; Home Assistant offers them, disabled.
const QUIET: [Metric; 3] = [Metric::AnswerTime, Metric::AnswerShare, Metric::WifiSignal];

fn sensor(scheme: &Scheme, info: &DeviceInfo, metric: Metric) -> Component {
    let def = metric.def();
    let id = metric.id();
    let mut config = Map::new();
    let mut put = |key: &str, value: Json| {
        config.insert(key.to_owned(), value);
    };
    put("name", json!(def.label.get(&scheme.language)));
    put("unique_id", json!(unique_id(scheme, info, id)));
    put("default_entity_id", json!(format!("sensor.{}", scheme.entity_id(&info.id, id))));
    put("value_template", json!(format!("{{{{ value_json.{id} }}}}")));
    if let Some(class) = def.ha.device_class {
        put("device_class", json!(class));
    }
    if let Some(class) = def.ha.state_class {
        put("state_class", json!(class));
    }
    if let Some(unit) = def.unit {
        put("unit_of_measurement", json!(unit.symbol()));
    }
    match def.kind {
        Kind::Gauge | Kind::Counter => put("suggested_display_precision", json!(def.decimals)),
        Kind::State(states) => {
            put("options", states.iter().map(|state| state.key).collect());
        }
        Kind::Text => {}
    }
    if def.ha.diagnostic {
        put("entity_category", json!("diagnostic"));
    }
    if QUIET.contains(&metric) {
        put("enabled_by_default", json!(false));
    }
    if let Some(seconds) = scheme.expire_after_s(info, metric) {
        put("expire_after", json!(seconds));
    }
    Component { id: id.to_owned(), platform: "sensor", config }
}

/// A device's id never holds a dot, nor does a component's: the pair cannot be mistaken for another one.
fn unique_id(scheme: &Scheme, info: &DeviceInfo, component: &str) -> String {
    format!("{}.{component}", scheme.node_id(&info.id))
}

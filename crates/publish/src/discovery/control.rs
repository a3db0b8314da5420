//! The entities with which a device's mode is chosen and seen. Pure.
//!
//! | entity | shows | of |
//! |---|---|---|
//! | select | the mode that the device is in for certain | `T/<device>/control`, `mode` |
//! | sensor `control` | how far what is wanted has got; attributes: what, by whom, why, until when | `phase` |
//! | sensor `control_ends` | when it ends by itself | `ends` |
//! | sensor `last_command` | what became of the last command over MQTT; attributes: which, why | `last` |
//! | button `release` | ends what was asked by hand | |

use ohmstead_model::catalogue::Labels;
use ohmstead_model::{ControlPhase, DeviceInfo, Metric, Outcome};
use serde_json::{Value as Json, json};

use super::{Component, unique_id};
use crate::scheme::Scheme;
use crate::{command, control};

pub(super) const fn labels(texts: [&'static str; 5]) -> Labels {
    let [en, fr, nl, et, de] = texts;
    Labels { en, fr, nl, et, de }
}

const MODE_SELECT: Labels = labels([
    "Set battery mode",
    "Choisir le mode batterie",
    "Batterijmodus kiezen",
    "Vali aku režiim",
    "Batteriemodus wählen",
]);
const CONTROL: Labels = labels(["Control", "Pilotage", "Aansturing", "Juhtimine", "Steuerung"]);
const ENDS: Labels =
    labels(["Control ends", "Fin du pilotage", "Einde aansturing", "Juhtimise lõpp", "Ende der Steuerung"]);
const LAST: Labels =
    labels(["Last command", "Dernière commande", "Laatste opdracht", "Viimane käsk", "Letzter Befehl"]);
const RELEASE: Labels = labels([
    "End manual control",
    "Terminer la commande manuelle",
    "Handmatige aansturing beëindigen",
    "Lõpeta käsijuhtimine",
    "Handsteuerung beenden",
]);
/// What a component is, besides its particular keys.
pub(super) struct Face<'a> {
    pub(super) id: &'a str,
    pub(super) platform: &'static str,
    pub(super) name: &'a Labels,
    /// The end of the suggested entity id.
    pub(super) entity: &'a str,
}

impl Face<'_> {
    pub(super) fn with(self, scheme: &Scheme, info: &DeviceInfo, particular: Json) -> Component {
        let mut config = serde_json::Map::new();
        config.insert("name".to_owned(), json!(self.name.get(&scheme.language)));
        config.insert("unique_id".to_owned(), json!(unique_id(scheme, info, self.id)));
        let entity = scheme.entity_id(&info.id, self.entity);
        config.insert("default_entity_id".to_owned(), json!(format!("{}.{entity}", self.platform)));
        if let Json::Object(particular) = particular {
            config.extend(particular);
        }
        Component { id: self.id.to_owned(), platform: self.platform, config }
    }
}

/// Everything about control of one device.
pub(super) fn components(scheme: &Scheme, info: &DeviceInfo) -> Vec<Component> {
    let mut all = Vec::new();
    all.extend(mode_select(scheme, info));
    if !info.modes.is_empty() {
        all.push(phase(scheme, info));
        all.push(ends(scheme, info));
        all.extend(scheme.commands.then(|| release(scheme, info)));
    }
    if control::takes_commands(info) && scheme.commands {
        let under_way = [control::PENDING, command::REFUSED];
        let outcomes: Vec<_> = under_way.into_iter().chain(Outcome::ALL.map(Outcome::key)).collect();
        all.push(last_command(scheme, info, &outcomes));
    }
    all
}

fn topic(scheme: &Scheme, info: &DeviceInfo) -> String {
    scheme.device_topic(&info.id, "control")
}

/// A selection of the modes that may be asked of the device, without their parameters. Shows nothing while the device
/// is in a mode that cannot be selected: Home Assistant logs an error at every state that is not an option.
fn mode_select(scheme: &Scheme, info: &DeviceInfo) -> Option<Component> {
    // A list cannot say how much: what needs a power is asked for by a message, not by this entity.
    let needs_power = |mode: &&String| matches!(mode.as_str(), "charge" | "discharge");
    let options: Vec<String> = info.modes.iter().filter(|mode| !needs_power(mode)).cloned().collect();
    if options.is_empty() || !scheme.commands {
        return None;
    }
    let face = Face {
        id: "battery_mode_set",
        platform: "select",
        name: &MODE_SELECT,
        entity: Metric::BatteryMode.id(),
    };
    // As JSON, the list is also one of the template language.
    let template = format!("{{{{ value_json.mode if value_json.mode in {} else none }}}}", json!(options));
    let particular = json!({
        "command_topic": scheme.device_topic(&info.id, "mode/set"),
        "options": options,
        "state_topic": topic(scheme, info),
        "value_template": template,
    });
    Some(face.with(scheme, info, particular))
}

fn phase(scheme: &Scheme, info: &DeviceInfo) -> Component {
    let face = Face { id: "control", platform: "sensor", name: &CONTROL, entity: "control" };
    let phases: Vec<_> = ControlPhase::ALL.into_iter().map(ControlPhase::key).collect();
    let attributes = "{{ {'wants': value_json.wants, 'by': value_json.by, 'code': value_json.code, \
                      'reason': value_json.reason, 'ends': value_json.ends} | tojson }}";
    let particular = json!({
        "state_topic": topic(scheme, info),
        "value_template": "{{ value_json.phase }}",
        "device_class": "enum",
        "options": phases,
        "entity_category": "diagnostic",
        "json_attributes_topic": topic(scheme, info),
        "json_attributes_template": attributes,
        "expire_after": scheme.repeated_expire_after_s(),
    });
    face.with(scheme, info, without_nulls(particular))
}

fn ends(scheme: &Scheme, info: &DeviceInfo) -> Component {
    let face = Face { id: "control_ends", platform: "sensor", name: &ENDS, entity: "control_ends" };
    let particular = json!({
        "state_topic": topic(scheme, info),
        "value_template": "{{ value_json.ends }}",
        "device_class": "timestamp",
        "entity_category": "diagnostic",
        "expire_after": scheme.repeated_expire_after_s(),
    });
    face.with(scheme, info, without_nulls(particular))
}

/// What became of the last command; `outcomes` are the words for it.
pub(super) fn last_command(scheme: &Scheme, info: &DeviceInfo, outcomes: &[&'static str]) -> Component {
    let face = Face { id: "last_command", platform: "sensor", name: &LAST, entity: "last_command" };
    let particular = json!({
        "state_topic": topic(scheme, info),
        "value_template": "{{ value_json.last.outcome if value_json.last else none }}",
        "device_class": "enum",
        "options": outcomes,
        "entity_category": "diagnostic",
        "json_attributes_topic": topic(scheme, info),
        "json_attributes_template": "{{ (value_json.last or {}) | tojson }}",
        "expire_after": scheme.repeated_expire_after_s(),
    });
    face.with(scheme, info, without_nulls(particular))
}

fn release(scheme: &Scheme, info: &DeviceInfo) -> Component {
    let face = Face { id: "release", platform: "button", name: &RELEASE, entity: "release" };
    let particular = json!({
        "command_topic": scheme.device_topic(&info.id, "mode/set"),
        "payload_press": command::RELEASE,
    });
    face.with(scheme, info, particular)
}

/// Without the keys that have no value: an entity that never expires has no `expire_after`.
fn without_nulls(mut config: Json) -> Json {
    if let Some(config) = config.as_object_mut() {
        config.retain(|_, value| !value.is_null());
    }
    config
}

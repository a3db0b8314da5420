//! The entities of the house with which control is steered. Pure.
//!
//! | entity | shows | of |
//! |---|---|---|
//! | switches | whether a part of control is on | `T/site/<part>/state` |
//! | numbers | what counts of a limit; lowers it, within what the configuration allows | `T/site/<limit>/state` |
//! | sensor `last_command` | what became of the last command over MQTT; attributes: which, why | `T/site/control`, `last` |

use ohmstead_model::catalogue::Labels;
use ohmstead_model::{DeviceInfo, LimitName, Part, SiteLimit};
use serde_json::json;

use super::Component;
use super::control::{Face, labels, last_command};
use crate::limits::{self, LIMITED};
use crate::scheme::Scheme;
use crate::switches::{self, SWITCHED};
use crate::{command, control};

const LIMITS: Labels = labels(["Limits", "Limites", "Limieten", "Piirangud", "Grenzen"]);
const PLAN: Labels = labels(["Plan", "Plan", "Plan", "Plaan", "Plan"]);
const TEMPO: Labels = labels(["Tempo", "Tempo", "Tempo", "Tempo", "Tempo"]);
const SCHEDULE: Labels = labels(["Schedule", "Programme", "Schema", "Ajakava", "Zeitplan"]);
const ROTATION: Labels = labels([
    "Battery rotation",
    "Rotation des batteries",
    "Batterijrotatie",
    "Akude vaheldumine",
    "Batterierotation",
]);
const MULTI_OUTPUT: Labels = labels([
    "Inverter output limit",
    "Limite de sortie des onduleurs",
    "Limiet omvormervermogen",
    "Inverterite väljundi piir",
    "Grenze Wechselrichterleistung",
]);
const BATTERY_DISCHARGE: Labels = labels([
    "Battery discharge limit",
    "Limite de décharge des batteries",
    "Limiet batterijontlading",
    "Aku tühjendamise piir",
    "Grenze Batterieentladung",
]);
const FEED_IN: Labels = labels([
    "Feed-in limit",
    "Limite d'injection",
    "Limiet teruglevering",
    "Võrku andmise piir",
    "Einspeisegrenze",
]);
const GRID_IMPORT: Labels = labels([
    "Grid import limit",
    "Limite de soutirage",
    "Limiet netafname",
    "Võrgust võtmise piir",
    "Bezugsgrenze",
]);

/// What of control can be steered over MQTT.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Controls {
    /// The parts that there are.
    pub(crate) parts: Vec<Part>,
    /// The limits that there are.
    pub(crate) limits: Vec<SiteLimit>,
}

impl Controls {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.limits.is_empty()
    }
}

/// Everything with which the house is steered.
pub(super) fn components(scheme: &Scheme, info: &DeviceInfo, controls: &Controls) -> Vec<Component> {
    if !info.id.is_site() || !scheme.commands || controls.is_empty() {
        return Vec::new();
    }
    let switches = controls.parts.iter().map(|part| switch(scheme, info, *part));
    // Home Assistant takes no number that cannot be moved.
    let numbers = controls.limits.iter().filter(|limit| limits::can_be_lowered(limit));
    let numbers = numbers.map(|limit| number(scheme, info, limit));
    let outcomes = [control::PENDING, command::REFUSED, SWITCHED, LIMITED];
    let last = last_command(scheme, info, &outcomes);
    switches.chain(numbers).chain([last]).collect()
}

/// The component of the switch of a part.
pub(crate) fn switch_id(part: Part) -> String {
    format!("{}_switch", part.key())
}

/// The component of the number of a limit.
pub(crate) fn limit_id(name: LimitName) -> String {
    format!("{name}_limit")
}

fn switch(scheme: &Scheme, info: &DeviceInfo, part: Part) -> Component {
    let name = match part {
        Part::Limits => &LIMITS,
        Part::Plan => &PLAN,
        Part::Tempo => &TEMPO,
        Part::Schedule => &SCHEDULE,
        Part::Rotation => &ROTATION,
    };
    let face = Face { id: &switch_id(part), platform: "switch", name, entity: part.key() };
    let particular = json!({
        "entity_category": "config",
        "state_topic": switches::state_topic(scheme, part),
        "command_topic": scheme.device_topic(&info.id, &format!("{}/set", part.key())),
        "payload_on": switches::ON,
        "payload_off": switches::OFF,
    });
    face.with(scheme, info, particular)
}

fn number(scheme: &Scheme, info: &DeviceInfo, limit: &SiteLimit) -> Component {
    let name = match limit.name {
        LimitName::MultiOutput => &MULTI_OUTPUT,
        LimitName::BatteryDischarge => &BATTERY_DISCHARGE,
        LimitName::FeedIn => &FEED_IN,
        LimitName::GridImport => &GRID_IMPORT,
    };
    let (least, most) = limits::range(limit);
    let id = limit_id(limit.name);
    let face = Face { id: &id, platform: "number", name, entity: &id };
    let particular = json!({
        "entity_category": "config",
        "device_class": "power",
        "unit_of_measurement": "W",
        "min": limits::number(least),
        "max": limits::number(most),
        "step": 1,
        "mode": "box",
        "state_topic": limits::state_topic(scheme, limit.name),
        "command_topic": scheme.device_topic(&info.id, &format!("{}/set", limit.name)),
    });
    face.with(scheme, info, particular)
}

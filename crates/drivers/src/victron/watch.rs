//! Paths of the device's own that the owner wants as metrics: `watch:` in the configuration.
//!
//! ```yaml
//! watch:
//!   - vebus/Ac/ActiveIn/L1/F                     # CLASS/PATH: the first of its class that has it
//!   - battery/512/System/MaxCellVoltage          # CLASS/INSTANCE/PATH, as in the device's MQTT topics
//!   - { path: platform/Network/Wifi/SignalStrength, name: wifi, interval: 5 min }
//! ```
//!
//! Their definitions are made at run time, from what the catalogue knows of the path, and live as long as the program.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ohmstead_model::catalogue::{HaClass, Kind, Labels, PollClass, Sign, Unit};
use ohmstead_model::{Metric, MetricDef, Moment, Observation, Unknown, Value};
use ohmstead_units::Timespan;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};

use super::catalogue::catalogue;
use super::tree::{PREFIX, Part, Tree};
use super::value::Scalar;

/// More than anybody watches; each costs a series of the history.
pub const WATCHES_MAX: usize = 512;
/// A value is told at least this often, whatever the interval: a rarer one would count as too old in between.
const REPEAT_MAX: Duration = Duration::from_secs(300);
/// The longest id of a metric.
const NAME_MAX: usize = 64;
/// What a made name begins with.
const MADE: &str = "gx_";
/// The longest path.
const PATH_MAX: usize = 200;
const EXPECTED: &str = "a path such as vebus/Ac/ActiveIn/L1/F or battery/512/System/MaxCellVoltage (CLASS/INSTANCE/PATH); `ohmstead read NAME --native` lists them";

/// Where a watched value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    class: String,
    /// Which one of its class; the first where absent.
    instance: Option<i64>,
    path: String,
}

impl Place {
    /// Reads `CLASS/PATH`, `CLASS/INSTANCE/PATH`, either with `com.victronenergy.` in front.
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        let (class, path) = text.split_once('/')?;
        let (instance, path) = match path.split_once('/').map(|(first, rest)| (first.parse::<i64>(), rest)) {
            Some((Ok(instance), rest)) => (Some(instance), rest),
            _ => (None, path),
        };
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_good = |segment: &str| !segment.is_empty() && segment.chars().all(is_word);
        let is_class =
            !class.is_empty() && class.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        (text.len() <= PATH_MAX && is_class && path.split('/').all(is_good)).then(|| Self {
            class: class.to_owned(),
            instance,
            path: format!("/{path}"),
        })
    }

    fn part<'a>(&self, tree: &'a Tree) -> Option<&'a Part> {
        match self.instance {
            // Of a shunt and a battery with cells, the one that is meant.
            None => tree
                .of_class(&self.class)
                .find(|part| part.value(&self.path).is_some())
                .or_else(|| tree.of_class(&self.class).find(|part| part.has(&self.path)))
                .or_else(|| tree.first(&self.class)),
            Some(instance) => tree.part(&format!("{}/{instance}", self.class)),
        }
    }

    /// As the id of a metric: `gx_vebus_ac_activein_l1_f`. `battery/Soc` must not become the house's `battery_soc`.
    fn name(&self) -> String {
        let words: String = self.to_string();
        let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let words = words.collect::<Vec<_>>().join("_").to_ascii_lowercase();
        let mut name = format!("{MADE}{words}");
        name.truncate(NAME_MAX);
        name
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instance {
            None => write!(f, "{}{}", self.class, self.path),
            Some(instance) => write!(f, "{}/{instance}{}", self.class, self.path),
        }
    }
}

/// Whether a text such as `vebus/Ac/Out/P` names something that can be watched.
pub fn is_watchable(place: &str) -> bool {
    Place::parse(place).is_some()
}

/// One path that is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    pub(crate) place: Place,
    /// The metric that it becomes.
    pub(crate) metric: Metric,
    /// How often it is told.
    pub(crate) interval: Duration,
}

impl Watch {
    fn new<E: Error>(place: Place, name: Option<String>, interval: Option<Timespan>) -> Result<Self, E> {
        let known = catalogue().find(&place.class, &place.path);
        let usual = || Duration::from_secs(known.map_or(60, |row| u64::from(row.priority.every_s())));
        let interval = interval.map_or_else(usual, |interval| interval.0);
        let id = name.unwrap_or_else(|| place.name());
        check_name(&id)?;
        let unit = known.and_then(|row| row.unit);
        let is_text = known.is_some_and(|row| row.is_text);
        let metric = defined(&id, unit, is_text, interval).ok_or_else(|| {
            E::custom(format!(
                "another path has the name {id}, in another unit: give one of them another `name`"
            ))
        })?;
        Ok(Self { place, metric, interval: interval.min(REPEAT_MAX) })
    }

    /// When the part was read in which the path is.
    pub(crate) fn read_at(&self, tree: &Tree) -> Option<Moment> {
        self.place.part(tree).map(|part| part.read_at)
    }

    /// What there is at present.
    pub(crate) fn observe(&self, tree: &Tree) -> Observation {
        let Some(part) = self.place.part(tree) else { return Err(Unknown::missing(self.place.to_string())) };
        let value = part.value(&self.place.path).ok_or(Unknown::NotReported)?;
        let (number, text) = (value.number(), value.to_string());
        match (self.metric.def().kind, number) {
            (Kind::Text, _) => Ok(Value::text(text.chars().take(255).collect::<String>())),
            (_, Some(number)) => Ok(Value::Number(self.metric.round(number))),
            (_, None) => Err(Unknown::implausible(shortened(value))),
        }
    }
}

fn shortened(value: &Scalar) -> String {
    value.to_string().chars().take(40).collect()
}

/// The metrics that were made so far.
pub(crate) fn metrics() -> Vec<Metric> {
    made().values().copied().collect()
}

fn made() -> std::sync::MutexGuard<'static, BTreeMap<String, Metric>> {
    static MADE: Mutex<BTreeMap<String, Metric>> = Mutex::new(BTreeMap::new());
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The metric `id`. The one that is there already, if it is the same: a configuration that is read again costs nothing.
/// `None` where it is there as something else: two devices, and the history, would mix them up.
fn defined(id: &str, unit: Option<&'static str>, is_text: bool, interval: Duration) -> Option<Metric> {
    let def = definition(unit, is_text, interval);
    let mut made = made();
    if let Some(known) = made.get(id) {
        let before = known.def();
        if (before.unit, before.kind) != (def.unit, def.kind) {
            return None;
        }
        if before.poll == def.poll {
            return Some(*known);
        }
    }
    let label: &'static str = Box::leak(labelled(id.strip_prefix(MADE).unwrap_or(id)).into_boxed_str());
    let id: &'static str = Box::leak(id.to_owned().into_boxed_str());
    let labels = Labels { en: label, fr: label, nl: label, et: label, de: label };
    let metric = Metric::new(Box::leak(Box::new(MetricDef { id, label: labels, ..def })));
    made.insert(id.to_owned(), metric);
    Some(metric)
}

/// The definition but for its texts.
fn definition(unit: Option<&str>, is_text: bool, interval: Duration) -> MetricDef {
    let (unit, decimals, device_class) = match unit {
        Some("W") => (Some(Unit::Watt), 0, Some("power")),
        Some("VA") => (Some(Unit::VoltAmpere), 0, Some("apparent_power")),
        Some("V") => (Some(Unit::Volt), 3, Some("voltage")),
        Some("A") => (Some(Unit::Ampere), 2, Some("current")),
        Some("Ah") => (Some(Unit::AmpereHour), 1, None),
        Some("m³") => (Some(Unit::CubicMetre), 3, Some("volume_storage")),
        Some("Hz") => (Some(Unit::Hertz), 2, Some("frequency")),
        Some("°C") => (Some(Unit::Celsius), 1, Some("temperature")),
        Some("kWh") => (Some(Unit::KilowattHour), 2, Some("energy")),
        Some("s") => (Some(Unit::Second), 0, Some("duration")),
        Some("%") => (Some(Unit::Percent), 1, None),
        // A bare number: its unit is in the device's own text.
        _ => (None, 3, None),
    };
    let is_energy = device_class == Some("energy");
    let state_class = if is_energy { "total" } else { "measurement" };
    let none = Labels { en: "", fr: "", nl: "", et: "", de: "" };
    MetricDef {
        id: "",
        unit: unit.filter(|_| !is_text),
        decimals,
        sign: Sign::Plain,
        kind: if is_text { Kind::Text } else { Kind::Gauge },
        poll: match interval.as_secs() {
            0..=15 => PollClass::Fast,
            16..=60 => PollClass::Medium,
            _ => PollClass::Slow,
        },
        ha: HaClass {
            device_class: device_class.filter(|_| !is_text),
            state_class: Some(state_class).filter(|_| !is_text),
            diagnostic: true,
        },
        label: none,
    }
}

/// `cell_max` for people: `Cell max`.
fn labelled(id: &str) -> String {
    let words = id.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The long form.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    path: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    interval: Option<Timespan>,
}

impl<'de> Deserialize<'de> for Watch {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> serde::de::Visitor<'de> for Visitor {
    type Value = Watch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EXPECTED}, or a map with path, name, interval")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Watch, E> {
        Watch::new(place(text)?, None, None)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Watch, A::Error> {
        let long = Long::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        let place = place(&long.path)?;
        if let Some(interval) = long.interval.filter(|interval| !(1..=86_400).contains(&interval.0.as_secs()))
        {
            let expected = "an interval between 1 s and 1 d";
            return Err(Error::invalid_value(Unexpected::Str(&interval.to_string()), &expected));
        }
        Watch::new(place, long.name, long.interval)
    }
}

fn place<E: Error>(text: &str) -> Result<Place, E> {
    Place::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &EXPECTED))
}

fn check_name<E: Error>(name: &str) -> Result<(), E> {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(is_letter)
        || name.len() > NAME_MAX
    {
        let expected = "a name of small letters, digits and _ such as cell_max";
        return Err(E::invalid_value(Unexpected::Str(name), &expected));
    }
    if is_taken(name) {
        let expected = "another name: this one is a metric of its own";
        return Err(E::invalid_value(Unexpected::Str(name), &expected));
    }
    Ok(())
}

/// Whether the catalogue, or another driver's table, has this name already.
fn is_taken(name: &str) -> bool {
    let own = crate::DRIVERS.iter().flat_map(|driver| driver.native);
    Metric::by_id(name).is_some() || own.into_iter().any(|metric| metric.id() == name)
}

/// The list, each name once.
pub(crate) fn list<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<Watch>, D::Error> {
    let watches = Vec::<Watch>::deserialize(source)?;
    if watches.len() > WATCHES_MAX {
        let expected = "at most 512 paths: `ohmstead read NAME --native` shows all of them at any time";
        return Err(Error::invalid_length(watches.len(), &expected));
    }
    for (index, watch) in watches.iter().enumerate() {
        let id = watch.metric.id();
        if watches.iter().take(index).any(|other| other.metric == watch.metric) {
            return Err(Error::custom(format!(
                "two paths have the name {id}: give one of them another `name`"
            )));
        }
    }
    Ok(watches)
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;
    use expect_test::expect;
    use rstest::rstest;
    use serde_json::json;
    use std::fmt::Write as _;

    fn watch(settings: serde_json::Value) -> Result<Watch, String> {
        serde_json::from_value(settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_becomes_a_metric() {
        let tree = tree(&[
            ("vebus.ttyS4", "/DeviceInstance", "276"),
            ("vebus.ttyS4", "/Ac/ActiveIn/L1/F", "50.0199"),
            ("vebus.ttyS4", "/Alarms/GridLost", "2"),
            ("vebus.ttyS4", "/Made/Up", "word"),
            ("battery.a", "/DeviceInstance", "1"),
            ("battery.a", "/System/MaxCellVoltage", "3.301"),
            ("battery.b", "/DeviceInstance", "2"),
            ("battery.b", "/System/MaxCellVoltage", "3.4023"),
            ("platform", "/Firmware/Installed/Version", "v3.70~33"),
            ("platform", "/Network/Wifi/SignalStrength", ""),
        ]);
        let mut shown = String::new();
        for settings in [
            json!("vebus/Ac/ActiveIn/L1/F"),
            json!("com.victronenergy.vebus/276/Alarms/GridLost"),
            json!("vebus/Made/Up"),
            json!({"path": "battery/2/System/MaxCellVoltage", "name": "cell_max", "interval": "1 h"}),
            json!("platform/Firmware/Installed/Version"),
            json!("platform/Network/Wifi/SignalStrength"),
            json!("tank/3/Level"),
        ] {
            let watch = watch(settings).expect("good");
            let value = watch.observe(&tree).map_or_else(|why| why.to_string(), |value| format!("{value:?}"));
            let (id, unit) = (watch.metric.id(), watch.metric.def().unit.map_or("-", Unit::symbol));
            writeln!(shown, "{id} = {value} {unit}, every {} s", watch.interval.as_secs()).expect("a string");
        }
        expect![[r#"
            gx_vebus_ac_activein_l1_f = Number(50.02) Hz, every 60 s
            gx_vebus_276_alarms_gridlost = Number(2.0) -, every 10 s
            gx_vebus_made_up = implausible: word -, every 60 s
            cell_max = Number(3.402) V, every 300 s
            gx_platform_firmware_installed_version = Text("v3.70~33") -, every 300 s
            gx_platform_network_wifi_signalstrength = the device does not report it -, every 300 s
            gx_tank_3_level = missing: tank/3/Level %, every 300 s
        "#]]
        .assert_eq(&shown);
        assert!(metrics().iter().any(|metric| metric.id() == "cell_max"));
    }

    #[rstest]
    #[case(json!("vebus"), "expected a path such as")]
    #[case(json!("/Dc/0/Voltage"), "expected a path such as")]
    #[case(json!("vebus//x"), "expected a path such as")]
    #[case(json!("vebus/a b"), "expected a path such as")]
    #[case(json!(5), "expected a path such as")]
    #[case(json!({"path": "vebus/Mode", "name": "Mode"}), "small letters")]
    #[case(json!({"path": "vebus/Mode", "name": "battery_soc"}), "another name")]
    #[case(json!({"path": "vebus/Mode", "name": "grid_setpoint"}), "another name")]
    #[case(json!({"path": "vebus/Mode", "interval": "0 s"}), "between 1 s and 1 d")]
    #[case(json!({"path": "vebus/Mode", "every": "10 s"}), "unknown field `every`")]
    fn what_cannot_be_meant_is_refused(#[case] settings: serde_json::Value, #[case] why: &str) {
        let refused = watch(settings).expect_err("bad");
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn the_same_twice_is_one_definition() {
        let first = watch(json!("vebus/State")).expect("good");
        let again = watch(json!("vebus/State")).expect("good");
        assert!(std::ptr::eq(first.metric.def(), again.metric.def()));
        let twice = list(json!(["vebus/State", "vebus/State"])).expect_err("one name twice");
        assert!(twice.to_string().contains("two paths have the name gx_vebus_state"), "{twice}");
    }

    /// `battery/Soc` is the first battery's, which need not be the one that counts.
    #[rstest]
    #[case("battery/Soc")]
    #[case("battery/Capacity")]
    #[case("inverter/Mode")]
    #[case("tank/Level_1")]
    #[case("grid/Setpoint")]
    fn a_made_name_is_no_other_metric(#[case] path: &str) {
        let made = watch(json!(path)).expect("good").metric;
        let tables = crate::DRIVERS.iter().flat_map(|driver| driver.metrics.iter().chain(driver.native));
        assert!(tables.into_iter().all(|metric| *metric != made), "{made} is a metric of its own");
        assert!(Metric::by_id(made.id()).is_none(), "{made} is a core metric");
    }

    /// No table takes the names away that paths are given.
    #[test]
    fn made_names_have_a_beginning_of_their_own() {
        let native = crate::DRIVERS.iter().flat_map(|driver| driver.native);
        let taken: Vec<_> =
            native.filter(|metric| metric.id().starts_with(MADE)).map(|metric| metric.id()).collect();
        // Of one word: a made name has a class and a path.
        assert_eq!(taken, ["gx_notifications"]);
        assert!(watch(json!("notifications/_")).expect_err("taken").contains("another name"));
    }

    #[test]
    fn one_name_is_one_thing_everywhere() {
        watch(json!({"path": "vebus/Ac/Out/P", "name": "one_thing"})).expect("good");
        watch(json!({"path": "vebus/Ac/ActiveIn/P", "name": "one_thing"})).expect("watts as well");
        let other = watch(json!({"path": "battery/Dc/0/Voltage", "name": "one_thing"})).expect_err("volts");
        assert!(other.contains("another path has the name one_thing"), "{other}");
    }
}

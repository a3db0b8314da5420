//! `compat: [pv-inverter-monitor]`: the topics, formats and unique ids of that program, for the devices of the `voltronic`
//! driver, so that dashboards and automations go on working.
//!
//! ```text
//! <inverter_topic_prefix>/<metric>       a plain number; not retained; with every reading
//! <inverter_topic_prefix>/mode, actual_mode      the letter of the inverter's present mode
//! <inverter_topic_prefix>/desired_mode           L, B or S: the output priority that the inverter has
//! <inverter_topic_prefix>/availability           online | offline, retained
//! <inverter_topic_prefix>/set_mode       taken: L (grid first), B (solar, battery, grid), S (solar, grid, battery)
//! <inverter_topic_prefix>/set_mode/result        the answer: the ledger entry of the attempt
//! ```
//!
//! Different on purpose: what is not known is not sent, never 0; `solar_power` is what the inverter reports, not a product
//! of numbers from two sides of its charger; `desired_mode` is read from the inverter, not echoed from a command. A second
//! inverter has its device's name appended to the prefix.
//!
//! That program's last will was its `availability`; this program's is `T/status`, so that a second connection
//! ([`crate::guard`]) keeps the promise of the first.

mod entities;

use std::collections::{BTreeMap, BTreeSet};

use ohmstead_model::{
    Asker, Assignment, DeviceId, DeviceState, Metric, Moment, Request, Snapshot, Value, Wish,
};

use crate::compat::Names;
use crate::render::Said;
use crate::scheme::{Message, Scheme, availability_word};

pub(crate) use entities::announcements;

/// The driver that this is for.
const DRIVER: &str = "voltronic";

const AVAILABILITY: &str = "availability";

/// How the topics of one inverter begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) topic: String,
    /// Whether another inverter, or other topics of this program, had the configured beginning first.
    pub(crate) renamed: bool,
}

impl Prefix {
    /// One topic below it.
    pub(crate) fn at(&self, leaf: &str) -> String {
        format!("{}/{leaf}", self.topic)
    }

    /// The topic that says whether the inverter answers.
    pub(crate) fn availability(&self) -> String {
        self.at(AVAILABILITY)
    }
}

/// The topics' beginning for each inverter, by name: the first has the configured one. No two share one, and none is that
/// of a device's other topics.
pub(crate) fn prefixes(
    scheme: &Scheme,
    snapshot: &Snapshot,
    marstek: &BTreeMap<DeviceId, Names>,
) -> BTreeMap<DeviceId, Prefix> {
    let Some(configured) = &scheme.inverter_prefix else { return BTreeMap::new() };
    let own = snapshot.all().map(|device| scheme.device_topic(&device.info.id, AVAILABILITY));
    let compat = marstek.values().map(|names| scheme.compat_topic(&names.device_id, AVAILABILITY));
    let mut taken: BTreeSet<String> = own.chain(compat).collect();
    let inverters = snapshot.devices().filter(|device| device.info.driver == DRIVER);
    let named = inverters.map(|device| {
        let id = device.info.id.clone();
        let mut prefix = Prefix { topic: configured.clone(), renamed: false };
        while !taken.insert(prefix.availability()) {
            prefix = Prefix { topic: format!("{}_{id}", prefix.topic), renamed: true };
        }
        (id, prefix)
    });
    named.collect()
}

/// How a number is written.
#[derive(Clone, Copy)]
enum Form {
    /// As Python writes a float that is rounded to two decimals: `230.0`, `49.98`.
    Float,
    /// Without decimals.
    Whole,
    /// As it was received.
    Text,
}

/// Metrics in the place of which a unit of a set that tells the sums of all has its own value under another id: these
/// topics tell of one unit, as they did before.
const OF_UNIT: &[(&str, &str)] =
    &[("load_power", "voltronic_unit_load_power"), ("pv_power", "voltronic_unit_pv_power")];
/// The two unsigned currents as the unit tells them; together they are `battery_current`.
const CHARGING: &str = "voltronic_battery_charge_current";
const DISCHARGING: &str = "voltronic_battery_discharge_current";

/// Name of the topic, id of the metric, what it is multiplied with, how it is written.
const TOPICS: &[(&str, &str, f64, Form)] = &[
    ("utility_voltage", "grid_voltage", 1.0, Form::Float),
    ("utility_frequency", "grid_frequency", 1.0, Form::Float),
    ("output_voltage", "inverter_voltage", 1.0, Form::Float),
    ("output_frequency", "inverter_frequency", 1.0, Form::Float),
    ("load_va", "inverter_apparent_power", 1.0, Form::Whole),
    ("load_w", "load_power", 1.0, Form::Whole),
    ("load_percent", "inverter_load_share", 1.0, Form::Whole),
    ("bus_voltage", "inverter_bus_voltage", 1.0, Form::Float),
    ("battery_voltage", "battery_voltage", 1.0, Form::Float),
    ("battery_capacity", "battery_soc", 1.0, Form::Whole),
    ("heatsink_temperature", "inverter_temperature", 1.0, Form::Whole),
    ("solar_current", "voltronic_solar_current", 1.0, Form::Float),
    ("solar_voltage", "pv_voltage_1", 1.0, Form::Float),
    ("battery_voltage_scc", "voltronic_battery_voltage_scc", 1.0, Form::Float),
    ("device_status", "voltronic_device_status", 1.0, Form::Text),
    ("battery_voltage_offset_fans", "voltronic_battery_voltage_offset_fans", 1.0, Form::Whole),
    ("eeprom_version", "voltronic_eeprom_version", 1.0, Form::Whole),
    ("pv_charging_power", "pv_power_1", 1.0, Form::Whole),
    ("device_status_2", "voltronic_device_status_2", 1.0, Form::Text),
    ("solar_power", "pv_power", 1.0, Form::Float),
    // Charging is positive there.
    ("battery_current", "battery_current", -1.0, Form::Whole),
];

/// Everything that is known of an inverter, in that program's topics; nothing while it does not answer.
pub(crate) fn values(device: &DeviceState, prefix: &Prefix, now: Moment) -> Vec<Said> {
    let mut said = Vec::new();
    if !device.is_online() {
        return said;
    }
    let mut say = |topic: &str, at: Moment, text: String| {
        // Sent with every reading, changed or not, as that program did.
        let essence = format!("{text} {}", at.mono.as_millis());
        said.push(Said { message: Message::passing(prefix.at(topic), text), essence });
    };
    for (topic, metric, factor, form) in TOPICS {
        if let Some((at, text)) =
            of_unit(device, metric, now).and_then(|(at, value)| Some((at, written(&value, *factor, *form)?)))
        {
            say(topic, at, text);
        }
    }
    let amperes = |id: &str| known(device, id, now).and_then(|(at, value)| Some((at, value.number()?)));
    let net = amperes("battery_current");
    for (topic, raw, sign) in
        [("battery_charge_current", CHARGING, -1.0), ("battery_discharge_current", DISCHARGING, 1.0)]
    {
        // A family that tells one signed current only.
        let derived = || net.map(|(at, net)| (at, (sign * net).max(0.0)));
        if let Some((at, amperes)) = amperes(raw).or_else(derived) {
            say(topic, at, whole(amperes));
        }
    }
    if let Some((at, letter)) = mode(device, now) {
        say("mode", at, letter.clone());
        say("actual_mode", at, letter);
    }
    if let Some((at, priority)) = known(device, Metric::OutputPriority.id(), now)
        && let Some(letter) = priority.as_str().and_then(letter_of)
    {
        say("desired_mode", at, letter.to_owned());
    }
    said
}

/// The unit's own value where the one of that name is a sum.
fn of_unit(device: &DeviceState, id: &str, now: Moment) -> Option<(Moment, Value)> {
    let told = |own: &str| device.values.keys().any(|metric| metric.id() == own);
    let own = OF_UNIT.iter().find(|(of_all, own)| *of_all == id && told(own));
    known(device, own.map_or(id, |(_, own)| own), now)
}

fn known(device: &DeviceState, id: &str, now: Moment) -> Option<(Moment, Value)> {
    let metric = device.values.keys().find(|metric| metric.id() == id)?;
    let known = device.value(*metric, now).ok()?;
    Some((known.at, known.value.clone()))
}

fn written(value: &Value, factor: f64, form: Form) -> Option<String> {
    match form {
        Form::Text => value.as_str().map(str::to_owned),
        Form::Whole => Some(whole(value.number()? * factor)),
        Form::Float => {
            let rounded = (value.number()? * factor * 100.0).round() / 100.0 + 0.0;
            Some(if rounded.fract() == 0.0 { format!("{rounded:.1}") } else { rounded.to_string() })
        }
    }
}

fn whole(number: f64) -> String {
    format!("{:.0}", number.round() + 0.0)
}

/// The letter of the present mode; families without letters are put into those of PI30.
fn mode(device: &DeviceState, now: Moment) -> Option<(Moment, String)> {
    let (at, native) = known(device, Metric::InverterModeNative.id(), now)?;
    let native = native.as_str()?.to_owned();
    if native.len() == 1 && native.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some((at, native));
    }
    let (_, mode) = known(device, Metric::InverterMode.id(), now)?;
    let letter = match mode.as_str()? {
        "power_on" => "P",
        "standby" => "S",
        "line" | "hybrid" | "bypass" => "L",
        "battery" => "B",
        "fault" => "F",
        _ => return None,
    };
    Some((at, letter.to_owned()))
}

/// The letters of the output priorities.
const LETTERS: [(&str, &str); 3] =
    [("L", "utility_first"), ("B", "solar_battery_utility"), ("S", "solar_first")];

fn letter_of(priority: &str) -> Option<&'static str> {
    LETTERS.iter().find(|(_, known)| *known == priority).map(|(letter, _)| *letter)
}

/// What a command asks for; `None` for anything but one of the letters.
pub(crate) fn command(device: &DeviceId, payload: &[u8]) -> Option<Request> {
    let (_, priority) = LETTERS.iter().find(|(letter, _)| letter.as_bytes() == payload)?;
    let assignment =
        Assignment { name: Metric::OutputPriority.id().to_owned(), value: (*priority).to_owned() };
    Some(Request {
        device: device.clone(),
        wish: Wish::Setting(assignment),
        lease: None,
        asked_by: Asker::Mqtt,
    })
}

/// `<prefix>/availability`.
pub(crate) fn availability(device: &DeviceState, prefix: &Prefix) -> Said {
    let word = availability_word(device.is_online());
    Said { message: Message::retained(prefix.availability(), word), essence: word.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ohmstead_model::catalogue::{HaClass, Kind, Labels, PollClass, Sign};
    use ohmstead_model::{DeviceInfo, MetricDef, Observation, Observed, Online, UnixMillis, Unknown};
    use rstest::rstest;

    use super::*;

    fn device(values: &[(Metric, Observation)]) -> DeviceState {
        let id: DeviceId = "axpert".parse().expect("a valid name");
        let mut device = DeviceState::new(Arc::new(DeviceInfo::new(id, DRIVER, "/dev/hidraw0")));
        let at = Moment { mono: Duration::from_secs(100), unix: UnixMillis(0) };
        device.online = Online::Yes(at);
        for (metric, observation) in values {
            device.values.insert(*metric, Observed { observation: observation.clone(), at });
        }
        device
    }

    fn said(device: &DeviceState, after_s: u64) -> Vec<String> {
        let now = Moment { mono: Duration::from_secs(100 + after_s), unix: UnixMillis(0) };
        let prefix = Prefix { topic: "homeassistant/inverter".to_owned(), renamed: false };
        let mut said: Vec<_> = values(device, &prefix, now)
            .into_iter()
            .map(|said| {
                assert!(!said.message.retain, "{said:?}");
                let topic = said.message.topic.trim_start_matches("homeassistant/inverter/").to_owned();
                format!("{topic} {}", said.message.payload)
            })
            .collect();
        said.sort();
        said
    }

    #[test]
    fn numbers_look_as_that_program_printed_them() {
        let number = |number| Ok(Value::Number(number));
        let device = device(&[
            (Metric::GridVoltage, number(230.0)),
            (Metric::GridFrequency, number(49.98)),
            (Metric::LoadPower, number(119.0)),
            (Metric::BatteryVoltage, number(52.4)),
            (Metric::BatteryCurrent, number(-12.0)),
            (Metric::PvPower, number(856.0)),
            (Metric::InverterModeNative, Ok(Value::text("B"))),
            (Metric::OutputPriority, Ok(Value::State("solar_first"))),
            (Metric::InverterBusVoltage, Ok(Value::Number(380.0))),
            (Metric::InverterLoadShare, Err(Unknown::NotReported)),
        ]);
        assert_eq!(
            said(&device, 1),
            [
                "actual_mode B",
                "battery_charge_current 12",
                "battery_current 12",
                "battery_discharge_current 0",
                "battery_voltage 52.4",
                "bus_voltage 380.0",
                "desired_mode S",
                "load_w 119",
                "mode B",
                "solar_power 856.0",
                "utility_frequency 49.98",
                "utility_voltage 230.0",
            ]
        );
        assert!(said(&device, 10_000).is_empty(), "what is too old is not sent");
    }

    static CHARGE: MetricDef = native("voltronic_battery_charge_current");
    static DISCHARGE: MetricDef = native("voltronic_battery_discharge_current");
    static UNIT_LOAD: MetricDef = native("voltronic_unit_load_power");
    static UNIT_PV: MetricDef = native("voltronic_unit_pv_power");

    const fn native(id: &'static str) -> MetricDef {
        let label = Labels { en: id, fr: id, nl: id, et: id, de: id };
        let ha = HaClass { device_class: None, state_class: None, diagnostic: true };
        let poll = PollClass::Fast;
        MetricDef { id, unit: None, decimals: 0, sign: Sign::Plain, kind: Kind::Gauge, poll, ha, label }
    }

    /// That program published both currents as they are, even where the unit tells both at once.
    #[test]
    fn currents_are_those_that_the_unit_tells() {
        let number = |number| Ok(Value::Number(number));
        let device = device(&[
            (Metric::BatteryCurrent, number(-1.0)),
            (Metric::new(&CHARGE), number(4.0)),
            (Metric::new(&DISCHARGE), number(3.0)),
        ]);
        let expected = ["battery_charge_current 4", "battery_current 1", "battery_discharge_current 3"];
        assert_eq!(said(&device, 1), expected);
    }

    /// Those topics tell of one unit, also where the other values are those of the whole set.
    #[test]
    fn a_unit_of_a_set_tells_its_own_values() {
        let number = |number| Ok(Value::Number(number));
        let device = device(&[
            (Metric::LoadPower, number(900.0)),
            (Metric::PvPower, number(1500.0)),
            (Metric::new(&UNIT_LOAD), number(300.0)),
            (Metric::new(&UNIT_PV), number(500.0)),
        ]);
        assert_eq!(said(&device, 1), ["load_w 300", "solar_power 500.0"]);
    }

    /// Values may be used for a while after the inverter has fallen silent; to say them again would be a lie.
    #[test]
    fn an_inverter_that_is_gone_says_nothing() {
        let mut device = device(&[(Metric::LoadPower, Ok(Value::Number(5.0)))]);
        assert_eq!(said(&device, 1), ["load_w 5"]);
        let Online::Yes(at) = device.online else { panic!("just made") };
        device.online = Online::No(at);
        assert!(said(&device, 1).is_empty());
    }

    #[rstest]
    #[case(Form::Float, 1.0, 230.0, "230.0")]
    #[case(Form::Float, 1.0, 49.98, "49.98")]
    #[case(Form::Float, 1.0, 52.4, "52.4")]
    #[case(Form::Float, 1.0, 460.0, "460.0")]
    #[case(Form::Float, 1.0, 0.0, "0.0")]
    #[case(Form::Float, 1.0, 54.229_999, "54.23")]
    #[case(Form::Float, 1.0, -0.001, "0.0")]
    #[case(Form::Whole, 1.0, 119.0, "119")]
    #[case(Form::Whole, -1.0, 0.0, "0")]
    #[case(Form::Whole, -1.0, 12.0, "-12")]
    fn numbers_are_written_as_python_does(
        #[case] form: Form,
        #[case] factor: f64,
        #[case] number: f64,
        #[case] expected: &str,
    ) {
        assert_eq!(written(&Value::Number(number), factor, form).as_deref(), Some(expected));
    }

    #[rstest]
    #[case("B", "battery", Some("B"))]
    #[case("D", "shutdown", Some("D"))]
    #[case("05", "hybrid", Some("L"))]
    #[case("03", "battery", Some("B"))]
    #[case("06", "charging", None)]
    fn modes_of_other_families_get_a_letter(
        #[case] native: &str,
        #[case] state: &'static str,
        #[case] letter: Option<&str>,
    ) {
        let device = device(&[
            (Metric::InverterModeNative, Ok(Value::text(native))),
            (Metric::InverterMode, Ok(Value::State(state))),
        ]);
        let expected: Vec<_> = letter
            .map(|letter| vec![format!("actual_mode {letter}"), format!("mode {letter}")])
            .unwrap_or_default();
        assert_eq!(said(&device, 1), expected);
    }

    #[test]
    fn a_reading_is_sent_again_though_nothing_changed() {
        let mut device = device(&[(Metric::LoadPower, Ok(Value::Number(5.0)))]);
        let essence = |device: &DeviceState| {
            let prefix = Prefix { topic: "p".to_owned(), renamed: false };
            values(device, &prefix, Moment { mono: Duration::from_secs(101), unix: UnixMillis(0) })[0]
                .essence
                .clone()
        };
        let before = essence(&device);
        device.values.get_mut(&Metric::LoadPower).expect("there").at.mono += Duration::from_millis(500);
        assert_ne!(essence(&device), before);
    }

    #[rstest]
    #[case(b"L", Some("output_priority=utility_first"))]
    #[case(b"B", Some("output_priority=solar_battery_utility"))]
    #[case(b"S", Some("output_priority=solar_first"))]
    #[case(b"b", None)]
    #[case(b"POP02", None)]
    #[case(b"", None)]
    fn only_the_letters_are_commands(#[case] payload: &[u8], #[case] wish: Option<&str>) {
        let request = command(&"axpert".parse().expect("a valid name"), payload);
        assert_eq!(request.map(|request| request.wish.to_string()).as_deref(), wish);
    }
}

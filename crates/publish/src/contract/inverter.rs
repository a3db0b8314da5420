//! The contracts of an inverter: its settings, and the topics and entities of pv-inverter-monitor.

use expect_test::{ExpectFile, expect_file};
use ohmstead_model::catalogue::{HaClass, Kind, Labels, MetricDef, PollClass, Sign, Unit};
use ohmstead_model::{
    Allowed, DeviceInfo, DeviceState, Metric, Observation, Online, Reading, Role, Setting, Snapshot,
};
use ohmstead_model::{Unknown, Value};
use rstest::rstest;
use serde_json::Value as Json;

use super::{NOW, announcements, id, scheme, text, values};
use crate::monitor;
use crate::settings::{Compat, Discovery, Settings};

/// A metric of the driver's own, which this crate knows by its id only.
const fn native(id: &'static str, unit: Option<Unit>, decimals: u8, kind: Kind) -> MetricDef {
    let label = Labels { en: id, fr: id, nl: id, et: id, de: id };
    let ha = HaClass { device_class: None, state_class: None, diagnostic: true };
    MetricDef { id, unit, decimals, sign: Sign::Plain, kind, poll: PollClass::Medium, ha, label }
}

macro_rules! natives {
    ($($name:ident = $def:expr;)*) => {
        $(const $name: Metric = {
            static DEF: MetricDef = $def;
            Metric::new(&DEF)
        };)*
    };
}

natives! {
    DEVICE_STATUS = native("voltronic_device_status", None, 0, Kind::Text);
    DEVICE_STATUS_2 = native("voltronic_device_status_2", None, 0, Kind::Text);
    FAN_OFFSET = native("voltronic_battery_voltage_offset_fans", None, 0, Kind::Gauge);
    EEPROM_VERSION = native("voltronic_eeprom_version", None, 0, Kind::Gauge);
    SOLAR_CURRENT = native("voltronic_solar_current", Some(Unit::Ampere), 1, Kind::Gauge);
    SCC_VOLTAGE = native("voltronic_battery_voltage_scc", Some(Unit::Volt), 2, Kind::Gauge);
}

fn info(name: &str, title: &str) -> DeviceInfo {
    let mut info = DeviceInfo::new(id(name), "voltronic", "/dev/hidraw0");
    info.title = title.to_owned();
    info.manufacturer = "Voltronic";
    info.model = Some("PI30".to_owned());
    info.serial = Some("92931509101901".to_owned());
    info.roles = vec![Role::Inverter, Role::Battery, Role::Pv, Role::LoadMeter];
    info.modes = ["auto", "native:sbu"].map(str::to_owned).to_vec();
    info.metrics = vec![
        Metric::LoadPower,
        Metric::BatterySoc,
        Metric::InverterMode,
        Metric::InverterModeNative,
        Metric::BatteryMode,
        Metric::BatteryModeNative,
    ];
    let priorities = vec!["utility_first", "solar_first", "solar_battery_utility"];
    info.settings = vec![
        Setting { metric: Metric::OutputPriority, allowed: Allowed::States(priorities) },
        Setting { metric: Metric::ChargeCurrentMax, allowed: Allowed::Numbers(vec![2.0, 10.0, 20.0, 30.0]) },
        Setting {
            metric: Metric::BatteryFloatVoltage,
            allowed: Allowed::Range { min: 48.0, max: 58.4, step: 0.1 },
        },
    ];
    info
}

/// What one answer to each question told.
fn readings() -> Vec<(Metric, Observation)> {
    let number = |number| Ok(Value::Number(number));
    vec![
        (Metric::GridVoltage, number(230.0)),
        (Metric::GridFrequency, number(49.98)),
        (Metric::InverterVoltage, number(230.4)),
        (Metric::InverterFrequency, number(50.0)),
        (Metric::InverterApparentPower, number(161.0)),
        (Metric::LoadPower, number(119.0)),
        (Metric::InverterLoadShare, number(3.0)),
        (Metric::InverterBusVoltage, number(460.0)),
        (Metric::BatteryVoltage, number(57.5)),
        (Metric::BatteryCurrent, number(-12.0)),
        (Metric::BatteryPower, number(-690.0)),
        (Metric::BatterySoc, number(100.0)),
        (Metric::InverterTemperature, number(69.0)),
        (SOLAR_CURRENT, number(14.0)),
        (Metric::PvVoltage1, number(103.8)),
        (SCC_VOLTAGE, number(57.45)),
        (DEVICE_STATUS, Ok(Value::text("00110110"))),
        (FAN_OFFSET, number(0.0)),
        (EEPROM_VERSION, number(0.0)),
        (Metric::PvPower1, number(856.0)),
        (Metric::PvPower, number(856.0)),
        (DEVICE_STATUS_2, Ok(Value::text("010"))),
        (Metric::InverterMode, Ok(Value::State("battery"))),
        (Metric::InverterModeNative, Ok(Value::text("B"))),
        (Metric::OutputPriority, Ok(Value::State("solar_battery_utility"))),
        (Metric::ChargeCurrentMax, number(30.0)),
        (Metric::BatteryFloatVoltage, number(54.0)),
    ]
}

/// One that answers everything, and one of which hardly anything is known.
pub(super) fn add_two(snapshot: &mut Snapshot) {
    for (name, title) in [("axpert", "Axpert"), ("shed", "Shed")] {
        let mut device = DeviceState::new(info(name, title).into());
        device.online = Online::Yes(NOW);
        snapshot.insert(device);
    }
    assert!(snapshot.apply(&Reading { device: id("axpert"), at: NOW, values: readings() }));
    let unknown = vec![
        (Metric::LoadPower, Ok(Value::Number(0.0))),
        (Metric::BatterySoc, Err(Unknown::NotReported)),
        (Metric::InverterModeNative, Ok(Value::text("D"))),
    ];
    assert!(snapshot.apply(&Reading { device: id("shed"), at: NOW, values: unknown }));
}

fn two_inverters() -> Snapshot {
    let mut snapshot = Snapshot::default();
    add_two(&mut snapshot);
    snapshot
}

fn monitored() -> Settings {
    Settings { discovery: Discovery::Off, compat: vec![Compat::PvInverterMonitor], ..Settings::default() }
}

#[rstest]
#[case::native(Settings::default(), expect_file!["../../contracts/inverter.txt"])]
#[case::monitor(monitored(), expect_file!["../../contracts/pv-inverter-monitor.txt"])]
fn contracts(#[case] settings: Settings, #[case] expected: ExpectFile) {
    let (scheme, snapshot) = (scheme(&settings, "en"), two_inverters());
    expected.assert_eq(&text(&announcements(&scheme, &snapshot), &values(&scheme, &snapshot)));
}

#[test]
fn without_commands_nothing_can_be_set() {
    for settings in [Settings::default(), monitored()] {
        let scheme = scheme(&Settings { commands: false, ..settings }, "en");
        for announcement in announcements(&scheme, &two_inverters()) {
            let payload = announcement.payload.to_string();
            assert!(!payload.contains("command_topic"), "{payload}");
        }
    }
}

/// The templates of that program's users compare these entities with these words.
#[test]
fn the_entities_of_the_earlier_program_say_what_they_said() {
    let found: Vec<_> = announcements(&scheme(&monitored(), "en"), &two_inverters())
        .into_iter()
        .filter_map(|announcement| {
            let of = |key: &str| announcement.payload[key].as_str().map(str::to_owned);
            let template = of("value_template").filter(|template| template.contains("'B': 'Battery'"))?;
            assert!(template.contains("'L': 'Line'"), "{template}");
            Some((of("unique_id")?, of("default_entity_id")?))
        })
        .collect();
    let expected = ["actual_mode", "desired_mode", "mode"]
        .map(|mode| (format!("mp_omega_5600_v4_{mode}"), format!("sensor.inverter_{mode}")));
    assert_eq!(found, expected);
}

#[test]
fn no_two_devices_share_a_topic_whatever_is_configured() {
    let mut snapshot = super::three_batteries();
    add_two(&mut snapshot);
    let taken =
        ["homeassistant/inverter", "ohmstead/axpert", "ohmstead/shed", "ohmstead/site", "marstek/fase_b"];
    for prefix in taken {
        let settings = Settings {
            inverter_topic_prefix: prefix.to_owned(),
            compat: vec![Compat::MarstekPoller, Compat::PvInverterMonitor],
            ..Settings::default()
        };
        let mut topics = std::collections::BTreeSet::new();
        let scheme = scheme(&settings, "en");
        for message in values(&scheme, &snapshot) {
            assert!(topics.insert(message.topic.clone()), "{} is there twice", message.topic);
        }
        let names = crate::compat::names(&scheme, &snapshot);
        let renamed: Vec<_> = monitor::prefixes(&scheme, &snapshot, &names)
            .into_values()
            .map(|prefix| (prefix.topic, prefix.renamed))
            .collect();
        let first =
            if prefix == taken[0] { (prefix.to_owned(), false) } else { (format!("{prefix}_axpert"), true) };
        assert_eq!(renamed, [first, (format!("{prefix}_shed"), true)]);
    }
}

/// Home Assistant's energy sums and history hang on these.
#[test]
fn a_setting_keeps_its_unique_id() {
    let scheme = scheme(&Settings::default(), "en");
    let all = announcements(&scheme, &two_inverters());
    let components = all[0].payload["components"].as_object().expect("a map");
    let set: Vec<_> = components
        .iter()
        .filter(|(_, config)| config.get("entity_category") == Some(&Json::from("config")))
        .map(|(component, config)| {
            let of = |key: &str| config[key].as_str().unwrap_or_default();
            format!("{component} {} {}", of("platform"), of("unique_id"))
        })
        .collect();
    assert_eq!(
        set,
        [
            "output_priority_set select ohmstead_axpert.output_priority_set",
            "charge_current_max_set select ohmstead_axpert.charge_current_max_set",
            "battery_float_voltage_set number ohmstead_axpert.battery_float_voltage_set",
        ]
    );
}

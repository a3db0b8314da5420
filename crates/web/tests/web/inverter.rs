//! An inverter with a battery and panels of its own, for the fake house.

use std::sync::Arc;

use ohmstead_model::{
    Allowed, DeviceInfo, DeviceState, Evidence, Metric, Notice, Observation, Online, Role, Setting, Severity,
    Value,
};

use super::{ago, id, number, put};

/// A MAX that runs on its battery, with one of each kind of setting and a warning.
pub(crate) fn axpert() -> DeviceState {
    let mut state = DeviceState::new(Arc::new(info()));
    state.online = Online::Yes(ago(500));
    state.last_success = Some(ago(2));
    state.notices = vec![Notice {
        code: "battery_low",
        severity: Severity::Warning,
        text: "the battery is low".to_owned(),
        hint: "charge it, or let the inverter go back to the grid earlier".to_owned(),
    }];
    state.evidence = Arc::from([
        evidence("QPI", "(PI30", "an inverter of the family PI30"),
        evidence("QPIGS", "21 fields", "a MAX, with the power of its panels in field 19"),
        evidence("QPIGS2", "NAK", ""),
    ]);
    put(&mut state, ago(2), &fast());
    put(&mut state, ago(40), &slow());
    state
}

fn info() -> DeviceInfo {
    let mut info = DeviceInfo::new(id("axpert"), "voltronic", "/dev/hidraw0");
    "Axpert".clone_into(&mut info.title);
    info.manufacturer = "Voltronic";
    info.model = Some("MAX-8000".to_owned());
    info.firmware = Some("00072.70".to_owned());
    info.serial = Some("96332309100452".to_owned());
    info.roles = vec![Role::Inverter, Role::Battery, Role::Pv, Role::LoadMeter];
    info.modes = ["auto", "hold", "native:sbu", "native:sub", "native:usb"].map(str::to_owned).to_vec();
    let priorities = Allowed::States(vec!["utility_first", "solar_first", "solar_battery_utility"]);
    info.settings = vec![
        Setting { metric: Metric::OutputPriority, allowed: priorities },
        Setting { metric: Metric::ChargeCurrentMax, allowed: Allowed::Numbers(vec![10.0, 20.0, 30.0]) },
        Setting {
            metric: Metric::BatteryFloatVoltage,
            allowed: Allowed::Range { min: 48.0, max: 58.4, step: 0.1 },
        },
    ];
    info
}

fn evidence(what: &str, seen: &str, means: &str) -> Evidence {
    Evidence { what: what.to_owned(), seen: seen.to_owned(), means: means.to_owned() }
}

fn fast() -> Vec<(Metric, Observation)> {
    vec![
        (Metric::BatterySoc, number(31.0)),
        (Metric::BatteryPower, number(212.0)),
        (Metric::PvPower, number(430.0)),
        (Metric::LoadPower, number(640.0)),
        (Metric::InverterApparentPower, number(702.0)),
        (Metric::InverterLoadShare, number(8.0)),
        (Metric::InverterMode, Ok(Value::State("battery"))),
        (Metric::InverterModeNative, Ok(Value::text("B"))),
        (Metric::InverterFaults, Ok(Value::text("none"))),
        (Metric::InverterWarnings, Ok(Value::text("battery low"))),
    ]
}

fn slow() -> Vec<(Metric, Observation)> {
    vec![
        (Metric::GridVoltage, number(231.4)),
        (Metric::GridFrequency, number(49.97)),
        (Metric::BatteryVoltage, number(48.7)),
        (Metric::InverterBusVoltage, number(405.0)),
        (Metric::OutputPriority, Ok(Value::State("solar_battery_utility"))),
        (Metric::ChargeCurrentMax, number(30.0)),
        (Metric::BatteryFloatVoltage, number(54.0)),
        (Metric::LoadEnergy, number(1234.56)),
        (Metric::ParallelUnits, number(1.0)),
        (Metric::AnswerShare, number(99.2)),
        (Metric::FramesDropped, number(3.0)),
    ]
}

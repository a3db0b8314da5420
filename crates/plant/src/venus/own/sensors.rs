//! The small devices: temperatures, tanks, a generator's start relay, a digital input, a weather station.

use super::{
    Identity, Plan,
    row::{C, PLAIN, Row, Start, V, any_number, flag, row},
};
use crate::venus::{style::Style, value::Kind};
use Start::{D, I, No, S, U};

pub(super) const PLANS: &[Plan] = &[
    sensor("temperature", "adc_builtin0_5", 24, "Battery room", &[TEMPERATURE]),
    Plan {
        identity: Identity {
            process: "dbus-ble-sensors",
            version: "0.11",
            connection: "Bluetooth LE",
            product_id: Some(49_193),
            product: Some("RuuviTag"),
            firmware: None,
            serial: None,
            custom_name: Some("Outside"),
        },
        ..sensor("temperature", "ruuvi_f00f00d00001", 28, "", &[RUUVI])
    },
    sensor("tank", "adc_builtin0_1", 21, "Generator fuel", &[TANK]),
    sensor("digitalinput", "input01", 1, "Garage door", &[DIGITAL_INPUT]),
    Plan {
        identity: Identity::process("dbus_generator.py", "1.6.5"),
        ..sensor("generator", "startstop0", 0, "", &[GENERATOR])
    },
    Plan {
        identity: Identity {
            process: "dbus-imt-si-rs485tc",
            version: "1.14",
            connection: "/dev/ttyUSB2",
            product_id: Some(45_104),
            product: Some("IMT Si-RS485 Series Solar Irradiance Sensor"),
            firmware: Some(272),
            serial: Some("34.7SIM.0001"),
            custom_name: Some("Roof"),
        },
        ..sensor("meteo", "ttyUSB2", 22, "", &[METEO])
    },
    Plan {
        identity: Identity {
            process: "gps_dbus",
            version: "0.18",
            connection: "USB",
            product_id: None,
            product: None,
            firmware: None,
            serial: None,
            custom_name: None,
        },
        ..sensor("gps", "ve_ttyUSB3", 0, "", &[GPS])
    },
    Plan {
        identity: Identity {
            process: "dbus-victron-virtual",
            version: "1.6.30",
            connection: "Node-RED",
            product_id: Some(49_257),
            product: Some("Virtual switch"),
            firmware: None,
            serial: Some("2d3f0a11"),
            custom_name: Some("AI_write"),
        },
        ..sensor("switch", "virtual_2d3f0a11", 100, "", &[SWITCH])
    },
];

const fn sensor(
    class: &'static str,
    connection: &'static str,
    instance: u32,
    custom_name: &'static str,
    rows: &'static [&'static [Row]],
) -> Plan {
    let identity = Identity {
        process: "dbus-adc",
        version: "1.48",
        connection: "Built-in input",
        product_id: Some(41_314),
        product: Some("Generic input"),
        firmware: None,
        serial: None,
        custom_name: Some(custom_name),
    };
    Plan { class, connection: Some(connection), instance, none: "---", identity, rows }
}

const TEMPERATURE: &[Row] = &[
    row("/FilterLength", I(10), PLAIN),
    row("/Offset", D(0.0), PLAIN).writable(any_number),
    row("/RawUnit", S("V"), PLAIN),
    row("/RawValue", D(2.93), PLAIN),
    row("/Scale", D(1.0), PLAIN).writable(any_number),
    row("/Status", U(0), Style::Words(&[(0, "Ok")])),
    row("/Temperature", I(21), Style::Unit(0, "C")),
    row("/TemperatureType", I(0), PLAIN).writable(any_number),
];

const RUUVI: &[Row] = &[
    row("/AccelX", D(0.05), Style::Unit(2, "g")),
    row("/BatteryVoltage", D(3.05), V),
    row("/Humidity", D(61.2), Style::Unit(0, "%")),
    row("/Pressure", D(101.3), Style::Unit(1, "kPa")),
    row("/SeqNo", U(1), PLAIN),
    row("/Status", U(0), PLAIN),
    row("/Temperature", D(14.0), C),
    row("/TemperatureType", I(4), PLAIN).writable(any_number),
];

const TANK: &[Row] = &[
    row("/Alarms/{High,Low}/{Active,Delay,Enable,Restore}", I(0), PLAIN).writable(any_number),
    row("/Alarms/{High,Low}/State", No(Kind::U32), PLAIN),
    row("/Capacity", D(0.06), Style::Unit(3, "m3")).writable(any_number),
    row("/FluidType", I(7), PLAIN).writable(any_number),
    row("/Level", U(71), Style::Unit(0, "%")),
    row("/RawUnit", S("Ω"), PLAIN),
    row("/RawValue", D(127.8), PLAIN),
    row("/Remaining", D(0.0426), Style::Unit(3, "m3")),
    row("/Status", U(0), Style::Words(&[(0, "Ok")])),
];

const DIGITAL_INPUT: &[Row] = &[
    row("/Alarm", I(0), PLAIN),
    row("/Count", I(12), PLAIN).writable(any_number),
    row("/InputState", I(0), PLAIN),
    row("/State", I(7), Style::Words(&[(6, "open"), (7, "closed")])),
    row("/Type", I(2), Style::Words(&[(2, "Door")])),
];

const GENERATOR: &[Row] = &[
    row("/Alarms/{AutoStartDisabled,NoGeneratorAtAcIn,ServiceIntervalExceeded}", I(0), PLAIN),
    row("/AutoStartEnabled", I(0), PLAIN).writable(flag),
    row("/Error", I(0), PLAIN),
    row("/ManualStart", I(0), PLAIN).writable(flag),
    row("/ManualStartTimer", I(0), PLAIN).writable(any_number),
    row("/QuietHours", I(0), PLAIN),
    row("/RunningByCondition", S(""), PLAIN),
    row("/RunningByConditionCode", I(0), PLAIN),
    row("/Runtime", I(0), PLAIN),
    row("/ServiceCounter", No(Kind::I32), PLAIN),
    row("/State", I(0), PLAIN),
    row("/TodayRuntime", I(0), PLAIN),
    row("/Type", S("relay"), PLAIN),
];

const METEO: &[Row] = &[
    row("/CellTemperature", D(19.0), C),
    row("/ExternalTemperature", D(14.0), C),
    row("/Irradiance", D(0.0), Style::Unit(1, "W/m2")),
    row("/WindSpeed", No(Kind::F64), PLAIN),
];

/// Node-RED's virtual switch: the port-8088 API writes only while it is on.
const SWITCH: &[Row] = &[
    row("/State", I(256), PLAIN),
    row("/SwitchableOutput/output_1/Name", S("AI_write"), PLAIN),
    row("/SwitchableOutput/output_1/Settings/CustomName", S(""), PLAIN)
        .writable(|value| value.text().is_some()),
    row("/SwitchableOutput/output_1/Settings/{Type,ValidTypes}", I(1), PLAIN),
    row("/SwitchableOutput/output_1/State", I(0), PLAIN).writable(flag),
    row("/SwitchableOutput/output_1/Status", I(0), PLAIN),
];

const GPS: &[Row] = &[
    row("/Altitude", D(42.0), Style::Unit(1, "m")),
    row("/Course", D(0.0), Style::Unit(1, "deg")),
    row("/Fix", Start::Y(1), PLAIN),
    row("/NrOfSatellites", Start::Y(9), PLAIN),
    row("/Position/Latitude", D(48.8), Style::Unit(5, "deg")),
    row("/Position/Longitude", D(2.3), Style::Unit(5, "deg")),
    row("/Speed", D(0.0), Style::Unit(2, "m/s")),
];

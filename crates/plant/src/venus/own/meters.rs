//! What measures on the AC side: the grid meter, a heat pump's meter, the PV inverter, the EV charger.

use super::{
    Identity, Plan,
    row::{PLAIN, Row, SECONDS, Start, V0, W, any_number, flag, row},
};
use crate::venus::{
    style::Style,
    value::{Kind, Value},
};
use Start::{D, I, No, S};

pub(super) const PLANS: &[Plan] = &[
    Plan {
        class: "grid",
        connection: Some("cgwacs_ttyUSB0_di30_mb1"),
        instance: 30,
        none: "---",
        identity: Identity {
            process: "/opt/victronenergy/dbus-cgwacs/dbus-cgwacs",
            version: "1.8.0",
            connection: "/dev/ttyUSB0",
            product_id: Some(45_058),
            product: Some("Grid meter"),
            firmware: Some(2),
            serial: Some("BP09300SIM014"),
            custom_name: Some("Grid meter EM24"),
        },
        rows: &[THREE_PHASES, GRID],
    },
    Plan {
        class: "acload",
        connection: Some("cg_BX18600SIM15"),
        instance: 31,
        none: "---",
        identity: Identity {
            process: "dbus-modbus-client.py",
            version: "1.66",
            connection: "Modbus TCP 192.0.2.31",
            product_id: Some(45_072),
            product: Some("Energy Meter EM24 Ethernet"),
            firmware: Some(2),
            serial: Some("BX18600SIM15"),
            custom_name: Some("Heat pump"),
        },
        rows: &[THREE_PHASES, ACLOAD],
    },
    Plan {
        class: "pvinverter",
        connection: Some("fronius_240_31279018"),
        instance: 20,
        none: "---",
        identity: Identity {
            process: "/opt/victronenergy/dbus-fronius/dbus-fronius",
            version: "2.1.2",
            connection: "192.0.2.106 - 1 (sunspec)",
            product_id: Some(41_282),
            product: Some("Fronius Symo 6.0-3-M"),
            firmware: None,
            serial: Some("31279018"),
            custom_name: Some("Roof south"),
        },
        rows: &[THREE_PHASES, PVINVERTER],
    },
    Plan {
        class: "evcharger",
        connection: Some("evc_HQ2306SIM4G"),
        instance: 40,
        none: "---",
        identity: Identity {
            process: "dbus-modbus-client.py",
            version: "1.66",
            connection: "Modbus TCP 192.0.2.102",
            product_id: Some(49_189),
            product: Some("EV Charging Station"),
            firmware: Some(75_265),
            serial: Some("HQ2306SIM4G"),
            custom_name: Some("EVCS"),
        },
        rows: &[EVCHARGER],
    },
];

const A1: Style = Style::Unit(1, "A");
const KWH1: Style = Style::Unit(1, "kWh");

const THREE_PHASES: &[Row] = &[
    row("/Ac/Current", D(0.0), A1),
    row("/Ac/Energy/{Forward,Reverse}", D(0.0), KWH1),
    row("/Ac/L{1,2,3}/Current", D(0.0), A1),
    row("/Ac/L{1,2,3}/Energy/{Forward,Reverse}", D(0.0), KWH1),
    row("/Ac/L{1,2,3}/Power", D(0.0), W),
    row("/Ac/L{1,2,3}/Voltage", D(230.0), V0),
    row("/Ac/Power", D(0.0), W),
    row("/Ac/Voltage", D(230.0), V0),
    row("/DeviceType", I(71), PLAIN),
    row("/ErrorCode", I(0), PLAIN),
];

const GRID: &[Row] = &[
    row("/Ac/Frequency", D(50.0), Style::Unit(2, "Hz")),
    row("/Ac/L{1,2,3}/PowerFactor", D(1.0), PLAIN),
    row("/Ac/L{1,2,3}/VoltageLineToLine", D(398.4), V0),
    row("/Alarms/PhaseRotation", I(0), PLAIN),
    row("/NrOfPhases", I(3), PLAIN),
    row("/PhaseSequence", I(0), PLAIN),
    row("/RefreshTime", I(500), PLAIN),
];

const ACLOAD: &[Row] = &[
    row("/Ac/Frequency", D(50.0), Style::Unit(2, "Hz")),
    row("/NrOfPhases", I(3), PLAIN),
    row("/Position", I(0), PLAIN),
];

const PVINVERTER: &[Row] = &[
    row("/Ac/MaxPower", D(6_000.0), W),
    row("/Ac/MinPowerLimit", D(0.0), W),
    row("/Ac/PowerLimit", D(6_000.0), W).writable(limit),
    row("/FroniusDeviceType", I(240), PLAIN),
    row("/NrOfPhases", I(3), PLAIN),
    row("/Position", I(0), PLAIN),
    row("/StatusCode", I(7), PLAIN),
];

const EVCHARGER: &[Row] = &[
    row("/Ac/Energy/Forward", D(812.3), Style::Unit(2, " kWh")),
    row("/Ac/L{1,2,3}/Power", D(0.0), Style::Unit(0, " W")),
    row("/Ac/Power", D(0.0), Style::Unit(0, " W")),
    row("/AutoStart", D(1.0), PLAIN).writable(flag),
    row("/ChargingTime", D(0.0), SECONDS),
    row("/Current", D(0.0), Style::Unit(1, " A")),
    row("/EnableDisplay", D(1.0), PLAIN).writable(flag),
    row("/MaxCurrent", D(32.0), Style::Unit(0, " A")).writable(charge_current),
    row("/Mode", I(0), PLAIN).writable(flag),
    row("/Model", S("AC22E"), PLAIN),
    row("/Position", I(0), PLAIN).writable(any_number),
    row("/Role", S("evcharger"), PLAIN),
    row("/Session/{Energy,Time}", No(Kind::F64), PLAIN),
    row("/SetCurrent", D(16.0), Style::Unit(0, " A")).writable(charge_current),
    row("/StartStop", I(0), PLAIN).writable(flag),
    row("/Status", I(6), PLAIN),
];

fn limit(value: &Value) -> bool {
    value.number().is_some_and(|watts| (0.0..=100_000.0).contains(&watts))
}

fn charge_current(value: &Value) -> bool {
    value.number().is_some_and(|amperes| (0.0..=32.0).contains(&amperes))
}

//! The solar charger: one MPPT on VE.Direct.

use super::{
    Identity, Plan,
    row::{A, ALARM, KWH, PLAIN, Row, Start, V, W, one_of, row},
};
use crate::venus::{style::Style, value::Kind};
use Start::{D, I, No, U};

pub(super) const PLANS: &[Plan] = &[Plan {
    class: "solarcharger",
    connection: Some("ttyS5"),
    instance: 278,
    none: "---",
    identity: Identity {
        process: "vedirect-dbus",
        version: "3.89",
        connection: "VE.Direct",
        product_id: Some(41_062),
        product: Some("SmartSolar Charger MPPT 250/70"),
        firmware: Some(364),
        serial: Some("HQ2131SIM3T"),
        custom_name: Some("Garage"),
    },
    rows: &[NOW, HISTORY],
}];

const NOW: &[Row] = &[
    row("/Alarms/{HighTemperature,ShortCircuit}", U(0), ALARM),
    row("/Capabilities/Capabilities1", U(124_230), PLAIN),
    row("/Dc/0/Current", D(0.0), A),
    row("/Dc/0/Voltage", D(51.0), V),
    row("/DeviceOffReason", U(0), PLAIN),
    row("/ErrorCode", U(0), PLAIN),
    row("/Link/{ChargeCurrent,TemperatureSense,VoltageSense}", No(Kind::F64), V),
    row("/Link/ChargeVoltage", D(53.2), V),
    row("/Link/NetworkMode", U(5), PLAIN),
    row("/Link/{NetworkStatus,TemperatureSenseActive,VoltageSenseActive}", U(0), PLAIN),
    row("/Load/State", No(Kind::U32), PLAIN),
    row("/Mode", I(1), PLAIN).writable(|value| one_of(value, &[1, 4])),
    row("/MppOperationMode", U(0), PLAIN),
    row("/Pv/V", D(0.0), V),
    row("/Relay/0/State", U(0), PLAIN),
    row("/Settings/BmsPresent", U(1), PLAIN),
    row("/Settings/ChargeCurrentLimit", D(70.0), A)
        .writable(|value| value.number().is_some_and(|amperes| (0.0..=70.0).contains(&amperes))),
    row("/State", U(0), PLAIN),
    row("/Yield/Power", D(0.0), W),
    row("/Yield/{System,User}", D(4_711.2), KWH),
];

const HISTORY: &[Row] = &[
    row("/History/Daily/{0-30}/{Yield,MaxPower}", D(0.0), PLAIN),
    row("/History/Daily/{0-30}/{LastError1,LastError2}", I(0), PLAIN),
    row(
        "/History/Daily/{0-30}/{MaxBatteryVoltage,MaxPvVoltage,MinBatteryVoltage}",
        D(0.0),
        Style::Unit(0, ""),
    ),
    row("/History/Daily/{0-30}/{TimeInAbsorption,TimeInBulk,TimeInFloat}", D(0.0), Style::Unit(0, "")),
    row("/History/Daily/{0-30}/Consumption", No(Kind::F64), PLAIN),
    row("/History/Overall/DaysAvailable", I(31), PLAIN),
    row("/History/Overall/{LastError1,LastError2,LastError3,LastError4}", I(0), PLAIN),
    row("/History/Overall/{MaxBatteryVoltage,MaxPvVoltage,MinBatteryVoltage}", D(0.0), V),
];

//! The batteries: a Pylontech stack on the CAN bus, and a shunt that measures the same battery.

use super::{
    Identity, Plan,
    row::{A, AH, ALARM, C, KWH, PCT, PLAIN, Row, SECONDS, Start, V, V3, W, row},
};
use crate::venus::{style::Style, value::Kind};
use Start::{D, I, No, S, U, Y};

pub(super) const PLANS: &[Plan] = &[
    Plan {
        class: "battery",
        connection: Some("socketcan_can1"),
        instance: 512,
        none: "---",
        identity: Identity {
            process: "can-bus-bms",
            version: "v0.66",
            connection: "CAN-bus",
            product_id: Some(45_065),
            product: Some("Pylontech battery"),
            firmware: None,
            serial: None,
            custom_name: Some("Pylontech US3000C x4"),
        },
        rows: &[PYLONTECH, LIMITS, MODULES, HISTORY],
    },
    Plan {
        class: "battery",
        connection: Some("ttyS6"),
        instance: 279,
        none: "---",
        identity: Identity {
            process: "vedirect-dbus",
            version: "3.89",
            connection: "VE.Direct",
            product_id: Some(41_865),
            product: Some("SmartShunt 500A/50mV"),
            firmware: Some(1_049),
            serial: Some("HQ2229SIM07"),
            custom_name: Some("Shunt"),
        },
        rows: &[SHUNT, HISTORY],
    },
];

const PYLONTECH: &[Row] = &[
    row("/Alarms/Alarm", No(Kind::U32), ALARM),
    row(
        "/Alarms/{CellImbalance,ChargeBlocked,DischargeBlocked,HighCellVoltage,HighChargeCurrent}",
        U(0),
        ALARM,
    ),
    row("/Alarms/{HighChargeTemperature,HighDischargeCurrent,HighTemperature,InternalFailure}", U(0), ALARM),
    row(
        "/Alarms/{HighVoltage,LowCellVoltage,LowChargeTemperature,LowSoc,LowTemperature,LowVoltage}",
        U(0),
        ALARM,
    ),
    row("/Capacity", No(Kind::F64), AH),
    row("/ConsumedAmphours", No(Kind::F64), AH),
    row("/ConnectionInformation", No(Kind::Text), PLAIN),
    row("/Dc/0/Current", D(0.0), A),
    row("/Dc/0/{MidVoltage,MidVoltageDeviation}", No(Kind::F64), V),
    row("/Dc/0/Power", I(0), W),
    row("/Dc/0/Temperature", D(22.0), C),
    row("/Dc/0/Voltage", D(51.0), V),
    row("/Dc/1/Voltage", No(Kind::F64), V),
    row("/ErrorCode", No(Kind::I32), PLAIN),
    row("/InstalledCapacity", I(296), AH),
    row("/Io/{AllowToCharge,AllowToDischarge}", No(Kind::Byte), PLAIN),
    row("/Manufacturer", S("PYLON"), PLAIN),
    row("/Mode", No(Kind::I32), PLAIN),
    row("/Redetect", I(0), PLAIN).writable(super::row::flag),
    row("/Serial", No(Kind::Text), PLAIN),
    row("/Soc", Y(62), Style::Unit(0, "%")),
    row("/Soh", Y(98), Style::Unit(0, "%")),
    row("/State", No(Kind::Byte), PLAIN),
    row("/TimeToGo", No(Kind::U32), SECONDS),
];

const LIMITS: &[Row] = &[
    row("/Info/BatteryLowVoltage", D(44.0), V),
    row("/Info/{ChargeRequest,FullChargeRequest}", I(0), PLAIN),
    row("/Info/MaxChargeCurrent", D(148.0), A),
    row("/Info/MaxChargeVoltage", D(53.2), V),
    row("/Info/MaxDischargeCurrent", D(148.0), A),
    row("/System/{MinCellTemperature,MaxCellTemperature}", D(22.0), C),
    row("/System/{MinCellVoltage,MaxCellVoltage}", D(3.4), V3),
    row("/System/MaxTemperatureCellId", S("0101"), PLAIN),
    row("/System/MaxVoltageCellId", S("0103"), PLAIN),
    row("/System/MinTemperatureCellId", S("0402"), PLAIN),
    row("/System/MinVoltageCellId", S("0211"), PLAIN),
    row("/System/{NrOfBatteries,NrOfCellsPerBattery}", No(Kind::Byte), PLAIN),
    row("/System/{NrOfModulesBlockingCharge,NrOfModulesBlockingDischarge,NrOfModulesOffline}", U(0), PLAIN),
    row("/System/NrOfModulesOnline", U(4), PLAIN),
];

const MODULES: &[Row] = &[
    row(
        "/Diagnostics/Module{0-3}/Alarms/{CellImbalance,HighCellVoltage,HighChargeCurrent}",
        No(Kind::U32),
        ALARM,
    ),
    row("/Diagnostics/Module{0-3}/Alarms/{HighTemperature,InternalFailure,LowVoltage}", No(Kind::U32), ALARM),
    row("/Diagnostics/Module{0-3}/Id", S(""), PLAIN),
    row("/Diagnostics/LastErrors/1/Error", No(Kind::Byte), PLAIN),
];

const HISTORY: &[Row] = &[
    row("/History/{AutomaticSyncs,ChargeCycles,FullDischarges}", No(Kind::I32), PLAIN),
    row("/History/{AverageDischarge,DeepestDischarge,LastDischarge,TotalAhDrawn}", No(Kind::F64), AH),
    row("/History/{ChargedEnergy,DischargedEnergy}", No(Kind::F64), KWH),
    row("/History/{MaximumVoltage,MinimumVoltage,MaximumCellVoltage,MinimumCellVoltage}", No(Kind::F64), V),
    row("/History/TimeSinceLastFullCharge", No(Kind::I32), SECONDS),
];

const SHUNT: &[Row] = &[
    row(
        "/Alarms/{Alarm,HighTemperature,HighVoltage,LowSoc,LowTemperature,LowVoltage,MidVoltage}",
        U(0),
        ALARM,
    ),
    row("/Alarms/{HighStarterVoltage,LowStarterVoltage}", U(0), ALARM),
    row("/ConsumedAmphours", D(0.0), AH),
    row("/Dc/0/Current", D(0.0), A),
    row("/Dc/0/{MidVoltage,MidVoltageDeviation}", No(Kind::F64), V),
    row("/Dc/0/Power", D(0.0), W),
    row("/Dc/0/Temperature", No(Kind::F64), C),
    row("/Dc/0/Voltage", D(51.0), V),
    row("/Dc/1/Voltage", No(Kind::F64), V),
    row("/Devices/0/{DeviceInstance,FirmwareVersion,ProductId}", U(0), PLAIN),
    row("/Devices/0/ProductName", S("SmartShunt 500A/50mV"), PLAIN),
    row("/Relay/0/State", No(Kind::Byte), PLAIN),
    row("/Settings/{HasMidVoltage,HasStarterVoltage,HasTemperature}", U(0), PLAIN),
    row("/Soc", D(62.0), PCT),
    row("/TimeToGo", No(Kind::F64), SECONDS),
];

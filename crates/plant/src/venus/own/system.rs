//! What the GX computes of all the others, and its ESS loop's own service.

use super::{
    Identity, Plan,
    row::{PLAIN, Row, Start, flag, number_or_none, row},
};
use crate::venus::{
    style::Style,
    value::{Kind, Value},
};
use Start::{B, D, I, No, NoList, S, U};

pub(super) const PLANS: &[Plan] = &[
    Plan {
        class: "system",
        connection: None,
        instance: 0,
        none: "---",
        identity: Identity {
            process: "/opt/victronenergy/dbus-systemcalc-py/dbus_systemcalc.py",
            version: "2.256",
            connection: "data from other dbus processes",
            product_id: None,
            product: None,
            firmware: Some(0),
            serial: Some("02fc00000001"),
            custom_name: None,
        },
        rows: &[AC, DC, SERVICES, CONTROL],
    },
    Plan {
        class: "hub4",
        connection: None,
        instance: 0,
        none: "---",
        identity: Identity::process("hub4control", "v3.70"),
        rows: &[HUB4],
    },
];

const W: Style = Style::Unit(0, " W");
const A: Style = Style::Unit(1, " A");

const AC: &[Row] = &[
    row("/Ac/ActiveIn/{FeedbackEnabled,GridParallel}", I(1), PLAIN),
    row("/Ac/{ActiveIn,Grid}/L{1,2,3}/Power", D(0.0), W),
    row("/Ac/{ActiveIn,Grid}/L{1,2,3}/Current", D(0.0), A),
    row("/Ac/{ActiveIn,Grid}/NumberOfPhases", I(3), PLAIN),
    row("/Ac/ActiveIn/ServiceType", S("vebus"), PLAIN),
    row("/Ac/ActiveIn/Source", U(1), PLAIN),
    row("/Ac/{Consumption,ConsumptionOnInput,ConsumptionOnOutput}/L{1,2,3}/Power", D(0.0), W),
    row("/Ac/{Consumption,ConsumptionOnInput,ConsumptionOnOutput}/L{1,2,3}/Current", D(0.0), A),
    row("/Ac/{Consumption,ConsumptionOnInput,ConsumptionOnOutput}/NumberOfPhases", I(3), PLAIN),
    row("/Ac/Genset/L{1,2,3}/{Current,Power}", No(Kind::F64), W),
    row("/Ac/Genset/{DeviceType,NumberOfPhases,ProductId,Runtime}", No(Kind::I32), PLAIN),
    row("/Ac/Grid/{DeviceType,ProductId}", I(71), PLAIN),
    row("/Ac/HasAcLoads", I(1), PLAIN),
    row("/Ac/In/0/Connected", I(1), PLAIN),
    row("/Ac/In/0/DeviceInstance", I(276), PLAIN),
    row("/Ac/In/0/ServiceName", S("com.victronenergy.vebus.ttyS4"), PLAIN),
    row("/Ac/In/0/ServiceType", S("vebus"), PLAIN),
    row("/Ac/In/0/Source", I(1), PLAIN),
    row("/Ac/In/1/{Connected,DeviceInstance,Source}", No(Kind::I32), PLAIN),
    row("/Ac/In/1/{ServiceName,ServiceType}", No(Kind::Text), PLAIN),
    row("/Ac/In/NumberOfAcInputs", I(1), PLAIN),
    row("/Ac/{PvOnGenset,PvOnGrid,PvOnOutput}/L{1,2,3}/Power", No(Kind::F64), W),
    row("/Ac/{PvOnGenset,PvOnGrid,PvOnOutput}/L{1,2,3}/Current", No(Kind::F64), A),
    row("/Ac/{PvOnGenset,PvOnGrid,PvOnOutput}/NumberOfPhases", No(Kind::I32), PLAIN),
];

const DC: &[Row] = &[
    row("/Dc/{Alternator,Charger,FuelCell}/Power", No(Kind::F64), W),
    row("/Dc/Battery/Alarms/CircuitBreakerTripped", No(Kind::I32), PLAIN),
    row("/Dc/Battery/BatteryService", S("com.victronenergy.battery.socketcan_can1"), PLAIN),
    row("/Dc/Battery/{Capacity,ConsumedAmphours,TimeToGo}", No(Kind::F64), PLAIN),
    row("/Dc/Battery/ChargeVoltage", D(53.2), Style::Unit(2, " V")),
    row("/Dc/Battery/Current", D(0.0), A),
    row("/Dc/Battery/Power", D(0.0), W),
    row("/Dc/Battery/ProductId", I(45_065), Style::Hex),
    row("/Dc/Battery/Soc", D(62.0), Style::Unit(0, " %")),
    row("/Dc/Battery/State", I(0), Style::Words(&[(0, "Idle"), (1, "Charging"), (2, "Discharging")])),
    row("/Dc/Battery/Temperature", D(22.0), Style::Unit(1, " C")),
    row("/Dc/Battery/TemperatureService", S("com.victronenergy.battery.socketcan_can1"), PLAIN),
    row("/Dc/Battery/Voltage", D(51.0), Style::Unit(2, " V")),
    row("/Dc/Battery/VoltageService", S("com.victronenergy.battery.socketcan_can1"), PLAIN),
    row("/Dc/{InverterCharger,Pv,Vebus}/Current", D(0.0), A),
    row("/Dc/{InverterCharger,Pv,Vebus}/Power", D(0.0), W),
    row("/Dc/System/{Current,MeasurementType,Power}", No(Kind::F64), W),
];

const SERVICES: &[Row] = &[
    row("/ActiveBatteryService", S("com.victronenergy.battery/512"), PLAIN),
    row("/ActiveBmsInstance", I(512), PLAIN),
    row("/ActiveBmsService", S("com.victronenergy.battery.socketcan_can1"), PLAIN),
    row("/AutoSelectedBatteryMeasurement", S("com_victronenergy_battery_512/Dc/0"), PLAIN),
    row("/AutoSelectedBatteryService", S("Pylontech battery on CAN-bus"), PLAIN),
    row("/AutoSelectedTemperatureService", S("Pylontech battery on CAN-bus"), PLAIN),
    row("/AvailableBatteries", S(AVAILABLE), PLAIN),
    row("/AvailableBatteryServices", S(AVAILABLE_SERVICES), PLAIN),
    row("/AvailableBmsServices", NoList, PLAIN),
    row("/Batteries", NoList, PLAIN),
    row("/Devices/NumberOfVebusDevices", I(1), PLAIN),
    row("/FirmwareBuild", S("20260901120000"), PLAIN),
    row("/GpsService", No(Kind::Text), PLAIN),
    row("/GpsSpeed", No(Kind::F64), PLAIN),
    row("/Hub", I(4), PLAIN),
    row("/PvInvertersProductIds", NoList, PLAIN),
    row("/ServiceMapping/com_victronenergy_{vebus_276,battery_512,battery_279,grid_30}", S(""), PLAIN),
    row(
        "/ServiceMapping/com_victronenergy_{pvinverter_20,solarcharger_278,settings_0,system_0}",
        S(""),
        PLAIN,
    ),
    row("/SystemType", S("ESS"), PLAIN),
    row("/VebusInstance", I(276), PLAIN),
    row("/VebusService", S("com.victronenergy.vebus.ttyS4"), PLAIN),
];

const CONTROL: &[Row] = &[
    row("/Buzzer/State", I(0), PLAIN).writable(flag),
    row("/Control/ActiveSocLimit", D(10.0), PLAIN),
    row(
        "/Control/{BatteryCurrentSense,BatteryVoltageSense,ExtraBatteryCurrent,ScheduledCharge}",
        I(0),
        PLAIN,
    ),
    row(
        "/Control/{BmsParameters,MaxChargeCurrent,SolarChargeCurrent,SolarChargeVoltage,VebusSoc}",
        I(1),
        PLAIN,
    ),
    row("/Control/Dvcc", B(true), PLAIN),
    row("/Control/EffectiveChargeVoltage", D(53.2), PLAIN),
    row("/Control/EssState", I(10), PLAIN),
    row("/Control/ScheduledChargeStatus", I(0), PLAIN),
    row("/Control/ScheduledSoc", No(Kind::F64), PLAIN),
    row("/Dvcc/Alarms/{FirmwareInsufficient,MultipleBatteries}", I(0), PLAIN),
    row("/DynamicEss/Active", I(0), Style::Words(&[(0, "Off"), (1, "Auto"), (4, "Node-RED")])),
    row("/DynamicEss/{AllowGridFeedIn,Flags,Restrictions,Strategy}", No(Kind::I32), PLAIN),
    row("/DynamicEss/Available", I(1), PLAIN),
    row("/DynamicEss/{ChargeRate,ErrorCode}", I(0), PLAIN),
    row("/DynamicEss/TargetSoc", D(0.0), Style::Unit(1, "%")),
    row("/LoadShedding/{Active,Available,ErrorCode}", I(0), PLAIN),
    row("/MotorDrive/{Current,Power,Voltage}", No(Kind::F64), PLAIN),
    row("/Pv/Disable", I(0), PLAIN),
    row("/Relay/{0,1}/State", I(0), Style::Words(&[(0, "Open"), (1, "Closed")])).writable(flag),
    row("/SystemState/{BatteryLife,ChargeDisabled,DischargeDisabled,LowSoc,PeakShaving}", I(0), PLAIN),
    row("/SystemState/{SlowCharge,UserChargeLimited,UserDischargeLimited}", I(0), PLAIN),
    row("/SystemState/State", I(3), PLAIN),
    row("/Timers/{TimeOff,TimeOnGenerator,TimeOnGrid,TimeOnInverter}", D(0.0), PLAIN),
];

/// What hub4 has since v3.50.
pub(super) const VOLATILE: [&str; 2] = ["/Overrides/MaxDischargePower", "/Overrides/Setpoint"];

pub(super) const HUB4: &[Row] = &[
    row("/Alarms/NoGridMeter", I(0), PLAIN),
    row("/IsPeakShaving", I(0), PLAIN),
    row("/MaxChargePower", D(-1.0), W),
    row("/MaxDischargePower", D(-1.0), W),
    row("/Overrides/FeedInExcess", I(0), PLAIN)
        .writable(|value| value.number().is_some_and(|choice| [0.0, 1.0, 2.0].contains(&choice))),
    row("/Overrides/ForceCharge", I(0), PLAIN).writable(flag),
    row("/Overrides/MaxDischargePower", D(-1.0), W).writable(override_limit),
    row("/Overrides/Setpoint", No(Kind::F64), W).writable(number_or_none),
    row("/Pv/Disable", I(0), PLAIN).writable(flag),
    row("/PvPowerLimiterActive", I(0), PLAIN),
];

fn override_limit(value: &Value) -> bool {
    value.number().is_some_and(|watts| watts >= -1.0 && watts.is_finite())
}

const AVAILABLE: &str = r#"{"com.victronenergy.battery/512": {"name": "Pylontech battery", "channel": null, "type": "battery"}, "com.victronenergy.battery/279": {"name": "Shunt", "channel": null, "type": "battery"}, "com.victronenergy.vebus/276": {"name": "MultiPlus-II 48/5000/70-50", "channel": null, "type": "vebus"}}"#;
const AVAILABLE_SERVICES: &str = r#"{"default": "Automatic", "nobattery": "No battery monitor", "com.victronenergy.battery/512": "Pylontech battery on CAN-bus", "com.victronenergy.battery/279": "Shunt on VE.Direct", "com.victronenergy.vebus/276": "MultiPlus-II 48/5000/70-50 on VE.Bus"}"#;

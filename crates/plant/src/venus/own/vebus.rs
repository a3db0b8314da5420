//! The Multi: three MultiPlus-II 48/5000, one per phase, under the ESS assistant.

use super::{
    Identity, Plan,
    row::{A, ALARM, HZ, KWH, PCT, PLAIN, Row, Start, V, V0, VA, W, any_number, flag, row},
};
use crate::venus::{
    style::Style,
    value::{Kind, Value},
};
use Start::{D, I, No, Q, S, U, Y};

pub(super) const PLANS: &[Plan] = &[Plan {
    class: "vebus",
    connection: Some("ttyS4"),
    instance: 276,
    none: "",
    identity: Identity {
        process: "mk2-dbus",
        version: "3.84",
        connection: "VE.Bus",
        product_id: Some(9_763),
        product: Some("MultiPlus-II 48/5000/70-50"),
        firmware: Some(1_362),
        serial: None,
        custom_name: Some(""),
    },
    rows: &[AC, DC, STATE, ESS, ALARMS, DEVICES, ENERGY],
}];

const AC: &[Row] = &[
    row("/Ac/ActiveIn/ActiveInput", U(0), PLAIN),
    row("/Ac/ActiveIn/Connected", U(1), Style::Words(&[(0, "no"), (1, "yes")])),
    row("/Ac/ActiveIn/CurrentLimit", D(32.0), A).writable(amperes),
    row("/Ac/ActiveIn/CurrentLimitIsAdjustable", U(1), PLAIN),
    row("/Ac/ActiveIn/L{1,2,3}/F", D(50.0), HZ),
    row("/Ac/ActiveIn/L{1,2,3}/I", D(0.0), A),
    row("/Ac/ActiveIn/L{1,2,3}/P", I(0), W),
    row("/Ac/ActiveIn/L{1,2,3}/S", I(0), VA),
    row("/Ac/ActiveIn/L{1,2,3}/V", D(230.0), V0),
    row("/Ac/ActiveIn/P", I(0), W),
    row("/Ac/ActiveIn/S", I(0), VA),
    row("/Ac/Control/IgnoreAcIn1", I(0), PLAIN).writable(flag),
    row("/Ac/Control/RemoteGeneratorSelected", I(0), PLAIN).writable(flag),
    row("/Ac/In/1/CurrentLimit", D(32.0), A).writable(amperes),
    row("/Ac/In/1/CurrentLimitIsAdjustable", U(1), PLAIN),
    row("/Ac/In/1/Type", I(1), PLAIN),
    row("/Ac/In/2/CurrentLimit", No(Kind::F64), A),
    row("/Ac/In/2/CurrentLimitIsAdjustable", No(Kind::U32), PLAIN),
    row("/Ac/NumberOfAcInputs", I(1), PLAIN),
    row("/Ac/NumberOfPhases", U(3), PLAIN),
    row("/Ac/Out/L{1,2,3}/F", D(50.0), HZ),
    row("/Ac/Out/L{1,2,3}/I", D(0.0), A),
    row("/Ac/Out/L{1,2,3}/NominalInverterPower", I(4_400), W),
    row("/Ac/Out/L{1,2,3}/P", I(0), W),
    row("/Ac/Out/L{1,2,3}/S", I(0), VA),
    row("/Ac/Out/L{1,2,3}/V", D(230.0), V0),
    row("/Ac/Out/NominalInverterPower", I(13_200), W),
    row("/Ac/Out/P", I(0), W),
    row("/Ac/Out/S", I(0), VA),
    row("/Ac/PowerMeasurementType", U(4), PLAIN),
    row("/Ac/State/IgnoreAcIn1", I(0), PLAIN),
    row("/Ac/State/SplitPhaseL2Passthru", No(Kind::I32), PLAIN),
    row("/AcSensor/{0-8}/Current", No(Kind::F64), A),
    row("/AcSensor/{0-8}/Energy", No(Kind::F64), KWH),
    row("/AcSensor/{0-8}/Location", No(Kind::U32), PLAIN),
    row("/AcSensor/{0-8}/Phase", No(Kind::U32), PLAIN),
    row("/AcSensor/{0-8}/Power", No(Kind::F64), W),
    row("/AcSensor/{0-8}/Voltage", No(Kind::F64), V0),
    row("/AcSensor/Count", No(Kind::U32), PLAIN),
];

const DC: &[Row] = &[
    row("/BatteryOperationalLimits/BatteryLowVoltage", D(44.0), V),
    row("/BatteryOperationalLimits/MaxChargeCurrent", D(148.0), A),
    row("/BatteryOperationalLimits/MaxChargeVoltage", D(53.2), V),
    row("/BatteryOperationalLimits/MaxDischargeCurrent", D(148.0), A),
    row("/BatterySense/Temperature", No(Kind::F64), PLAIN),
    row("/BatterySense/Voltage", D(51.0), V),
    row("/Bms/AllowToCharge", I(1), PLAIN),
    row("/Bms/AllowToChargeRate", U(0), PLAIN),
    row("/Bms/AllowToDischarge", I(1), PLAIN),
    row("/Bms/BmsExpected", I(0), PLAIN),
    row("/Bms/BmsType", I(0), PLAIN),
    row("/Bms/Error", I(0), PLAIN),
    row("/Bms/PreAlarm", No(Kind::I32), PLAIN),
    row("/Dc/0/Current", D(0.0), A),
    row("/Dc/0/MaxChargeCurrent", D(210.0), A),
    row("/Dc/0/Power", I(0), W),
    row("/Dc/0/PreferRenewableEnergy", No(Kind::I32), PLAIN),
    row("/Dc/0/Temperature", No(Kind::F64), PLAIN),
    row("/Dc/0/Voltage", D(51.0), V),
    row("/ExtraBatteryCurrent", D(0.0), A),
    row("/Hub/ChargeVoltage", D(53.2), V),
];

const STATE: &[Row] = &[
    row("/Interfaces/Mk2/Connection", S("/dev/ttyS4"), PLAIN),
    row("/Interfaces/Mk2/ProductId", U(4_464), PLAIN),
    row("/Interfaces/Mk2/ProductName", S("MK3"), PLAIN),
    row("/Interfaces/Mk2/Status/BusFreeMode", U(1), Style::Words(&[(1, "hw")])),
    row("/Interfaces/Mk2/Tunnel", No(Kind::Text), PLAIN),
    row("/Interfaces/Mk2/Version", U(1_170_216), PLAIN),
    row("/Leds/{Absorption,Bulk,Float,Inverter,LowBattery,Mains,Overload,Temperature}", U(0), LED),
    row("/Mode", U(3), Style::Words(&[(1, "charger only"), (2, "inverter only"), (3, "on"), (4, "off")]))
        .writable(mode),
    row("/ModeIsAdjustable", U(1), PLAIN),
    row("/PvInverter/Disable", I(0), PLAIN).writable(flag),
    row("/Quirks", Q(0), PLAIN),
    row("/RedetectSystem", U(0), PLAIN).writable(flag),
    row("/Settings/Alarm/System/GridLost", I(1), PLAIN),
    row("/Settings/AssistCurrentBoostFactor", D(2.0), PLAIN),
    row("/Settings/GridCode", I(5), PLAIN),
    row("/Settings/InverterOutputVoltage", D(230.0), V0),
    row("/Settings/PowerAssistEnabled", D(1.0), PLAIN),
    row("/Settings/SystemSetup/AcInput1", I(1), PLAIN),
    row("/Settings/SystemSetup/AcInput2", I(0), PLAIN),
    row("/Settings/UpsFunction", D(0.0), PLAIN),
    row("/ShortIds", U(1), PLAIN),
    row("/Soc", D(62.0), PCT).writable(percent),
    row("/State", U(3), STATES),
    row("/SystemReset", No(Kind::Byte), PLAIN).writable(flag),
    row("/VebusChargeState", U(1), Style::Words(&[(1, "bulk"), (2, "absorption"), (3, "float")])),
    row("/VebusError", U(0), PLAIN),
    row("/VebusMainState", U(9), Style::Words(&[(4, "invert"), (8, "bypass"), (9, "charge")])),
    row("/VebusSetChargeState", U(0), PLAIN),
];

const ESS: &[Row] = &[
    row("/Hub4/AcPowerSetpoint", I(0), W),
    row("/Hub4/AssistantId", Q(5), Style::Words(&[(4, "Hub-4"), (5, "ESS")])),
    row("/Hub4/DisableCharge", I(0), PLAIN).writable(flag),
    row("/Hub4/DisableFeedIn", I(0), PLAIN).writable(flag),
    row("/Hub4/DoNotFeedInOvervoltage", I(1), PLAIN).writable(flag),
    row("/Hub4/FixSolarOffsetTo100mV", I(0), PLAIN).writable(flag),
    row("/Hub4/L{1,2,3}/AcPowerSetpoint", I(0), W).writable(any_number),
    row("/Hub4/L{1,2,3}/CurrentLimitedDueToHighTemp", I(0), PLAIN),
    row("/Hub4/L{1,2,3}/FrequencyVariationOccurred", I(0), PLAIN),
    row("/Hub4/L{1,2,3}/MaxFeedInPower", D(32_766.0), W).writable(any_number),
    row("/Hub4/L{1,2,3}/OffsetAddedToVoltageSetpoint", I(0), PLAIN),
    row("/Hub4/L{1,2,3}/OverruledShoreLimit", No(Kind::F64), A),
    row("/Hub4/Sustain", I(0), PLAIN),
    row("/Hub4/TargetPowerIsMaxFeedIn", I(0), PLAIN).writable(flag),
];

const ALARMS: &[Row] = &[
    row("/Alarms/BatteryOvervoltageProtection", No(Kind::U32), ALARM),
    row(
        "/Alarms/{BmsConnectionLost,GridLost,HighDcCurrent,HighDcVoltage,HighTemperature,LowBattery}",
        U(0),
        ALARM,
    ),
    row("/Alarms/{Overload,PhaseRotation,Ripple,TemperatureSensor,VoltageSensor}", U(0), ALARM),
    row("/Alarms/BmsPreAlarm", No(Kind::U32), ALARM),
    row("/Alarms/L{1,2,3}/{HighTemperature,LowBattery,Overload,Ripple}", U(0), ALARM),
    row("/Alarms/L{1,2,3}/{InverterImbalance,MainsImbalance}", I(0), ALARM),
];

const DEVICES: &[Row] = &[
    row("/Devices/{0-2}/Ac/In/P", I(0), W),
    row("/Devices/{0-2}/Ac/Inverter/P", I(0), W),
    row("/Devices/{0-2}/Ac/Out/P", I(0), W),
    row(
        "/Devices/{0-2}/ExtendStatus/{ChargeDisabledDueToLowTemp,ChargeIsDisabled,HighDcCurrent}",
        I(0),
        PLAIN,
    ),
    row(
        "/Devices/{0-2}/ExtendStatus/{HighDcVoltage,IgnoreAcIn1,MainsPllLocked,PcvPotmeterOnZero}",
        I(0),
        PLAIN,
    ),
    row("/Devices/{0-2}/ExtendStatus/{PowerPackPreOverload,SocTooLowToInvert,SustainMode}", I(0), PLAIN),
    row("/Devices/{0-2}/ExtendStatus/{TemperatureHighForceBypass,WaitingForRelayTest}", I(0), PLAIN),
    row("/Devices/{0-2}/ExtendStatus/GridRelayReport/{Code,Count}", No(Kind::U32), PLAIN),
    row("/Devices/{0-2}/ExtendStatus/SwitchoverInfo/Connecting", U(0), PLAIN),
    row("/Devices/{0-2}/ExtendStatus/SwitchoverInfo/Delay", Q(0), Style::Unit(0, "s")),
    row("/Devices/{0-2}/ExtendStatus/SwitchoverInfo/ErrorFlags", U(0), PLAIN),
    row("/Devices/{0-2}/ExtendStatus/VeBusNetworkQualityCounter", U(0), PLAIN),
    row("/Devices/{0-2}/FirmwareVersion", I(1_362), PLAIN),
    row("/Devices/{0-2}/ProductId", I(9_763), PLAIN),
    row("/Devices/0/SerialNumber", S("HQ2203SIM01"), PLAIN),
    row("/Devices/1/SerialNumber", S("HQ2203SIM02"), PLAIN),
    row("/Devices/2/SerialNumber", S("HQ2203SIM03"), PLAIN),
    row("/Devices/{0-2}/Version", U(2_623_552), PLAIN),
    row("/Devices/Bms/Version", No(Kind::U32), PLAIN),
    row("/Devices/Dmc/Version", No(Kind::U32), PLAIN),
    row("/Devices/NumberOfMultis", I(3), PLAIN),
    row("/FirmwareFeatures/{BolFrame,BolUBatAndTBatSense,CommandWriteViaId,SetChargeState}", Y(1), PLAIN),
    row("/FirmwareSubVersion", U(0), PLAIN),
];

const ENERGY: &[Row] = &[
    row("/Energy/{AcIn1ToAcOut,AcIn1ToInverter,AcOutToAcIn1,InverterToAcIn1}", D(0.0), KWH),
    row("/Energy/{InverterToAcOut,OutToInverter}", D(0.0), KWH),
    row("/Energy/{AcIn2ToAcOut,AcIn2ToInverter,AcOutToAcIn2,InverterToAcIn2}", D(0.0), KWH),
];

const LED: Style = Style::Words(&[(0, "off"), (1, "on"), (2, "blink")]);

const STATES: Style = Style::Words(&[
    (0, "off"),
    (2, "fault"),
    (3, "bulk"),
    (4, "absorption"),
    (5, "float"),
    (8, "passthru"),
    (9, "inverting"),
    (252, "external control"),
]);

fn mode(value: &Value) -> bool {
    value.number().is_some_and(|mode| [1.0, 2.0, 3.0, 4.0].contains(&mode))
}

fn amperes(value: &Value) -> bool {
    value.number().is_some_and(|amperes| (0.0..=100.0).contains(&amperes))
}

fn percent(value: &Value) -> bool {
    value.number().is_some_and(|percent| (0.0..=100.0).contains(&percent))
}

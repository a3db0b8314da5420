//! What the drivers of the site tell about it: physics into values.

use crate::venus::{
    ess::{Connection, Control, Ess, Flows, GridSight, Orders, Stage, Switch},
    tree::{Service, Tree},
    value::Value,
};

/// What the meters showed before the simulator was there, kWh.
const IMPORTED_KWH: f64 = 8_123.4;
const EXPORTED_KWH: f64 = 3_310.7;
const PV_KWH: f64 = 15_820.5;
const YIELD_KWH: f64 = 4_711.2;
const ENERGY_KWH: f64 = 1_240.0;
/// Of loads and Multis.
const POWER_FACTOR: f64 = 0.97;
/// Below this there is no charging to speak of, W.
const CHARGING_W: f64 = 20.0;

/// `/Ac/ActiveIn/ActiveInput` without mains.
const NO_INPUT: f64 = 240.0;

/// `silent` names a class whose driver tells nothing new.
pub(super) fn all(tree: &mut Tree, ess: &Ess, orders: &Orders, silent: Option<&str>, now_ms: i64) {
    for (class, show) in [
        ("vebus", vebus as fn(&mut Service, &Ess, &Orders)),
        ("battery/512", battery),
        ("battery/279", shunt),
        ("grid", grid),
        ("pvinverter", pvinverter),
        ("solarcharger", solarcharger),
        ("hub4", hub4),
        ("meteo", meteo),
    ] {
        if silent != Some(class)
            && let Some(service) = tree.service_mut(class)
        {
            show(service, ess, orders);
        }
    }
    let seconds = (now_ms / 1_000) as f64;
    if let Some(platform) = tree.service_mut("platform") {
        platform.put("/Device/Time", seconds);
    }
    if let Some(logger) = tree.service_mut("logger") {
        // It logs every quarter of an hour.
        logger.put("/Vrm/TimeLastContact", (now_ms / 900_000 * 900) as f64);
    }
}

/// One number for each phase; `{}` in the path stands for 1 to 3.
fn phases(service: &mut Service, path: &str, numbers: [f64; 3]) {
    for (phase, number) in numbers.into_iter().enumerate() {
        service.put(&path.replace("{}", &(phase + 1).to_string()), number);
    }
}

fn sum(numbers: [f64; 3]) -> f64 {
    numbers.iter().sum()
}

/// The current that belongs to a power; no voltage, no current.
fn currents(watts: [f64; 3], volts: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|phase| if volts[phase] > 1.0 { watts[phase] / volts[phase] } else { 0.0 })
}

fn volts(ess: &Ess) -> [f64; 3] {
    ess.mains.map_or([0.0; 3], |mains| mains.voltage_v)
}

fn is_on_grid(stage: Stage) -> bool {
    matches!(stage, Stage::Passthru | Stage::Parallel | Stage::External | Stage::Charging)
}

fn vebus(service: &mut Service, ess: &Ess, orders: &Orders) {
    let (flows, stage) = (&ess.flows, ess.stage);
    let connected = is_on_grid(stage);
    service.put("/Ac/ActiveIn/ActiveInput", if connected { 0.0 } else { NO_INPUT });
    service.put("/Ac/ActiveIn/Connected", f64::from(u8::from(connected)));
    ac_in(service, ess, connected);
    ac_out(service, ess, stage);
    dc(service, ess);
    state(service, ess, orders);
    energy(service, ess);
    for phase in 0..3 {
        service.put(&format!("/Devices/{phase}/Ac/In/P"), flows.ac_in_w[phase]);
        service.put(&format!("/Devices/{phase}/Ac/Inverter/P"), -flows.inverter_w[phase]);
        service.put(&format!("/Devices/{phase}/Ac/Out/P"), flows.ac_in_w[phase] - flows.inverter_w[phase]);
        let waits = matches!(ess.connection, Connection::Waiting { .. });
        service
            .put(&format!("/Devices/{phase}/ExtendStatus/WaitingForRelayTest"), f64::from(u8::from(waits)));
    }
}

fn ac_in(service: &mut Service, ess: &Ess, connected: bool) {
    let watts = ess.flows.ac_in_w;
    let volts = if connected { volts(ess) } else { [0.0; 3] };
    let hertz = ess.mains.filter(|_| connected).map_or(0.0, |mains| mains.frequency_hz);
    phases(service, "/Ac/ActiveIn/L{}/P", watts);
    phases(service, "/Ac/ActiveIn/L{}/S", watts.map(|watts| watts / POWER_FACTOR));
    phases(service, "/Ac/ActiveIn/L{}/V", volts);
    phases(service, "/Ac/ActiveIn/L{}/I", currents(watts, volts));
    phases(service, "/Ac/ActiveIn/L{}/F", [hertz; 3]);
    service.put("/Ac/ActiveIn/P", sum(watts));
    service.put("/Ac/ActiveIn/S", sum(watts) / POWER_FACTOR);
    let limit = service.number("/Ac/In/1/CurrentLimit").unwrap_or(32.0);
    service.put("/Ac/ActiveIn/CurrentLimit", limit);
}

/// AC-out is what goes in less what the power stage takes: PV behind the Multi counts negative.
fn ac_out(service: &mut Service, ess: &Ess, stage: Stage) {
    let flows = &ess.flows;
    let watts: [f64; 3] = std::array::from_fn(|phase| flows.ac_in_w[phase] - flows.inverter_w[phase]);
    let (volts, hertz) = match stage {
        Stage::Off => ([0.0; 3], 0.0),
        Stage::Inverting => ([230.0; 3], if flows.curtailed_w > 0.0 { 51.4 } else { 50.0 }),
        _ => (volts(ess), ess.mains.map_or(50.0, |mains| mains.frequency_hz)),
    };
    phases(service, "/Ac/Out/L{}/P", watts);
    phases(service, "/Ac/Out/L{}/S", watts.map(|watts| watts / POWER_FACTOR));
    phases(service, "/Ac/Out/L{}/V", volts);
    phases(service, "/Ac/Out/L{}/I", currents(watts, volts));
    phases(service, "/Ac/Out/L{}/F", [hertz; 3]);
    service.put("/Ac/Out/P", sum(watts));
    service.put("/Ac/Out/S", sum(watts) / POWER_FACTOR);
}

fn dc(service: &mut Service, ess: &Ess) {
    let (pack, flows) = (&ess.pack, &ess.flows);
    service.put("/Dc/0/Voltage", pack.voltage_v);
    service.put("/Dc/0/Power", flows.inverter_dc_w);
    service.put("/Dc/0/Current", flows.inverter_dc_w / pack.voltage_v.max(1.0));
    service.put("/ExtraBatteryCurrent", flows.mppt_w / pack.voltage_v.max(1.0));
    service.put("/BatterySense/Voltage", pack.voltage_v);
    service.put("/BatteryOperationalLimits/MaxChargeCurrent", pack.charge_limit_a());
    service.put("/BatteryOperationalLimits/MaxDischargeCurrent", pack.discharge_limit_a());
    service.put("/Soc", pack.soc_pct);
}

fn state(service: &mut Service, ess: &Ess, orders: &Orders) {
    let charges = ess.flows.inverter_dc_w > CHARGING_W;
    let state = match ess.stage {
        Stage::Off => 0.0,
        Stage::Passthru => 8.0,
        Stage::Inverting => 9.0,
        Stage::External => 252.0,
        Stage::Parallel | Stage::Charging => charge_state(ess),
    };
    service.put("/State", state);
    service.put("/VebusMainState", if is_on_grid(ess.stage) { 9.0 } else { 4.0 });
    service.put("/VebusChargeState", if charges { charge_state(ess) - 2.0 } else { 0.0 });
    let lost = ess.mains.is_none();
    let alarms = service.number("/Settings/Alarm/System/GridLost").is_some_and(|on| on > 0.5);
    service.put("/Alarms/GridLost", if lost && alarms { 2.0 } else { 0.0 });
    service.put("/Alarms/LowBattery", if ess.pack.soc_pct < 3.0 { 2.0 } else { 0.0 });
    service.put("/Hub4/Sustain", f64::from(u8::from(ess.is_sustained())));
    service.put("/Leds/Mains", f64::from(u8::from(is_on_grid(ess.stage))));
    service.put("/Leds/Inverter", f64::from(u8::from(ess.stage == Stage::Inverting)));
    service.put("/Leds/Bulk", f64::from(u8::from(charges && charge_state(ess) < 3.5)));
    service.put("/Leds/Absorption", f64::from(u8::from(charges && (3.5..4.5).contains(&charge_state(ess)))));
    service.put("/Leds/Float", f64::from(u8::from(charges && charge_state(ess) > 4.5)));
    if !matches!(orders.control, Control::External(_) | Control::Charger) {
        // In modes 1 and 2 the GX itself writes here, over whatever stood there.
        phases(service, "/Hub4/L{}/AcPowerSetpoint", ess.flows.ac_in_w);
    }
    let total: f64 =
        (1..=3).filter_map(|phase| service.number(&format!("/Hub4/L{phase}/AcPowerSetpoint"))).sum();
    service.put("/Hub4/AcPowerSetpoint", total);
}

/// Bulk, absorption, float.
fn charge_state(ess: &Ess) -> f64 {
    match ess.pack.soc_pct {
        soc if soc >= 99.5 => 5.0,
        soc if soc >= 95.0 => 4.0,
        _ => 3.0,
    }
}

fn energy(service: &mut Service, ess: &Ess) {
    let totals = &ess.totals;
    for (name, kwh) in [
        ("AcIn1ToAcOut", totals.in_to_out),
        ("AcIn1ToInverter", totals.in_to_inverter),
        ("AcOutToAcIn1", totals.out_to_in),
        ("InverterToAcIn1", totals.inverter_to_in),
        ("InverterToAcOut", totals.inverter_to_out),
        ("OutToInverter", totals.out_to_inverter),
    ] {
        service.put(&format!("/Energy/{name}"), ENERGY_KWH + kwh);
    }
}

fn battery(service: &mut Service, ess: &Ess, _: &Orders) {
    let pack = &ess.pack;
    service.put("/Dc/0/Voltage", tenths(pack.voltage_v * 10.0) / 10.0);
    service.put("/Dc/0/Current", tenths(pack.current_a));
    service.put("/Dc/0/Power", pack.voltage_v * pack.current_a);
    service.put("/Dc/0/Temperature", tenths(pack.temperature_c));
    service.put("/Soc", pack.soc_pct);
    service.put("/Info/MaxChargeCurrent", tenths(pack.charge_limit_a()));
    service.put("/Info/MaxDischargeCurrent", tenths(pack.discharge_limit_a()));
    let cell = pack.voltage_v / crate::venus::ess::CELLS;
    service.put("/System/MinCellVoltage", ((cell - 0.006) * 1_000.0).round() / 1_000.0);
    service.put("/System/MaxCellVoltage", ((cell + 0.007) * 1_000.0).round() / 1_000.0);
    service.put("/System/MinCellTemperature", tenths(pack.temperature_c - 0.8));
    service.put("/System/MaxCellTemperature", tenths(pack.temperature_c + 1.1));
    let blocked = |limit_a: f64| if limit_a < 0.5 { 4.0 } else { 0.0 };
    service.put("/System/NrOfModulesBlockingCharge", blocked(pack.charge_limit_a()));
    service.put("/System/NrOfModulesBlockingDischarge", blocked(pack.discharge_limit_a()));
    service.put("/Alarms/LowSoc", if pack.soc_pct < 5.0 { 1.0 } else { 0.0 });
}

fn shunt(service: &mut Service, ess: &Ess, _: &Orders) {
    let pack = &ess.pack;
    service.put("/Dc/0/Voltage", pack.voltage_v);
    service.put("/Dc/0/Current", pack.current_a);
    service.put("/Dc/0/Power", pack.voltage_v * pack.current_a);
    service.put("/Soc", tenths(pack.soc_pct));
    let missing_ah = pack.capacity_ah() * (100.0 - pack.soc_pct) / 100.0;
    service.put("/ConsumedAmphours", -missing_ah);
    let left_ah = pack.capacity_ah() - missing_ah;
    let seconds =
        (pack.current_a < -0.5).then(|| (left_ah / -pack.current_a * 3_600.0).min(864_000.0).round());
    service.put_or_clear("/TimeToGo", seconds);
}

fn grid(service: &mut Service, ess: &Ess, _: &Orders) {
    let totals = &ess.totals;
    let volts = volts(ess);
    meter(service, ess.flows.grid_w, volts);
    service.put("/Ac/Frequency", ess.mains.map_or(0.0, |mains| (mains.frequency_hz * 100.0).round() / 100.0));
    phases(service, "/Ac/L{}/VoltageLineToLine", volts.map(|volts| tenths(volts * 3.0_f64.sqrt())));
    energies(service, totals.imported, totals.exported, (IMPORTED_KWH, EXPORTED_KWH));
}

fn meter(service: &mut Service, watts: [f64; 3], volts: [f64; 3]) {
    let amperes = currents(watts, volts);
    phases(service, "/Ac/L{}/Power", watts.map(tenths));
    phases(service, "/Ac/L{}/Voltage", volts.map(tenths));
    phases(service, "/Ac/L{}/Current", amperes.map(|amperes| (amperes * 1_000.0).round() / 1_000.0));
    service.put("/Ac/Power", tenths(sum(watts)));
    service.put("/Ac/Current", tenths(sum(amperes)));
    service.put("/Ac/Voltage", tenths(sum(volts) / 3.0));
}

fn energies(service: &mut Service, forward: [f64; 3], reverse: [f64; 3], before: (f64, f64)) {
    let shown = |kwh: f64, before: f64| (kwh + before).mul_add(10.0, 1e-6).floor() / 10.0;
    phases(service, "/Ac/L{}/Energy/Forward", forward.map(|kwh| shown(kwh, before.0 / 3.0)));
    phases(service, "/Ac/L{}/Energy/Reverse", reverse.map(|kwh| shown(kwh, before.1 / 3.0)));
    service.put("/Ac/Energy/Forward", shown(sum(forward), before.0));
    service.put("/Ac/Energy/Reverse", shown(sum(reverse), before.1));
}

fn pvinverter(service: &mut Service, ess: &Ess, orders: &Orders) {
    let watts = ess.flows.pv_ac_w;
    meter(service, watts, volts(ess));
    energies(service, ess.totals.pv_ac, [0.0; 3], (PV_KWH, 0.0));
    let status = match (sum(watts) > 0.0, orders.pv_disabled || ess.mains.is_none()) {
        (true, _) => 7.0,
        (false, true) => 8.0,
        (false, false) => 1.0,
    };
    service.put("/StatusCode", status);
}

fn solarcharger(service: &mut Service, ess: &Ess, _: &Orders) {
    let watts = ess.flows.mppt_w;
    service.put("/Yield/Power", watts.round());
    service.put("/Dc/0/Voltage", ess.pack.voltage_v);
    service.put("/Dc/0/Current", tenths(watts / ess.pack.voltage_v.max(1.0)));
    service.put("/Pv/V", if watts > 1.0 { 178.0 } else { 3.2 });
    service.put("/State", if watts > 1.0 { charge_state(ess) } else { 0.0 });
    service.put("/MppOperationMode", if watts > 1.0 { 2.0 } else { 0.0 });
    service.put("/DeviceOffReason", if watts > 1.0 { 0.0 } else { 1.0 });
    service.put("/Yield/User", YIELD_KWH + ess.totals.mppt);
    service.put("/Yield/System", YIELD_KWH + ess.totals.mppt);
    service.put("/History/Daily/0/Yield", ess.totals.mppt);
    let most = service.number("/History/Daily/0/MaxPower").unwrap_or(0.0);
    service.put("/History/Daily/0/MaxPower", most.max(watts.round()));
}

fn hub4(service: &mut Service, ess: &Ess, orders: &Orders) {
    let is_missing = orders.sight == GridSight::Missing && orders.switch == Switch::On;
    service.put("/Alarms/NoGridMeter", if is_missing { 2.0 } else { 0.0 });
    service.put("/MaxDischargePower", orders.max_discharge_w.unwrap_or(-1.0));
    service.put(
        "/MaxChargePower",
        if orders.charge_a.is_some() { ess.pack.charge_limit_w(orders.charge_a) } else { -1.0 },
    );
    service.put("/PvPowerLimiterActive", f64::from(u8::from(ess.flows.curtailed_w > 1.0)));
    service.put("/Pv/Disable", f64::from(u8::from(orders.pv_disabled)));
}

fn meteo(service: &mut Service, ess: &Ess, _: &Orders) {
    let Flows { pv_ac_w, curtailed_w, .. } = ess.flows;
    service.set("/Irradiance", Value::F64(tenths((sum(pv_ac_w) + curtailed_w) / 6.0)));
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

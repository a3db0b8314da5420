//! The 300 metrics: which the station tells every 10 s, 60 s and 5 min, at which resolution, and how noisy each is.
//!
//! 45 of the fast, 90 of the medium and 6 of the slow ones change; the rest (alarms, states, settings, texts) stays as it is.

use ohmstead_model::catalogue::{HaClass, Kind, Labels, PollClass, Sign, Unit, YES_NO};
use ohmstead_model::{Metric, MetricDef, Value};

use super::house::House;
use super::noise::Noise;

/// One metric and where its numbers come from.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) metric: Metric,
    pub(crate) signal: Signal,
}

/// A quantity of the house, in the metric's unit.
type Quantity = fn(&House) -> f64;

/// Whole numbers at the metric's resolution come out of it.
#[derive(Debug)]
pub(crate) enum Signal {
    /// A quantity and the deviation of the meter's noise, in units of the last digit. What is exactly zero
    /// is off, and has no noise.
    Of(Quantity, f64),
    /// The voltage of the cell with that number.
    Cell(u16),
    /// The counter with that number.
    Counter(usize),
    /// The same for ever.
    Constant(i32),
    /// The same text for ever.
    Text(Value),
}

impl Signal {
    #[expect(clippy::cast_possible_truncation, reason = "house-sized numbers")]
    pub(crate) fn raw(&self, house: &House, noise: &mut Noise, factor: f64) -> i32 {
        match self {
            Self::Of(quantity, deviation) => match quantity(house) {
                0.0 => 0,
                number => (number * factor + deviation * noise.normal()).round() as i32,
            },
            Self::Cell(number) => {
                // Cells differ by some millivolts, the more the fuller they are.
                let own = f64::from(number * 37 % 11) - 5.0;
                let volts = house.battery_volts() / 16.0 * 1000.0 + own * (0.5 + 2.0 * house.soc.powi(8));
                (volts + CELL_NOISE_MV * noise.normal()).round() as i32
            }
            Self::Counter(number) => (house.energy[*number] * factor) as i32,
            Self::Constant(raw) => *raw,
            Self::Text(_) => 0,
        }
    }
}

const CELL_NOISE_MV: f64 = 0.9;
const POWER: f64 = 1.6;

/// Every 10 s.
pub(crate) fn fast() -> Vec<Channel> {
    let mut channels = vec![
        of(Metric::PvPower, |h| h.pv[0] + h.pv[1], POWER),
        of(Metric::GridPower, |h| h.grid.iter().sum(), POWER),
        of(Metric::LoadPower, |h| h.load.iter().sum(), POWER),
        of(Metric::BatteryPower, |h| h.battery, POWER),
        of(Metric::BatterySoc, |h| h.soc * 100.0, 0.0),
        of(Metric::BatteryVoltage, House::battery_volts, 1.0),
        of(Metric::BatteryCurrent, |h| h.battery / h.battery_volts(), 2.5),
        of(Metric::InverterPower, House::inverter, POWER),
        of(Metric::InverterApparentPower, |h| h.inverter().abs() * 1.02, POWER),
        of(Metric::InverterLoadShare, |h| h.inverter().abs() / 80.0, 0.0),
        of(Metric::InverterBusVoltage, |h| h.battery_volts() * 8.0, 0.6),
        of(Metric::InverterVoltage, |h| h.grid_volts[0], 1.0),
        of(Metric::InverterFrequency, |h| h.hertz, 0.6),
        of(Metric::GridFrequency, |h| h.hertz, 0.6),
        of(Metric::PvPower1, |h| h.pv[0], POWER),
        of(Metric::PvPower2, |h| h.pv[1], POWER),
        of(Metric::PvVoltage1, |h| string_volts(h.pv[0]), 1.0),
        of(Metric::PvVoltage2, |h| string_volts(h.pv[1]), 1.0),
        of(Metric::PvCurrent1, |h| h.pv[0] / 380.0, 0.7),
        of(Metric::PvCurrent2, |h| h.pv[1] / 380.0, 0.7),
        of(Metric::GridPowerL1, |h| h.grid[0], POWER),
        of(Metric::GridPowerL2, |h| h.grid[1], POWER),
        of(Metric::GridPowerL3, |h| h.grid[2], POWER),
        of(Metric::GridVoltageL1, |h| h.grid_volts[0], 1.0),
        of(Metric::GridVoltageL2, |h| h.grid_volts[1], 1.0),
        of(Metric::GridVoltageL3, |h| h.grid_volts[2], 1.0),
        of(Metric::GridCurrentL1, |h| h.grid[0] / h.grid_volts[0], 1.0),
        of(Metric::GridCurrentL2, |h| h.grid[1] / h.grid_volts[1], 1.0),
        of(Metric::GridCurrentL3, |h| h.grid[2] / h.grid_volts[2], 1.0),
        of(Metric::LoadPowerL1, |h| h.load[0], POWER),
        of(Metric::LoadPowerL2, |h| h.load[1], POWER),
        of(Metric::LoadPowerL3, |h| h.load[2], POWER),
    ];
    for (id, quantity) in [
        ("inverter_power_l1", (|h| h.inverter() / 3.0) as Quantity),
        ("inverter_power_l2", |h| h.inverter() / 3.0),
        ("inverter_power_l3", |h| h.inverter() / 3.0),
    ] {
        channels.push(of(native(id, Some(Unit::Watt), 0, Kind::Gauge), quantity, POWER));
    }
    for (id, quantity) in [
        ("load_current_l1", (|h| h.load[0] / h.grid_volts[0]) as Quantity),
        ("load_current_l2", |h| h.load[1] / h.grid_volts[1]),
        ("load_current_l3", |h| h.load[2] / h.grid_volts[2]),
        ("inverter_current_l1", |h| h.inverter() / 3.0 / h.grid_volts[0]),
        ("inverter_current_l2", |h| h.inverter() / 3.0 / h.grid_volts[1]),
        ("inverter_current_l3", |h| h.inverter() / 3.0 / h.grid_volts[2]),
        ("battery_1_current", |h| h.battery * 0.51 / h.battery_volts()),
        ("battery_2_current", |h| h.battery * 0.49 / h.battery_volts()),
    ] {
        channels.push(of(native(id, Some(Unit::Ampere), 1, Kind::Gauge), quantity, 0.5));
    }
    let volts = |id| native(id, Some(Unit::Volt), 2, Kind::Gauge);
    channels.push(of(volts("battery_1_voltage"), House::battery_volts, 1.0));
    channels.push(of(volts("battery_2_voltage"), House::battery_volts, 1.0));
    channels.extend((1..=5).map(|number| state(&format!("relay_{number}"))));
    channels
}

fn string_volts(power: f64) -> f64 {
    if power == 0.0 { 0.0 } else { 395.0 - power * 0.006 }
}

/// Every minute.
pub(crate) fn medium() -> Vec<Channel> {
    let mut channels = vec![
        of(Metric::BatteryTemperature, |h| h.battery_heat, 0.4),
        of(Metric::InverterTemperature, |h| h.inverter_heat, 0.6),
        of(Metric::BatteryCellVoltageMin, |h| h.battery_volts() / 16.0 - 0.004, 1.0),
        of(Metric::BatteryCellVoltageMax, |h| h.battery_volts() / 16.0 + 0.005, 1.0),
    ];
    let counters = [
        Metric::PvEnergy,
        Metric::LoadEnergy,
        Metric::GridImportEnergy,
        Metric::GridExportEnergy,
        Metric::BatteryChargeEnergy,
        Metric::BatteryDischargeEnergy,
    ];
    let own = (counters.len()..20)
        .map(|number| native(&format!("energy_{number}"), Some(Unit::KilowattHour), 2, Kind::Counter));
    let counters = counters.into_iter().chain(own).enumerate();
    channels.extend(counters.map(|(number, metric)| Channel { metric, signal: Signal::Counter(number) }));
    channels.extend((1..=48).map(|number| {
        let metric = native(&format!("cell_{number}_voltage"), Some(Unit::Volt), 3, Kind::Gauge);
        Channel { metric, signal: Signal::Cell(number) }
    }));
    let temperatures: [(&str, Quantity); 12] = [
        ("outside", |h| h.outside),
        ("roof_1", |h| h.outside + h.pv[0] * 0.006),
        ("roof_2", |h| h.outside + h.pv[1] * 0.006),
        ("heat_sink", |h| h.inverter_heat + 4.0),
        ("transformer", |h| h.inverter_heat + 9.0),
        ("charger_1", |h| h.inverter_heat - 3.0),
        ("charger_2", |h| h.inverter_heat - 2.0),
        ("module_1", |h| h.battery_heat - 0.4),
        ("module_2", |h| h.battery_heat + 0.1),
        ("module_3", |h| h.battery_heat + 0.6),
        ("cabinet", |h| 0.5 * (h.battery_heat + h.inverter_heat)),
        ("board", |h| h.inverter_heat + 15.0),
    ];
    channels.extend(temperatures.map(|(id, quantity)| {
        of(native(&format!("{id}_temperature"), Some(Unit::Celsius), 1, Kind::Gauge), quantity, 0.5)
    }));
    let hours = native("time_to_go", Some(Unit::Second), 0, Kind::Gauge);
    channels.push(of(hours, |h| (h.soc * 15_360.0 / h.battery.max(60.0) * 60.0).round() * 60.0, 0.0));
    let charge = native("battery_charge_taken", Some(Unit::AmpereHour), 1, Kind::Gauge);
    channels.push(of(charge, |h| (1.0 - h.soc) * -300.0, 0.0));
    let processor = native("gateway_processor", Some(Unit::Percent), 0, Kind::Gauge);
    channels.push(of(processor, |_| 14.0, 2.5));
    channels.push(of(Metric::AnswerTime, |_| 48.0, 6.0));
    channels.push(of(Metric::InverterCurrent, |h| h.inverter() / h.grid_volts[0], 1.0));
    channels.push(of(Metric::GridVoltage, |h| h.grid_volts[1], 1.0));
    channels.extend((1..=60).map(|number| state(&format!("alarm_{number}"))));
    channels
}

/// Every five minutes.
pub(crate) fn slow() -> Vec<Channel> {
    let mut channels = vec![
        of(Metric::WifiSignal, |_| -58.0, 1.5),
        of(Metric::BatteryEnergyRemaining, |h| h.soc * 15_360.0, 0.0),
        of(native("gateway_memory", Some(Unit::Percent), 0, Kind::Gauge), |_| 61.0, 1.0),
        of(native("gateway_disk", Some(Unit::Percent), 1, Kind::Gauge), |h| 20.0 + h.seconds * 1e-6, 0.0),
        of(native("uptime", Some(Unit::Second), 0, Kind::Counter), |h| h.seconds, 0.0),
        of(native("tank_level", Some(Unit::Percent), 1, Kind::Gauge), |h| 70.0 - h.energy[1] % 60.0, 0.5),
    ];
    channels.push(Channel { metric: Metric::BatterySoh, signal: Signal::Constant(985) });
    channels.push(Channel { metric: Metric::BatteryCapacity, signal: Signal::Constant(15_360) });
    channels.push(Channel { metric: Metric::ChargeCurrentMax, signal: Signal::Constant(100) });
    for (metric, text) in
        [(Metric::DeviceModel, "MultiPlus-II 48/5000/70-50"), (Metric::DeviceFirmware, "v3.67")]
    {
        channels.push(Channel { metric, signal: Signal::Text(Value::text(text)) });
    }
    channels.extend((1..=29).map(|number| state(&format!("option_{number}"))));
    channels.extend((1..=60).map(|number| {
        let metric = native(&format!("setting_{number}"), None, 1, Kind::Gauge);
        Channel { metric, signal: Signal::Constant(number * 37) }
    }));
    channels
}

fn of(metric: Metric, quantity: Quantity, deviation: f64) -> Channel {
    Channel { metric, signal: Signal::Of(quantity, deviation) }
}

fn state(id: &str) -> Channel {
    Channel { metric: native(id, None, 0, Kind::State(YES_NO)), signal: Signal::Constant(0) }
}

/// A metric of this station's own. It lives as long as the program, as those of drivers do.
fn native(id: &str, unit: Option<Unit>, decimals: u8, kind: Kind) -> Metric {
    let id: &'static str = format!("station_{id}").leak();
    let ha = HaClass { device_class: None, state_class: None, diagnostic: true };
    let label = Labels { en: id, fr: id, nl: id, et: id, de: id };
    let def = MetricDef { id, unit, decimals, sign: Sign::Plain, kind, poll: PollClass::Medium, ha, label };
    Metric::new(Box::leak(Box::new(def)))
}

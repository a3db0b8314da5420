//! From the fields of a reply to canonical metrics: one table per method, one rule per kind of number.
//!
//! Marstek's signs: `ongrid_power` and `offgrid_power` are positive when the unit feeds them, `bat_power` is positive
//! while charging, the meter is positive while the house imports. Only this module knows that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ohmstead_model::{Metric, Moment, Observation, Unknown, Value};
use ohmstead_units::{BatteryPower, Watts};

use super::field::{self, Fields};
use super::filter::{CounterFilter, SocFilter, Verdict};
use super::profile::{Family, Firmware, Profile};
use super::scale::{CounterProof, Scales, Throughput};
use super::wire::Method;

/// How one field becomes a value.
#[derive(Clone, Copy)]
enum Rule {
    /// A power in watts of the unit itself.
    Power,
    /// A power in watts of the house.
    HousePower,
    /// A state of charge in percent.
    Soc,
    /// A capacity in Wh.
    Capacity,
    /// A battery temperature, unit inferred.
    Temperature,
    /// The house's meter in tenths of Wh.
    MeterEnergy,
    /// The unit's own AC energy counter, unit inferred.
    UnitEnergy(Flow),
    /// The solar energy counter.
    PvEnergy,
    /// A flag.
    Flag,
    /// Text.
    Text,
    /// Signal strength in dBm.
    Signal,
    /// A voltage, and how many raw units make one volt.
    Voltage(f64),
    /// A current in amperes.
    Current,
    /// "connect" or "disconnect".
    Connected,
    /// The mode, as text or number.
    Mode,
    /// 0 standby, 1 working.
    PvState,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Flow {
    Out,
    In,
}

/// The sun changes faster than the interval of most owners: at most this far apart, two answers are of one moment.
const TOGETHER: Duration = Duration::from_secs(15);

type Row = (&'static str, Metric, Rule);

const ES_MODE: &[Row] = &[
    ("mode", Metric::BatteryModeNative, Rule::Mode),
    ("bat_soc", Metric::BatterySoc, Rule::Soc),
    ("ongrid_power", Metric::InverterPower, Rule::Power),
    ("offgrid_power", Metric::InverterBackupPower, Rule::Power),
];

const ES_STATUS: &[Row] = &[
    ("bat_soc", Metric::BatterySoc, Rule::Soc),
    ("bat_cap", Metric::BatteryCapacity, Rule::Capacity),
    ("ongrid_power", Metric::InverterPower, Rule::Power),
    ("offgrid_power", Metric::InverterBackupPower, Rule::Power),
    ("total_grid_output_energy", Metric::InverterOutputEnergy, Rule::UnitEnergy(Flow::Out)),
    ("total_grid_input_energy", Metric::InverterInputEnergy, Rule::UnitEnergy(Flow::In)),
    ("total_pv_energy", Metric::PvEnergy, Rule::PvEnergy),
];

const BAT: &[Row] = &[
    ("soc", Metric::BatterySoc, Rule::Soc),
    ("charg_flag", Metric::BatteryChargeAllowed, Rule::Flag),
    ("dischrg_flag", Metric::BatteryDischargeAllowed, Rule::Flag),
    ("bat_temp", Metric::BatteryTemperature, Rule::Temperature),
    ("rated_capacity", Metric::BatteryCapacity, Rule::Capacity),
    ("bat_voltage", Metric::BatteryVoltage, Rule::Voltage(100.0)),
];

/// The meter, in `EM.GetStatus` and in newer `ES.GetMode` answers.
const METER: &[Row] = &[
    ("total_power", Metric::GridPower, Rule::HousePower),
    ("a_power", Metric::GridPowerL1, Rule::HousePower),
    ("b_power", Metric::GridPowerL2, Rule::HousePower),
    ("c_power", Metric::GridPowerL3, Rule::HousePower),
    ("input_energy", Metric::GridImportEnergy, Rule::MeterEnergy),
    ("output_energy", Metric::GridExportEnergy, Rule::MeterEnergy),
];

const PV: &[Row] = &[
    ("pv1_voltage", Metric::PvVoltage1, Rule::Voltage(1.0)),
    ("pv1_current", Metric::PvCurrent1, Rule::Current),
    ("pv1_state", Metric::PvState1, Rule::PvState),
    ("pv2_voltage", Metric::PvVoltage2, Rule::Voltage(1.0)),
    ("pv2_current", Metric::PvCurrent2, Rule::Current),
    ("pv2_state", Metric::PvState2, Rule::PvState),
    ("pv3_voltage", Metric::PvVoltage3, Rule::Voltage(1.0)),
    ("pv3_current", Metric::PvCurrent3, Rule::Current),
    ("pv3_state", Metric::PvState3, Rule::PvState),
    ("pv4_voltage", Metric::PvVoltage4, Rule::Voltage(1.0)),
    ("pv4_current", Metric::PvCurrent4, Rule::Current),
    ("pv4_state", Metric::PvState4, Rule::PvState),
    ("pv_voltage", Metric::PvVoltage1, Rule::Voltage(1.0)),
    ("pv_current", Metric::PvCurrent1, Rule::Current),
];

const WIFI: &[Row] = &[
    ("ssid", Metric::WifiSsid, Rule::Text),
    ("rssi", Metric::WifiSignal, Rule::Signal),
    ("sta_ip", Metric::DeviceAddress, Rule::Text),
];

const BLE: &[Row] = &[("state", Metric::BluetoothConnected, Rule::Connected)];

const DEVICE: &[Row] = &[("device", Metric::DeviceModel, Rule::Text)];

/// Every core metric that some Marstek unit reports.
pub(crate) const METRICS: &[Metric] = &[
    Metric::BatterySoc,
    Metric::BatteryPower,
    Metric::BatteryMode,
    Metric::BatteryModeNative,
    Metric::BatteryTemperature,
    Metric::BatteryVoltage,
    Metric::BatteryCapacity,
    Metric::BatteryEnergyRemaining,
    Metric::BatteryChargeAllowed,
    Metric::BatteryDischargeAllowed,
    Metric::BatteryChargeEnergy,
    Metric::BatteryDischargeEnergy,
    Metric::InverterPower,
    Metric::InverterBackupPower,
    Metric::InverterOutputEnergy,
    Metric::InverterInputEnergy,
    Metric::GridPower,
    Metric::GridPowerL1,
    Metric::GridPowerL2,
    Metric::GridPowerL3,
    Metric::GridImportEnergy,
    Metric::GridExportEnergy,
    Metric::GridMeterConnected,
    Metric::PvPower,
    Metric::PvPower1,
    Metric::PvPower2,
    Metric::PvPower3,
    Metric::PvPower4,
    Metric::PvVoltage1,
    Metric::PvVoltage2,
    Metric::PvVoltage3,
    Metric::PvVoltage4,
    Metric::PvCurrent1,
    Metric::PvCurrent2,
    Metric::PvCurrent3,
    Metric::PvCurrent4,
    Metric::PvState1,
    Metric::PvState2,
    Metric::PvState3,
    Metric::PvState4,
    Metric::PvEnergy,
    Metric::DeviceModel,
    Metric::DeviceFirmware,
    Metric::DeviceAddress,
    Metric::WifiSsid,
    Metric::WifiSignal,
    Metric::BluetoothConnected,
    Metric::AnswerTime,
    Metric::AnswerShare,
];

/// Reads one unit's replies. Holds what earlier replies taught: units, filters, the last solar power.
#[derive(Debug, Clone)]
pub(crate) struct Interpreter {
    pub(crate) profile: Profile,
    pub(crate) scales: Scales,
    /// The owner's word on the capacity, which outranks the unit's.
    pub(crate) capacity_wh: Option<f64>,
    /// After this long without a solar power, the battery's share of the AC power is unknown.
    pub(crate) pv_ttl: Duration,
    /// The unit has PV inputs, but does not answer for them.
    pub(crate) pv_absent: bool,
    soc: SocFilter,
    counters: BTreeMap<Flow, CounterFilter>,
    /// Filters of the counters whose unit is known.
    steady: BTreeMap<Metric, CounterFilter>,
    proofs: BTreeMap<Flow, CounterProof>,
    throughput: Throughput,
    /// What the unit feeds, at the AC side.
    fed: Option<(f64, Moment)>,
    /// What its panels give.
    pv: Option<(f64, Moment)>,
    last_soc: Option<f64>,
    frozen: BTreeSet<Flow>,
}

type Values = Vec<(Metric, Observation)>;

impl Interpreter {
    pub(crate) fn new(scales: Scales, capacity_wh: Option<f64>, pv_ttl: Duration) -> Self {
        Self {
            profile: Profile::UNKNOWN,
            scales,
            capacity_wh,
            pv_ttl,
            pv_absent: false,
            soc: SocFilter::default(),
            counters: BTreeMap::new(),
            steady: BTreeMap::new(),
            proofs: BTreeMap::new(),
            throughput: Throughput::default(),
            fed: None,
            pv: None,
            last_soc: None,
            frozen: BTreeSet::new(),
        }
    }

    /// The canonical values of a reply to `method`. A field that is absent gives nothing; one that is null or makes no
    /// sense gives the reason. A value that a filter holds back gives nothing, so that the previous one ages.
    pub(crate) fn read(&mut self, method: Method, fields: &Fields, at: Moment) -> Values {
        let mut values = Values::new();
        match method {
            Method::GetDevice => {
                self.rows(DEVICE, fields, &mut values);
                self.firmware(fields, &mut values);
            }
            Method::EsMode => {
                self.rows(ES_MODE, fields, &mut values);
                self.meter_in_mode(fields, &mut values);
                self.battery_power(fields, at, &mut values);
            }
            Method::EsStatus => {
                self.integrate(fields, at);
                self.rows(ES_STATUS, fields, &mut values);
                self.battery_power(fields, at, &mut values);
            }
            Method::Em => self.meter(fields, &mut values),
            Method::Pv => self.solar(fields, at, &mut values),
            Method::Bat => {
                self.rows(BAT, fields, &mut values);
                self.remaining(fields, &mut values);
            }
            Method::Wifi => self.rows(WIFI, fields, &mut values),
            Method::Ble => self.rows(BLE, fields, &mut values),
        }
        values
    }

    /// The last state of charge that was believed, in percent.
    pub(crate) fn soc(&self) -> Option<f64> {
        self.last_soc
    }

    /// Forgets what was learned about raw units, and whatever was in them.
    pub(crate) fn forget_firmware(&mut self) {
        self.scales = Scales::default();
        self.counters.clear();
        self.steady.clear();
        self.proofs.clear();
        self.frozen.clear();
        self.pv_absent = false;
    }

    /// Whether a counter stands still while energy flows.
    pub(crate) fn has_frozen_counter(&self) -> bool {
        !self.frozen.is_empty()
    }

    fn rows(&mut self, rows: &[Row], fields: &Fields, values: &mut Values) {
        for (name, metric, rule) in rows {
            if !fields.contains_key(*name) {
                continue;
            }
            match rule {
                Rule::Mode => values.extend(mode(fields)),
                Rule::UnitEnergy(flow) => self.unit_energy(*flow, name, *metric, fields, values),
                rule => {
                    if let Some(observation) = self.apply(*rule, name, *metric, fields) {
                        values.push((*metric, observation));
                    }
                }
            }
        }
    }

    /// `None` where a filter holds the value back.
    fn apply(&mut self, rule: Rule, name: &str, metric: Metric, fields: &Fields) -> Option<Observation> {
        let number = |range| field::number_in(fields, name, range);
        let observation = match rule {
            Rule::Power => number(-10_000.0..=10_000.0).map(Value::Number),
            Rule::HousePower => number(-100_000.0..=100_000.0).map(Value::Number),
            Rule::Soc => match number(0.0..=100.0).map(|soc| self.soc.judge(soc)) {
                Ok(Verdict::Hold) => return None,
                Ok(Verdict::Accept(soc)) => {
                    self.last_soc = Some(soc);
                    Ok(Value::Number(soc))
                }
                Err(why) => Err(why),
            },
            Rule::Capacity => number(1.0..=100_000.0).map(|wh| Value::Number(self.capacity_wh.unwrap_or(wh))),
            Rule::Temperature => self.temperature(name, fields),
            Rule::MeterEnergy => return self.meter_energy(name, metric, fields),
            Rule::PvEnergy => return self.pv_energy(name, metric, fields),
            Rule::Flag => field::flag(fields, name).map(yes_no),
            Rule::Text => field::text(fields, name).map(Value::text),
            Rule::Signal => number(-127.0..=0.0).map(Value::Number),
            Rule::Voltage(per_volt) => {
                number(0.0..=1000.0 * per_volt).map(|raw| Value::Number(raw / per_volt))
            }
            Rule::Current => number(-100.0..=100.0).map(Value::Number),
            Rule::Connected => connected(name, fields),
            Rule::PvState => pv_state(name, fields),
            Rule::Mode | Rule::UnitEnergy(_) => return None,
        };
        Some(observation)
    }

    fn firmware(&mut self, fields: &Fields, values: &mut Values) {
        let model = field::text(fields, "device").unwrap_or_default();
        let firmware = field::number(fields, "ver").ok().and_then(Firmware::from_ver);
        if !model.is_empty() {
            self.profile =
                Profile { family: Family::of(model), firmware: firmware.or(self.profile.firmware) };
        }
        let shown = firmware.map(|firmware| Value::text(firmware.to_string()));
        values.push((Metric::DeviceFirmware, shown.ok_or(Unknown::NotReported)));
    }

    fn temperature(&mut self, name: &str, fields: &Fields) -> Observation {
        let raw = field::number(fields, name)?;
        let Some(guess) = self.scales.temperature.or(self.profile.temperature_scale(raw)) else {
            return Err(Unknown::missing(format!("the firmware, which decides the unit of {name} = {raw}")));
        };
        let celsius = self.scales.temperature(raw, guess);
        celsius.map(Value::Number).ok_or_else(|| Unknown::implausible(format!("{name} = {raw} in no unit")))
    }

    fn remaining(&mut self, fields: &Fields, values: &mut Values) {
        let Ok(raw) = field::number(fields, "bat_capacity") else { return };
        let rated = field::number(fields, "rated_capacity").ok().filter(|rated| *rated > 0.0);
        let (Some(rated), Some(soc)) = (rated, self.last_soc) else { return };
        let energy = self.scales.remaining(raw, soc, rated);
        let why =
            || Unknown::implausible(format!("bat_capacity = {raw} fits no unit at {soc} % of {rated} Wh"));
        values.push((Metric::BatteryEnergyRemaining, energy.map(Value::Number).ok_or_else(why)));
    }

    fn integrate(&mut self, fields: &Fields, at: Moment) {
        let Ok(power) = field::number_in(fields, "ongrid_power", -10_000.0..=10_000.0) else { return };
        if !self.throughput.observe(power, at) {
            self.proofs.values_mut().for_each(CounterProof::restart);
        }
    }

    fn integral(&self, flow: Flow) -> f64 {
        match flow {
            Flow::Out => self.throughput.out_wh,
            Flow::In => self.throughput.in_wh,
        }
    }

    fn unit_energy(&mut self, flow: Flow, name: &str, metric: Metric, fields: &Fields, values: &mut Values) {
        let energy = match field::number_in(fields, name, 0.0..=1e12) {
            Err(why) => Err(why),
            Ok(raw) => {
                let integral = self.integral(flow);
                let filter = self.counters.entry(flow).or_default();
                let Verdict::Accept(raw) = filter.judge(raw, integral) else { return };
                let frozen = filter.is_frozen(integral);
                self.counter_scale(flow, raw, integral);
                self.unit_energy_kwh(flow, name, raw, frozen)
            }
        };
        // Without PV inputs all that goes through the socket goes through the battery.
        if !self.profile.family.has_pv() {
            let of_battery = match flow {
                Flow::Out => Metric::BatteryDischargeEnergy,
                Flow::In => Metric::BatteryChargeEnergy,
            };
            values.push((of_battery, energy.clone()));
        }
        values.push((metric, energy));
    }

    fn counter_scale(&mut self, flow: Flow, raw: f64, integral: f64) {
        if let Some(proven) = self.proofs.entry(flow).or_default().observe(raw, integral) {
            self.scales.counter = Some(proven);
        }
    }

    fn unit_energy_kwh(&mut self, flow: Flow, name: &str, raw: f64, frozen: bool) -> Observation {
        if frozen {
            self.frozen.insert(flow);
            return Err(Unknown::implausible(format!("{name} stands at {raw} while energy flows")));
        }
        self.frozen.remove(&flow);
        let scale = self.scales.counter.or(self.profile.counter_scale());
        let missing =
            || Unknown::missing(format!("the unit of {name}, which shows after 0.3 kWh have flowed"));
        scale.map(|scale| Value::Number(raw * scale / 1000.0)).ok_or_else(missing)
    }

    fn meter_energy(&mut self, name: &str, metric: Metric, fields: &Fields) -> Option<Observation> {
        self.counter(name, metric, fields, 0.1)
    }

    /// Only firmware whose solar counter is known to count: elsewhere it stands at 0 for ever.
    fn pv_energy(&mut self, name: &str, metric: Metric, fields: &Fields) -> Option<Observation> {
        let scale = self.profile.pv_counter_scale()?;
        self.counter(name, metric, fields, scale)
    }

    /// A counter of which a raw step is `scale` Wh; `None` where it dips or leaps.
    fn counter(&mut self, name: &str, metric: Metric, fields: &Fields, scale: f64) -> Option<Observation> {
        let raw = match field::number_in(fields, name, 0.0..=1e13) {
            Ok(raw) => raw,
            Err(why) => return Some(Err(why)),
        };
        match self.steady.entry(metric).or_default().judge(raw, 0.0) {
            Verdict::Hold => None,
            Verdict::Accept(raw) => Some(Ok(Value::Number(raw * scale / 1000.0))),
        }
    }

    fn meter(&mut self, fields: &Fields, values: &mut Values) {
        let connected = field::flag(fields, "ct_state");
        match connected {
            Ok(true) => self.rows(METER, fields, values),
            // Without a meter the unit sends zeros.
            _ => values
                .push((Metric::GridPower, Err(Unknown::missing("the meter is not connected to the unit")))),
        }
        values.push((Metric::GridMeterConnected, connected.map(yes_no)));
    }

    /// Newer firmware repeats the meter in `ES.GetMode`, but on some units as zeros while `EM.GetStatus` is alive.
    fn meter_in_mode(&mut self, fields: &Fields, values: &mut Values) {
        let names = METER.iter().map(|(name, ..)| name);
        let alive = names.filter_map(|name| field::number(fields, name).ok()).any(|number| number != 0.0);
        if field::flag(fields, "ct_state") == Ok(true) && alive {
            self.meter(fields, values);
        }
    }

    fn solar(&mut self, fields: &Fields, at: Moment, values: &mut Values) {
        const CHANNELS: [(&str, Metric); 4] = [
            ("pv1_power", Metric::PvPower1),
            ("pv2_power", Metric::PvPower2),
            ("pv3_power", Metric::PvPower3),
            ("pv4_power", Metric::PvPower4),
        ];
        let mut total = None;
        for (name, metric) in CHANNELS {
            if fields.contains_key(name) {
                let scale = if metric == Metric::PvPower1 { self.pv1_scale(fields) } else { 1.0 };
                let power = field::number_in(fields, name, 0.0..=10_000.0).map(|raw| raw * scale);
                total = Some(sum(total, &power));
                values.push((metric, power.map(Value::Number)));
            }
        }
        if total.is_none() && fields.contains_key("pv_power") {
            total = Some(field::number_in(fields, "pv_power", 0.0..=10_000.0));
        }
        if let Some(total) = total {
            self.pv = total.as_ref().ok().map(|power| (*power, at));
            let known = total.is_ok();
            values.push((Metric::PvPower, total.map(Value::Number)));
            if known {
                self.split(at, values);
            }
        }
        self.rows(PV, fields, values);
    }

    /// Tenths of a watt on every A and D seen; voltage times current overrules where the current (whole amperes) can tell.
    fn pv1_scale(&self, fields: &Fields) -> f64 {
        let guess = self.profile.pv1_scale();
        let read = |name| field::number(fields, name).ok();
        let (Some(raw), Some(volts), Some(amperes)) =
            (read("pv1_power"), read("pv1_voltage"), read("pv1_current"))
        else {
            return guess;
        };
        if amperes < 2.0 || raw <= 0.0 {
            return guess;
        }
        let distance = |scale: f64| (raw * scale / (volts * amperes)).ln().abs();
        if distance(1.0) < distance(0.1) { 1.0 } else { 0.1 }
    }

    /// The battery's share of the AC power: what the unit feeds, less what its panels give.
    fn battery_power(&mut self, fields: &Fields, at: Moment, values: &mut Values) {
        let ac = |name| field::number_in(fields, name, -10_000.0..=10_000.0);
        let fed = match (ac("ongrid_power"), ac("offgrid_power")) {
            (Ok(ongrid), Ok(offgrid)) => ongrid + offgrid,
            (Ok(ongrid), Err(Unknown::NotReported)) => ongrid,
            _ => return self.battery_power_dc(fields, values),
        };
        self.fed = Some((fed, at));
        self.split(at, values);
    }

    /// AC and solar power come in two answers: they are put together only if both are of the same moment, nearly.
    fn split(&self, at: Moment, values: &mut Values) {
        let Some((fed, _)) = self.fed.filter(|(_, read)| at.since(*read) <= TOGETHER) else { return };
        let observation = match self.pv {
            Some((pv, read)) if at.since(read) <= TOGETHER => Ok(fed - pv),
            // The next answer about the panels will do.
            Some((_, read)) if at.since(read) <= self.pv_ttl => return,
            _ if self.profile.family.has_pv() && !self.pv_absent => Err(Unknown::missing("pv_power")),
            _ => Ok(fed),
        };
        let power = observation.map(|power| BatteryPower::discharging(Watts(power)).supplied().0);
        values.push((Metric::BatteryPower, power.map(Value::Number)));
    }

    /// Some old firmware tells the battery's own power, charging positive.
    fn battery_power_dc(&self, fields: &Fields, values: &mut Values) {
        if let Ok(raw) = field::number_in(fields, "bat_power", -100_000.0..=100_000.0) {
            let power = BatteryPower::charging(Watts(raw * self.profile.bat_power_scale()));
            values.push((Metric::BatteryPower, Ok(Value::Number(power.supplied().0))));
        }
    }
}

fn sum(total: Option<Result<f64, Unknown>>, next: &Result<f64, Unknown>) -> Result<f64, Unknown> {
    match (total, next) {
        (None, next) => next.clone(),
        (Some(Ok(total)), Ok(next)) => Ok(total + next),
        (Some(Err(why)), _) => Err(why),
        (Some(Ok(_)), Err(why)) => Err(why.clone()),
    }
}

fn yes_no(flag: bool) -> Value {
    Value::State(if flag { "yes" } else { "no" })
}

fn connected(name: &str, fields: &Fields) -> Observation {
    match field::text(fields, name)?.to_ascii_lowercase().as_str() {
        "connect" | "connected" => Ok(yes_no(true)),
        "disconnect" | "disconnected" => Ok(yes_no(false)),
        other => Err(Unknown::implausible(format!("{name} = {other:?}"))),
    }
}

fn pv_state(name: &str, fields: &Fields) -> Observation {
    field::flag(fields, name).map(|working| Value::State(if working { "working" } else { "standby" }))
}

/// The device's word for its mode, with the vendor's capitals.
pub(crate) fn native_mode(fields: &Fields) -> Result<String, Unknown> {
    const NAMES: [&str; 5] = ["Auto", "AI", "Manual", "Passive", "UPS"];
    if let Ok(number) = field::number(fields, "mode") {
        let name = NAMES
            .iter()
            .zip(0u8..)
            .find(|(_, index)| (f64::from(*index) - number).abs() < f64::EPSILON)
            .map(|(name, _)| *name);
        return Ok(name.map_or_else(|| number.to_string(), str::to_owned));
    }
    let text = field::text(fields, "mode")?;
    let known = NAMES.iter().find(|name| name.eq_ignore_ascii_case(text));
    Ok(known.map_or(text, |name| name).to_owned())
}

fn mode(fields: &Fields) -> Values {
    let native = native_mode(fields);
    let state = native.as_ref().map_err(Clone::clone).map(|native| mode_state(native, fields));
    vec![(Metric::BatteryModeNative, native.map(Value::text)), (Metric::BatteryMode, state)]
}

/// The state that a native mode amounts to. Passive says nothing about its set point; the direction of the power does.
fn mode_state(native: &str, fields: &Fields) -> Value {
    const STILL_W: f64 = 50.0;
    let power = field::number(fields, "ongrid_power").ok();
    Value::State(match (native, power) {
        ("Auto", _) => "auto",
        ("Manual", _) => "manual",
        ("Passive", Some(power)) if power > STILL_W => "discharge",
        ("Passive", Some(power)) if power < -STILL_W => "charge",
        ("Passive", Some(_)) => "idle",
        _ => "native",
    })
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;

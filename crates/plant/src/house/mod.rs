//! A house: loads, a roof, a grid meter on up to three phases, and batteries. No clock, no I/O, no surprise: the same
//! seed gives the same day. Signs: import +, battery discharge +, solar +, so that load = grid + battery + solar.

mod battery;
mod cells;
mod guest;
mod inverter;
mod load;
mod noise;
mod slots;
pub(crate) mod sun;
mod truth;
pub(crate) mod weather;

pub use battery::{Battery, BatterySettings, ManualZero, Mode, Passive, PassiveEnd, Quirks, SLOTS};
pub use inverter::{
    Blending, ChargerPriority, Inverter, InverterSettings, InverterTotals, Operation, Orders, OutputPriority,
    SolarPriority, TRACKERS,
};
pub use slots::{Slot, SlotAction, WeekMinute};
pub use sun::Panels;
pub use truth::{BatteryTruth, InverterTruth, Truth};

pub(crate) use noise::normal;

use battery::Surroundings;
use inverter::InverterAround;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use load::Loads;

/// The longest step of the physics, ms; a longer way is cut into such steps.
pub const STEP_MAX_MS: i64 = 60_000;

/// A house and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Everything random follows from it.
    pub seed: u64,
    /// The moment at which the house starts, Unix ms.
    pub start_unix_ms: i64,
    /// IANA name of the site's zone: habits and Manual slots are civil time.
    pub time_zone: String,
    /// Degrees, north positive.
    pub latitude_deg: f64,
    /// Degrees, east positive.
    pub longitude_deg: f64,
    /// Mean load over a winter half-year, W.
    pub mean_load_w: f64,
    /// Whether the house has three phases or one.
    pub phases: Phases,
    /// Panels on the roof, fed in by an inverter of their own.
    pub roof: Panels,
}

/// How many phases the meter sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phases {
    /// L1 only.
    One,
    /// L1, L2, L3.
    Three,
}

impl Default for Settings {
    /// A home near Paris on the first of June 2025, three phases, 4.5 kWp on the roof.
    fn default() -> Self {
        Self {
            seed: 1,
            start_unix_ms: 1_748_728_800_000,
            time_zone: "Europe/Paris".to_owned(),
            latitude_deg: 48.8,
            longitude_deg: 2.3,
            mean_load_w: 1_107.0,
            phases: Phases::Three,
            roof: Panels { peak_w: 4_500.0, tilt_deg: 30.0, azimuth_deg: 0.0 },
        }
    }
}

/// Why a house cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// The zone is not in the database.
    #[error("the simulated house's time zone {name:?} is not known; give an IANA name such as Europe/Paris")]
    TimeZone {
        /// As given.
        name: String,
        /// Why.
        #[source]
        source: jiff::Error,
    },
    /// A number that no house can have.
    #[error("the simulated house's {what} is {value}, which is outside {allowed}")]
    Range {
        /// Which setting.
        what: &'static str,
        /// As given.
        value: f64,
        /// What is possible.
        allowed: &'static str,
    },
}

/// Names a battery of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatteryId(usize);

/// Names an inverter of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InverterId(usize);

/// The simulated house.
#[derive(Debug, Clone)]
pub struct House {
    settings: Settings,
    zone: TimeZone,
    loads: Loads,
    now_ms: i64,
    batteries: Vec<Battery>,
    inverters: Vec<Served>,
    grid_on: bool,
    load_w: [f64; 3],
    roof_w: f64,
    /// What the roof would give if there were a grid, W.
    roof_offer_w: f64,
    grid_w: [f64; 3],
    /// What the Multis of a GX draw, W, negative = they feed in.
    guest_w: [f64; 3],
    totals: Totals,
}

/// An inverter and the loads behind its output.
#[derive(Debug, Clone)]
struct Served {
    inverter: Inverter,
    loads: Loads,
}

/// What the grid meter shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    pub(crate) grid_w: [f64; 3],
    pub(crate) import_wh: f64,
    pub(crate) export_wh: f64,
}

#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_field_names, reason = "the unit at the end of each name")]
struct Totals {
    import_wh: f64,
    export_wh: f64,
    load_wh: f64,
    roof_wh: f64,
}

impl House {
    /// A house without batteries yet.
    pub fn new(settings: Settings) -> Result<Self, HouseError> {
        let zone = TimeZone::get(&settings.time_zone)
            .map_err(|source| HouseError::TimeZone { name: settings.time_zone.clone(), source })?;
        check("latitude", settings.latitude_deg, -90.0, 90.0, "-90..90 degrees")?;
        check("longitude", settings.longitude_deg, -180.0, 180.0, "-180..180 degrees")?;
        check("mean load", settings.mean_load_w, 0.0, 100_000.0, "0..100 kW")?;
        check("roof peak power", settings.roof.peak_w, 0.0, 1_000_000.0, "0..1 MW")?;
        let phases = match settings.phases {
            Phases::One => 1,
            Phases::Three => 3,
        };
        let mut house = Self {
            loads: Loads::new(settings.seed, settings.mean_load_w, phases),
            now_ms: settings.start_unix_ms,
            zone,
            settings,
            batteries: Vec::new(),
            inverters: Vec::new(),
            grid_on: true,
            load_w: [0.0; 3],
            roof_w: 0.0,
            roof_offer_w: 0.0,
            grid_w: [0.0; 3],
            guest_w: [0.0; 3],
            totals: Totals::default(),
        };
        // A first look, so that the meter reads something sensible before the first step.
        house.look(house.now_ms, house.now_ms + 1_000);
        house.close();
        Ok(house)
    }

    /// Installs a battery.
    pub fn add_battery(&mut self, settings: BatterySettings) -> Result<BatteryId, HouseError> {
        check("battery capacity", settings.capacity_wh, 100.0, 1_000_000.0, "100 Wh..1 MWh")?;
        check("battery power limit", settings.power_limit_w, 1.0, 100_000.0, "1 W..100 kW")?;
        check("battery state of charge", settings.soc_pct, 0.0, 100.0, "0..100 %")?;
        check("battery floor", settings.floor_pct, 0.0, 100.0, "0..100 %")?;
        check("battery solar peak", settings.pv_peak_w.unwrap_or(0.0), 0.0, 100_000.0, "0..100 kW")?;
        check("charge efficiency", settings.charge_efficiency, 0.1, 1.0, "0.1..1")?;
        check("discharge efficiency", settings.discharge_efficiency, 0.1, 1.0, "0.1..1")?;
        check("battery phase", settings.phase as f64, 0.0, 2.0, "0 (L1) .. 2 (L3)")?;
        let ambient_c = self.ambient_c();
        self.batteries.push(Battery::new(settings, ambient_c));
        Ok(BatteryId(self.batteries.len() - 1))
    }

    /// Installs an inverter with its own cells, panels and loads.
    pub fn add_inverter(&mut self, settings: InverterSettings) -> Result<InverterId, HouseError> {
        check("inverter's rated power", settings.rated_w, 100.0, 100_000.0, "100 W..100 kW")?;
        check("inverter's bank voltage", settings.nominal_v, 12.0, 480.0, "12..480 V")?;
        check("inverter's battery capacity", settings.battery_wh, 100.0, 1_000_000.0, "100 Wh..1 MWh")?;
        check("inverter's state of charge", settings.soc_pct, 0.0, 100.0, "0..100 %")?;
        for peak_w in settings.pv_peak_w {
            check("inverter's solar peak", peak_w, 0.0, 100_000.0, "0..100 kW")?;
        }
        check("inverter's string voltage", settings.pv_v, 10.0, 1_000.0, "10..1000 V")?;
        check("inverter's mean load", settings.load_mean_w, 0.0, 100_000.0, "0..100 kW")?;
        check("inverter's phase", settings.phase as f64, 0.0, 2.0, "0 (L1) .. 2 (L3)")?;
        // Other appliances at other times than the house's own.
        let seed = self.settings.seed ^ 0x0049_4e56 ^ (self.inverters.len() as u64) << 32;
        let loads = Loads::new(seed, settings.load_mean_w, 1);
        let mut served = Served { inverter: Inverter::new(settings, self.ambient_c()), loads };
        let around = self.around_inverter(&mut served, self.now_ms, self.now_ms + 1_000);
        served.inverter.look(around);
        self.inverters.push(served);
        Ok(InverterId(self.inverters.len() - 1))
    }

    /// An inverter.
    pub fn inverter(&self, id: InverterId) -> &Inverter {
        &self.inverters[id.0].inverter
    }

    /// An inverter, to be given orders.
    pub fn inverter_mut(&mut self, id: InverterId) -> &mut Inverter {
        &mut self.inverters[id.0].inverter
    }

    /// What is really going on at one inverter.
    pub fn inverter_truth(&self, id: InverterId) -> InverterTruth {
        InverterTruth::of(self.inverter(id), self.supply())
    }

    /// Lets the grid fail, or come back. Without it the house is dark; what stands behind an inverter is not.
    pub fn set_grid(&mut self, present: bool) {
        self.grid_on = present;
    }

    /// Voltage and frequency of the grid as parts of their rated values; `None` while it is away.
    fn supply(&self) -> Option<(f64, f64)> {
        let wave = |stream, period_ms| noise::smooth(self.settings.seed, stream, self.now_ms, period_ms);
        let level = 0.985 + 0.05 * wave(0x0056_4f4c, 600_000) + 0.01 * wave(0x0056_4f32, 7_000);
        self.grid_on.then(|| (level, 0.998 + 0.004 * wave(0x0046_5251, 20_000)))
    }

    /// The house's present, Unix ms.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Lets time pass in one step, or in steps of a minute if it is further; going back does nothing.
    pub fn step(&mut self, to_unix_ms: i64) {
        while self.now_ms < to_unix_ms {
            self.one_step(to_unix_ms.min(self.now_ms + STEP_MAX_MS));
        }
    }

    /// A battery.
    pub fn battery(&self, id: BatteryId) -> &Battery {
        &self.batteries[id.0]
    }

    /// A battery, to be given an order.
    pub fn battery_mut(&mut self, id: BatteryId) -> &mut Battery {
        &mut self.batteries[id.0]
    }

    /// What is really going on.
    pub fn truth(&self) -> Truth {
        Truth {
            unix_ms: self.now_ms,
            load_w: self.load_w.iter().sum(),
            grid_w: self.grid_w,
            pv_w: self.roof_w,
            import_wh: self.totals.import_wh,
            export_wh: self.totals.export_wh,
            load_wh: self.totals.load_wh,
            pv_wh: self.totals.roof_wh,
            batteries: self.batteries.iter().map(|battery| BatteryTruth::of(battery, self.now_ms)).collect(),
            inverters: self
                .inverters
                .iter()
                .map(|served| InverterTruth::of(&served.inverter, self.supply()))
                .collect(),
        }
    }

    /// The grid meter alone.
    pub(crate) fn meter(&self) -> Meter {
        Meter { grid_w: self.grid_w, import_wh: self.totals.import_wh, export_wh: self.totals.export_wh }
    }

    /// Power of one battery's panels if it took all, W.
    fn pv_offer_w(&self, battery: &Battery, panels: Panels) -> f64 {
        let peak_w = battery.settings.pv_peak_w.unwrap_or(0.0);
        if self.settings.roof.peak_w > 0.0 {
            return self.roof_offer_w * peak_w / self.settings.roof.peak_w;
        }
        self.sun_w(self.now_ms, Panels { peak_w, ..panels })
    }

    fn one_step(&mut self, to_ms: i64) {
        let from_ms = self.now_ms;
        let dt_s = (to_ms - from_ms) as f64 / 1_000.0;
        self.look(from_ms, to_ms);
        let civil = self.civil();
        let civil = WeekMinute {
            weekday: civil.date().weekday().to_monday_zero_offset().cast_unsigned(),
            minute: u16::from(civil.hour().cast_unsigned()) * 60 + u16::from(civil.minute().cast_unsigned()),
        };
        let ambient_c = self.ambient_c();
        self.feed_inverters(from_ms, to_ms, dt_s);
        self.feed_guest();
        let following = self.batteries.iter().filter(|battery| battery.follows_meter(civil)).count().max(1);
        // The batteries hear the meter as it was before this step: the sensor's own delay.
        let meter_share_w = self.grid_w.iter().sum::<f64>() / following as f64;
        for index in 0..self.batteries.len() {
            let pv_offer_w = self.pv_offer_w(&self.batteries[index], self.settings.roof);
            let grid = self.grid_on;
            let around = Surroundings { now_ms: from_ms, civil, meter_share_w, pv_offer_w, ambient_c, grid };
            self.batteries[index].step(dt_s, around);
        }
        self.now_ms = to_ms;
        self.close();
        self.book(dt_s / 3_600.0);
    }

    /// The inverters take what they need; what they draw from the grid is load of their phase.
    fn feed_inverters(&mut self, from_ms: i64, to_ms: i64, dt_s: f64) {
        let phases = self.phases();
        let mut inverters = std::mem::take(&mut self.inverters);
        for served in &mut inverters {
            let around = self.around_inverter(served, from_ms, to_ms);
            served.inverter.step(dt_s, around);
            self.load_w[served.inverter.settings.phase.min(phases - 1)] += served.inverter.grid_in_w;
        }
        self.inverters = inverters;
    }

    fn around_inverter(&self, served: &mut Served, from_ms: i64, to_ms: i64) -> InverterAround {
        let panels = Panels { peak_w: 1_000.0, ..self.settings.roof };
        let per_kilowatt_w = self.sun_w(i64::midpoint(from_ms, to_ms), panels);
        InverterAround {
            grid: self.grid_on,
            demand_w: served.loads.mean_w(from_ms, to_ms, self.civil().date(), &self.zone)[0],
            pv_offer_w: served.inverter.settings.pv_peak_w.map(|peak_w| per_kilowatt_w * peak_w / 1_000.0),
            ambient_c: self.ambient_c(),
        }
    }

    fn phases(&self) -> usize {
        match self.settings.phases {
            Phases::One => 1,
            Phases::Three => 3,
        }
    }

    /// What load and sun do between two moments.
    fn look(&mut self, from_ms: i64, to_ms: i64) {
        let date = self.civil().date();
        self.load_w = self.loads.mean_w(from_ms, to_ms, date, &self.zone);
        self.roof_offer_w = self.sun_w(i64::midpoint(from_ms, to_ms), self.settings.roof);
        self.roof_w = self.roof_offer_w;
        if !self.grid_on {
            // The roof's inverter must not feed a dead grid.
            (self.load_w, self.roof_w) = ([0.0; 3], 0.0);
        }
    }

    fn sun_w(&self, at_ms: i64, panels: Panels) -> f64 {
        let sun = sun::position(at_ms, self.settings.latitude_deg, self.settings.longitude_deg);
        let light = sun::clear_sky(sun, panels);
        let sky = weather::sky(self.settings.seed, at_ms);
        sun::output_w(light, sky, panels)
    }

    /// The meter closes the balance on each phase.
    fn close(&mut self) {
        let phases = self.phases();
        let roof_share_w = self.roof_w / phases as f64;
        for phase in 0..3 {
            let roof_w = if phase < phases { roof_share_w } else { 0.0 };
            self.grid_w[phase] = self.load_w[phase] - roof_w;
        }
        for battery in &self.batteries {
            self.grid_w[battery.settings.phase.min(phases - 1)] -= battery.ac_w;
        }
    }

    /// The meter counts the sum of its phases, as a French household meter does.
    fn book(&mut self, dt_h: f64) {
        let grid_w: f64 = self.grid_w.iter().sum();
        self.totals.import_wh += grid_w.max(0.0) * dt_h;
        self.totals.export_wh += (-grid_w).max(0.0) * dt_h;
        self.totals.load_wh += self.load_w.iter().sum::<f64>() * dt_h;
        self.totals.roof_wh += self.roof_w * dt_h;
    }

    /// The civil time at the house.
    pub(crate) fn civil(&self) -> DateTime {
        let at = Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(at)
    }

    /// A garage: 17 C on average, 6 K with the seasons, 2 K with the hours.
    fn ambient_c(&self) -> f64 {
        let days = self.now_ms as f64 / 86_400_000.0;
        let year = ((days - 200.0) / 365.2425 * std::f64::consts::TAU).cos();
        let day = ((days.rem_euclid(1.0) - 0.62) * std::f64::consts::TAU).cos();
        17.0 + 6.0 * year + 2.0 * day
    }
}

fn check(
    what: &'static str,
    value: f64,
    low: f64,
    high: f64,
    allowed: &'static str,
) -> Result<(), HouseError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(HouseError::Range { what, value, allowed }) }
}

//! The house behind the station: sun and clouds, what people switch on, a battery that follows. No noise of meters here;
//! every channel adds its own.

use super::noise::Noise;

/// Seconds between two states: the pace of the fast batch.
pub(crate) const STEP_S: f64 = 10.0;
const DAY_S: i64 = 86_400;
const LATITUDE: f64 = 0.8866;
/// The sun is highest at 11:43 UTC.
const NOON_S: f64 = 42_180.0;
const PV_PEAK_W: f64 = 8_000.0;
const BATTERY_WH: f64 = 15_360.0;
const BATTERY_W_MAX: f64 = 5_000.0;

/// What is true at one instant. Powers in W, house signs: what feeds it is positive.
#[derive(Debug, Clone, Default)]
pub(crate) struct House {
    pub(crate) pv: [f64; 2],
    pub(crate) load: [f64; 3],
    pub(crate) grid: [f64; 3],
    pub(crate) battery: f64,
    /// State of charge, 0 to 1.
    pub(crate) soc: f64,
    pub(crate) grid_volts: [f64; 3],
    pub(crate) hertz: f64,
    pub(crate) outside: f64,
    pub(crate) inverter_heat: f64,
    pub(crate) battery_heat: f64,
    /// kWh: solar, house, import, export, charge, discharge, two strings, three phases of the house, three of import,
    /// three of export, inverter out, backup socket, losses.
    pub(crate) energy: [f64; 20],
    pub(crate) seconds: f64,
    weather: Weather,
    appliances: [Appliance; APPLIANCES.len()],
}

#[derive(Debug, Clone, Default)]
struct Weather {
    day: i64,
    declination: f64,
    /// How much of the sun a cloudless moment of this day has, and how broken its clouds are.
    clear: f64,
    broken: f64,
    cloud: f64,
    warmth: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Appliance {
    left_s: f64,
}

/// Power, phase, how long it runs, how often it starts in an hour of the night and of the day.
const APPLIANCES: [(f64, usize, f64, f64, f64); 8] = [
    (85.0, 0, 720.0, 1.3, 1.5),
    (2_050.0, 1, 170.0, 0.01, 0.30),
    (2_300.0, 2, 900.0, 0.0, 0.12),
    (1_950.0, 0, 1_500.0, 0.0, 0.05),
    (140.0, 1, 7_200.0, 0.05, 0.25),
    (60.0, 2, 5_400.0, 0.02, 0.30),
    (900.0, 2, 1_300.0, 0.5, 0.6),
    (750.0, 0, 240.0, 0.0, 0.4),
];

impl House {
    pub(crate) fn new(noise: &mut Noise) -> Self {
        let mut house =
            Self { soc: 0.5, hertz: 50.0, outside: 10.0, grid_volts: [234.0; 3], ..Self::default() };
        for energy in &mut house.energy {
            *energy = 800.0 + 4_000.0 * noise.share();
        }
        house
    }

    /// Ten seconds on, to `unix_s`.
    pub(crate) fn step(&mut self, unix_s: i64, noise: &mut Noise) {
        self.seconds += STEP_S;
        self.shine(unix_s, noise);
        self.consume(unix_s, noise);
        self.balance(noise);
        self.warm();
        self.count();
    }

    fn shine(&mut self, unix_s: i64, noise: &mut Noise) {
        let weather = &mut self.weather;
        let day = unix_s.div_euclid(DAY_S);
        if weather.day != day {
            let season = (day as f64 - 172.0) / 365.25 * std::f64::consts::TAU;
            let kind = noise.share();
            *weather = Weather {
                day,
                declination: 0.409 * season.cos(),
                clear: if kind < 0.35 { 0.97 } else { 0.25 + 0.65 * noise.share() },
                broken: if kind < 0.35 { 0.02 } else { 0.35 * noise.share() },
                cloud: weather.cloud,
                warmth: 11.0 + 8.0 * season.cos() + 3.0 * noise.normal(),
            };
        }
        // A cloud comes and goes within minutes.
        weather.cloud += -weather.cloud * 0.02 + 0.09 * noise.normal();
        let hour_angle = (unix_s.rem_euclid(DAY_S) as f64 - NOON_S) / DAY_S as f64 * std::f64::consts::TAU;
        let height = LATITUDE.sin() * weather.declination.sin()
            + LATITUDE.cos() * weather.declination.cos() * hour_angle.cos();
        let sky = (weather.clear + weather.broken * weather.cloud).clamp(0.05, 1.05);
        let sun = height.max(0.0).powf(1.2) * sky;
        // One string looks to the east, one to the west.
        let tilt = 0.25 * hour_angle.sin();
        self.pv = [0.55 - tilt, 0.45 + tilt].map(|share| floor_of(PV_PEAK_W * sun * share, 6.0));
        self.outside += (weather.warmth + 5.0 * (hour_angle - 0.6).cos() - self.outside) * 0.0008;
    }

    fn consume(&mut self, unix_s: i64, noise: &mut Noise) {
        let hour = unix_s.rem_euclid(DAY_S) / 3600;
        let at_home = (5..22).contains(&hour);
        self.load = [95.0, 60.0, 45.0];
        for (state, (power, phase, span, night, day)) in self.appliances.iter_mut().zip(APPLIANCES) {
            let starts = if at_home { day } else { night };
            if state.left_s <= 0.0 && noise.chance(starts * STEP_S / 3600.0) {
                state.left_s = span * (0.6 + 0.8 * noise.share());
            }
            if state.left_s > 0.0 {
                state.left_s -= STEP_S;
                self.load[phase] += power;
            }
        }
    }

    fn balance(&mut self, noise: &mut Noise) {
        let (pv, load) = (self.pv.iter().sum::<f64>(), self.load.iter().sum::<f64>());
        let wanted = (load - pv).clamp(-BATTERY_W_MAX, BATTERY_W_MAX);
        // It follows within two polls, and slows down when it is nearly full or empty.
        let room = if wanted < 0.0 { (1.0 - self.soc) * 20.0 } else { (self.soc - 0.1) * 20.0 };
        let target = wanted * room.clamp(0.0, 1.0);
        self.battery = floor_of(self.battery + (target - self.battery) * 0.7, 12.0);
        let losses = if self.battery < 0.0 { 0.96 } else { 1.04 };
        self.soc = (self.soc - self.battery * losses * STEP_S / 3600.0 / BATTERY_WH).clamp(0.0, 1.0);
        let shared = (pv + self.battery) / 3.0;
        self.grid = self.load.map(|load| load - shared);
        for (volts, grid) in self.grid_volts.iter_mut().zip(self.grid) {
            *volts += (234.0 - grid * 0.0006 - *volts) * 0.02 + 0.08 * noise.normal();
        }
        self.hertz += (50.0 - self.hertz) * 0.05 + 0.004 * noise.normal();
    }

    fn warm(&mut self) {
        let through = self.inverter().abs();
        self.inverter_heat += (self.outside + 12.0 + through * 0.006 - self.inverter_heat) * 0.006;
        let battery = 18.0 + 0.2 * (self.outside - 10.0) + (self.battery / 1000.0).powi(2) * 0.3;
        self.battery_heat += (battery - self.battery_heat) * 0.0015;
    }

    fn count(&mut self) {
        let [l1, l2, l3] = self.load;
        let [g1, g2, g3] = self.grid;
        let (pv, load, grid) = (self.pv[0] + self.pv[1], l1 + l2 + l3, g1 + g2 + g3);
        let (battery, inverter) = (self.battery, self.inverter());
        let powers = [
            pv,
            load,
            grid,
            -grid,
            -battery,
            battery,
            self.pv[0],
            self.pv[1],
            l1,
            l2,
            l3,
            g1,
            g2,
            g3,
            -g1,
            -g2,
            -g3,
            inverter,
            0.7 * l1,
            35.0 + 0.03 * inverter.abs(),
        ];
        for (energy, power) in self.energy.iter_mut().zip(powers) {
            *energy += power.max(0.0) * STEP_S / 3.6e6;
        }
    }

    /// What the inverter gives to the house.
    pub(crate) fn inverter(&self) -> f64 {
        self.pv[0] + self.pv[1] + self.battery
    }

    /// Of 48 V, with what the current costs.
    pub(crate) fn battery_volts(&self) -> f64 {
        16.0 * (3.18 + 0.14 * self.soc + 0.09 * ((self.soc - 0.93).max(0.0) * 14.0).powi(2))
            - self.battery * 0.00022
    }
}

/// A converter that has next to nothing to do does nothing.
fn floor_of(power: f64, least: f64) -> f64 {
    if power.abs() < least { 0.0 } else { power }
}

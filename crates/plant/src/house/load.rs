//! What the people in the house switch on: a day is planned as a list of loads, each with a start, an end and a power.
//!
//! The plan depends on the seed and the civil date only, so that a day is the same however it is stepped through.

use super::noise::{mix, normal, smooth};
use fastrand::Rng;
use jiff::{ToSpan, civil::Date, tz::TimeZone};

/// Mean load by civil hour, W, Monday to Friday and Saturday to Sunday. Computed from the half-hour record of a French
/// home, September 2024 - February 2025 (davidusb-geek/emhass, MIT): mean 1107 W, floor 200 W, half-hours up to 6 kW,
/// days of 11 / 26 / 45 kWh (10th, 50th, 90th percentile). Water heater after 23:40 and 06:00, cooking and heating at 16.
const MEAN_W: [[f64; 24]; 2] = [
    [
        1363., 912., 616., 447., 500., 548., 1577., 749., 654., 809., 860., 913., 965., 998., 953., 1598.,
        2025., 1476., 1193., 1004., 1109., 1423., 1295., 1306.,
    ],
    [
        1682., 1186., 538., 426., 557., 587., 1704., 2036., 2144., 1458., 878., 963., 995., 915., 805.,
        1432., 2085., 1489., 1217., 977., 1215., 1788., 1486., 1324.,
    ],
];
/// The mean of the record, W.
const RECORD_MEAN_W: f64 = 1_107.0;
/// Always on: router, standby, ventilation. With the two cooling appliances it makes the record's floor of 200 W.
const STANDBY_W: f64 = 150.0;
const STREAM_DAY: u64 = 0x004c_4f41;
const STREAM_HUM: u64 = 0x0048_554d;

/// Something that draws a fixed power for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Draw {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) power_w: f64,
    /// 0, 1, 2 = L1, L2, L3.
    pub(crate) phase: usize,
}

impl Draw {
    fn new(start_ms: i64, minutes: f64, power_w: f64, phase: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "minutes of a load: some thousands at most")]
        let length_ms = (minutes * 60_000.0) as i64;
        Self { start_ms, end_ms: start_ms + length_ms.max(1_000), power_w, phase }
    }

    fn energy_wh_between(&self, from_ms: i64, to_ms: i64) -> f64 {
        let overlap_ms = (self.end_ms.min(to_ms) - self.start_ms.max(from_ms)).max(0);
        self.power_w * overlap_ms as f64 / 3_600_000.0
    }
}

/// The loads of a house, day after day.
#[derive(Debug, Clone)]
pub(crate) struct Loads {
    seed: u64,
    scale: f64,
    phases: usize,
    planned_until: Option<Date>,
    /// Loads not yet over, soonest start first.
    draws: Vec<Draw>,
}

impl Loads {
    /// `mean_w` scales the record's profile, `phases` is 1 or 3.
    pub(crate) fn new(seed: u64, mean_w: f64, phases: usize) -> Self {
        Self { seed, scale: mean_w / RECORD_MEAN_W, phases, planned_until: None, draws: Vec::new() }
    }

    /// Mean power of each phase between two moments, W.
    pub(crate) fn mean_w(&mut self, from_ms: i64, to_ms: i64, date: Date, zone: &TimeZone) -> [f64; 3] {
        self.plan(date, zone);
        self.draws.retain(|draw| draw.end_ms > from_ms);
        let hours = (to_ms - from_ms) as f64 / 3_600_000.0;
        let hum_w = self.scale * (STANDBY_W + 30.0 * (smooth(self.seed, STREAM_HUM, from_ms, 45_000) - 0.5));
        let mut power_w = [0.0; 3];
        for phase in &mut power_w[..self.phases] {
            *phase = hum_w / self.phases as f64;
        }
        for draw in self.draws.iter().take_while(|draw| draw.start_ms < to_ms) {
            power_w[draw.phase] += draw.energy_wh_between(from_ms, to_ms) / hours;
        }
        power_w
    }

    /// Plans up to the end of `date`; the first call also plans the day before, whose evening may reach into this one.
    fn plan(&mut self, date: Date, zone: &TimeZone) {
        let mut next = match self.planned_until {
            Some(planned) if planned >= date => return,
            Some(planned) => planned.saturating_add(1.day()),
            None => date.saturating_sub(1.day()),
        };
        while next <= date {
            self.plan_day(next, zone);
            next = next.saturating_add(1.day());
        }
        self.planned_until = Some(date);
        self.draws.sort_by_key(|draw| draw.start_ms);
    }

    fn plan_day(&mut self, date: Date, zone: &TimeZone) {
        let day_number = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
        let mut rng = Rng::with_seed(mix(self.seed, STREAM_DAY, day_number));
        let hours = hours_of(date, zone);
        let weekend = date.weekday().to_monday_zero_offset() >= 5;
        let day_factor = self.scale * season(date) * (0.42 * normal(&mut rng) - 0.09).exp();
        let mut draws = cooling(&mut rng, &hours, self.scale);
        draws.extend(habits(&mut rng, &hours, weekend, self.scale));
        for &(start_ms, hour) in &hours {
            let planned_wh: f64 =
                draws.iter().map(|d| d.energy_wh_between(start_ms, start_ms + HOUR_MS)).sum();
            let wanted_wh =
                MEAN_W[usize::from(weekend)][hour] * day_factor - STANDBY_W * self.scale - planned_wh;
            draws.extend(fill_hour(&mut rng, start_ms, wanted_wh, self.scale));
        }
        for draw in &mut draws {
            // Big loads sit on one phase each; the choice is per load, as a wired house averages out over many of them.
            draw.phase = rng.usize(..self.phases);
        }
        self.draws.extend(draws);
    }
}

const HOUR_MS: i64 = 3_600_000;

/// The hours of a civil day as (unix ms, civil hour): 23 or 25 of them when the clock is changed.
fn hours_of(date: Date, zone: &TimeZone) -> Vec<(i64, usize)> {
    let midnight_ms = |date: Date| {
        zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0))
            .compatible()
            .map_or(0, jiff::Timestamp::as_millisecond)
    };
    let (from, to) = (midnight_ms(date), midnight_ms(date.saturating_add(1.day())));
    let mut hours = Vec::with_capacity(25);
    let mut at = from;
    while at < to {
        let civil = jiff::Timestamp::from_millisecond(at).map_or(0, |t| zone.to_datetime(t).hour());
        hours.push((at, usize::try_from(civil).unwrap_or(0)));
        at += HOUR_MS;
    }
    hours
}

/// Colder days need more: the record's half year is the upper half of this wave.
fn season(date: Date) -> f64 {
    1.0 + 0.35 * ((f64::from(date.day_of_year()) - 20.0) / 365.25 * std::f64::consts::TAU).cos() - 0.144
}

/// Fridge (90 W, 18 of 50 minutes) and freezer (70 W, 14 of 45 minutes), each with its own irregular rhythm.
fn cooling(rng: &mut Rng, hours: &[(i64, usize)], scale: f64) -> Vec<Draw> {
    let (Some(first), Some(last)) = (hours.first(), hours.last()) else { return Vec::new() };
    let mut draws = Vec::new();
    for (power_w, on_min, cycle_min) in [(90.0, 18.0, 50.0), (70.0, 14.0, 45.0)] {
        let mut at = first.0 + rng.i64(0..1_800_000);
        while at < last.0 + HOUR_MS {
            draws.push(Draw::new(at, on_min * (0.85 + 0.3 * rng.f64()), power_w * scale, 0));
            #[expect(clippy::cast_possible_truncation, reason = "a cycle is under an hour")]
            let cycle_ms = (cycle_min * (0.85 + 0.3 * rng.f64()) * 60_000.0) as i64;
            at += cycle_ms;
        }
    }
    draws
}

/// Kettle in the morning and at tea, an oven that cycles at dinner, a washing machine on some days.
fn habits(rng: &mut Rng, hours: &[(i64, usize)], weekend: bool, scale: f64) -> Vec<Draw> {
    let mut draws = Vec::new();
    let at_hour = |wanted: usize| hours.iter().find(|(_, hour)| *hour == wanted).map(|(at, _)| *at);
    let morning = if weekend { 8 } else { 7 };
    for hour in [morning, morning, 10, 16, 20] {
        if let Some(start) = at_hour(hour).filter(|_| rng.f64() < 0.8) {
            draws.push(Draw::new(start + rng.i64(0..HOUR_MS), 2.0 + 2.0 * rng.f64(), 2_100.0 * scale, 0));
        }
    }
    if let Some(start) = at_hour(if weekend { 12 } else { 19 }).filter(|_| rng.f64() < 0.6) {
        let mut at = start + rng.i64(0..HOUR_MS / 2);
        draws.push(Draw::new(at, 8.0, 2_300.0 * scale, 0));
        for _ in 0..rng.usize(8..20) {
            at += 8 * 60_000 + rng.i64(0..60_000);
            draws.push(Draw::new(at, 1.0 + rng.f64(), 2_300.0 * scale, 0));
            at -= 5 * 60_000;
        }
    }
    if let Some(start) = at_hour(if weekend { 10 } else { 14 }).filter(|_| rng.f64() < 0.35) {
        let at = start + rng.i64(0..HOUR_MS);
        draws.push(Draw::new(at + 600_000, 18.0, 2_000.0 * scale, 0));
        draws.push(Draw::new(at, 75.0, 150.0 * scale, 0));
    }
    draws
}

/// Brings an hour up to its share of the profile with ordinary loads of 4 to 25 minutes (lights, hob, heater, dryer).
fn fill_hour(rng: &mut Rng, start_ms: i64, wanted_wh: f64, scale: f64) -> Vec<Draw> {
    const POWERS_W: [f64; 7] = [180.0, 350.0, 600.0, 1_000.0, 1_500.0, 2_000.0, 2_600.0];
    let mut draws = Vec::new();
    let mut left_wh = wanted_wh;
    while left_wh > 0.0 && draws.len() < 40 {
        let power_w = POWERS_W[rng.usize(..POWERS_W.len())] * scale;
        let minutes = 4.0 + 21.0 * rng.f64();
        let draw = Draw::new(start_ms + rng.i64(0..HOUR_MS), minutes, power_w, 0);
        // What reaches into the next hour is counted there.
        let energy_wh = draw.energy_wh_between(start_ms, start_ms + HOUR_MS);
        // The last one comes with the probability that keeps the mean.
        if energy_wh > left_wh && rng.f64() * energy_wh > left_wh {
            break;
        }
        draws.push(draw);
        left_wh -= energy_wh;
    }
    draws
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").expect("the zone database is compiled in")
    }

    #[test]
    fn a_half_year_has_the_records_mean_profile_and_spread() {
        let zone = paris();
        let mut by_hour = [[0.0_f64; 24]; 2];
        let mut count = [[0_u32; 24]; 2];
        let mut days = Vec::new();
        for seed in 0..4 {
            let mut loads = Loads::new(seed, RECORD_MEAN_W, 1);
            let mut date = Date::constant(2024, 9, 1);
            while date < Date::constant(2025, 3, 1) {
                let mut day_wh = 0.0;
                for (start, hour) in hours_of(date, &zone) {
                    let mean: f64 = loads.mean_w(start, start + HOUR_MS, date, &zone).iter().sum();
                    let weekend = usize::from(date.weekday().to_monday_zero_offset() >= 5);
                    by_hour[weekend][hour] += mean;
                    count[weekend][hour] += 1;
                    day_wh += mean;
                }
                days.push(day_wh / 1_000.0);
                date = date.saturating_add(1.day());
            }
        }
        days.sort_by(f64::total_cmp);
        let (low, high) = (days[days.len() / 10], days[days.len() * 9 / 10]);
        let mean = days.iter().sum::<f64>() / days.len() as f64;
        eprintln!("{mean} {low} {high}");
        assert!((24.0..=30.0).contains(&mean), "{mean} kWh a day, the record has 26.7");
        assert!(
            (9.0..=19.0).contains(&low) && (36.0..=54.0).contains(&high),
            "{low} .. {high} kWh, the record has 10.8 .. 45.2"
        );
        for (kind, hour) in [(0, 3), (0, 6), (0, 16), (0, 21), (1, 3), (1, 8), (1, 21)] {
            let ours = by_hour[kind][hour] / f64::from(count[kind][hour]);
            let theirs = MEAN_W[kind][hour];
            assert!(
                (0.7..=1.35).contains(&(ours / theirs)),
                "{kind} {hour} h: {ours} W, the record has {theirs} W"
            );
        }
    }

    #[rstest::rstest]
    #[case(Date::constant(2025, 3, 30), 23)]
    #[case(Date::constant(2025, 10, 26), 25)]
    #[case(Date::constant(2025, 7, 1), 24)]
    fn a_civil_day_has_its_true_length(#[case] date: Date, #[case] hours: usize) {
        assert_eq!(hours_of(date, &paris()).len(), hours);
    }
}

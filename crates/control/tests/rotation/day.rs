//! A day of three batteries, panels and loads, second by second as far as control is concerned: first-order batteries that
//! follow the meter by themselves when they are `auto`, and take a while until they are what they are told.

use std::time::Duration;

use ohmstead_model::{BatteryMode, DeviceId, Metric};
use rstest::rstest;

use crate::house::{House, NOON};

const STEP_S: u64 = 4;
const CAPACITY_WH: f64 = 5_120.0;
const POWER_MAX_W: f64 = 2_500.0;
const EFFICIENCY: f64 = 0.95;
const NAMES: [&str; 3] = ["a", "b", "c"];

/// Small and seedable: the same day in every run.
struct Dice(u64);

impl Dice {
    /// Between 0 and 1.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}

struct Battery {
    soc: f64,
    power: f64,
    mode: BatteryMode,
    /// What it was told, and in how many steps it is in it.
    told: Option<(BatteryMode, u64)>,
}

impl Battery {
    /// One step. `grid` is what it sees at the meter.
    fn advance(&mut self, grid: f64) {
        if let Some((mode, steps)) = self.told.take() {
            if steps == 0 {
                self.mode = mode;
            } else {
                self.told = Some((mode, steps - 1));
            }
        }
        let wanted = match &self.mode {
            BatteryMode::Auto => self.power + grid,
            BatteryMode::Charge { power, .. } => -power.map_or(POWER_MAX_W, |power| power.0),
            BatteryMode::Discharge { power } => power.map_or(POWER_MAX_W, |power| power.0),
            _ => 0.0,
        };
        let most = if self.soc > 11.0 { POWER_MAX_W } else { 0.0 };
        let least = if self.soc < 100.0 { -POWER_MAX_W } else { 0.0 };
        self.power += (wanted.clamp(least, most) - self.power) * 0.75;
        let stored = if self.power > 0.0 { self.power / EFFICIENCY } else { self.power * EFFICIENCY };
        self.soc -= stored * STEP_S as f64 / 3_600.0 / CAPACITY_WH * 100.0;
    }
}

/// Load less PV at a second of the day, in W.
fn net_load(second: u64, dice: &mut Dice, kettle: &mut f64, cloud: &mut f64) -> f64 {
    let hour = second as f64 / 3_600.0;
    if dice.roll() < 0.002 {
        *kettle = if *kettle > 0.0 { 0.0 } else { 500.0 + 3_000.0 * dice.roll() };
    }
    *cloud = (*cloud + (dice.roll() - 0.5) * 0.015).clamp(0.3, 1.0);
    let sun = ((hour - 6.0) / 12.0 * std::f64::consts::PI).sin().max(0.0);
    let evening = if (17.0..23.0).contains(&hour) { 900.0 } else { 0.0 };
    300.0 + evening + *kettle - 5_500.0 * sun * *cloud
}

/// Whether another battery should have its turn, once the meter and the lock allow.
fn is_unfair(active: Option<&DeviceId>, batteries: &[Battery; 3], grid: f64) -> bool {
    let soc_of = |id: &DeviceId| NAMES.iter().zip(batteries).find(|(name, _)| **name == id.as_str());
    let Some((_, active)) = active.and_then(soc_of) else { return false };
    let socs = || batteries.iter().map(|battery| battery.soc);
    let (least, most) = (socs().fold(100.0, f64::min), socs().fold(0.0, f64::max));
    let wastes = grid < -200.0 && active.soc >= 96.0 && least < 95.0;
    let lacks = grid > 200.0 && most > active.soc + 6.0 && most > 16.0;
    wastes || lacks
}

/// What became of a day.
#[derive(Debug, Default)]
struct Day {
    switches: u32,
    stops: u32,
    writes: u32,
    both_auto_s: u64,
    /// The longest time for which two were `auto` in fact, not only by wish.
    both_auto_longest_s: u64,
    imported_wh: f64,
    exported_wh: f64,
    spread_max: f64,
    spread_end: f64,
    /// The longest time for which a full battery had its turn though an emptier one could charge, or an emptier one
    /// though a much fuller one could give.
    unfair_longest_s: u64,
    /// What each battery took and gave.
    throughput_wh: [f64; 3],
    /// For how long each had its turn.
    turn_s: [u64; 3],
    findings: Vec<String>,
}

fn run(more: &str, seed: u64) -> Day {
    let socs = [35.0, 55.0, 75.0];
    let mut house = House::new(&[("a", socs[0]), ("b", socs[1]), ("c", socs[2])], more);
    house.obedient = false;
    let mut batteries = socs.map(|soc| Battery { soc, power: 0.0, mode: BatteryMode::Idle, told: None });
    house.confirmed.clear();
    // The weather is the same whatever the batteries do.
    let (mut weather, mut kettle, mut cloud) = (Dice(seed), 0.0, 0.8);
    let mut dice = Dice(!seed);
    let mut day = Day::default();
    let (mut active, mut stopped, mut both_s, mut unfair_s) = (None::<DeviceId>, false, 0, 0);
    let mut grid = 0.0;
    for step in 0..86_400 / STEP_S {
        let net = net_load(step * STEP_S, &mut weather, &mut kettle, &mut cloud);
        for battery in &mut batteries {
            battery.advance(grid);
        }
        grid = net - batteries.iter().map(|battery| battery.power).sum::<f64>();
        let energy = grid * STEP_S as f64 / 3_600.0;
        if grid > 0.0 {
            day.imported_wh += energy;
        } else {
            day.exported_wh -= energy;
        }
        house.now = NOON.plus(Duration::from_secs(step * STEP_S));
        house.grid = Some(grid.round());
        for (name, battery) in NAMES.into_iter().zip(&batteries) {
            house.soc(name, battery.soc.round());
            house.number(name, Metric::BatteryPower, Some(battery.power.round()));
            house.confirmed.insert(name.parse().unwrap(), battery.mode.clone());
        }
        house.cycle();
        for (proposal, battery) in house.proposals.iter().zip(&mut batteries) {
            let wanted = proposal.wants.clone().unwrap();
            let coming = battery.told.as_ref().map_or(&battery.mode, |(mode, _)| mode);
            if *coming != wanted {
                day.writes += 1;
                battery.told = Some((wanted, 1 + u64::from(dice.roll() < 0.5)));
            }
        }
        let both = batteries.iter().filter(|battery| battery.mode == BatteryMode::Auto).count() > 1;
        both_s = if both { both_s + STEP_S } else { 0 };
        day.both_auto_s += u64::from(both) * STEP_S;
        day.both_auto_longest_s = day.both_auto_longest_s.max(both_s);
        let now_active = house.state.active("day").cloned();
        day.switches += u32::from(active.is_some() && now_active.is_some() && active != now_active);
        day.stops += u32::from(house.state.is_stopped("day") && !stopped);
        (active, stopped) = (now_active, house.state.is_stopped("day"));
        let socs = || batteries.iter().map(|battery| battery.soc);
        day.spread_end = socs().fold(0.0, f64::max) - socs().fold(100.0, f64::min);
        day.spread_max = day.spread_max.max(day.spread_end);
        for (index, battery) in batteries.iter().enumerate() {
            day.throughput_wh[index] += battery.power.abs() * STEP_S as f64 / 3_600.0;
            let has_its_turn = active.as_ref().is_some_and(|active| active.as_str() == NAMES[index]);
            day.turn_s[index] += u64::from(has_its_turn) * STEP_S;
        }
        unfair_s = if is_unfair(active.as_ref(), &batteries, grid) { unfair_s + STEP_S } else { 0 };
        day.unfair_longest_s = day.unfair_longest_s.max(unfair_s);
        let found = house.findings();
        if !found.is_empty() && day.findings.last() != Some(&found) {
            day.findings.push(found);
        }
    }
    day
}

#[rstest]
#[case(1)]
#[case(2)]
#[case(3)]
fn a_day_of_three_batteries_that_take_turns(#[case] seed: u64) {
    let day = run("", seed);
    println!("{day:?}");
    assert!((2..=100).contains(&day.switches), "{day:?}");
    assert!(day.both_auto_longest_s <= 16, "the overlap and the time of the writes: {day:?}");
    assert!(day.findings.is_empty(), "{day:?}");
    // Two minutes, the lock, and the switch itself.
    assert!(day.unfair_longest_s <= 120 + 300 + 60, "{day:?}");
    assert!(day.turn_s.iter().all(|seconds| *seconds >= 3_600), "{day:?}");
}

#[test]
fn a_day_of_three_batteries_that_share() {
    let day = run("mode: share", 1);
    println!("{day:?}");
    assert_eq!(day.both_auto_s, 0, "{day:?}");
    assert!(day.spread_end <= 15.0, "{day:?}");
}

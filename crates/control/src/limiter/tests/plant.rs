//! A simulated inverter: it follows what is asked and what it is allowed with a lag, some is lost, meters are noisy.

use super::house::{Device, Limiter, Metric, at, discharge_of, snapshot};
use crate::limiter::{Name, Verdict};

/// Small, seedable, the same everywhere.
#[derive(Debug, Clone)]
pub(super) struct Noise(pub(super) u64);

impl Noise {
    /// Between -1 and 1.
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
    }
}

/// How the bound and what is made are related.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// What is made AC of each watt of the bound.
    pub(super) gain: f64,
    /// s
    pub(super) lag: f64,
    /// Cycles between two measurements.
    pub(super) every: u32,
}

pub(super) const VICTRON: Kind = Kind { gain: 1.0, lag: 2.0, every: 1 };

pub(super) struct Plant {
    kind: Kind,
    noise: Noise,
    /// What the house asks of the battery's side, W.
    pub(super) demand: f64,
    /// What loads on AC-out take, which no lever changes, W.
    pub(super) fixed: f64,
    made: f64,
    second: u32,
    told: (f64, f64),
    /// Of each second: what is really made, and the bound.
    pub(super) past: Vec<(f64, Option<f64>)>,
    pub(super) verdicts: Vec<Verdict>,
}

impl Plant {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            noise: Noise(7),
            demand: 0.0,
            fixed: 0.0,
            made: 0.0,
            second: 0,
            told: (0.0, 0.0),
            past: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// One second.
    pub(super) fn second(&mut self, limiter: &mut Limiter) {
        let now = f64::from(self.second);
        if self.second.is_multiple_of(self.kind.every) {
            self.told = (self.made + self.fixed + 50.0 * self.noise.next(), now);
        }
        let (power, told_at) = self.told;
        let told_at = at(told_at);
        let gx = Device::gx("gx")
            .shows(Metric::InverterPower, power, told_at)
            // A twentieth is lost between the battery and AC.
            .shows(Metric::BatteryPower, power / 0.95, told_at)
            .shows(Metric::GridPower, 4000.0 - power, told_at);
        let (proposals, verdicts) = limiter.step(&snapshot([gx]), at(now));
        let bound = discharge_of(&proposals, "gx");
        let allowed = bound.unwrap_or(f64::INFINITY) * self.kind.gain;
        self.made += (self.demand.min(allowed) - self.made) * (1.0 - (-1.0 / self.kind.lag).exp());
        self.past.push((self.made + self.fixed, bound));
        self.verdicts = verdicts;
        self.second += 1;
    }

    pub(super) fn seconds(&mut self, count: u32, limiter: &mut Limiter) {
        (0..count).for_each(|_| self.second(limiter));
    }

    /// The least and the most that was made in the last seconds.
    fn range(&self, seconds: usize) -> (f64, f64) {
        let last = &self.past[self.past.len() - seconds..];
        let powers = last.iter().map(|(made, _)| *made);
        (powers.clone().fold(f64::INFINITY, f64::min), powers.fold(f64::NEG_INFINITY, f64::max))
    }

    /// How far the bound went down and up in one second at most.
    pub(super) fn steps(&self) -> (f64, f64) {
        let both = self.past.windows(2).filter_map(|pair| Some((pair[0].1?, pair[1].1?)));
        let change = both.map(|(before, after)| after - before);
        (change.clone().fold(0.0, f64::min), change.fold(0.0, f64::max))
    }

    fn bound(&self) -> Option<f64> {
        self.past.last().and_then(|(_, bound)| *bound)
    }

    fn is_ineffective(&self) -> bool {
        self.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Ineffective { .. }))
    }
}

const LIMIT: &str = "multi_output: { max: 30 kW }";

#[rstest::rstest]
#[case::the_lever_is_what_is_limited("multi_output: { max: 30 kW }", 30_000.0, 1.0, VICTRON)]
#[case::losses_after_the_lever("multi_output: { max: 30 kW }", 30_000.0, 1.0, Kind { gain: 0.95, ..VICTRON })]
#[case::more_than_is_asked("multi_output: { max: 30 kW }", 30_000.0, 1.0, Kind { gain: 1.05, ..VICTRON })]
#[case::a_small_one("multi_output: { max: 3 kW }", 3_000.0, 1.0, Kind { gain: 0.95, ..VICTRON })]
#[case::losses_within_the_hysteresis("multi_output: { max: 8 kW }", 8_000.0, 1.0, Kind { gain: 0.95, ..VICTRON })]
#[case::the_battery("battery_discharge: { max: 20 kW }", 20_000.0, 0.95, VICTRON)]
#[case::at_once("multi_output: { max: 30 kW, step: 1 MW }", 30_000.0, 1.0, VICTRON)]
#[case::slow_steps("multi_output: { max: 30 kW, step: 200 W }", 30_000.0, 1.0, VICTRON)]
#[case::a_slow_inverter("multi_output: { max: 30 kW }", 30_000.0, 1.0, Kind { lag: 5.0, gain: 0.95, every: 1 })]
#[case::seldom_measured("multi_output: { max: 30 kW }", 30_000.0, 1.0, Kind { every: 5, gain: 0.95, ..VICTRON })]
fn a_constant_demand_settles_at_the_limit(
    #[case] text: &str,
    #[case] max: f64,
    #[case] share: f64,
    #[case] kind: Kind,
) {
    let (mut plant, mut limiter) = (Plant::new(kind), Limiter::new(text));
    plant.demand = 45_000.0;
    plant.seconds(900, &mut limiter);
    // What is made AC is less than what the battery gives.
    let max = max * share;
    let (least, most) = plant.range(600);
    assert!((max - 200.0..=max).contains(&least) && most <= max, "{least:.0} .. {most:.0} W of {max:.0} W");
    assert!(most - least < 60.0, "no oscillation: {least:.0} .. {most:.0} W");
    let step = limiter.settings.limits().next().unwrap().1.step.0;
    let (down, up) = plant.steps();
    // Proposals are whole watts.
    assert!(-down <= step + 1.0 && up <= step / 10.0 + 1.0, "{down:.0} .. {up:.0} W in a second");
}

#[test]
fn how_long_it_takes() {
    let (mut plant, mut limiter) = (Plant::new(VICTRON), Limiter::new(LIMIT));
    plant.demand = 45_000.0;
    plant.seconds(200, &mut limiter);
    let over = plant.past.iter().filter(|(made, _)| *made > 30_000.0).count();
    // A step of 1 kW for each of the 15 kW that are too much, less those that are not reached meanwhile, and the lag.
    assert!(over <= 20, "{over} s");
}

#[test]
fn steps_of_the_demand() {
    let (mut plant, mut limiter) = (Plant::new(Kind { gain: 0.95, ..VICTRON }), Limiter::new(LIMIT));
    plant.demand = 20_000.0;
    plant.seconds(60, &mut limiter);
    assert_eq!(plant.bound(), None, "not exceeded");
    plant.demand = 50_000.0;
    plant.seconds(300, &mut limiter);
    let (least, most) = plant.range(60);
    assert!(least >= 29_800.0 && most <= 30_000.0, "{least:.0} .. {most:.0} W");
    // Within the hysteresis, then far below, then back at once.
    plant.demand = 29_700.0;
    plant.seconds(120, &mut limiter);
    assert!(plant.bound().is_some());
    plant.demand = 10_000.0;
    plant.seconds(30, &mut limiter);
    assert!(plant.bound().is_some(), "not yet");
    plant.seconds(15, &mut limiter);
    assert_eq!(plant.bound(), None, "released");
    plant.demand = 50_000.0;
    plant.seconds(300, &mut limiter);
    let (least, most) = plant.range(60);
    assert!(least >= 29_800.0 && most <= 30_000.0, "{least:.0} .. {most:.0} W");
}

#[test]
fn a_load_that_the_lever_does_not_reach() {
    let (mut plant, mut limiter) = (Plant::new(VICTRON), Limiter::new(LIMIT));
    plant.fixed = 38_000.0;
    let mut reached = None;
    let mut told = None;
    for second in 0..60 {
        plant.second(&mut limiter);
        if reached.is_none() && plant.bound().is_some_and(|bound| bound <= 30_000.0) {
            reached = Some(second);
        }
        if told.is_none() && plant.is_ineffective() {
            told = Some(second);
        }
    }
    let (reached, told) = (reached.unwrap(), told.unwrap());
    assert!(told - reached <= 10, "{reached} {told}");
    assert_eq!(plant.bound(), None, "given back");
    assert_eq!(limiter.state.held(Name::MultiOutput), None);
    let text = plant.verdicts[0].to_string();
    plant.fixed = 20_000.0;
    plant.second(&mut limiter);
    plant.second(&mut limiter);
    assert_eq!(plant.verdicts[0].code(), "released", "it is not needed any more");
    assert!(
        text.contains("where 29") && text.ends_with("the bound has no effect and is given back for a while"),
        "{text}"
    );
}

#[test]
fn the_pauses_grow() {
    let (mut plant, mut limiter) = (Plant::new(VICTRON), Limiter::new(LIMIT));
    plant.fixed = 38_000.0;
    plant.seconds(20_000, &mut limiter);
    let is_change = |pair: &[(f64, Option<f64>)]| pair[0].1.is_some() != pair[1].1.is_some();
    let changes = (0..).zip(plant.past.windows(2)).filter(|(_, pair)| is_change(pair));
    let seconds: Vec<i32> = changes.map(|(second, _)| second).collect();
    // It is bounded from the first second on: each pair is when a bound was given back, and when the next one came.
    let pauses: Vec<_> = seconds.chunks_exact(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]);
    // Once it helps again, the next pause is short.
    plant.fixed = 0.0;
    plant.demand = 45_000.0;
    plant.seconds(4000, &mut limiter);
    assert!(plant.bound().is_some() && !plant.is_ineffective());
}

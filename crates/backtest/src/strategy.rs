//! What the batteries are told at each step.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use ohmstead_model::{BatteryMode, UnixMillis};
use ohmstead_planner::Battery;

use crate::civil;
use crate::home::Home;
use crate::planning::{Planner, Planning};
use crate::tempo::TempoRule;

/// How a house is steered.
#[derive(Clone, Copy)]
pub enum Strategy<'s> {
    /// The batteries rest: the bill without them.
    NoBattery,
    /// The batteries follow the house.
    SelfConsumption,
    /// They follow the house from 06:00 to 22:00, and are charged to the full in every other hour.
    NightCharge,
    /// All of them do what a rule says for the step that begins at an instant.
    Rule(&'s dyn Fn(UnixMillis) -> BatteryMode),
    /// The proposer for the Tempo tariff, and where it asks for nothing the batteries follow the house.
    Tempo(TempoRule<'s>),
    /// The planner, with what was known and foretold.
    Plan(Planning<'s>),
    /// The planner, with load, sun and prices as they turned out: nothing does better, but for what modes cannot express.
    Perfect,
}

impl std::fmt::Debug for Strategy<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Strategy<'_> {
    /// A name for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoBattery => "no battery",
            Self::SelfConsumption => "self-consumption",
            Self::NightCharge => "charged every night",
            Self::Rule(_) => "a rule",
            Self::Tempo(_) => "tempo",
            Self::Plan(_) => "plan",
            Self::Perfect => "perfect foresight",
        }
    }
}

/// A strategy at work: with what it remembers from step to step.
pub(crate) enum Steering<'s> {
    /// By the instant alone.
    Clock(Box<dyn Fn(UnixMillis) -> BatteryMode + 's>),
    Tempo(TempoRule<'s>, Vec<BatteryMode>),
    Planner(Box<Planner<'s>>),
}

impl<'s> Steering<'s> {
    pub(crate) fn of(strategy: Strategy<'s>, home: &Home<'_>, end: UnixMillis) -> Self {
        let zone = home.zone.clone();
        match strategy {
            Strategy::NoBattery => Self::Clock(Box::new(|_| BatteryMode::Idle)),
            Strategy::SelfConsumption => Self::Clock(Box::new(|_| BatteryMode::Auto)),
            Strategy::NightCharge => Self::Clock(Box::new(move |at| by_night(at, &zone))),
            Strategy::Rule(rule) => Self::Clock(Box::new(rule)),
            Strategy::Tempo(rule) => Self::Tempo(rule, Vec::new()),
            Strategy::Plan(planning) => Self::Planner(Box::new(Planner::foretelling(planning))),
            Strategy::Perfect => Self::Planner(Box::new(Planner::knowing(end))),
        }
    }

    /// The mode of each battery in the step that begins at `now`; what is stored is in `batteries`.
    pub(crate) fn modes(
        &mut self,
        now: UnixMillis,
        home: &Home<'_>,
        batteries: &[Battery],
    ) -> Vec<BatteryMode> {
        match self {
            Self::Clock(rule) => vec![rule(now); batteries.len()],
            Self::Tempo(rule, last) => {
                *last = rule.modes(now, batteries, last);
                last.clone()
            }
            Self::Planner(planner) => planner.modes(now, home, batteries),
        }
    }
}

/// The hours in which the batteries follow the house.
const DAY_BEGINS: Time = Time::constant(6, 0, 0, 0);
const DAY_ENDS: Time = Time::constant(22, 0, 0, 0);

fn by_night(at: UnixMillis, zone: &TimeZone) -> BatteryMode {
    match civil::on_wall(at, zone) {
        Some(wall) if !(DAY_BEGINS..DAY_ENDS).contains(&wall.time()) => {
            BatteryMode::Charge { power: None, until: None }
        }
        _ => BatteryMode::Auto,
    }
}

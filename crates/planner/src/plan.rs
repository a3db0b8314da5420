//! The plan. There is always one: where no solver gives anything, or the simulator does not confirm what it gives, the batteries
//! follow the house, and the plan says why.

mod around;
mod fallback;
mod futures;
mod keep;
mod windows;

use std::time::Duration;

use ohmstead_model::{BatteryMode, TimeSpan};

use crate::explain::{Why, explain};
use crate::modes::{self, simulate_modes};
use crate::optimise::{Found, Method};
use crate::problem::{Problem, ProblemError};
use crate::simulate::{Outcome, Violation, simulate};
use crate::worth::worth;
use around::optimise_around_pins;
pub use fallback::FallbackReason;
pub use futures::{Future, plan_for_futures};

/// What can be set about planning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// An earlier plan is kept unless a new one is better by so much, EUR.
    pub keep_within_eur: f64,
    /// A problem with more slots is solved in windows of so many.
    pub slots_max: usize,
    /// The longest that one linear program may take: a guard for a machine that has no time, far above what one needs.
    pub time_limit: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { keep_within_eur: 0.02, slots_max: 336, time_limit: Duration::from_secs(10) }
    }
}

/// Where a plan comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// It was found to be the cheapest.
    Found(Method),
    /// Nothing is cheaper than following the house.
    SelfConsumption,
    /// The earlier plan: a new one would be better by no more than this, EUR.
    Kept(f64),
    /// The batteries follow the house because nothing better could be had.
    Fallback(FallbackReason),
}

/// What each battery is to do, and what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Where it comes from.
    pub origin: Origin,
    /// The batteries' names, in the order of all lists here.
    pub batteries: Vec<String>,
    /// The mode of each slot and battery. Without slots (a refused problem) every battery is in `auto`.
    pub modes: Vec<Vec<BatteryMode>>,
    /// Which of the modes were asked by hand: they are not the plan's.
    pub by_hand: Vec<Vec<bool>>,
    /// What the planned powers come to.
    pub outcome: Outcome,
    /// What the modes come to if the forecast is right: what will be done.
    pub in_modes: Outcome,
    /// What following the house would come to.
    pub self_consumption: Outcome,
    /// What batteries at rest would come to.
    pub no_battery: Outcome,
    /// Whether the time ahead was too long to be solved at once, and was solved in windows: it may cost a little more.
    pub in_windows: bool,
}

/// The modes lose more than this against the powers: worth saying, EUR.
const MODES_LOSE_EUR: f64 = 0.05;
/// A planned power that is impossible by more than this is not confirmed, W.
const CONFIRMED_W: f64 = 20.0;

impl Plan {
    /// What is saved against following the house, EUR, everything counted.
    pub fn saving_eur(&self) -> f64 {
        self.self_consumption.score_eur() - self.in_modes.score_eur()
    }

    /// How much more the modes cost than the powers they stand for, EUR, where it is clearly more.
    pub fn modes_lose_eur(&self) -> Option<f64> {
        let lost = self.in_modes.score_eur() - self.outcome.score_eur();
        (lost > MODES_LOSE_EUR).then_some(lost)
    }

    /// Why each battery does what it does in its modes, for each slot and battery of the problem that the plan was made for.
    pub fn reasons(&self, problem: &Problem) -> Vec<Vec<Why>> {
        explain(problem, &self.in_modes, &worth(problem, &self.outcome))
    }

    /// The slot of an instant: its place in all lists here.
    pub fn slot_at(&self, instant: ohmstead_model::UnixMillis) -> Option<usize> {
        self.outcome.slots.iter().position(|slot| slot.span.contains(instant))
    }

    /// The time it is for.
    pub fn span(&self) -> Option<TimeSpan> {
        let (first, last) = (self.outcome.slots.first()?, self.outcome.slots.last()?);
        Some(TimeSpan::new(first.span.start, last.span.end))
    }
}

/// What batteries that follow the house come to, but for what was asked by hand.
pub fn self_consumption(problem: &Problem) -> Outcome {
    simulate_modes(problem, &[])
}

/// What batteries at rest come to.
pub fn no_battery(problem: &Problem) -> Outcome {
    simulate(problem, &[])
}

/// Makes a plan, or keeps an earlier one.
pub fn plan(problem: &Problem, previous: Option<&Plan>, tuning: &Tuning) -> Plan {
    if let Err(error) = problem.check() {
        return refused(problem, error);
    }
    let fresh = fresh(problem, tuning);
    match previous {
        Some(previous) => keep::or_keep(problem, fresh, previous, tuning),
        None => fresh,
    }
}

fn fresh(problem: &Problem, tuning: &Tuning) -> Plan {
    let found = match found(problem, tuning) {
        Ok(found) => found,
        Err(reason) => return following_plan(problem, Origin::Fallback(reason)),
    };
    if self_consumption(problem).score_eur() <= found.outcome.score_eur() {
        return following_plan(problem, Origin::SelfConsumption);
    }
    let in_windows = problem.slots.len() > tuning.slots_max;
    Plan { in_windows, ..assembled(problem, Origin::Found(found.method), found.outcome, None) }
}

/// The cheapest powers, confirmed by the simulator.
fn found(problem: &Problem, tuning: &Tuning) -> Result<Found, FallbackReason> {
    let found = optimise_around_pins(problem, tuning.slots_max, tuning.time_limit);
    let mut found = found.map_err(FallbackReason::Solver)?;
    // The simulator judges, not the program: where rules that cannot be kept have their price, batteries at rest may be cheaper.
    let resting = no_battery(problem);
    if !problem.has_pins() && resting.score_eur() < found.outcome.score_eur() {
        found.outcome = resting;
    }
    unconfirmed(&found.outcome).map_or(Ok(found), Err)
}

fn unconfirmed(outcome: &Outcome) -> Option<FallbackReason> {
    outcome.violations.iter().find_map(|violation| match *violation {
        Violation::Clipped { slot, battery, asked_w, power_w } if (asked_w - power_w).abs() > CONFIRMED_W => {
            Some(FallbackReason::NotConfirmed { slot, battery, asked_w, power_w })
        }
        _ => None,
    })
}

/// All batteries in `auto`, but for what was asked by hand.
fn following_plan(problem: &Problem, origin: Origin) -> Plan {
    let modes = vec![vec![BatteryMode::Auto; problem.batteries.len()]; problem.slots.len()];
    assembled(problem, origin, self_consumption(problem), Some(modes))
}

fn assembled(
    problem: &Problem,
    origin: Origin,
    outcome: Outcome,
    modes: Option<Vec<Vec<BatteryMode>>>,
) -> Plan {
    let mut modes = modes.unwrap_or_else(|| modes::modes(problem, &outcome));
    let in_modes = simulate_modes(problem, &modes);
    modes::put_to_rest(&mut modes, &in_modes);
    problem.put_pins(&mut modes);
    Plan {
        origin,
        batteries: problem.batteries.iter().map(|battery| battery.name.clone()).collect(),
        in_modes,
        self_consumption: self_consumption(problem),
        no_battery: no_battery(problem),
        modes,
        by_hand: problem.by_hand(),
        outcome,
        in_windows: false,
    }
}

/// A plan without slots: nothing can be said about a problem that makes no sense.
fn refused(problem: &Problem, error: ProblemError) -> Plan {
    let nothing = Problem { end_worth: crate::EndWorth::default(), ..Problem::default() };
    let batteries = problem.batteries.iter().map(|battery| battery.name.clone()).collect();
    let origin = Origin::Fallback(FallbackReason::Refused(error));
    Plan { batteries, ..assembled(&nothing, origin, simulate(&nothing, &[]), None) }
}

#[cfg(test)]
mod tests {
    use ohmstead_model::UnixMillis;

    use super::*;
    use crate::{Battery, Slot};

    #[test]
    fn what_a_battery_cannot_do_is_not_confirmed() {
        let slot = Slot {
            span: TimeSpan::new(UnixMillis(0), UnixMillis(900_000)),
            load_w: 500.0,
            pv_w: 0.0,
            import_price: 0.3,
            export_price: 0.1,
        };
        let battery = Battery {
            capacity_wh: 5000.0,
            max_wh: 5000.0,
            now_wh: 100.0,
            charge_max_w: 1000.0,
            discharge_max_w: 1000.0,
            ..Battery::default()
        };
        let problem = Problem { slots: vec![slot], batteries: vec![battery], ..Problem::default() };
        assert_eq!(unconfirmed(&simulate(&problem, &[vec![400.0]])), None);
        let reason = unconfirmed(&simulate(&problem, &[vec![700.0]])).map(|reason| reason.to_string());
        let expected =
            "the plan was not confirmed: in slot 0 battery 0 would be asked for 700 W and give 400 W";
        assert_eq!(reason.as_deref(), Some(expected));
    }
}

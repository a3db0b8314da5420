//! The law of one limit: fast down, slow up, and what has no effect is given back.
//!
//! ```text
//!             measured > max                      at the goal, no effect for 8 s
//! Released -----------------------> Holding ------------------------------------> Paused
//!    ^                               |                                             |
//!    +-- bound binds no more, 30 s --+                                             |
//!    +-- nothing known for 10 s -----+                                             |
//!    +------------- 1 min, 2 min, 4 min ... 1 h, or a lower limit -----------------+
//! ```
//!
//! Down: the excess demands a goal, and the bound goes there by at most `step` in a second. Then it waits until the
//! effect shows, and judges again: an inverter takes seconds, and who corrects before it has moved corrects twice.
//! Up: a tenth as fast, slower the nearer to the limit, so that a slow inverter does not overshoot.

use std::time::Duration;

use ohmstead_model::{Moment, Unknown};
use ohmstead_units::Watts;

/// This long after the bound was lowered an inverter shows what it makes of it.
pub(super) const SETTLE: Duration = Duration::from_secs(8);
/// How long less than the limit must be measured before the bound goes up.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long a bound outlives what it was made from.
pub(super) const BLIND: Duration = Duration::from_secs(10);
/// How long a bound without effect is not tried again, the first time; doubled each time.
pub(super) const PAUSE: Duration = Duration::from_secs(60);
/// The longest of these pauses.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// A longer gap between two cycles gives no right to a greater step.
const CYCLE_MAX: Duration = Duration::from_secs(1);
/// How much of what is missing is added per second of age of the measurement, and at most at once: with these an inverter
/// that lags by 2 s follows without overshoot.
const RISE_PER_S: f64 = 0.1;
const RISE_MAX: f64 = 0.3;
/// A change below this drowns in what houses do anyway.
const JUDGED: Watts = Watts(200.0);
/// So near to the aim is good enough: the end of a rise, and its start.
const NEAR: Watts = Watts(25.0);
const FAR: Watts = Watts(50.0);

/// What the owner wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    pub(super) max: Watts,
    pub(super) floor: Watts,
    /// Per second.
    pub(super) step: Watts,
    pub(super) hysteresis: Watts,
}

impl Rules {
    /// Where the measured power is led: noise must not exceed the limit all the time.
    pub(super) fn aim(&self) -> Watts {
        self.max - self.hysteresis * 0.2
    }

    /// Below this the bound may not be needed any more.
    fn low(&self) -> Watts {
        self.max - self.hysteresis
    }

    /// So much above what the devices make a bound binds no more: what is lost on the way is less.
    fn slack_max(&self) -> Watts {
        self.hysteresis + self.max.abs() * 0.1
    }
}

/// What a cycle sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// The limited power.
    pub(super) measured: Watts,
    /// What the devices with a lever make of it, at least 0; `None` where that is not known.
    pub(super) controlled: Option<Watts>,
    /// When the limited power was measured.
    pub(super) at: Moment,
}

/// A limit from one cycle to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Law {
    pub(super) stage: Stage,
    /// How often in a row the bound had no effect.
    failures: u32,
    /// Since when nothing is known.
    blind_since: Option<Moment>,
    /// Since when less than the limit and its hysteresis is measured.
    low_since: Option<Moment>,
    /// When the last cycle was.
    stepped: Option<Moment>,
}

/// Where a limit is in its life.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Stage {
    /// Nothing is commanded.
    #[default]
    Released,
    /// A bound is commanded.
    Holding(Held),
    /// A bound had no effect and was given back.
    Paused(Pause),
}

/// A commanded bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    /// What is commanded now.
    pub(super) bound: Watts,
    /// Where it is going.
    goal: Watts,
    /// Since when there is a bound.
    pub(super) since: Moment,
    /// When it last went down.
    lowered: Moment,
    /// When what was last seen was measured.
    seen_at: Moment,
    /// Since when less is measured than is aimed at.
    below_since: Option<Moment>,
    /// Up to where it rises, while it does.
    rise: Option<Watts>,
    /// How far the devices stay below a bound that binds: losses.
    slack: Watts,
    /// Before the bound went down: the bound, and what was measured.
    before: Option<(Watts, Watts)>,
    /// Whether the bound is at its floor, acts, and is not enough.
    pub(super) exhausted: bool,
}

/// A bound that is not tried now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pause {
    /// What was measured at last.
    pub(super) measured: Watts,
    /// What the bound should have made of it.
    pub(super) expected: Watts,
    /// When it is tried again.
    pub(super) until: Moment,
    /// The limit that was in vain. A lower one is tried at once.
    max: Watts,
}

impl Law {
    /// The next cycle.
    pub(super) fn advance(&self, seen: Result<Seen, &Unknown>, now: Moment, rules: &Rules) -> Self {
        let passed = self.stepped.map_or(Duration::ZERO, |at| now.since(at)).min(CYCLE_MAX);
        let next = Self { stepped: Some(now), ..self.clone() };
        match seen {
            Err(_) => next.blind(now),
            Ok(seen) => next.sighted(&seen, now, passed, rules),
        }
    }

    /// No device can be bounded: nothing is commanded. What was learned about a lever without effect is kept.
    pub(super) fn without_lever(self, now: Moment) -> Self {
        let stage = match self.stage {
            Stage::Holding(_) => Stage::Released,
            stage => stage,
        };
        Self { stage, blind_since: None, low_since: None, stepped: Some(now), ..self }
    }

    /// The bound that is commanded.
    pub(super) fn bound(&self) -> Option<Watts> {
        match &self.stage {
            Stage::Holding(held) => Some(held.bound),
            Stage::Released | Stage::Paused(_) => None,
        }
    }

    /// What is commanded stays for a while, and is then released. Nothing else changes.
    fn blind(mut self, now: Moment) -> Self {
        let since = *self.blind_since.get_or_insert(now);
        self.low_since = None;
        if let Stage::Holding(held) = &mut self.stage {
            held.below_since = None;
            if now.since(since) >= BLIND {
                self.stage = Stage::Released;
            }
        }
        self
    }

    fn sighted(mut self, seen: &Seen, now: Moment, passed: Duration, rules: &Rules) -> Self {
        self.blind_since = None;
        self.low_since = (seen.measured < rules.low()).then(|| self.low_since.unwrap_or(now));
        let is_low = self.low_since.is_some_and(|since| now.since(since) >= PATIENCE);
        self.stage = match std::mem::take(&mut self.stage) {
            Stage::Paused(pause) if now.mono < pause.until.mono && rules.max >= pause.max => {
                Stage::Paused(pause)
            }
            Stage::Released | Stage::Paused(_) if seen.measured > rules.max => {
                Stage::Holding(Held::start(seen, now, rules).lower(now, passed, rules))
            }
            Stage::Released | Stage::Paused(_) => Stage::Released,
            Stage::Holding(held) if seen.measured > rules.max => self.over(held, seen, now, passed, rules),
            Stage::Holding(held) if is_low && held.is_loose(seen, rules) => Stage::Released,
            Stage::Holding(held) => {
                if held.has_settled(seen) {
                    self.failures = 0;
                }
                Stage::Holding(held.under(seen, now, is_low, rules).raise(passed, rules))
            }
        };
        self
    }

    /// Too much is measured while there is a bound.
    fn over(&mut self, mut held: Held, seen: &Seen, now: Moment, passed: Duration, rules: &Rules) -> Stage {
        held.stop_rising();
        held.seen_at = seen.at;
        if held.bound <= held.goal && held.has_settled(seen) {
            if held.has_no_effect(seen, rules) {
                return Stage::Paused(self.pause(&held, seen, now, rules));
            }
            held.exhausted = held.bound <= rules.floor;
            held.narrow(seen, rules);
        }
        Stage::Holding(held.lower(now, passed, rules))
    }

    fn pause(&mut self, held: &Held, seen: &Seen, now: Moment, rules: &Rules) -> Pause {
        let span = PAUSE.saturating_mul(2_u32.saturating_pow(self.failures)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        let expected = held.before.map_or(rules.max, |(bound, measured)| measured - (bound - held.bound));
        let expected = lesser(expected, rules.max);
        Pause { measured: seen.measured, expected, until: now.plus(span), max: rules.max }
    }
}

impl Held {
    /// From what the devices make now.
    fn start(seen: &Seen, now: Moment, rules: &Rules) -> Self {
        let bound = greater(seen.controlled.unwrap_or(seen.measured), rules.floor);
        let mut held = Self {
            bound,
            goal: bound,
            since: now,
            lowered: now,
            seen_at: seen.at,
            below_since: None,
            rise: None,
            slack: Watts(0.0),
            before: None,
            exhausted: false,
        };
        held.narrow(seen, rules);
        held
    }

    /// Sets the goal that the excess demands.
    fn narrow(&mut self, seen: &Seen, rules: &Rules) {
        // A bound above what the devices make does not bind: it has further to go than the excess.
        let binding = seen.controlled.map_or(self.bound, |power| lesser(self.bound, power + self.slack));
        let goal = greater(binding - (seen.measured - rules.aim()), rules.floor);
        self.before.get_or_insert((binding, seen.measured));
        self.goal = lesser(self.bound, goal);
    }

    /// Goes down, by at most a step in a second.
    fn lower(mut self, now: Moment, passed: Duration, rules: &Rules) -> Self {
        if self.bound > self.goal {
            self.bound = greater(self.goal, self.bound - ramp(rules.step, passed));
            self.lowered = now;
        }
        self
    }

    /// Whether what is measured shows what the bound does.
    fn has_settled(&self, seen: &Seen) -> bool {
        seen.at.since(self.lowered) >= SETTLE
    }

    /// Whether the devices do not do what the bound says, or nothing follows from it.
    fn has_no_effect(&self, seen: &Seen, rules: &Rules) -> bool {
        let Some((bound, measured)) = self.before.filter(|_| !self.exhausted) else { return false };
        let (lowered, effect) = (bound - self.bound, measured - seen.measured);
        let at_floor = self.bound <= rules.floor;
        let acts = lowered >= JUDGED && effect >= lowered * 0.5;
        let obeyed = |power: Watts| power <= self.bound + self.slack + greater(JUDGED, self.bound * 0.1);
        let disobeyed = lowered >= JUDGED && !seen.controlled.is_some_and(obeyed);
        !acts && (at_floor || disobeyed)
    }

    /// Whether what the devices make is so far below the bound that it does not bind.
    fn is_loose(&self, seen: &Seen, rules: &Rules) -> bool {
        seen.controlled.is_some_and(|power| self.bound >= power + rules.slack_max())
    }

    fn stop_rising(&mut self) {
        self.rise = None;
        self.below_since = None;
        self.goal = lesser(self.goal, self.bound);
    }

    /// Not too much is measured. What is missing for long is given step by step: all of it where the measured power is
    /// low, within the hysteresis only what the bound keeps too small because of losses.
    fn under(mut self, seen: &Seen, now: Moment, is_low: bool, rules: &Rules) -> Self {
        self.before = None;
        self.exhausted = false;
        self.goal = greater(self.goal, self.bound);
        let age = std::mem::replace(&mut self.seen_at, seen.at);
        if seen.measured >= rules.aim() - NEAR {
            self.learn(seen, rules);
            self.stop_rising();
            return self;
        }
        let is_below = seen.measured < rules.aim() - FAR;
        self.below_since = is_below.then(|| self.below_since.unwrap_or(now));
        let is_below = self.below_since.is_some_and(|since| now.since(since) >= PATIENCE);
        if is_low {
            self.rise = Some(Watts(f64::INFINITY));
        } else if is_below && self.rise.is_none() {
            self.rise = Some(self.bound + rules.hysteresis);
        }
        let interval = seen.at.since(age).as_secs_f64();
        if let (Some(top), Some(power)) = (self.rise, seen.controlled)
            && interval > 0.0
        {
            let missing = (rules.aim() - seen.measured) * (RISE_PER_S * interval).min(RISE_MAX);
            let ceiling = lesser(top, power + rules.slack_max());
            self.goal = greater(self.bound, lesser(self.bound + missing, ceiling));
        }
        self
    }

    /// How far the devices stay below a bound that binds.
    fn learn(&mut self, seen: &Seen, rules: &Rules) {
        if let Some(power) = seen.controlled.filter(|_| self.has_settled(seen)) {
            self.slack = lesser(greater(self.bound - power, Watts(0.0)), rules.slack_max());
        }
    }

    /// Goes up, by at most a tenth of a step in a second.
    fn raise(mut self, passed: Duration, rules: &Rules) -> Self {
        if self.bound < self.goal {
            self.bound = lesser(self.goal, self.bound + ramp(rules.step, passed) * 0.1);
        }
        self
    }
}

/// How far a bound may go in this time.
fn ramp(step: Watts, passed: Duration) -> Watts {
    // No step of any size in no time.
    if passed.is_zero() { Watts(0.0) } else { step * passed.as_secs_f64() }
}

fn lesser(one: Watts, other: Watts) -> Watts {
    Watts(one.0.min(other.0))
}

fn greater(one: Watts, other: Watts) -> Watts {
    Watts(one.0.max(other.0))
}

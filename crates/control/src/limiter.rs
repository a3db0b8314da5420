//! The site's limits: `limits: { multi_output: { max: 30 kW } }`.
//!
//! ```text
//! Snapshot --> measure (what is limited, how old) --+
//!          \-> lever (who can be bounded) ----------+--> law (one bound) --> shares --Proposal, one per device-->
//!                                                                       \--Verdict: how the limit is doing-->
//! ```
//!
//! What is limited is measured, not computed from what was commanded: a bound that the measurement does not follow is
//! given back, and said to be ineffective. What is not known is not acted on. A limit that is not exceeded proposes nothing.

mod law;
mod lever;
mod lowered;
mod measure;
mod methods;
mod panels;
mod settings;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeMap;

use ohmstead_model::{DeviceId, Moment, Snapshot, Unknown};
use ohmstead_units::Watts;

pub use lowered::Asked;
pub use methods::{Method, methods};
pub(crate) use panels::make_room;
pub use settings::{Limit, LimitError, Name, Settings};
pub use verdict::Verdict;

use crate::{Bounds, Proposal, Reason, Who};
use law::{Law, Rules, Seen, Stage};
use lever::{Levers, Shares};
use measure::Measured;

/// What the limits remember from one cycle to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    limits: BTreeMap<Name, One>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Default)]
struct One {
    law: Law,
    /// How its bound is shared; empty while there is none.
    shares: Shares,
    /// When the last cycle was.
    at: Option<Moment>,
}

impl State {
    /// What the devices of a limit may make together at present, and since when they are bounded; `None` where nothing is
    /// commanded.
    pub fn held(&self, name: Name) -> Option<(Watts, Moment)> {
        match &self.limits.get(&name)?.law.stage {
            Stage::Holding(held) => Some((held.bound, held.since)),
            Stage::Released | Stage::Paused(_) => None,
        }
    }
}

/// The next cycle: what to remember, which devices to bound, and how each limit is doing.
pub fn step(
    state: &State,
    snapshot: &Snapshot,
    now: Moment,
    settings: &Settings,
) -> (State, Vec<Proposal>, Vec<Verdict>) {
    let mut next = State::default();
    let (mut proposals, mut verdicts) = (Vec::new(), Vec::new());
    for (name, limit) in settings.limits() {
        let before = state.limits.get(&name).cloned().unwrap_or_default();
        let levers = Levers::of(name, limit, &before.shares, snapshot, now);
        let measured = measure::measure(name, limit, snapshot, now);
        let one = before.advance(name, limit, &levers, measured.as_ref(), now);
        proposals.extend(one.proposals(name, limit, measured.is_ok()));
        verdicts.push(one.verdict(name, limit, measured));
        verdicts.extend(not_controllable(name, levers));
        next.limits.insert(name, one);
    }
    (next, proposals, verdicts)
}

impl One {
    fn advance(
        self,
        name: Name,
        limit: &Limit,
        levers: &Levers,
        measured: Result<&Measured, &Unknown>,
        now: Moment,
    ) -> Self {
        if levers.able.is_empty() {
            return Self { law: self.law.without_lever(now), shares: Shares::new(), at: Some(now) };
        }
        let span = span(limit);
        let controlled = levers.power().map(|power| power / span);
        let seen = measured.map(|measured| Seen { measured: measured.power, controlled, at: measured.at });
        let law = self.law.advance(seen, now, &limit.rules(name));
        let passed = self.at.map_or_else(Default::default, |at| now.since(at));
        let shares = match (law.bound(), measured) {
            (None, _) => Shares::new(),
            // Nothing changes while nothing is known.
            (Some(_), Err(_)) => self.shares,
            (Some(_), Ok(_)) => levers.shares(&self.shares, passed),
        };
        Self { law, shares, at: Some(now) }
    }

    fn proposals(&self, name: Name, limit: &Limit, is_known: bool) -> Vec<Proposal> {
        let Some(bound) = self.total(limit) else { return Vec::new() };
        let propose = |(device, left): (&DeviceId, Watts)| {
            let bounds = match name {
                Name::GridImport => Bounds::charge_max(left),
                Name::MultiOutput | Name::BatteryDischarge | Name::FeedIn => Bounds::discharge_max(left),
            };
            let limit = name.key().to_owned();
            let reason = if is_known { Reason::SiteLimit { limit, left } } else { Reason::LimitBlind(limit) };
            Proposal::bound(Who::Limiter, device.clone(), bounds, reason)
        };
        lever::divide(bound, &self.shares).map(propose).collect()
    }

    fn verdict(&self, limit: Name, of: &Limit, measured: Result<Measured, Unknown>) -> Verdict {
        let bound = self.total(of);
        let measured = match measured {
            Ok(measured) => measured.power,
            Err(why) => return Verdict::Blind { limit, why, bound },
        };
        match (&self.law.stage, bound) {
            (Stage::Paused(pause), _) if measured > of.max => Verdict::Ineffective {
                limit,
                measured: pause.measured,
                expected: pause.expected,
                bound: None,
            },
            (Stage::Holding(held), Some(_)) if held.exhausted => {
                Verdict::Ineffective { limit, measured, expected: of.max, bound }
            }
            (_, Some(bound)) => Verdict::Holding { limit, bound, measured },
            (_, None) => Verdict::Released { limit, measured },
        }
    }

    /// What all devices may make together.
    fn total(&self, limit: &Limit) -> Option<Watts> {
        self.law.bound().map(|bound| bound * span(limit))
    }
}

impl Limit {
    fn rules(&self, name: Name) -> Rules {
        Rules { max: self.max, floor: self.floor_of(name), step: self.step, hysteresis: self.hysteresis }
    }
}

/// How much of what the devices make together shows on one phase: levers act on all phases alike.
fn span(limit: &Limit) -> f64 {
    if limit.per_phase { f64::from(limit.phases.unwrap_or(3)) } else { 1.0 }
}

fn not_controllable(limit: Name, levers: Levers) -> Vec<Verdict> {
    let mut unable = levers.unable;
    if unable.is_empty() && levers.able.is_empty() {
        let what = if limit == Name::MultiOutput { "no inverter" } else { "no battery" };
        unable.push((DeviceId::site(), format!("{what} that it is about is configured")));
    }
    let verdict = |(device, reason)| Verdict::NotControllable { limit, device, reason };
    unable.into_iter().map(verdict).collect()
}

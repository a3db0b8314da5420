//! What the planner decided, followed: each battery does what the plan says for this time, as long as the plan is fresh.
//!
//! A plan that says `auto` for a battery of a rotation leaves it to the rotation whose turn it is. A plan that was not renewed
//! in time, and a time that it says nothing of, ask for nothing: the strategies below it go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{BatteryMode, DeviceId, DeviceState, Language, Metric, Moment, Snapshot, Timeline};

use crate::rotation;
use crate::{Proposal, Reason, Who};

/// A plan is made every quarter of an hour. One that is older than this is not followed any more.
pub const FRESH_FOR: Duration = Duration::from_secs(45 * 60);

/// What was planned for the batteries that may be steered by a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// When it was made.
    pub made: Moment,
    /// What each battery should do, and when.
    pub steps: BTreeMap<DeviceId, Timeline<Step>>,
}

/// What a battery should do for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The mode.
    pub mode: BatteryMode,
    /// Why.
    pub why: Why,
}

/// Why a plan says what it says: the planner's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The code, stable for programs.
    pub code: &'static str,
    /// The sentence in each of [`Language::ALL`].
    pub sentences: Arc<[String; 5]>,
}

impl Why {
    /// The sentence in a language.
    pub fn sentence(&self, language: Language) -> &str {
        let place = Language::ALL.iter().position(|each| *each == language).unwrap_or_default();
        &self.sentences[place]
    }
}

/// What the plan wants of every battery now. A battery whose state of charge is not known is not steered by a plan that counted
/// on one.
pub fn propose(
    plan: Option<&Plan>,
    snapshot: &Snapshot,
    now: Moment,
    groups: &rotation::Settings,
) -> Vec<Proposal> {
    let Some(plan) = plan.filter(|plan| now.since(plan.made) < FRESH_FOR) else { return Vec::new() };
    let knows = |device: &DeviceState| device.number(Metric::BatterySoc, now).is_ok();
    let takes_turns = |battery: &DeviceId| groups.iter().any(|(_, group)| group.batteries.contains(battery));
    let steps = plan.steps.iter().filter_map(|(battery, steps)| Some((battery, steps.at(now.unix)?)));
    let known =
        steps.filter(|(battery, _)| snapshot.device(battery.as_str()).is_some_and(|device| knows(device)));
    known
        .filter(|(battery, step)| step.mode != BatteryMode::Auto || !takes_turns(battery))
        .map(|(battery, step)| {
            Proposal::wish(Who::Plan, battery.clone(), step.mode.clone(), Reason::Planned(step.why.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{DeviceInfo, Observed, Role, TimeSpan, UnixMillis, Value};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn house(now: Moment, soc: Option<f64>) -> Snapshot {
        let mut info = DeviceInfo::new("a".parse().unwrap(), "test", "nowhere");
        info.roles = vec![Role::Battery];
        let mut device = DeviceState::new(Arc::new(info));
        if let Some(soc) = soc {
            device
                .values
                .insert(Metric::BatterySoc, Observed { observation: Ok(Value::Number(soc)), at: now });
        }
        let mut snapshot = Snapshot::default();
        snapshot.insert(device);
        snapshot
    }

    fn plan(made: Moment) -> Plan {
        let why = Why {
            code: "cheap_import",
            sentences: Arc::new(["en", "fr", "nl", "et", "de"].map(str::to_owned)),
        };
        let step = |mode| Step { mode, why: why.clone() };
        let charge = BatteryMode::Charge { power: None, until: None };
        let first = TimeSpan::lasting(UnixMillis(0), HOUR / 2);
        let second = TimeSpan::lasting(first.end, HOUR / 2);
        let steps = Timeline::of([(first, step(charge)), (second, step(BatteryMode::Auto))]);
        Plan { made, steps: BTreeMap::from([("a".parse().unwrap(), steps)]) }
    }

    fn modes(plan: &Plan, snapshot: &Snapshot, now: Moment, groups: &rotation::Settings) -> Vec<String> {
        let proposals = propose(Some(plan), snapshot, now, groups);
        proposals.iter().map(|each| each.wants.as_ref().unwrap().to_string()).collect()
    }

    #[test]
    fn each_battery_does_what_the_plan_says_for_this_time() {
        let begin = Moment::default();
        let plan = plan(begin);
        let at = |minutes: u32| begin.plus(Duration::from_secs(60) * minutes);
        let asked = |minutes| modes(&plan, &house(at(minutes), Some(50.0)), at(minutes), &Vec::new());
        assert_eq!(asked(0), ["charge"]);
        assert_eq!(asked(29), ["charge"]);
        assert_eq!(asked(30), ["auto"]);
        assert_eq!(asked(44), ["auto"]);
        assert_eq!(asked(45), [""; 0], "it was not renewed");
    }

    #[test]
    fn the_age_of_a_plan_does_not_depend_on_the_clock_on_the_wall() {
        let set_back = Moment { mono: HOUR, unix: UnixMillis(60_000) };
        let old = plan(Moment::default());
        assert_eq!(modes(&old, &house(set_back, Some(50.0)), set_back, &Vec::new()), [""; 0]);
    }

    #[test]
    fn a_battery_of_which_nothing_is_known_is_not_steered() {
        let now = Moment::default();
        assert_eq!(modes(&plan(now), &house(now, None), now, &Vec::new()), [""; 0]);
        assert!(propose(Some(&plan(now)), &Snapshot::default(), now, &Vec::new()).is_empty());
        assert!(propose(None, &house(now, Some(50.0)), now, &Vec::new()).is_empty());
    }

    #[test]
    fn whose_turn_it_is_stays_with_the_rotation() {
        let begin = Moment::default();
        let groups = vec![("day".to_owned(), serde_saphyr::from_str("{ batteries: [a, b] }").unwrap())];
        let at = |minutes: u32| begin.plus(Duration::from_secs(60) * minutes);
        let asked = |minutes| modes(&plan(begin), &house(at(minutes), Some(50.0)), at(minutes), &groups);
        assert_eq!(asked(10), ["charge"]);
        assert_eq!(asked(40), [""; 0]);
    }
}

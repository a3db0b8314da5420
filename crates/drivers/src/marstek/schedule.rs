//! Which method to ask next, and when. Pure: time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use super::learn::Memory;
use super::profile::Profile;
use super::wire::Method;

/// Temperature, capacity and permissions change slowly.
const BATTERY_EVERY: Duration = Duration::from_secs(300);
/// The radio is asked rarely: every request costs the unit something.
const NETWORK_EVERY: Duration = Duration::from_secs(900);
/// Identity changes with a firmware update only.
const IDENTITY_EVERY: Duration = Duration::from_secs(3600);

/// The due times of one unit's methods.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    interval: Duration,
    /// The owner's list, which nothing leaves.
    pinned: Option<Vec<Method>>,
    due: BTreeMap<Method, Duration>,
}

impl Schedule {
    pub(crate) fn new(interval: Duration, pinned: Option<Vec<Method>>) -> Self {
        Self { interval, pinned: pinned.filter(|list| !list.is_empty()), due: BTreeMap::new() }
    }

    /// Whether the owner's list, if there is one, has `method`.
    pub(crate) fn allows(&self, method: Method) -> bool {
        self.pinned.as_ref().is_none_or(|pinned| pinned.contains(&method))
    }

    /// The methods worth asking: the owner's list, or what the profile and experience leave.
    pub(crate) fn active(&self, profile: Profile, memory: &Memory) -> Vec<Method> {
        match &self.pinned {
            Some(pinned) => pinned.clone(),
            None => Method::ALL
                .into_iter()
                .filter(|method| profile.may_answer(*method) && !memory.habit(*method).unsupported)
                .collect(),
        }
    }

    /// How often `method` is asked while it answers.
    pub(crate) fn period(&self, method: Method, memory: &Memory) -> Duration {
        let dead = |method| memory.habit(method).is_dead();
        match method {
            // Nothing else tells the state of charge.
            Method::Bat if dead(Method::EsMode) && dead(Method::EsStatus) => self.interval,
            Method::EsMode | Method::EsStatus | Method::Em | Method::Pv => self.interval,
            Method::Bat => self.interval.max(BATTERY_EVERY),
            Method::Wifi | Method::Ble => self.interval.max(NETWORK_EVERY),
            Method::GetDevice => self.interval.max(IDENTITY_EVERY),
        }
    }

    /// The most overdue of `methods` with its due time (monotonic); what was never asked is due since ever.
    pub(crate) fn next(&self, methods: &[Method]) -> Option<(Method, Duration)> {
        methods
            .iter()
            .map(|method| (*method, self.due.get(method).copied().unwrap_or_default()))
            .min_by_key(|(_, due)| *due)
    }

    /// Sets when `method` is due next. A period that has not quite slipped is kept in step, so that polls do not drift.
    pub(crate) fn asked(&mut self, method: Method, now: Duration, pause: Duration) {
        let due = self.due.get(&method).map_or(now, |due| *due + pause);
        let in_step = due > now && due <= now + pause;
        self.due.insert(method, if in_step { due } else { now + pause });
    }

    /// Makes `method` due at once, if it may be asked.
    pub(crate) fn hurry(&mut self, method: Method) {
        if self.allows(method) {
            self.due.insert(method, Duration::ZERO);
        }
    }

    /// Makes every method but `answered` due at once: the unit may behave differently from now on.
    pub(crate) fn restart(&mut self, answered: Method) {
        self.due.retain(|method, _| *method == answered);
    }

    /// The methods by which an absent unit is looked for: the one that answered best first.
    pub(crate) fn probes(&self, memory: &Memory) -> Vec<Method> {
        let candidates = [Method::EsMode, Method::GetDevice, Method::EsStatus, Method::Bat];
        let mut probes: Vec<Method> = match &self.pinned {
            Some(pinned) => pinned.clone(),
            None => candidates
                .into_iter()
                .filter(|m| matches!(m, Method::EsMode | Method::GetDevice) || memory.habit(*m).answers)
                .collect(),
        };
        probes.sort_by_key(|method| !memory.habit(*method).answers);
        probes
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::{Family, Firmware};
    use super::*;

    fn profile(model: &str, ver: f64) -> Profile {
        Profile { family: Family::of(model), firmware: Firmware::from_ver(ver) }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pinned_methods_are_never_left() {
        let schedule = Schedule::new(seconds(30), Some(vec![Method::EsMode]));
        let memory = Memory::default();
        assert_eq!(schedule.active(profile("Venus D", 150.0), &memory), [Method::EsMode]);
        assert_eq!(schedule.probes(&memory), [Method::EsMode]);
        assert!(!schedule.allows(Method::GetDevice));
    }

    #[test]
    fn risky_and_disturbed_units_are_spared() {
        let schedule = Schedule::new(seconds(30), None);
        let active = |model, ver| schedule.active(profile(model, ver), &Memory::default());
        assert!(!active("VenusE 3.0", 148.0).contains(&Method::Bat));
        assert!(active("VenusE 3.0", 150.0).contains(&Method::Bat));
        assert!(!active("VenusE", 156.0).contains(&Method::Em));
        assert!(!active("VenusE 3.0", 150.0).contains(&Method::Pv));
        assert!(active("VenusA", 150.0).contains(&Method::Pv));
    }

    #[test]
    fn polls_keep_step_and_recover_from_a_slip() {
        let mut schedule = Schedule::new(seconds(30), None);
        schedule.asked(Method::EsMode, seconds(10), seconds(30));
        assert_eq!(schedule.next(&[Method::EsMode]), Some((Method::EsMode, seconds(40))));
        schedule.asked(Method::EsMode, seconds(43), seconds(30));
        assert_eq!(schedule.next(&[Method::EsMode]), Some((Method::EsMode, seconds(70))));
        schedule.asked(Method::EsMode, seconds(500), seconds(30));
        assert_eq!(schedule.next(&[Method::EsMode]), Some((Method::EsMode, seconds(530))));
    }
}

//! What a unit has taught about itself: which methods it answers, with which `params.id`, from which source port.
//! Kept over restarts, so that a known-dead method is not waited for again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::scale::Scales;
use super::wire::Method;
use crate::transports::udp::SourcePort;

/// The habits of one method on one unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Habit {
    /// It has answered at least once.
    pub(crate) answers: bool,
    /// The `params.id` that it answers.
    pub(crate) instance: Option<u8>,
    /// The unit said that it does not know the method.
    pub(crate) unsupported: bool,
    /// Polls in a row without an answer while the unit answered others.
    pub(crate) silent: u32,
}

/// After so many silent polls, a method that never answered counts as dead.
const DEAD_AFTER: u32 = 2;
/// A method that never answered is tried again, once, at most this rarely.
const RARELY: Duration = Duration::from_secs(3600);
/// One that has answered before: it may come back.
const OFTEN: Duration = Duration::from_secs(600);

impl Habit {
    /// `params.id` for the given try of the next poll: the one that is known to work, else 0 and 1 in turn.
    pub(crate) fn instance_for(&self, attempt: u32) -> u8 {
        match self.instance {
            Some(instance) if self.silent < DEAD_AFTER => instance,
            _ => u8::from((attempt + self.silent) % 2 == 1),
        }
    }

    /// How often to try: a method known to be dead is never waited for more than once.
    pub(crate) fn tries(&self, retries: u32) -> u32 {
        if self.silent >= DEAD_AFTER { 1 } else { 1 + retries }
    }

    /// How long to wait before the next poll, given the normal period.
    pub(crate) fn pause(&self, period: Duration) -> Duration {
        let longer = period.saturating_mul(2u32.saturating_pow(self.silent.min(12)));
        let longest = if self.answers { OFTEN } else { RARELY };
        if self.silent < DEAD_AFTER { period } else { longer.min(longest.max(period)) }
    }

    /// Whether the method is of no use on this unit.
    pub(crate) fn is_dead(&self) -> bool {
        self.unsupported || (!self.answers && self.silent > DEAD_AFTER)
    }

    /// Whether it has answered, and not long ago.
    pub(crate) fn is_reliable(&self) -> bool {
        self.answers && self.silent < DEAD_AFTER
    }

    pub(crate) fn answered(&mut self, instance: u8) {
        *self = Self { answers: true, instance: Some(instance), unsupported: false, silent: 0 };
    }

    /// It answered, but nobody knows which `params.id`.
    pub(crate) fn answered_late(&mut self) {
        self.answers = true;
        self.silent = 0;
    }
}

/// Everything learned about one unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Host and port as configured when all this was learned: with another address it may be another unit.
    pub(crate) configured: Option<String>,
    /// Its identity: the Bluetooth MAC, 12 hex digits in lower case.
    pub(crate) mac: Option<String>,
    /// Its model in its own words.
    pub(crate) model: Option<String>,
    /// Its raw firmware version.
    pub(crate) ver: Option<f64>,
    /// The source port it answers, once it has answered.
    pub(crate) source: Option<SourcePort>,
    /// Where it was found when it had left its configured address: the configured host, and the new address.
    pub(crate) moved: Option<(String, SocketAddr)>,
    /// Its methods.
    pub(crate) habits: BTreeMap<Method, Habit>,
    /// Its raw units.
    pub(crate) scales: Scales,
    /// It has shown the house's meter.
    pub(crate) has_meter: bool,
    /// Its mode when it last answered.
    pub(crate) mode: Option<String>,
}

impl Memory {
    /// Reads what was kept; something unreadable is as good as nothing.
    pub(crate) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(crate) fn habit(&self, method: Method) -> Habit {
        self.habits.get(&method).cloned().unwrap_or_default()
    }

    pub(crate) fn habit_mut(&mut self, method: Method) -> &mut Habit {
        self.habits.entry(method).or_default()
    }

    /// A new firmware answers other methods, in other units.
    pub(crate) fn forget_firmware(&mut self) {
        self.habits.clear();
        self.scales = Scales::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_id_alternates_until_one_answers() {
        let mut habit = Habit::default();
        assert_eq!([0, 1, 2].map(|attempt| habit.instance_for(attempt)), [0, 1, 0]);
        habit.silent = 1;
        assert_eq!([0, 1, 2].map(|attempt| habit.instance_for(attempt)), [1, 0, 1]);
        habit.answered(1);
        assert_eq!([0, 1, 2].map(|attempt| habit.instance_for(attempt)), [1, 1, 1]);
    }

    #[test]
    fn a_dead_method_is_tried_once_and_rarely() {
        let mut habit = Habit::default();
        let minute = Duration::from_secs(60);
        assert_eq!((habit.tries(2), habit.pause(minute)), (3, minute));
        habit.silent = 1;
        assert_eq!((habit.tries(2), habit.pause(minute)), (3, minute), "one lost poll proves nothing");
        habit.silent = 3;
        assert!(habit.is_dead());
        assert_eq!((habit.tries(2), habit.pause(minute)), (1, 8 * minute));
        habit.silent = 40;
        assert_eq!(habit.pause(minute), Duration::from_secs(3600));
        habit.answers = true;
        assert_eq!(habit.pause(minute), Duration::from_secs(600), "it may come back");
    }

    #[test]
    fn memory_survives_a_restart_and_rubbish() {
        let mut memory = Memory {
            mac: Some("020000000001".into()),
            source: Some(SourcePort::SameAsDevice),
            ..Memory::default()
        };
        memory.habit_mut(Method::EsMode).answered(1);
        let text = serde_json::to_string(&memory).expect("plain data");
        assert_eq!(Memory::read(Some(&text)), memory);
        assert_eq!(Memory::read(Some("{not json")), Memory::default());
        assert_eq!(Memory::read(Some(r#"{"added_later":1}"#)), Memory::default());
    }
}

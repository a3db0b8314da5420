//! Which GX device of a broker is meant. Pure.
//!
//! ```text
//!  a portal speaks --the one from before, or the first ever--> it is used, whatever others say
//!                  --another one--> 5 s for the one from before to speak, then the other is used
//! ```
//!
//! A portal that was used and of which nothing more came was perhaps only a message that the broker had kept.

use std::time::Duration;

use crate::victron::settings::is_portal;

/// How long the portal from before has time to speak.
const PREFERENCE: Duration = Duration::from_secs(5);
/// More than anybody has on one broker.
const OTHERS_MAX: usize = 8;

/// What is known over connections.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The one that told everything last.
    pub(super) last: Option<String>,
    /// One that was used and told nothing.
    pub(super) silent: Option<String>,
}

/// The portals that spoke on one connection.
#[derive(Debug)]
pub(super) struct Portals {
    /// The one that is used.
    pub(super) used: Option<String>,
    /// The others, the first one first.
    others: Vec<String>,
    since: Duration,
}

impl Portals {
    pub(super) fn new(configured: Option<String>, now: Duration) -> Self {
        Self { used: configured, others: Vec::new(), since: now }
    }

    /// From now on they can be heard.
    pub(super) fn connected(&mut self, now: Duration) {
        self.since = now;
    }

    /// A portal spoke. Whether that is news: it is used from now on, or it is another one than the one that is used.
    pub(super) fn spoke(&mut self, portal: &str, known: &Known) -> bool {
        if self.used.as_deref() == Some(portal) || !is_portal(portal) {
            return false;
        }
        let is_silent = known.silent.as_deref() == Some(portal);
        let is_last = known.last.as_deref().is_none_or(|last| last == portal);
        if self.used.is_none() && is_last && !is_silent {
            self.others.retain(|other| other != portal);
            self.used = Some(portal.to_owned());
            return true;
        }
        let is_news = !self.others.iter().any(|other| other == portal) && self.others.len() < OTHERS_MAX;
        if is_news {
            self.others.push(portal.to_owned());
        }
        is_news
    }

    /// When it is decided without the one from before.
    pub(super) fn due(&self) -> Option<Duration> {
        (self.used.is_none() && !self.others.is_empty()).then_some(self.since + PREFERENCE)
    }

    /// Decides without the one from before if it had its time. Whether one is used now that was not.
    pub(super) fn decide(&mut self, known: &Known, now: Duration) -> bool {
        if self.due().is_none_or(|due| now < due) {
            return false;
        }
        let is_silent = |portal: &String| known.silent.as_ref() == Some(portal);
        let index = self.others.iter().position(|portal| !is_silent(portal)).unwrap_or(0);
        self.used = Some(self.others.remove(index));
        true
    }

    /// What the owner should know where several speak and none is configured.
    pub(super) fn remark(&self) -> Option<String> {
        let used = self.used.as_ref().filter(|_| !self.others.is_empty())?;
        let others = self.others.join(", ");
        Some(format!(
            "several GX devices publish on this broker: {used}, which is used, and {others}; `portal: {used}` or another one says which is meant"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn known(last: Option<&str>, silent: Option<&str>) -> Known {
        Known { last: last.map(str::to_owned), silent: silent.map(str::to_owned) }
    }

    #[test]
    fn the_first_one_is_kept_and_the_second_is_told() {
        let mut portals = Portals::new(None, at(0));
        let known = known(None, None);
        assert!(portals.spoke("c0619ab9929a", &known));
        assert_eq!(portals.remark(), None);
        assert!(portals.spoke("aabbccddeeff", &known));
        assert!(!portals.spoke("aabbccddeeff", &known), "told once");
        assert_eq!(portals.used.as_deref(), Some("c0619ab9929a"));
        let remark = portals.remark().expect("two speak");
        assert!(
            remark.contains("c0619ab9929a, which is used, and aabbccddeeff") && remark.contains("portal:")
        );
    }

    #[test]
    fn the_one_from_before_goes_first() {
        let mut portals = Portals::new(None, at(0));
        let known = known(Some("c0619ab9929a"), None);
        portals.connected(at(9));
        portals.spoke("aabbccddeeff", &known);
        assert_eq!((portals.used.as_deref(), portals.due()), (None, Some(at(14))));
        assert!(!portals.decide(&known, at(13)));
        assert!(portals.spoke("c0619ab9929a", &known));
        assert_eq!(portals.used.as_deref(), Some("c0619ab9929a"));
    }

    #[test]
    fn a_device_that_was_replaced_is_not_waited_for_for_ever() {
        let mut portals = Portals::new(None, at(0));
        let known = known(Some("c0619ab9929a"), None);
        portals.spoke("aabbccddeeff", &known);
        assert!(portals.decide(&known, at(5)));
        assert_eq!(portals.used.as_deref(), Some("aabbccddeeff"));
    }

    #[test]
    fn one_that_only_the_broker_remembers_gives_way() {
        let mut portals = Portals::new(None, at(0));
        let known = known(None, Some("c0619ab9929a"));
        portals.spoke("c0619ab9929a", &known);
        assert_eq!(portals.used, None);
        assert!(portals.spoke("aabbccddeeff", &known));
        assert_eq!(portals.used.as_deref(), Some("aabbccddeeff"));
    }

    #[test]
    fn what_is_no_portal_is_not_used() {
        let mut portals = Portals::new(None, at(0));
        assert!(!portals.spoke("", &known(None, None)));
        assert!(!portals.spoke("#", &known(None, None)));
        assert_eq!(portals.used, None);
    }
}

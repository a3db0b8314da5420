//! Which services there are, and when each is read as a whole. Pure: time is an argument.
//!
//! ```text
//!  named --read--> known --5 min, or silent after it was talkative--> read again
//!    |                |  two readings in a row without an answer, and no signal for a minute
//!    |                v
//!    +--failed--> waiting (5 s, doubling to 1 min) --> read again
//! ```
//!
//! A GX device reboots when it is kept busy: one reading per service, a few at a time, never one path after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A service is read again after this long; its signals tell everything in between.
const RESYNC: Duration = Duration::from_secs(300);
/// A service that told something this often ...
const TALKATIVE: u32 = 10;
/// ... and then nothing for this long is read again: its driver may hang.
const SUSPICIOUS: Duration = Duration::from_secs(60);
/// The pauses after readings that failed.
const RETRY_MIN: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Readings in a row without an answer after which a service counts as gone.
const HANGS_AFTER: u32 = 2;
/// Readings at one time.
const AT_ONCE: usize = 4;
/// More than any bus has.
const SERVICES_MAX: usize = 256;

/// What is known of one service.
#[derive(Debug)]
struct Service {
    /// The owner of the name, as signals carry it.
    owner: Option<Arc<str>>,
    /// When it is to be read (monotonic).
    due: Duration,
    reading: bool,
    failures: u32,
    /// It has told all its values and still counts as there.
    is_up: bool,
    /// It does not know `GetItems`.
    is_old: bool,
    heard: Duration,
    signals: u32,
}

/// How a service is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// `GetItems`.
    Items,
    /// `GetValue` at the root, for services that do not know `GetItems`.
    Tree,
}

/// All services of the bus.
#[derive(Debug, Default)]
pub(super) struct Services {
    known: BTreeMap<Arc<str>, Service>,
}

impl Services {
    /// A name appeared, or has a new owner.
    pub(super) fn named(&mut self, name: &str, now: Duration) {
        if !self.known.contains_key(name) && self.known.len() >= SERVICES_MAX {
            return;
        }
        let service = Service {
            owner: None,
            due: now,
            reading: false,
            failures: 0,
            is_up: false,
            is_old: false,
            heard: now,
            signals: 0,
        };
        self.known.insert(Arc::from(name), service);
    }

    /// A name has no owner any more. Whether it was told.
    pub(super) fn gone(&mut self, name: &str) -> bool {
        self.known.remove(name).is_some_and(|service| service.is_up)
    }

    /// The next service to read now, if there is one and not too many are being read.
    pub(super) fn next(&mut self, now: Duration) -> Option<(Arc<str>, Reading)> {
        if self.known.values().filter(|service| service.reading).count() >= AT_ONCE {
            return None;
        }
        let (name, service) = self
            .known
            .iter_mut()
            .filter(|(_, service)| !service.reading && service.due_at() <= now)
            .min_by_key(|(_, service)| service.due)?;
        service.reading = true;
        Some((Arc::clone(name), if service.is_old { Reading::Tree } else { Reading::Items }))
    }

    /// When the next service is to be read.
    pub(super) fn due(&self) -> Option<Duration> {
        self.known.values().filter(|service| !service.reading).map(Service::due_at).min()
    }

    /// Every service has been tried since it appeared.
    pub(super) fn all_tried(&self) -> bool {
        self.known.values().all(|service| service.is_up || service.failures > 0)
    }

    /// A service has told its values and still counts as there.
    pub(super) fn any_up(&self) -> bool {
        self.known.values().any(|service| service.is_up)
    }

    /// A service told all its values.
    pub(super) fn read(&mut self, name: &str, owner: Option<&str>, now: Duration) {
        let Some(service) = self.known.get_mut(name) else { return };
        service.owner = owner.map(Arc::from);
        service.reading = false;
        service.failures = 0;
        service.is_up = true;
        service.due = now + RESYNC;
        service.heard = now;
        service.signals = 0;
    }

    /// A reading came to nothing. Whether the service is gone by that.
    pub(super) fn failed(&mut self, name: &str, now: Duration) -> bool {
        let Some(service) = self.known.get_mut(name) else { return false };
        service.reading = false;
        service.failures = service.failures.saturating_add(1);
        service.due =
            now + RETRY_MIN.saturating_mul(1 << service.failures.saturating_sub(1).min(5)).min(RETRY_MAX);
        // One that speaks is only busy.
        let is_silent = now.saturating_sub(service.heard) >= SUSPICIOUS;
        let lost = service.is_up && service.failures >= HANGS_AFTER && is_silent;
        service.is_up &= !lost;
        lost
    }

    /// A service does not know `GetItems`; it is read again at once in the old way. Whether that is still to be tried.
    pub(super) fn is_of_old(&mut self, name: &str, now: Duration) -> bool {
        let Some(service) = self.known.get_mut(name).filter(|service| !service.is_old) else { return false };
        service.is_old = true;
        service.reading = false;
        service.due = now;
        true
    }

    /// The services that this owner speaks for; what they had told before is in the past.
    pub(super) fn heard_from(&mut self, owner: &str, now: Duration) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        for (name, service) in &mut self.known {
            if service.is_up && service.owner.as_deref() == Some(owner) {
                service.heard = now;
                service.signals = service.signals.saturating_add(1);
                names.push(Arc::clone(name));
            }
        }
        names
    }
}

impl Service {
    fn due_at(&self) -> Duration {
        if self.is_up && self.signals >= TALKATIVE { self.due.min(self.heard + SUSPICIOUS) } else { self.due }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_is_read_once_and_rarely_again() {
        let mut services = Services::default();
        for name in ["a", "b", "c", "d", "e"] {
            services.named(name, at(0));
        }
        let mut read = Vec::new();
        while let Some((name, how)) = services.next(at(0)) {
            assert_eq!(how, Reading::Items);
            read.push(name.to_string());
        }
        assert_eq!(read.len(), AT_ONCE);
        for name in &read {
            services.read(name, Some(":1.1"), at(1));
        }
        assert!(!services.all_tried());
        let (last, _) = services.next(at(1)).expect("one is left");
        services.read(&last, Some(":1.2"), at(1));
        assert!(services.all_tried());
        assert_eq!(services.next(at(300)), None);
        assert!(services.next(at(301)).is_some());
    }

    #[test]
    fn one_that_hangs_is_gone_after_two_readings_and_is_not_hammered() {
        let mut services = Services::default();
        services.named("a", at(0));
        services.next(at(0)).expect("due");
        services.read("a", Some(":1.1"), at(0));
        for second in 1..=20 {
            assert_eq!(services.heard_from(":1.1", at(second)).len(), 1);
        }
        assert_eq!(services.next(at(79)), None);
        services.next(at(80)).expect("it fell silent");
        assert!(!services.failed("a", at(82)));
        services.next(at(87)).expect("tried again");
        assert!(services.failed("a", at(89)));
        let mut now = at(89);
        for pause in [10, 20, 40, 60, 60] {
            now += at(pause);
            assert_eq!(services.next(now.saturating_sub(at(1))), None);
            services.next(now).expect("due");
            assert!(!services.failed("a", now));
        }
        assert!(services.heard_from(":1.1", now).is_empty());
    }

    #[test]
    fn an_old_service_is_asked_in_the_old_way() {
        let mut services = Services::default();
        services.named("a", at(0));
        services.next(at(0)).expect("due");
        assert!(services.is_of_old("a", at(0)));
        assert_eq!(services.next(at(0)).map(|(_, how)| how), Some(Reading::Tree));
        assert!(!services.is_of_old("a", at(0)));
    }

    #[test]
    fn a_new_owner_is_read_anew() {
        let mut services = Services::default();
        services.named("a", at(0));
        services.next(at(0)).expect("due");
        services.read("a", Some(":1.1"), at(0));
        assert!(services.gone("a"));
        services.named("a", at(5));
        assert!(services.heard_from(":1.1", at(5)).is_empty());
        assert!(services.next(at(5)).is_some());
    }
}

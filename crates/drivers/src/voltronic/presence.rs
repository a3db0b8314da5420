//! Whether the unit answers, and what is tried when it does not. Pure: time is an argument.
//!
//! ```text
//!  failures in a row   1            2              3                 4                     5 ...
//!  before the next     drain,       open the       look through      reset the USB port    look again, ever more
//!  question            ask again    port anew      all ports         (rarely, if known)    rarely; reset again later
//! ```
//!
//! A unit is offline from the third failure on. Where all that comes is damaged, the line is bad and not the unit: it is
//! asked again, its port now and then opened anew, and it counts as offline from the sixth failure on. One rung a poll: a request of somebody can be served in between.

use std::time::Duration;

/// Failed exchanges in a row after which a unit is offline.
const OFFLINE_AFTER: u32 = 3;
/// The same where each time something came: damaged, but there is somebody.
const OFFLINE_AFTER_DAMAGE: u32 = 6;
/// The least time between two resets of one port; doubles with each that did not help.
const RESET_EVERY: Duration = Duration::from_secs(600);
const RESET_RARELY: Duration = Duration::from_secs(6 * 3600);
/// After a reset the unit needs some time before it shows up again.
const AFTER_RESET: Duration = Duration::from_secs(2);
/// The longest pause between two tries. Units that are left alone stay asleep, so it is short.
const PROBE_RARELY: Duration = Duration::from_secs(30);
/// The longest pause between two looks for a port that is gone: looking costs nothing.
const LOOK_RARELY: Duration = Duration::from_secs(5);
/// A unit that comes back under another number is away for some seconds: it is not offline for that.
const BLINK: Duration = Duration::from_secs(10);
/// After this long in silence the owner is told what to do.
pub(crate) const ALARM_AFTER: Duration = Duration::from_secs(120);

/// What is to be done before the next question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Nothing but to ask again; what is waiting is drained with every question.
    Again,
    /// Close the port and open it.
    Reopen,
    /// Close the port and look for the unit at all ports.
    Search,
    /// Reset the USB port.
    Reset,
}

/// How an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing came.
    Silent,
    /// Something came, but nothing usable: no reason to reset anything.
    Damaged,
    /// The port is gone, or there is none.
    NoPort,
}

/// A change that listeners are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Online,
    Offline,
}

/// What is known about the unit's presence.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// `None` before the first verdict.
    online: Option<bool>,
    /// Failures since the last good answer.
    failures: u32,
    /// Failures in a row that were silence although the port was there.
    silences: u32,
    /// Failures since the last good answer where something came.
    damages: u32,
    /// Since when nothing good came (monotonic).
    silent_since: Option<Duration>,
    /// Resets of the port since the last good answer.
    pub(crate) resets: u32,
    last_reset: Option<Duration>,
    /// When the next try is due (monotonic).
    pub(crate) due: Duration,
    /// It has answered since the start of the program.
    pub(crate) ever: bool,
}

impl Presence {
    pub(crate) fn is_online(&self) -> bool {
        self.online == Some(true)
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    fn only_damage(&self) -> bool {
        self.damages > 0 && self.damages == self.failures
    }

    /// Whether nobody has said anything for long enough to say so.
    pub(crate) fn is_silent(&self) -> bool {
        self.silences >= OFFLINE_AFTER
    }

    /// Somebody answers who need not be our unit: what was tried has worked so far.
    pub(crate) fn heard(&mut self) {
        self.failures = 0;
        self.silences = 0;
        self.damages = 0;
        self.due = Duration::ZERO;
    }

    /// For how long nothing good came.
    pub(crate) fn silent_for(&self, now: Duration) -> Duration {
        self.silent_since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// The unit answered.
    pub(crate) fn answered(&mut self) -> Change {
        self.failures = 0;
        self.silences = 0;
        self.damages = 0;
        self.silent_since = None;
        self.resets = 0;
        self.due = Duration::ZERO;
        self.ever = true;
        match self.online.replace(true) {
            Some(true) => Change::None,
            _ => Change::Online,
        }
    }

    /// An exchange failed, or there was no port for it.
    pub(crate) fn failed(&mut self, kind: Kind, now: Duration, interval: Duration) -> Change {
        self.failures = self.failures.saturating_add(1);
        match kind {
            Kind::Silent => self.silences = self.silences.saturating_add(1),
            Kind::Damaged => {
                self.silences = 0;
                self.damages = self.damages.saturating_add(1);
            }
            Kind::NoPort => {}
        }
        self.silent_since.get_or_insert(now);
        self.due = now + self.pause(kind, interval);
        let blinks = kind == Kind::NoPort && self.is_online() && self.silent_for(now) < BLINK;
        let patience = if self.only_damage() { OFFLINE_AFTER_DAMAGE } else { OFFLINE_AFTER };
        if self.failures < patience || self.online == Some(false) || blinks {
            return Change::None;
        }
        self.online = Some(false);
        Change::Offline
    }

    /// A port that is gone costs nothing to look for; a silent one costs the timeout each time.
    fn pause(&self, kind: Kind, interval: Duration) -> Duration {
        let doublings = self.failures.saturating_sub(6).min(5);
        let grown = Duration::from_secs(1) * (1 << doublings);
        match kind {
            Kind::NoPort => grown.min(LOOK_RARELY),
            Kind::Silent | Kind::Damaged if self.failures <= 6 => Duration::ZERO,
            Kind::Silent | Kind::Damaged => grown.min(PROBE_RARELY.max(interval)),
        }
    }

    /// What to do before the next question. `may_reset` says that the port is known and may be reset.
    pub(crate) fn rung(&self, now: Duration, may_reset: MayReset) -> Rung {
        match self.failures {
            failures if self.only_damage() && !failures.is_multiple_of(OFFLINE_AFTER_DAMAGE) => Rung::Again,
            _ if self.only_damage() => Rung::Reopen,
            0 | 1 => Rung::Again,
            2 => Rung::Reopen,
            3 => Rung::Search,
            _ if may_reset == MayReset::Yes && self.silences >= OFFLINE_AFTER && self.reset_is_due(now) => {
                Rung::Reset
            }
            _ => Rung::Search,
        }
    }

    fn reset_is_due(&self, now: Duration) -> bool {
        let pause = RESET_EVERY.saturating_mul(1 << self.resets.min(8)).min(RESET_RARELY);
        let pause = if self.resets == 0 { RESET_EVERY } else { pause };
        self.last_reset.is_none_or(|at| now.saturating_sub(at) >= pause)
    }

    /// The port was reset.
    pub(crate) fn reset(&mut self, now: Duration) {
        self.resets += 1;
        self.last_reset = Some(now);
        self.due = now + AFTER_RESET;
    }
}

/// Whether a port may be reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MayReset {
    /// The owner allows it, and the unit behind it is known to be ours.
    Yes,
    /// Not so.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The rungs over a silence, a try each time one is due, every one costing 4 s.
    fn ladder(kind: Kind, may_reset: MayReset, tries: usize) -> Vec<(u64, Rung)> {
        let (mut presence, mut now, mut rungs) = (Presence::default(), at(0), Vec::new());
        presence.answered();
        for _ in 0..tries {
            now += at(4);
            presence.failed(kind, now, INTERVAL);
            now = now.max(presence.due);
            let rung = presence.rung(now, may_reset);
            if rung == Rung::Reset {
                presence.reset(now);
                now = presence.due;
            }
            rungs.push((now.as_secs(), rung));
        }
        rungs
    }

    #[test]
    fn one_rung_after_the_other() {
        let rungs: Vec<_> =
            ladder(Kind::Silent, MayReset::Yes, 6).into_iter().map(|(_, rung)| rung).collect();
        assert_eq!(rungs, [Rung::Again, Rung::Reopen, Rung::Search, Rung::Reset, Rung::Search, Rung::Search]);
    }

    #[test]
    fn a_port_is_reset_ever_more_rarely() {
        let day = ladder(Kind::Silent, MayReset::Yes, 3000);
        let resets: Vec<u64> =
            day.iter().filter(|(_, rung)| *rung == Rung::Reset).map(|(at, _)| *at).collect();
        let gaps: Vec<u64> = resets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps[0] >= 600 && gaps.windows(2).take(4).all(|pair| pair[1] >= pair[0] * 3 / 2), "{gaps:?}");
        assert!(gaps.last().is_some_and(|gap| *gap >= 6 * 3600), "{gaps:?}");
        assert!(!ladder(Kind::Silent, MayReset::No, 100).iter().any(|(_, rung)| *rung == Rung::Reset));
        for kind in [Kind::Damaged, Kind::NoPort] {
            assert!(
                !ladder(kind, MayReset::Yes, 100).iter().any(|(_, rung)| *rung == Rung::Reset),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_bad_line_is_no_absent_unit() {
        let rungs: Vec<_> =
            ladder(Kind::Damaged, MayReset::Yes, 12).into_iter().map(|(_, rung)| rung).collect();
        assert!(rungs.iter().enumerate().all(|(index, rung)| match (index + 1) % 6 {
            0 => *rung == Rung::Reopen,
            _ => *rung == Rung::Again,
        }));
        let mut presence = Presence::default();
        presence.answered();
        let changes: Vec<_> = (1..8).map(|n| presence.failed(Kind::Damaged, at(n), INTERVAL)).collect();
        assert_eq!(changes.iter().position(|change| *change == Change::Offline), Some(5), "{changes:?}");
        let mut mixed = Presence::default();
        mixed.answered();
        mixed.failed(Kind::Damaged, at(1), INTERVAL);
        mixed.failed(Kind::Silent, at(2), INTERVAL);
        assert_eq!(mixed.failed(Kind::Silent, at(3), INTERVAL), Change::Offline);
    }

    #[test]
    fn each_change_is_told_once() {
        let mut presence = Presence::default();
        assert_eq!(presence.answered(), Change::Online);
        assert_eq!(presence.answered(), Change::None);
        let changes: Vec<_> = (1..6).map(|n| presence.failed(Kind::Silent, at(n), INTERVAL)).collect();
        assert_eq!(changes, [Change::None, Change::None, Change::Offline, Change::None, Change::None]);
        assert_eq!(presence.answered(), Change::Online);
        let mut absent = Presence::default();
        let changes: Vec<_> = (1..5).map(|n| absent.failed(Kind::NoPort, at(n), INTERVAL)).collect();
        assert_eq!(changes, [Change::None, Change::None, Change::Offline, Change::None]);
    }

    #[test]
    fn an_absent_port_is_looked_for_often_and_a_silent_unit_regularly() {
        let (mut presence, mut now) = (Presence::default(), at(0));
        for _ in 0..1000 {
            presence.failed(Kind::NoPort, now, INTERVAL);
            let pause = presence.due.saturating_sub(now);
            assert!((at(1)..=at(5)).contains(&pause), "{pause:?}");
            now = presence.due;
        }
        let (mut silent, mut now) = (Presence::default(), at(0));
        for _ in 0..1000 {
            now += at(4);
            silent.failed(Kind::Silent, now, INTERVAL);
            assert!(silent.due <= now + at(30));
            now = silent.due;
        }
    }

    #[test]
    fn a_unit_that_blinks_is_not_offline() {
        let mut presence = Presence::default();
        presence.answered();
        for second in 100..110 {
            assert_eq!(presence.failed(Kind::NoPort, at(second), INTERVAL), Change::None);
        }
        assert_eq!(presence.failed(Kind::NoPort, at(110), INTERVAL), Change::Offline);
    }
}

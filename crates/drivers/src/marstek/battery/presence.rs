//! Whether the unit answers: online and offline, probing an absent one, looking for one that has moved.
//!
//! ```text
//!                 two exchanges in a row without an answer
//!   not asked yet ----------------------------------------> offline --probes, ever more rarely; search by MAC--+
//!        |                                                     ^  |                                            |
//!        +--answer--> online --two exchanges without answer----+  +--answer--> online                          |
//!                                                              +-----------------------------------------------+
//! ```
//!
//! A refusal is an answer. Silence of one method while others answer is that method's, not the unit's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ohmstead_model::Moment;

use super::Battery;
use crate::Report;
use crate::marstek::decode::native_mode;
use crate::marstek::field::Fields;
use crate::marstek::link::Failure;
use crate::marstek::notices;
use crate::marstek::search::{Search, discover, neighbourhood};
use crate::marstek::wire::Method;
use crate::transports::udp::SourcePort;

/// Exchanges in a row without an answer after which a unit is offline.
const OFFLINE_AFTER: u32 = 2;
/// Exchanges with a unit that never answered before the pauses between its probes begin to grow: both source ports and
/// both kinds of probe have had a turn by then.
const PROBES_AT_ONCE: u32 = 4;
/// The longest pause between two probes of an absent unit.
pub(super) const PROBE_RARELY: Duration = Duration::from_secs(120);
/// After this long in silence, the owner is told what to do.
const ALARM_AFTER: Duration = Duration::from_secs(600);
/// Another method's answer within this time before a question shows that the unit is there.
const RECENT: Duration = Duration::from_secs(30);
/// So many methods known to work that fall silent together are not to blame: the unit is.
const TOGETHER: u32 = 2;
/// An absent unit is looked for by broadcast after this long, and then ever more rarely: broadcasts hurt some units.
const SEARCH_AFTER: Duration = Duration::from_secs(60);
const SEARCH_RARELY: Duration = Duration::from_secs(3600);
const SEARCH_WINDOW: Duration = Duration::from_secs(3);

/// What is known about the unit's presence.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// `None` before the first verdict.
    online: Option<bool>,
    /// Exchanges without an answer since the last one.
    failures: u32,
    /// Methods known to work that were silent since the last answer.
    reliable_failures: u32,
    /// When an absent unit is probed next (monotonic).
    pub(super) probe_due: Duration,
    last_answer: Option<Moment>,
    silent_since: Option<Moment>,
    search_due: Option<Duration>,
    searches: u32,
    mode_before: Option<String>,
}

impl Presence {
    pub(super) fn is_online(&self) -> bool {
        self.online == Some(true)
    }

    /// Which of `count` ways to ask an absent unit is due; `None` where it is not absent. The source port changes with
    /// every second probe, hence the shift: each way is tried from both.
    pub(super) fn probe(&self, count: usize) -> Option<usize> {
        if self.failures == 0 || self.is_online() {
            return None;
        }
        let turn = self.failures as usize - 1;
        (turn + turn / 4).checked_rem(count)
    }
}

impl Battery {
    /// The unit answered something.
    pub(super) fn alive(&mut self, at: Moment) {
        let presence = &mut self.presence;
        let was_silent = presence.silent_since.take().is_some();
        presence.failures = 0;
        presence.reliable_failures = 0;
        presence.last_answer = Some(at);
        let came_back = presence.online.replace(true) != Some(true);
        if came_back {
            presence.searches = 0;
            presence.search_due = None;
        }
        self.memory.source = Some(self.link.source);
        for code in ["api_silent", "api_closed", "port_in_use", "other_unit"] {
            self.notices.remove(code);
        }
        self.report(Report::Answered(self.id.clone(), at));
        if came_back {
            self.report(Report::Online(self.id.clone(), true, at));
        }
        if came_back && was_silent {
            // It may have been updated or replaced meanwhile.
            self.schedule.hurry(Method::GetDevice);
        }
    }

    /// Whether the silence after a question of `asked` is the method's own. A method that never answers, or no longer,
    /// proves nothing as long as there are others; one that is known to work does, unless another answered just before.
    pub(super) fn others_answer(&mut self, method: Method, asked: Moment) -> bool {
        let mut others = self.memory.habits.iter().filter(|(other, _)| **other != method);
        let others = self.presence.is_online() && others.any(|(_, habit)| habit.is_reliable());
        if !self.memory.habit(method).is_reliable() {
            return others;
        }
        self.presence.reliable_failures += 1;
        let recent = self.settings.interval.0.saturating_mul(2).max(RECENT);
        let alive = self.presence.last_answer.is_some_and(|at| asked.since(at) <= recent);
        others && alive && self.presence.reliable_failures < TOGETHER
    }

    pub(super) fn unit_silent(&mut self, now: Moment) {
        let ever = self.memory.source.is_some();
        let presence = &mut self.presence;
        presence.failures += 1;
        let silent_since = *presence.silent_since.get_or_insert(now);
        if presence.failures >= OFFLINE_AFTER && presence.online != Some(false) {
            presence.online = Some(false);
            presence.mode_before.clone_from(&self.memory.mode);
            presence.search_due.get_or_insert(now.mono + SEARCH_AFTER);
            self.report(Report::Online(self.id.clone(), false, now));
        }
        self.try_other_port(ever);
        self.forget_address();
        self.warn_of_silence(ever, now.since(silent_since));
        self.presence.probe_due = now.mono + self.probe_pause(ever);
    }

    fn warn_of_silence(&mut self, ever: bool, silent_for: Duration) {
        let known = ["api_closed", "other_unit", "host_unknown"];
        if known.iter().any(|code| self.notices.contains_key(code)) {
            self.notices.remove("api_silent");
        } else if !ever && self.presence.failures >= OFFLINE_AFTER {
            self.notices.insert("api_silent", notices::never_answered(self.link.target));
        } else if ever && silent_for >= ALARM_AFTER {
            let minutes = silent_for.as_secs() / 60;
            self.notices.insert("api_silent", notices::api_silent(self.link.target, minutes));
        }
    }

    /// What a failure says about the unit itself.
    pub(super) fn note_failure(&mut self, failure: &Failure, now: Moment) {
        match failure {
            Failure::Stranger(mac) => {
                let known = self.link.mac.clone().unwrap_or_default();
                self.notices.insert("other_unit", notices::other_unit(self.link.target, mac, &known));
                // Nothing that answers here is ours.
                self.presence.search_due.get_or_insert(now.mono);
            }
            Failure::Closed => {
                self.notices.insert("api_closed", notices::api_closed(self.link.target));
            }
            Failure::System(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                self.notices.insert("port_in_use", notices::port_in_use(self.link.target.port()));
            }
            // A socket that is not connected to the unit does not hear that a port is closed.
            Failure::Silent if self.link.source == SourcePort::Ephemeral => {
                self.notices.remove("api_closed");
            }
            Failure::Silent | Failure::System(_) | Failure::Refused(_) => {}
        }
    }

    fn probe_pause(&self, ever_answered: bool) -> Duration {
        let failures = self.presence.failures;
        let close = if ever_answered { OFFLINE_AFTER } else { PROBES_AT_ONCE };
        if failures < close {
            return Duration::ZERO;
        }
        let longest = PROBE_RARELY.max(self.settings.interval.0);
        self.settings.interval.0.saturating_mul(1 << (failures - close).min(8)).min(longest)
    }

    /// Some firmware answers only requests that come from its own port number.
    fn try_other_port(&mut self, ever_answered: bool) {
        let patience = if ever_answered { 6 } else { 2 };
        let failures = self.presence.failures;
        if failures >= patience && failures.is_multiple_of(2) {
            self.link.source = match self.link.source {
                SourcePort::Ephemeral => SourcePort::SameAsDevice,
                SourcePort::SameAsDevice => SourcePort::Ephemeral,
            };
        }
    }

    /// A name may stand for another address by now.
    fn forget_address(&mut self) {
        let offline = self.presence.online == Some(false);
        if offline && literal_address(&self.settings.host).is_none() && self.memory.moved.is_none() {
            self.resolved = false;
        }
    }

    /// A unit that falls silent and comes back in Manual has probably reset itself.
    pub(super) fn watch_mode(&mut self, fields: &Fields) {
        let Ok(mode) = native_mode(fields) else { return };
        if let Some(before) = self.presence.mode_before.take()
            && mode == "Manual"
            && before != "Manual"
        {
            self.notices.insert("settings_lost", notices::settings_lost(&before));
        }
        if mode != "Manual" {
            self.notices.remove("settings_lost");
        }
        self.memory.mode = Some(mode);
    }

    /// Makes sure that the address is known. Returns false where it is not; the failure has been taken note of.
    pub(super) async fn resolve(&mut self) -> bool {
        if self.resolved {
            return true;
        }
        match self.network.resolve(&self.settings.host, self.settings.port).await {
            Ok(address) => {
                self.resolved = true;
                self.link.target = address;
                self.notices.remove("host_unknown");
                true
            }
            Err(error) => {
                self.notices.insert("host_unknown", notices::unresolved(&self.settings.host, &error));
                let now = self.now();
                self.unit_silent(now);
                if let Some((method, _)) = self.next() {
                    self.schedule.asked(method, now.mono, self.settings.interval.0);
                }
                self.report_notices();
                false
            }
        }
    }

    /// Looks for a unit that is absent and has told its MAC: it may have a new address.
    pub(super) async fn search_if_lost(&mut self) {
        let now = self.now();
        let Some(mac) = self.link.mac.clone() else { return };
        if self.presence.is_online() && !self.notices.contains_key("other_unit") {
            return;
        }
        if self.presence.search_due.is_none_or(|due| now.mono < due) {
            return;
        }
        self.presence.searches += 1;
        let doublings = self.presence.searches.min(6);
        let pause = (SEARCH_AFTER * 10).saturating_mul(1 << doublings).min(SEARCH_RARELY);
        self.presence.search_due = Some(now.mono + pause);
        let search = Search {
            targets: self.search_targets(),
            ports: vec![self.link.target.port()],
            window: SEARCH_WINDOW,
        };
        if search.targets.is_empty() {
            return;
        }
        let Ok(found) = discover(&search, self.network.as_ref(), self.context.clock.as_ref()).await else {
            return;
        };
        let same = found.iter().filter(|unit| unit.serial.as_ref() == Some(&mac));
        let mut addresses = same.filter_map(|unit| unit.address.parse().ok());
        if let Some(elsewhere) = addresses.find(|address| *address != self.link.target) {
            self.move_to(elsewhere);
        }
    }

    /// The owner's list or the neighbourhood, and the configured address if the unit had left it.
    fn search_targets(&self) -> Vec<IpAddr> {
        let around = self.settings.rediscover.clone();
        let mut targets = around.unwrap_or_else(|| neighbourhood(self.link.target.ip()));
        let home = literal_address(&self.settings.host).filter(|home| *home != self.link.target.ip());
        targets.extend(home.filter(|_| !targets.is_empty()));
        targets
    }

    fn move_to(&mut self, address: SocketAddr) {
        tracing::warn!(device = %self.id, %address, "the unit has a new address");
        if literal_address(&self.settings.host).map(|ip| SocketAddr::new(ip, self.settings.port))
            == Some(address)
        {
            self.notices.remove("moved");
            self.memory.moved = None;
        } else {
            self.notices.insert("moved", notices::moved(&self.settings.host, address));
            self.memory.moved = Some((self.settings.host.clone(), address));
        }
        self.notices.remove("other_unit");
        self.link.target = address;
        self.info.address = address.to_string();
        self.presence.failures = 0;
        self.presence.probe_due = Duration::ZERO;
        self.schedule.hurry(Method::EsMode);
        self.report(Report::Info(self.info.clone()));
    }
}

/// An IPv4 address as people and units write it; leading zeros, which some units send, are decimal.
pub(super) fn literal_address(host: &str) -> Option<IpAddr> {
    let octets: Option<Vec<u8>> = host.split('.').map(|part| part.parse().ok()).collect();
    match octets.as_deref() {
        Some([a, b, c, d]) => Some(Ipv4Addr::new(*a, *b, *c, *d).into()),
        _ => host.parse().ok(),
    }
}

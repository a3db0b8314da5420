//! What was asked by hand: what counts at present, and what was asked for a time to come, which is kept in the store, begins and
//! ends by itself.

mod kept;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ohmstead_control::overrides::{Agenda, AgendaError, Later};
use ohmstead_control::{Override, Who};
use ohmstead_model::{Asker, DeviceId, Event, Severity, UnixMillis};
use ohmstead_web::{AheadChange, Refusal, ScheduleRefused};
use tokio::sync::oneshot;

use super::book::Kept;
use super::{Control, book};
use crate::actuator::{Ended, Ending};
use crate::records::NotDurable;
use kept::{KEY, write};
pub(crate) use kept::{Which, forget, read};

/// Everything that was asked by hand, for whoever shows it or plans with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ByHand {
    /// What counts now, or will as soon as the clock is set; one for each device at most.
    pub(crate) now: BTreeMap<DeviceId, Override>,
    /// What was asked for a time to come.
    pub(crate) later: Agenda,
}

impl ByHand {
    /// What is known of a device's time ahead, what goes before first.
    pub(crate) fn of<'a>(&'a self, device: &'a DeviceId) -> impl Iterator<Item = &'a Override> {
        let later = self.later.all().iter().map(|later| &later.asked);
        self.now.get(device).into_iter().chain(later.filter(move |asked| asked.device == *device))
    }
}

/// A change of what was asked for a time to come on its way to control.
pub(crate) struct LaterAsk {
    /// What is to be otherwise.
    pub(crate) change: AheadChange,
    /// By what way.
    pub(crate) asked_by: Asker,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<Later, NotLater>>,
}

/// All that was asked for a time to come is taken back.
pub(crate) struct ClearAsk {
    /// By what way.
    pub(crate) asked_by: Asker,
    /// Where the answer goes: what there was.
    pub(crate) answer: oneshot::Sender<Result<Vec<Later>, NotLater>>,
}

/// What is not in the memory as it counts: it is tried again with every cycle.
#[derive(Debug, Default)]
pub(super) struct Unkept {
    /// What was asked for now.
    pub(super) now: bool,
    /// What was asked for a time to come.
    pub(super) later: bool,
    /// Whether the log says so.
    is_told: bool,
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum NotLater {
    /// It makes no sense.
    #[error("{0}")]
    Refused(AgendaError),
    /// It would not survive a restart.
    #[error("nothing was changed, for it would not survive a restart: {0}")]
    NotKept(NotDurable),
    /// Too much is being asked at once.
    #[error("too much is being asked at once; try again")]
    Busy,
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopping,
}

impl NotLater {
    /// The refusal as it is shown.
    pub(crate) fn told(&self) -> ScheduleRefused {
        let (kind, code, hint) = match self {
            Self::Refused(why) => match why {
                AgendaError::UnknownDevice(_) => (Refusal::NotFound, "unknown_device", "see /api/v1/devices"),
                AgendaError::Unknown(_) => {
                    (Refusal::NotFound, "unknown_override", "GET /api/v1/plan/overrides lists what there is")
                }
                AgendaError::CannotDo { .. } => {
                    (Refusal::Conflict, "not_controllable", "ask for one of its modes")
                }
                AgendaError::Power(_) => {
                    (Refusal::Bad, "bad_power", "the direction is in the mode: charge or discharge")
                }
                AgendaError::Full(_) => (Refusal::Conflict, "too_many", "take one back first"),
                AgendaError::Past => {
                    (Refusal::Bad, "bad_time", "for now there is POST /api/v1/devices/NAME/mode")
                }
                AgendaError::Empty | AgendaError::TooLate => {
                    (Refusal::Bad, "bad_span", "give a beginning and an end within a week from now")
                }
            },
            Self::NotKept(_) => (Refusal::NotKept, "not_kept", "is the disk full or read-only?"),
            Self::Busy => (Refusal::Busy, "busy", "try again"),
            Self::Stopping => (Refusal::Stopping, "stopping", "try again when it has started"),
        };
        ScheduleRefused { kind, code, message: self.to_string(), hint: hint.to_owned() }
    }
}

impl Control {
    /// What counts now, one for each device at most: what was asked for now goes before what was planned ahead.
    pub(super) fn overrides_now(&self) -> Vec<Override> {
        let now = self.parts.clock.now();
        let mut all: Vec<_> = self.overrides.values().filter(|asked| asked.counts(now)).cloned().collect();
        for later in self.later.iter().flat_map(Agenda::all) {
            let is_counted = all.iter().any(|asked| asked.device == later.asked.device);
            if !is_counted && later.asked.counts(now) && now.unix < later.asked.ends {
                all.push(later.asked.clone());
            }
        }
        all
    }

    /// Takes away what has come to its end, and keeps what is not kept yet.
    pub(super) async fn end_overrides(&mut self) {
        let (snapshot, now) = (self.parts.hub.snapshot(), self.parts.clock.now());
        let has_ended = |asked: &Override| {
            let device = snapshot.device(asked.device.as_str()).map(AsRef::as_ref);
            let end = asked.ended(device, now);
            if let Some(end) = end {
                let (device, mode) = (&asked.device, &asked.mode);
                tracing::info!(target: "control", %device, %mode, ?end, "what was asked by hand has ended");
            }
            end.is_some()
        };
        for asked in self.overrides.values_mut() {
            self.unkept.now |= asked.follow_clock(now);
        }
        let before = self.overrides.len();
        self.overrides.retain(|_, asked| !has_ended(asked));
        self.unkept.now |= self.overrides.len() != before;
        if let Some(later) = &mut self.later {
            let before = later.all().len();
            later.retain(|later| !has_ended(&later.asked));
            self.unkept.later |= later.all().len() != before;
        }
        self.try_to_keep().await;
    }

    /// What was wanted is over: an override goes. Other wishes stay, and their actuator is in no hurry with them.
    pub(super) async fn take_end(&mut self, ended: Ended) {
        let Ended { device, chosen, ends, why } = ended;
        let is_it = |asked: &Override| chosen == Some(Who::Override) && ends == Some(asked.ends);
        let now = self.overrides.get(&device).filter(|asked| is_it(asked)).cloned();
        // Who asks for now is told of a refusal by the answer.
        let is_told = now.is_some() && why == Ending::Refused;
        let asked = match now {
            Some(asked) => {
                self.overrides.remove(&device);
                self.keep().await;
                asked
            }
            None => match self.drop_present(&device, is_it).await {
                Some(asked) => asked,
                None => return,
            },
        };
        let why = match why {
            Ending::Refused => "the device refuses it",
            Ending::GivenUp => "it was tried in vain",
            Ending::Foreign => "somebody else has changed the mode since",
        };
        tracing::warn!(target: "control", %device, why, "what was asked by hand is over before its time");
        if !is_told {
            let text = self.sentence(&asked, &format!("is over before its time: {why}"));
            let (at, code) = (self.parts.clock.now().unix, "by_hand_over".to_owned());
            let event = Event { id: 0, at, severity: Severity::Warning, device: Some(device), code, text };
            self.parts.hub.event(event).await;
        }
    }

    /// Takes away what was planned ahead for a device and counts now, where there is such a thing: what it was.
    pub(super) async fn drop_present(
        &mut self,
        device: &DeviceId,
        is_it: impl Fn(&Override) -> bool,
    ) -> Option<Override> {
        let now = self.parts.clock.now();
        let later = self.later.as_mut()?;
        let Later { id, asked } = later.present(device, now).filter(|it| is_it(&it.asked))?.clone();
        later.retain(|other| other.id != id);
        self.keep_later().await;
        Some(asked)
    }

    /// Changes what was asked for a time to come: first durably, then for the next cycle.
    pub(super) async fn change_later(&mut self, ask: LaterAsk) {
        let LaterAsk { change, asked_by, answer } = ask;
        let changed = self.changed_later(change, asked_by).await;
        if let Err(NotLater::NotKept(error)) = &changed {
            tracing::warn!(target: "control", %error, "nothing is planned by hand, for it would not survive a restart");
        }
        self.show_by_hand();
        // Whoever asked may have left.
        let _ = answer.send(changed);
    }

    async fn changed_later(&mut self, change: AheadChange, asked_by: Asker) -> Result<Later, NotLater> {
        let before = self.known_later().await?;
        let (snapshot, now) = (self.parts.hub.snapshot(), self.parts.clock.now().unix);
        let (next, later, what) = match change {
            AheadChange::Add { device, mode, span } => {
                let by = asked_by.key().to_owned();
                let (since, ends) = (span.start, span.end);
                let asked = Override { device, mode, asked_by: by, since, ends, asked_at: None };
                let (next, id) = before.added(asked.clone(), &snapshot, now).map_err(NotLater::Refused)?;
                (next, Later { id, asked }, "is asked for by hand")
            }
            AheadChange::Remove { id } => {
                let (next, gone) = before.removed(id).map_err(NotLater::Refused)?;
                (next, gone, "is taken back")
            }
        };
        self.put_later(next).await?;
        self.tell("asked_ahead", &self.sentence(&later.asked, what), asked_by).await;
        Ok(later)
    }

    /// Takes back all that was asked for a time to come, or none of it.
    pub(super) async fn clear_later(&mut self, ask: ClearAsk) {
        let ClearAsk { asked_by, answer } = ask;
        let cleared = self.cleared_later(asked_by).await;
        self.show_by_hand();
        // Whoever asked may have left.
        let _ = answer.send(cleared);
    }

    async fn cleared_later(&mut self, asked_by: Asker) -> Result<Vec<Later>, NotLater> {
        let mut next = self.known_later().await?;
        let gone = next.all().to_vec();
        next.retain(|_| false);
        if !gone.is_empty() || self.unkept.later {
            self.put_later(next).await?;
        }
        for Later { asked, .. } in &gone {
            self.tell("asked_ahead", &self.sentence(asked, "is taken back"), asked_by).await;
        }
        Ok(gone)
    }

    /// What was asked for a time to come, out of the memory where that was not read yet.
    async fn known_later(&mut self) -> Result<Agenda, NotLater> {
        match &self.later {
            Some(later) => Ok(later.clone()),
            None => self.kept_later().await.map_err(NotLater::NotKept),
        }
    }

    /// First durably, then for the next cycle.
    async fn put_later(&mut self, next: Agenda) -> Result<(), NotLater> {
        write(self.records(), &next).await.map_err(NotLater::NotKept)?;
        self.later = Some(next);
        self.unkept.later = false;
        Ok(())
    }

    /// What was kept, without what was released since; what cannot be read of it is told.
    pub(super) async fn kept_later(&mut self) -> Result<Agenda, NotDurable> {
        let Kept { mut value, unreadable } = read(self.records()).await?;
        self.tell_unreadable("later_unreadable", "wishes for a time to come", KEY, &unreadable).await;
        let before = value.all().len();
        for (device, at) in &self.released {
            value.drop_present(device, *at);
        }
        self.unkept.later |= value.all().len() != before;
        Ok(value)
    }

    /// Shows what was asked by hand to whoever plans with it.
    pub(super) fn show_by_hand(&self) {
        let by_hand = ByHand { now: self.overrides.clone(), later: self.later.clone().unwrap_or_default() };
        self.door.by_hand.send_if_modified(|shown| {
            let is_other = **shown != by_hand;
            if is_other {
                *shown = Arc::new(by_hand);
            }
            is_other
        });
    }

    /// Keeps what was asked for a time to come as it is by now.
    pub(super) async fn keep_later(&mut self) {
        self.unkept.later = true;
        self.try_to_keep().await;
    }

    /// Keeps what was asked for now as it is by now.
    pub(super) async fn keep(&mut self) {
        self.unkept.now = true;
        self.try_to_keep().await;
    }

    /// Puts into the memory what is not there yet as it counts. What cannot be kept now is tried again with every cycle: what
    /// has ended must not begin again after a restart.
    async fn try_to_keep(&mut self) {
        let mut trouble = None;
        // What was not read yet would lose its place.
        if self.unkept.now && self.has_read_book {
            let kept = book::write(self.records(), &self.overrides).await;
            self.unkept.now = kept.is_err();
            trouble = kept.err();
        }
        if self.unkept.later
            && let Some(later) = &self.later
        {
            let kept = write(self.records(), later).await;
            self.unkept.later = kept.is_err();
            trouble = kept.err().or(trouble);
        }
        let (is_told, is_kept) = (self.unkept.is_told, !self.unkept.now && !self.unkept.later);
        match trouble {
            Some(error) if !is_told => {
                tracing::warn!(target: "control", %error, "what was asked by hand would not survive a restart as it is; it is tried again");
                self.unkept.is_told = true;
            }
            None if is_told && is_kept => {
                tracing::info!(target: "control", "what was asked by hand is kept again");
                self.unkept.is_told = false;
            }
            _ => {}
        }
    }

    fn sentence(&self, asked: &Override, what: &str) -> String {
        let Override { device, mode, since, ends, .. } = asked;
        let rules = self.parts.rules.borrow();
        let [since, ends] = [since, ends].map(|at| told(*at, &rules.settings.time_zone));
        format!("{mode} of {device} from {since} until {ends} {what}")
    }
}

/// A time as people of the site read it.
fn told(at: UnixMillis, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        Err(_) => at.0.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_the_clock_of_the_site() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        assert_eq!(told(UnixMillis(1_795_248_000_000), &zone), "2026-11-21 09:00 CET");
    }
}

//! What was asked by hand: what counts at present, and what was asked for a time to come, which is kept in the store, begins and
//! ends by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use ohmstead_control::overrides::{Agenda, AgendaError, Later};
use ohmstead_control::{Override, Who};
use ohmstead_model::{Asker, BatteryMode, DeviceId, TimeSpan, UnixMillis};
use ohmstead_web::{Refusal, ScheduleRefused};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::book::{Kept, Line, put_aside};
use super::{Control, book};
use crate::actuator::{Ended, Ending};
use crate::records::{NotDurable, Records};

/// Where it is kept what was asked for a time to come.
pub(crate) const KEY: &str = "overrides/later";

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

/// What somebody wants of what was asked for a time to come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LaterChange {
    /// Something new.
    Add {
        /// For which device.
        device: DeviceId,
        /// What it should do.
        mode: BatteryMode,
        /// From when until when.
        span: TimeSpan,
    },
    /// One is taken back.
    Remove {
        /// Its number.
        id: u32,
    },
}

/// Such a change on its way to control.
pub(crate) struct LaterAsk {
    /// What is to be otherwise.
    pub(crate) change: LaterChange,
    /// By what way.
    pub(crate) asked_by: Asker,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<Later, NotLater>>,
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

/// Everything as it is kept.
#[derive(Debug, Serialize)]
struct Book {
    next_id: u32,
    asked: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: u32,
    #[serde(flatten)]
    line: Line,
}

/// What was kept, as far as it can be read; an error where the memory cannot be read at present.
pub(crate) async fn read(records: &dyn Records) -> Result<Kept<Agenda>, NotDurable> {
    let text = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    Ok(agenda(&text))
}

/// One by one: what a later version may have written takes nothing else with it.
fn agenda(text: &str) -> Kept<Agenda> {
    if text.is_empty() {
        return Kept::default();
    }
    let book: Map<String, Value> = match serde_json::from_str(text) {
        Ok(book) => book,
        Err(error) => return Kept { value: Agenda::default(), unreadable: vec![error.to_string()] },
    };
    let (mut all, mut unreadable) = (Vec::new(), Vec::new());
    for entry in book.get("asked").and_then(Value::as_array).cloned().unwrap_or_default() {
        let name = format!("number {}", entry["id"]);
        let read = serde_json::from_value::<Entry>(entry).ok();
        match read.and_then(|Entry { id, line }| Some(Later { id, asked: line.read()? })) {
            Some(later) => all.push(later),
            None => unreadable.push(name),
        }
    }
    let next_id = book.get("next_id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    Kept { value: Agenda::of(all, next_id.unwrap_or_default()), unreadable }
}

/// What cannot be read goes aside first, or nothing is written.
async fn write(records: &dyn Records, agenda: &Agenda) -> Result<(), NotDurable> {
    let before = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    if !self::agenda(&before).unreadable.is_empty() {
        put_aside(records, KEY, &before).await?;
    }
    let entry = |Later { id, asked }: &Later| Entry { id: *id, line: Line::of(asked) };
    let book = Book { next_id: agenda.next_id(), asked: agenda.all().iter().map(entry).collect() };
    let text = serde_json::to_string(&book).expect("texts and numbers");
    records.put_state(KEY.to_owned(), text).await
}

/// Forgets what was asked for a time to come of `device`, where no control runs that would.
pub(crate) async fn forget(records: &dyn Records, device: &DeviceId) -> Result<(), NotDurable> {
    let mut agenda = read(records).await?.or_warn(KEY);
    let before = agenda.all().len();
    agenda.retain(|later| later.asked.device != *device);
    if agenda.all().len() == before { Ok(()) } else { write(records, &agenda).await }
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

    /// Takes away what has come to its end.
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
        let before = self.overrides.len();
        self.overrides.retain(|_, asked| !has_ended(asked));
        if self.overrides.len() != before {
            self.keep().await;
        }
        let Some(later) = &mut self.later else { return };
        let before = later.all().len();
        later.retain(|later| !has_ended(&later.asked));
        if later.all().len() != before {
            self.keep_later().await;
        }
    }

    /// What was wanted is over: an override goes. Other wishes stay, and their actuator is in no hurry with them.
    pub(super) async fn take_end(&mut self, ended: Ended) {
        let Ended { device, chosen, ends, why } = ended;
        let is_it = |asked: &Override| chosen == Some(Who::Override) && ends == Some(asked.ends);
        let why = match why {
            Ending::Refused => "the device refuses it",
            Ending::GivenUp => "it was tried in vain",
            Ending::Foreign => "somebody else has changed the mode since",
        };
        if self.overrides.get(&device).is_some_and(is_it) {
            self.overrides.remove(&device);
            self.keep().await;
        } else if !self.drop_present(&device, is_it).await {
            return;
        }
        tracing::warn!(target: "control", %device, why, "what was asked by hand is over before its time");
    }

    /// Takes away what was planned ahead for a device and counts now; whether there was such a thing.
    pub(super) async fn drop_present(
        &mut self,
        device: &DeviceId,
        is_it: impl Fn(&Override) -> bool,
    ) -> bool {
        let now = self.parts.clock.now();
        let Some(later) = &mut self.later else { return false };
        let Some(id) = later.present(device, now).filter(|it| is_it(&it.asked)).map(|it| it.id) else {
            return false;
        };
        later.retain(|other| other.id != id);
        self.keep_later().await;
        true
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

    async fn changed_later(&mut self, change: LaterChange, asked_by: Asker) -> Result<Later, NotLater> {
        let before = match &self.later {
            Some(later) => later.clone(),
            None => self.kept_later().await.map_err(NotLater::NotKept)?,
        };
        let (snapshot, now) = (self.parts.hub.snapshot(), self.parts.clock.now().unix);
        let (next, later, what) = match change {
            LaterChange::Add { device, mode, span } => {
                let by = asked_by.key().to_owned();
                let asked = Override { device, mode, asked_by: by, since: span.start, ends: span.end };
                let (next, id) = before.added(asked.clone(), &snapshot, now).map_err(NotLater::Refused)?;
                (next, Later { id, asked }, "is asked for by hand")
            }
            LaterChange::Remove { id } => {
                let (next, gone) = before.removed(id).map_err(NotLater::Refused)?;
                (next, gone, "is taken back")
            }
        };
        write(self.records(), &next).await.map_err(NotLater::NotKept)?;
        self.later = Some(next);
        let Override { device, mode, since, ends, .. } = &later.asked;
        let text = format!("{mode} of {device} from {} until {} {what}", told(*since), told(*ends));
        self.tell("asked_ahead", &text, asked_by).await;
        Ok(later)
    }

    /// What was kept; what cannot be read of it is told.
    pub(super) async fn kept_later(&self) -> Result<Agenda, NotDurable> {
        let Kept { value, unreadable } = read(self.records()).await?;
        self.tell_unreadable("later_unreadable", "wishes for a time to come", KEY, &unreadable).await;
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

    pub(super) async fn keep_later(&self) {
        let Some(later) = &self.later else { return };
        if let Err(error) = write(self.records(), later).await {
            tracing::warn!(target: "control", %error, "what was planned by hand would not survive a restart as it is");
        }
    }

    pub(super) async fn keep(&self) {
        if !self.has_read_book {
            // It would take the place of what is there.
            return;
        }
        if let Err(error) = book::write(self.parts.records.as_ref(), &self.overrides).await {
            tracing::warn!(target: "control", %error, "what was asked by hand would not survive a restart");
        }
    }
}

fn told(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| format!("{at:.0}"))
}

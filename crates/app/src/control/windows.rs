//! The windows of the schedule that are made while the program runs: kept in the store, changed by whoever asks.

use std::collections::BTreeSet;

use jiff::civil::Time;
use ohmstead_control::schedule::{Added, Change, ChangeError, Days, Rule, Timetable, Window};
use ohmstead_model::{Asker, DeviceId, Notice, Severity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::Control;
use super::book::{Kept, put_aside};
use crate::records::{NotDurable, Records};

/// Where they are kept.
pub(crate) const KEY: &str = "control/schedules";

/// A change of the windows on its way to control.
pub(crate) struct WindowAsk {
    /// What is to be otherwise.
    pub(crate) change: Change,
    /// By what way.
    pub(crate) asked_by: Asker,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<Changed, NotChanged>>,
}

/// A change that was made: what counts from then on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Changed {
    /// The windows of run time.
    pub(crate) timetable: Timetable,
    /// The number of the window that it was about.
    pub(crate) id: u32,
}

/// Why the windows are as they were.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum NotChanged {
    /// The change makes no sense.
    #[error("{0}")]
    Refused(ChangeError),
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

/// Everything as it is kept.
#[derive(Debug, Serialize)]
struct Book {
    next_id: u32,
    windows: Vec<Line>,
    /// Names of windows of the file.
    off: BTreeSet<String>,
}

/// One window as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    id: u32,
    name: String,
    from: String,
    to: String,
    mode: String,
    /// Bit 0 is Monday.
    days: u8,
    holidays: bool,
    devices: Vec<String>,
    is_active: bool,
    #[serde(default)]
    is_for_place: bool,
}

impl Line {
    fn of(Added { id, rule: Rule { name, window }, is_active, is_for_place }: &Added) -> Self {
        Self {
            id: *id,
            name: name.clone(),
            from: window.from.to_string(),
            to: window.to.to_string(),
            mode: window.mode.to_string(),
            days: window.days.mask(),
            holidays: window.days.has_holidays(),
            devices: window.devices.iter().map(DeviceId::to_string).collect(),
            is_active: *is_active,
            is_for_place: *is_for_place,
        }
    }

    /// `None` for one that a later version may have written.
    fn read(self) -> Option<Added> {
        let time = |text: &str| text.parse::<Time>().ok();
        let days = Days::of_mask(self.days);
        let window = Window {
            from: time(&self.from)?,
            to: time(&self.to)?,
            mode: self.mode.parse().ok()?,
            days: if self.holidays { days.and_holidays() } else { days },
            devices: self.devices.iter().map(|name| name.parse().ok()).collect::<Option<_>>()?,
        };
        let Self { id, name, is_active, is_for_place, .. } = self;
        Some(Added { id, rule: Rule { name, window }, is_active, is_for_place })
    }
}

/// The windows that were kept, as far as they can be read; an error where the memory cannot be read at present.
pub(crate) async fn read(records: &dyn Records) -> Result<Kept<Timetable>, NotDurable> {
    let text = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    Ok(timetable(&text))
}

/// One by one: what a later version may have written takes nothing else with it.
fn timetable(text: &str) -> Kept<Timetable> {
    if text.is_empty() {
        return Kept::default();
    }
    let book: Map<String, Value> = match serde_json::from_str(text) {
        Ok(book) => book,
        Err(error) => return Kept { value: Timetable::default(), unreadable: vec![error.to_string()] },
    };
    let list = |key: &str| book.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (mut added, mut unreadable) = (Vec::new(), Vec::new());
    for line in list("windows") {
        let name = line["name"].as_str().map_or_else(|| "a window".to_owned(), |name| format!("{name:?}"));
        match serde_json::from_value(line).ok().and_then(Line::read) {
            Some(window) => added.push(window),
            None => unreadable.push(name),
        }
    }
    let off = list("off").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let next_id = book.get("next_id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    Kept { value: Timetable::of(added, off, next_id.unwrap_or_default()), unreadable }
}

/// What cannot be read goes aside first, or nothing is written.
async fn write(records: &dyn Records, timetable: &Timetable) -> Result<(), NotDurable> {
    let before = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    if !self::timetable(&before).unreadable.is_empty() {
        put_aside(records, KEY, &before).await?;
    }
    let book = Book {
        next_id: timetable.next_id(),
        windows: timetable.added().iter().map(Line::of).collect(),
        off: timetable.off().map(str::to_owned).collect(),
    };
    let text = serde_json::to_string(&book).expect("texts and numbers");
    records.put_state(KEY.to_owned(), text).await
}

impl Control {
    /// Changes the windows as somebody asks: first durably, then for the next cycle, which follows at once.
    pub(super) async fn change_windows(&mut self, ask: WindowAsk) {
        let WindowAsk { change, asked_by, answer } = ask;
        let changed = self.changed_windows(change, asked_by).await;
        if let Err(NotChanged::NotKept(error)) = &changed {
            tracing::warn!(target: "control", %error, "a window is not changed, for it would not survive a restart");
        }
        // Whoever asked may have left.
        let _ = answer.send(changed);
    }

    /// What was kept; what cannot be read of it is told.
    pub(super) async fn kept_windows(&self) -> Result<Timetable, NotDurable> {
        let Kept { value, unreadable } = read(self.records()).await?;
        self.tell_unreadable("windows_unreadable", "windows of the schedule", KEY, &unreadable).await;
        Ok(value)
    }

    /// Tells what kept windows do since the configuration is another one, as a notice of the house and with it as an event.
    pub(super) async fn tell_surprises(&self) {
        const CODE: &str = "windows_surprise";
        let Some(windows) = &self.windows else { return };
        let found = self.parts.rules.borrow().surprises(windows);
        let notice = (!found.is_empty()).then(|| Notice {
            code: CODE,
            severity: Severity::Warning,
            text: format!("windows that were made while the program ran: {}", found.join("; ")),
            hint: "change or delete them: GET /api/v1/schedules".to_owned(),
        });
        self.parts.hub.notice(DeviceId::site(), CODE, notice).await;
    }

    async fn changed_windows(&mut self, change: Change, asked_by: Asker) -> Result<Changed, NotChanged> {
        let before = match &self.windows {
            Some(windows) => windows.clone(),
            None => self.kept_windows().await.map_err(NotChanged::NotKept)?,
        };
        let (file, snapshot) =
            (self.parts.rules.borrow().settings.schedule.clone(), self.parts.hub.snapshot());
        let text = told(&before, &file, &change);
        let (timetable, id) = before.changed(&file, change, &snapshot).map_err(NotChanged::Refused)?;
        if timetable != before {
            write(self.records(), &timetable).await.map_err(NotChanged::NotKept)?;
            let now = timetable.find(&file, id).map(|entry| shown(&entry)).unwrap_or_default();
            self.tell("schedule_changed", &format!("{text}{now}"), asked_by).await;
        }
        self.windows = Some(timetable.clone());
        self.in_force = None;
        self.show_switches();
        Ok(Changed { timetable, id })
    }
}

/// What is done to a window, for the event.
fn told(before: &Timetable, file: &[Rule], change: &Change) -> String {
    let name = |id: u32| {
        let entry = before.find(file, id);
        entry.map_or_else(|| id.to_string(), |entry| format!("{:?}", entry.rule.name))
    };
    match change {
        Change::Add { rule, .. } => format!("the window {:?} is new", rule.name),
        Change::Edit { id, .. } => format!("the window {} is changed", name(*id)),
        Change::Remove { id } => format!("the window {} is deleted", name(*id)),
    }
}

fn shown(entry: &ohmstead_control::schedule::Entry<'_>) -> String {
    let Window { from, to, mode, .. } = &entry.rule.window;
    let on = if entry.is_active { "" } else { ", switched off" };
    format!(": {} to {} {mode}{on}", from.strftime("%H:%M"), to.strftime("%H:%M"))
}

//! What the configuration says about control, and how it is shown together with what was changed since.

use std::collections::BTreeSet;

use ohmstead_config::Config;
use ohmstead_control::Settings;
use ohmstead_control::overrides::{LONGEST, OverrideSettings};
use ohmstead_control::schedule::{
    Added, Change, ChangeError, Days, Edit, Entry, Rule, Source, Timetable, Window,
};
use ohmstead_model::{DeviceId, Moment, Part, Switches};
use ohmstead_web::{
    ControlRules, NewWindow, Refusal, ScheduleChange, ScheduleRefused, ScheduleWindow, WindowEdit,
    WindowSource,
};

use super::windows::NotChanged;

/// What the configuration says about control; may change while the program runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rules {
    pub(crate) settings: Settings,
    pub(super) overrides: OverrideSettings,
    /// Whether there are devices that a plan may steer.
    pub(super) plan_acts: bool,
    /// The devices that are configured.
    pub(super) devices: BTreeSet<DeviceId>,
}

impl Rules {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            settings: Settings {
                time_zone: config.site.timezone.clone(),
                schedule: config.schedules.clone(),
                holidays: config.site.holidays.clone(),
                limits: config.limits.clone(),
                rotation: config.rotation.clone(),
                tempo: config.tempo.clone(),
            },
            overrides: config.overrides,
            plan_acts: config.planner.acts(),
            devices: config.devices.iter().map(|(id, _)| id.clone()).collect(),
        }
    }

    /// Windows of run time that do something that may not have been meant since the configuration is another one.
    pub(super) fn surprises(&self, windows: &Timetable) -> Vec<String> {
        let file = &self.settings.schedule;
        let hides = |added: &&Added| file.iter().any(|rule| rule.name == added.rule.name);
        let hiding = windows.added().iter().filter(|added| !added.is_for_place).filter(hides);
        let hidden = hiding.map(|added| format!("{:?} hides that of the configuration", added.rule.name));
        let missing = windows.added().iter().filter_map(|Added { rule, .. }| {
            let gone = rule.window.devices.iter().find(|id| !self.devices.contains(*id))?;
            Some(format!("{:?} is for {gone}, which is not configured", rule.name))
        });
        hidden.chain(missing).collect()
    }

    /// Which parts there are, and whether they are on where `off` is switched off.
    pub(crate) fn switches(&self, off: &BTreeSet<Part>, windows: &Timetable) -> Switches {
        let on = |part, is_there: bool| is_there.then(|| !off.contains(&part));
        Switches {
            limits: on(Part::Limits, self.settings.limits.limits().next().is_some()),
            plan: on(Part::Plan, self.plan_acts),
            tempo: on(Part::Tempo, self.settings.tempo.is_some()),
            schedule: on(Part::Schedule, !windows.is_empty(&self.settings.schedule)),
            rotation: on(Part::Rotation, !self.settings.rotation.is_empty()),
        }
    }

    /// What of it is shown.
    pub(crate) fn shown(&self, windows: &Timetable, now: Moment) -> ControlRules {
        ControlRules {
            power_lasts: self.overrides.power.0.min(LONGEST),
            mode_lasts: self.overrides.mode.0.min(LONGEST),
            schedule: self.windows(windows, now),
        }
    }

    /// The windows in the order in which they count.
    pub(crate) fn windows(&self, windows: &Timetable, now: Moment) -> Vec<ScheduleWindow> {
        let Settings { schedule: file, time_zone, holidays, .. } = &self.settings;
        let show = |entry: Entry<'_>| {
            let place = file.iter().zip(1..).find(|(rule, _)| rule.name == entry.rule.name);
            let is_its_time = entry.rule.window.is_open_now(now, time_zone, holidays);
            window(&entry, place.map(|(_, place)| place), is_its_time)
        };
        windows.entries(file).into_iter().map(show).collect()
    }
}

fn window(entry: &Entry<'_>, place: Option<u32>, is_its_time: bool) -> ScheduleWindow {
    let Rule { name, window } = entry.rule;
    ScheduleWindow {
        id: entry.id,
        place,
        name: name.clone(),
        from: window.from,
        to: window.to,
        mode: window.mode.clone(),
        weekdays: window.days.mask(),
        on_holidays: window.days.has_holidays(),
        devices: window.devices.clone(),
        source: match entry.source {
            Source::File => WindowSource::File,
            Source::RunTime => WindowSource::RunTime,
            Source::InPlaceOfFile => WindowSource::InPlaceOfFile,
            Source::PlaceGone => WindowSource::PlaceGone,
        },
        is_on: entry.is_active,
        is_its_time,
    }
}

/// A change as control understands it.
pub(crate) fn change(wanted: ScheduleChange) -> Change {
    match wanted {
        ScheduleChange::Add(NewWindow { name, from, to, mode, weekdays, devices, is_on }) => {
            let days = weekdays.map(Days::of_mask).unwrap_or_default();
            let window = Window { from, to, mode, days, devices };
            Change::Add { rule: Rule { name, window }, is_active: is_on }
        }
        ScheduleChange::Edit { id, edit } => {
            let WindowEdit { name, from, to, mode, weekdays, devices, is_on } = edit;
            let days = weekdays.map(Days::of_mask);
            Change::Edit { id, edit: Edit { name, from, to, mode, days, devices, is_active: is_on } }
        }
        ScheduleChange::Remove { id } => Change::Remove { id },
    }
}

/// A refusal for whoever asked over REST.
pub(crate) fn refused(error: &NotChanged) -> ScheduleRefused {
    let message = error.to_string();
    let of = |kind, code, hint: String| ScheduleRefused { kind, code, message: message.clone(), hint };
    match error {
        NotChanged::Refused(why) => of(kind(why), why.code(), why.hint()),
        NotChanged::NotKept(_) => of(Refusal::NotKept, "not_kept", "see the log".to_owned()),
        NotChanged::Busy => of(Refusal::Busy, "busy", "try again".to_owned()),
        NotChanged::Stopping => of(Refusal::Stopping, "stopping", "try again when it has started".to_owned()),
    }
}

fn kind(why: &ChangeError) -> Refusal {
    match why {
        ChangeError::Unknown(_) => Refusal::NotFound,
        ChangeError::Full
        | ChangeError::NameTaken { .. }
        | ChangeError::InFile(_)
        | ChangeError::KeepsName(_) => Refusal::Conflict,
        ChangeError::BadName
        | ChangeError::BadMode
        | ChangeError::NoDay
        | ChangeError::UnknownDevice(_)
        | ChangeError::TooManyDevices
        | ChangeError::NoDevice
        | ChangeError::CannotDo { .. } => Refusal::Bad,
    }
}

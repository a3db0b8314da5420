//! The schedule of the fake house: three windows of the file, one of them replaced, and one of run time.

use std::sync::Mutex;

use jiff::civil::Time;
use ohmstead_web::{NewWindow, ScheduleChange, ScheduleRefused, ScheduleWindow, WindowEdit, WindowSource};

/// The windows, and what was asked to be otherwise.
pub(crate) struct Windows {
    pub(crate) all: Mutex<Vec<ScheduleWindow>>,
    pub(crate) changes: Mutex<Vec<ScheduleChange>>,
    /// What is answered instead of a change.
    pub(crate) refusal: Mutex<Option<ScheduleRefused>>,
}

fn window(id: u32, name: &str, hours: (i8, i8), mode: &str, weekdays: u8) -> ScheduleWindow {
    let hour = |hour| Time::constant(hour, 0, 0, 0);
    ScheduleWindow {
        id,
        place: (id < 1000).then_some(id),
        name: name.to_owned(),
        from: hour(hours.0),
        to: hour(hours.1),
        mode: mode.parse().expect("a mode"),
        weekdays,
        on_holidays: weekdays == 127,
        devices: Vec::new(),
        source: WindowSource::File,
        is_on: true,
        is_its_time: hours == (6, 22),
    }
}

impl Default for Windows {
    fn default() -> Self {
        let windows = vec![
            ScheduleWindow {
                source: WindowSource::RunTime,
                devices: vec!["fase_a".parse().expect("a name")],
                ..window(1001, "guests", (6, 22), "discharge", 3)
            },
            window(1, "day", (6, 22), "auto", 127),
            ScheduleWindow {
                source: WindowSource::InPlaceOfFile,
                place: Some(2),
                is_on: false,
                ..window(1002, "night", (22, 6), "idle", 127)
            },
            window(3, "cheap", (2, 5), "charge 800 W until 90 %", 31),
        ];
        Self { all: Mutex::new(windows), changes: Mutex::default(), refusal: Mutex::default() }
    }
}

impl Windows {
    /// Does what is asked, without any judgement.
    pub(crate) fn change(&self, change: ScheduleChange) -> Result<ScheduleWindow, ScheduleRefused> {
        self.changes.lock().unwrap().push(change.clone());
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        let mut windows = self.all.lock().unwrap();
        let find = |windows: &[ScheduleWindow], id| {
            windows.iter().position(|window| window.id == id || window.place == Some(id)).expect("a window")
        };
        Ok(match change {
            ScheduleChange::Add(new) => {
                let made = made(new);
                windows.insert(0, made.clone());
                made
            }
            ScheduleChange::Edit { id, edit } => {
                let index = find(&windows, id);
                edited(&mut windows[index], edit);
                windows[index].clone()
            }
            ScheduleChange::Remove { id } => {
                let index = find(&windows, id);
                windows.remove(index)
            }
        })
    }
}

fn made(new: NewWindow) -> ScheduleWindow {
    let NewWindow { name, from, to, mode, weekdays, devices, is_on } = new;
    let source = WindowSource::RunTime;
    let base = window(1003, &name, (0, 0), "auto", weekdays.unwrap_or(127));
    ScheduleWindow { from, to, mode, devices, is_on, source, ..base }
}

fn edited(window: &mut ScheduleWindow, edit: WindowEdit) {
    if let Some(mode) = edit.mode {
        window.mode = mode;
    }
    if let Some(is_on) = edit.is_on {
        window.is_on = is_on;
    }
}

//! The windows of the schedule as they are shown, and what can be changed of them.

use jiff::civil::Time;
use ohmstead_model::{BatteryMode, DeviceId};

/// One window of the schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleWindow {
    /// The number under which it is changed: of one in the configuration its place there, from 1.
    pub id: u32,
    /// Its place in the configuration, from 1, where it stands there or hides one that does.
    pub place: Option<u32>,
    /// Its name.
    pub name: String,
    /// When it opens, civil time.
    pub from: Time,
    /// When it closes.
    pub to: Time,
    /// What is wanted meanwhile.
    pub mode: BatteryMode,
    /// On which days it opens, bit 0 is Monday.
    pub weekdays: u8,
    /// Whether it opens on holidays, whatever day of the week they are.
    pub on_holidays: bool,
    /// For which devices; all batteries where there are none.
    pub devices: Vec<DeviceId>,
    /// Where it comes from.
    pub source: WindowSource,
    /// Whether it is switched on itself.
    pub is_on: bool,
    /// Whether its time is now.
    pub is_its_time: bool,
}

/// Where a window comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowSource {
    /// The configuration.
    File,
    /// It was made while the program runs.
    RunTime,
    /// It was made while the program runs, in the place of that of the configuration with the same name.
    InPlaceOfFile,
    /// It was made for the place of one that the configuration no longer has; it does not count.
    PlaceGone,
}

/// What somebody wants of the windows.
#[derive(Debug, Clone, PartialEq)]
pub enum ScheduleChange {
    /// A new one.
    Add(NewWindow),
    /// Another content of one that there is.
    Edit {
        /// Its number.
        id: u32,
        /// What is to be otherwise.
        edit: WindowEdit,
    },
    /// One goes.
    Remove {
        /// Its number.
        id: u32,
    },
}

/// A window that is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWindow {
    /// Its name.
    pub name: String,
    /// When it opens, civil time.
    pub from: Time,
    /// When it closes.
    pub to: Time,
    /// What is wanted meanwhile.
    pub mode: BatteryMode,
    /// On which days it opens, bit 0 is Monday; every day, holidays too, where absent.
    pub weekdays: Option<u8>,
    /// For which devices; all batteries where there are none.
    pub devices: Vec<DeviceId>,
    /// Whether it is switched on.
    pub is_on: bool,
}

/// What is to be otherwise with a window; what is absent stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowEdit {
    /// Its name.
    pub name: Option<String>,
    /// When it opens, civil time.
    pub from: Option<Time>,
    /// When it closes.
    pub to: Option<Time>,
    /// What is wanted meanwhile.
    pub mode: Option<BatteryMode>,
    /// On which days it opens, bit 0 is Monday.
    pub weekdays: Option<u8>,
    /// For which devices; all batteries where there are none.
    pub devices: Option<Vec<DeviceId>>,
    /// Whether it is switched on.
    pub is_on: Option<bool>,
}

/// Why the windows are as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRefused {
    /// What kind of refusal it is.
    pub kind: Refusal,
    /// Stable key.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Kinds of refusals, each with its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing.
    NotFound,
    /// It makes no sense.
    Bad,
    /// It makes sense, but not as things are.
    Conflict,
    /// It cannot be made durable at present.
    NotKept,
    /// Too much is being asked at once.
    Busy,
    /// The program is stopping.
    Stopping,
}

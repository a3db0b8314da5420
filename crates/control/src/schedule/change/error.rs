//! Why a window is not changed: a key for programs, what is wrong, and what to do.

use ohmstead_model::{BatteryMode, DeviceId};

use super::super::timetable::WINDOWS_MAX;

/// The longest name, in characters.
pub(super) const NAME_CHARS_MAX: usize = 64;
/// The longest word of a device for one of its modes, in characters.
pub(super) const NATIVE_CHARS_MAX: usize = 64;
/// The most devices that one window names.
pub(super) const DEVICES_MAX: usize = 64;

/// Why nothing is changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such window.
    #[error("there is no window {0}")]
    Unknown(u32),
    /// There are too many.
    #[error("there are {WINDOWS_MAX} windows beside those of the configuration already")]
    Full,
    /// Another one is called so.
    #[error("window {id} is called {name:?} already")]
    NameTaken {
        /// The name.
        name: String,
        /// The other one.
        id: u32,
    },
    /// It cannot be a name.
    #[error("a name has 1 to {NAME_CHARS_MAX} characters, none of them a control character")]
    BadName,
    /// It stands in the file.
    #[error("the window {0:?} stands in the configuration and is not deleted here")]
    InFile(String),
    /// The file gives it its name.
    #[error("the window {0:?} of the configuration keeps its name")]
    KeepsName(String),
    /// It is no word of a device for a mode.
    #[error(
        "a mode of the device's own has at most {NATIVE_CHARS_MAX} characters, none of them a control character"
    )]
    BadMode,
    /// No day is named.
    #[error("no day is named, so the window never opens")]
    NoDay,
    /// It names a device that there is not, or that is not there yet.
    #[error("no device {0} is configured")]
    UnknownDevice(DeviceId),
    /// It names too many.
    #[error("more than {DEVICES_MAX} devices are named")]
    TooManyDevices,
    /// There is no battery at all.
    #[error("there is no battery that the window could be for")]
    NoDevice,
    /// None of its devices can do it.
    #[error("none of its devices can do {mode}: {devices}")]
    CannotDo {
        /// What is wanted.
        mode: BatteryMode,
        /// What they can do.
        devices: String,
    },
}

impl ChangeError {
    /// Stable key.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_window",
            Self::Full => "too_many_windows",
            Self::NameTaken { .. } => "name_taken",
            Self::BadName => "bad_name",
            Self::InFile(_) => "in_the_file",
            Self::KeepsName(_) => "keeps_its_name",
            Self::BadMode => "bad_mode",
            Self::NoDay => "bad_days",
            Self::UnknownDevice(_) | Self::TooManyDevices => "bad_devices",
            Self::NoDevice | Self::CannotDo { .. } => "no_device_for_it",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown(_) => "GET /api/v1/schedules lists them with their id".to_owned(),
            Self::Full => "delete one that is not needed any more".to_owned(),
            Self::NameTaken { id, .. } => {
                format!("choose another name, or change that window: PUT /api/v1/schedules/{id}")
            }
            Self::BadName => "such as \"cheap night\", without blanks at its ends".to_owned(),
            Self::InFile(_) => {
                "edit schedules: in ohmstead.yaml and reload it, or switch the window off here: PUT {\"is_active\": false}"
                    .to_owned()
            }
            Self::KeepsName(_) => {
                "leave the name out, or POST a new window; if the configuration was changed since, GET /api/v1/schedules has the present id"
                    .to_owned()
            }
            Self::BadMode => "GET /api/v1/devices has the modes of each device".to_owned(),
            Self::NoDay => "week_days is a sum: 1 Monday, 2 Tuesday, 4 Wednesday and so on, 127 every day".to_owned(),
            Self::UnknownDevice(_) => "GET /api/v1/devices lists them; without devices it is for all batteries".to_owned(),
            Self::TooManyDevices => "without devices it is for all batteries".to_owned(),
            Self::NoDevice => "`ohmstead discover` finds batteries".to_owned(),
            Self::CannotDo { .. } => "choose another mode, or other devices".to_owned(),
        }
    }
}

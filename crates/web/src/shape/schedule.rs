//! Windows of the schedule, in the words of marstek-automation and in those of this program.

mod body;

use ohmstead_model::BatteryMode;
use utoipa::ToSchema;

use crate::{ScheduleWindow, WindowSource};

pub(crate) use body::{ScheduleBody, ScheduleEditBody};

/// A window of the schedule.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Schedule)]
#[expect(clippy::struct_excessive_bools, reason = "what a script asks for one by one")]
pub(crate) struct ScheduleJson {
    /// The number under which it is changed. Of a window in the configuration its place there, from 1; one that was made at
    /// run time has a number from 1001 that stays.
    id: u32,
    /// Its name.
    name: String,
    /// `auto`, `manual_night` where nothing is charged or discharged, else `manual`; a mode of the device's own too.
    #[schema(example = "manual_night")]
    mode_type: &'static str,
    /// When it opens, civil time of the site.
    #[schema(example = "22:00:00")]
    start_time: String,
    /// When it closes.
    #[schema(example = "06:00:00")]
    end_time: String,
    /// On which days it opens, bit 0 is Monday.
    week_days: u8,
    /// W: positive discharges, negative charges; `null` for the device's maximum, and where the mode is of the device's own.
    #[schema(required = true)]
    power_setpoint: Option<f64>,
    /// Whether it counts when its time comes: it is on, and so is the schedule, and its place is not gone.
    is_active: bool,
    /// The mode in the words of this program; this and what follows is not in the automation's answer.
    #[schema(example = "idle")]
    mode: String,
    /// For which devices; all batteries where the list is empty.
    devices: Vec<String>,
    /// Whether it opens on holidays, whatever day of the week they are; else a holiday is like a Sunday.
    holidays: bool,
    /// `file`, `run_time`, `in_place_of_file` for one that was made at run time and hides that of the configuration with
    /// the same name, or `place_gone` where the configuration no longer has that one: it does not count then.
    #[schema(example = "file")]
    source: &'static str,
    /// Whether the window itself is on; `is_active` in a request switches it.
    is_on: bool,
    /// Whether it is open now. Of those that are open for a device the first counts.
    is_open: bool,
}

impl ScheduleJson {
    /// `is_on` tells whether the schedule as a whole is.
    pub(crate) fn new(window: &ScheduleWindow, is_on: bool) -> Self {
        let (mode_type, power_setpoint) = in_its_words(&window.mode);
        let is_active = is_active(window, is_on);
        Self {
            id: window.id,
            name: window.name.clone(),
            mode_type,
            start_time: window.from.strftime("%H:%M:%S").to_string(),
            end_time: window.to.strftime("%H:%M:%S").to_string(),
            week_days: window.weekdays,
            power_setpoint,
            is_active,
            mode: window.mode.to_string(),
            devices: window.devices.iter().map(ToString::to_string).collect(),
            holidays: window.on_holidays,
            source: match window.source {
                WindowSource::File => "file",
                WindowSource::RunTime => "run_time",
                WindowSource::InPlaceOfFile => "in_place_of_file",
                WindowSource::PlaceGone => "place_gone",
            },
            is_on: window.is_on,
            is_open: is_active && window.is_its_time,
        }
    }
}

/// Whether a window counts when its time comes; `is_on` tells whether the schedule as a whole is.
pub(crate) fn is_active(window: &ScheduleWindow, is_on: bool) -> bool {
    is_on && window.is_on && window.source != WindowSource::PlaceGone
}

/// The automation's word for a mode, and its power.
fn in_its_words(mode: &BatteryMode) -> (&'static str, Option<f64>) {
    match mode {
        BatteryMode::Auto => ("auto", Some(0.0)),
        BatteryMode::Charge { power, .. } => ("manual", power.map(|power| -power.0)),
        BatteryMode::Discharge { power } => ("manual", power.map(|power| power.0)),
        BatteryMode::Native(_) => ("manual", None),
        _ => ("manual_night", Some(0.0)),
    }
}

/// The windows of the schedule as JSON, as `GET /api/v1/schedules` answers and `ohmstead control --json` prints them.
pub fn schedule_json(windows: &[ScheduleWindow], is_on: bool) -> serde_json::Value {
    let windows: Vec<_> = windows.iter().map(|window| ScheduleJson::new(window, is_on)).collect();
    serde_json::to_value(windows).expect("names are strings and numbers are finite")
}

/// What became of a window.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct ScheduleAnswer {
    /// One sentence.
    pub(crate) message: String,
    /// Always true; what is refused has another status.
    pub(crate) success: bool,
    /// The window as it was.
    pub(crate) schedule: ScheduleJson,
}

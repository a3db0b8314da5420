//! What is asked for of a window: the automation's own fields, and the words of this program.

use jiff::civil::Time;
use ohmstead_model::{BatteryMode, DeviceId};
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::in_its_words;
use crate::error::ApiError;
use crate::shape::automation::manual;
use crate::{NewWindow, ScheduleWindow, WindowEdit};

/// A window that is to be made.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleRequest, example = json!({"name": "cheap", "start_time": "02:00", "end_time": "05:00", "week_days": 31, "mode": "charge 800 W until 90 %", "devices": ["fase_a"]}))]
pub(crate) struct ScheduleBody {
    /// Its name, which no other window has: 1 to 64 characters.
    name: String,
    /// When it opens, civil time of the site.
    #[schema(example = "22:00")]
    start_time: String,
    /// When it closes; the same as `start_time` is a whole day, before it is on the next day.
    #[schema(example = "06:00")]
    end_time: String,
    /// `auto`, `manual`, or `manual_night`; `mode` says the same in the words of this program.
    #[serde(default)]
    mode_type: Option<String>,
    /// With `manual`, W: positive discharges, negative charges; neither if absent or 0.
    #[serde(default)]
    power_setpoint: Option<f64>,
    /// In the words of this program: `hold`, `charge 800 W until 90 %`; one of `mode` and `mode_type` is needed.
    #[serde(default)]
    mode: Option<String>,
    /// On which days it opens, bit 0 is Monday; every day if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 127)]
    week_days: Option<u8>,
    /// For which devices; all batteries if absent or empty.
    #[serde(default)]
    devices: Vec<String>,
    /// Whether it is on; it is if absent.
    #[serde(default)]
    is_active: Option<bool>,
}

/// What is to be otherwise with a window; what is absent stays. An answer with some of it changed will do: its `id`, `source`,
/// `holidays` and `is_open` are taken and say nothing.
#[derive(Debug, Default, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ScheduleChange, example = json!({"is_active": false}))]
pub(crate) struct ScheduleEditBody {
    /// Its name; a window of the configuration keeps its own.
    name: Option<String>,
    /// When it opens, civil time of the site.
    #[schema(example = "22:00")]
    start_time: Option<String>,
    /// When it closes.
    #[schema(example = "06:00")]
    end_time: Option<String>,
    /// `auto`, `manual`, or `manual_night`.
    mode_type: Option<String>,
    /// W: positive discharges, negative charges.
    power_setpoint: Option<f64>,
    /// The mode in the words of this program.
    mode: Option<String>,
    /// On which days it opens, bit 0 is Monday.
    #[schema(minimum = 1, maximum = 127)]
    week_days: Option<u8>,
    /// For which devices; all batteries if the list is empty.
    devices: Option<Vec<String>>,
    /// Whether it is on.
    is_active: Option<bool>,
    /// The same as `is_active`; of the two, as they stand in an answer, what was changed counts.
    is_on: Option<bool>,
    #[serde(rename = "id")]
    #[schema(ignore)]
    _id: IgnoredAny,
    #[serde(rename = "source")]
    #[schema(ignore)]
    _source: IgnoredAny,
    #[serde(rename = "holidays")]
    #[schema(ignore)]
    _holidays: IgnoredAny,
    #[serde(rename = "is_open")]
    #[schema(ignore)]
    _is_open: IgnoredAny,
}

impl ScheduleBody {
    pub(crate) fn read(self) -> Result<NewWindow, ApiError> {
        let mode = mode(self.mode.as_deref(), self.mode_type.as_deref(), self.power_setpoint, None)?;
        Ok(NewWindow {
            name: self.name,
            from: time(&self.start_time)?,
            to: time(&self.end_time)?,
            mode: mode.ok_or_else(|| {
                let hint = "such as {\"mode_type\": \"auto\"} or {\"mode\": \"charge 800 W until 90 %\"}";
                ApiError::bad("bad_mode", "what is wanted is missing: mode_type or mode", hint)
            })?,
            weekdays: self.week_days.map(week_days).transpose()?,
            devices: devices(&self.devices)?,
            is_on: self.is_active.unwrap_or(true),
        })
    }
}

impl ScheduleEditBody {
    /// `before` is the window at present, `was_active` what an answer says of it.
    pub(crate) fn read(self, before: &ScheduleWindow, was_active: bool) -> Result<WindowEdit, ApiError> {
        let is_on = switched((self.is_on, self.is_active), (before.is_on, was_active));
        let before = &before.mode;
        Ok(WindowEdit {
            name: self.name,
            from: self.start_time.as_deref().map(time).transpose()?,
            to: self.end_time.as_deref().map(time).transpose()?,
            mode: mode(self.mode.as_deref(), self.mode_type.as_deref(), self.power_setpoint, Some(before))?,
            weekdays: self.week_days.map(week_days).transpose()?,
            devices: self.devices.as_deref().map(devices).transpose()?,
            is_on,
        })
    }
}

/// Whether a window is to be on. What an answer says of `is_active` is false where the whole schedule is off: written back
/// beside `is_on` that switches nothing off.
fn switched(asked: (Option<bool>, Option<bool>), (was_on, was_active): (bool, bool)) -> Option<bool> {
    match asked {
        (Some(is_on), Some(is_active)) if is_on == was_on && is_active != was_active => Some(is_active),
        (is_on, is_active) => is_on.or(is_active),
    }
}

/// What is wanted, by any of the ways to say it; `None` where nothing is said of it.
fn mode(
    ours: Option<&str>,
    its: Option<&str>,
    power: Option<f64>,
    before: Option<&BatteryMode>,
) -> Result<Option<BatteryMode>, ApiError> {
    let Some(ours) = ours else {
        return match (its, power) {
            (Some(its), power) => of_its_words(its, power, before).map(Some),
            (None, Some(power)) => of_power(power, before).map(Some),
            (None, None) => Ok(None),
        };
    };
    let mode: BatteryMode = ours.parse().map_err(|error: ohmstead_model::ModeParseError| {
        let message: String = error.to_string().chars().take(200).collect();
        ApiError::bad("bad_mode", message, "such as hold or charge 800 W until 90 %")
    })?;
    let (mode_type, setpoint) = in_its_words(&mode);
    if its.is_some_and(|its| its != mode_type) || power.is_some_and(|power| Some(power) != setpoint) {
        let message = format!(
            "mode says {mode:?}, mode_type or power_setpoint something else",
            mode = mode.to_string()
        );
        return Err(ApiError::bad(
            "bad_mode",
            message,
            "say it once: mode, or mode_type with power_setpoint",
        ));
    }
    power_is_real(&mode)?;
    Ok(Some(mode))
}

/// The automation's word and its power. A window that says the same already keeps what this word cannot say.
fn of_its_words(
    its: &str,
    power: Option<f64>,
    before: Option<&BatteryMode>,
) -> Result<BatteryMode, ApiError> {
    if let Some(before) = before.filter(|before| in_its_words(before).0 == its)
        && power.is_none_or(|power| in_its_words(before).1 == Some(power))
    {
        return Ok(before.clone());
    }
    match its {
        "auto" | "manual_night" if power.is_some_and(|power| power != 0.0) => {
            let message = format!("{its} takes no power_setpoint but 0");
            Err(ApiError::bad("bad_power", message, "use mode_type manual"))
        }
        "auto" => Ok(BatteryMode::Auto),
        "manual" | "manual_night" => Ok(with_end(manual(power.unwrap_or(0.0))?, before)),
        other => {
            let shown: String = other.chars().take(32).collect();
            let message = format!("{shown:?} is no mode_type: expected auto, manual or manual_night");
            Err(ApiError::bad("bad_mode", message, "in the words of this program it goes into mode"))
        }
    }
}

/// A charge with another power ends where it ended before.
fn with_end(mode: BatteryMode, before: Option<&BatteryMode>) -> BatteryMode {
    match (mode, before) {
        (BatteryMode::Charge { power, until: None }, Some(BatteryMode::Charge { until, .. })) => {
            BatteryMode::Charge { power, until: *until }
        }
        (mode, _) => mode,
    }
}

/// Another power alone, in the mode that the window has.
fn of_power(power: f64, before: Option<&BatteryMode>) -> Result<BatteryMode, ApiError> {
    let hint = "send mode_type with it, such as manual";
    match before.map(in_its_words) {
        Some((mode_type, _)) => of_its_words(mode_type, Some(power), before),
        None => Err(ApiError::bad("bad_mode", "power_setpoint needs a mode_type", hint)),
    }
}

/// No battery of a home does more, see [`manual`].
fn power_is_real(mode: &BatteryMode) -> Result<(), ApiError> {
    match mode {
        BatteryMode::Charge { power: Some(power), .. } | BatteryMode::Discharge { power: Some(power) } => {
            manual(power.0).map(drop)
        }
        _ => Ok(()),
    }
}

/// `HH:MM` or `HH:MM:SS`; `24:00` is the end of a day.
fn time(text: &str) -> Result<Time, ApiError> {
    let parsed = match text {
        "24:00" | "24:00:00" => Some(Time::midnight()),
        text if text.len() == 5 || text.len() == 8 => text.parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let shown: String = text.chars().take(16).collect();
        ApiError::bad("bad_time", format!("{shown:?} is no time of day"), "such as 06:30 or 06:30:00")
    })
}

fn week_days(mask: u8) -> Result<u8, ApiError> {
    if (1..=127).contains(&mask) {
        return Ok(mask);
    }
    let hint = "a sum: 1 Monday, 2 Tuesday, 4 Wednesday and so on, 127 every day";
    Err(ApiError::bad("bad_days", format!("week_days must be 1 to 127, not {mask}"), hint))
}

fn devices(names: &[String]) -> Result<Vec<DeviceId>, ApiError> {
    let id = |name: &String| {
        name.parse().map_err(|_| {
            let shown: String = name.chars().take(64).collect();
            let message = format!("{shown:?} is no name of a device");
            ApiError::bad("bad_devices", message, "GET /api/v1/devices lists them")
        })
    };
    names.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("auto"), None, None, None, Ok(Some("auto")))]
    #[case(None, Some("auto"), None, None, Ok(Some("auto")))]
    #[case(None, Some("auto"), Some(0.0), None, Ok(Some("auto")))]
    #[case(None, Some("manual_night"), None, None, Ok(Some("idle")))]
    #[case(None, Some("manual"), Some(-800.0), None, Ok(Some("charge 800 W")))]
    #[case(None, Some("manual"), Some(500.0), None, Ok(Some("discharge 500 W")))]
    #[case::read_and_written_back(
        Some("charge 800 W until 90 %"),
        Some("manual"),
        Some(-800.0),
        None,
        Ok(Some("charge 800 W until 90 %"))
    )]
    #[case::in_its_words_the_same(
        None,
        Some("manual"),
        Some(-800.0),
        Some("charge 800 W until 90 %"),
        Ok(Some("charge 800 W until 90 %"))
    )]
    #[case::hold_stays(None, Some("manual_night"), Some(0.0), Some("hold"), Ok(Some("hold")))]
    #[case::another_power(None, None, Some(-900.0), Some("charge 800 W"), Ok(Some("charge 900 W")))]
    #[case::another_direction(None, None, Some(900.0), Some("charge 800 W"), Ok(Some("discharge 900 W")))]
    #[case::another_power_until(
        None,
        None,
        Some(-900.0),
        Some("charge 800 W until 90 %"),
        Ok(Some("charge 900 W until 90 %"))
    )]
    #[case::another_power_in_its_words(
        None,
        Some("manual"),
        Some(-900.0),
        Some("charge until 90 %"),
        Ok(Some("charge 900 W until 90 %"))
    )]
    #[case::no_charge_any_more(
        None,
        None,
        Some(900.0),
        Some("charge 800 W until 90 %"),
        Ok(Some("discharge 900 W"))
    )]
    #[case::in_our_words_all_is_said(
        Some("charge 900 W"),
        None,
        None,
        Some("charge 800 W until 90 %"),
        Ok(Some("charge 900 W"))
    )]
    #[case::night_with_power(None, Some("manual_night"), Some(500.0), None, Err("bad_power"))]
    #[case::night_gets_power(None, None, Some(500.0), Some("hold"), Err("bad_power"))]
    #[case::native_stays(None, Some("manual"), None, Some("native:ups"), Ok(Some("native:ups")))]
    #[case::native_written_back(Some("native:ups"), Some("manual"), None, None, Ok(Some("native:ups")))]
    #[case::nothing(None, None, None, Some("hold"), Ok(None))]
    #[case::two_modes(Some("auto"), Some("manual"), None, None, Err("bad_mode"))]
    #[case::two_powers(Some("charge 800 W"), None, Some(-900.0), None, Err("bad_mode"))]
    #[case::auto_with_power(None, Some("auto"), Some(5.0), None, Err("bad_power"))]
    #[case::auto_gets_power(None, None, Some(5.0), Some("auto"), Err("bad_power"))]
    #[case::power_alone(None, None, Some(5.0), None, Err("bad_mode"))]
    #[case::too_much(None, Some("manual"), Some(1e9), None, Err("bad_power"))]
    #[case::too_much_in_words(Some("charge 999999999 W"), None, None, None, Err("bad_power"))]
    #[case::no_word(None, Some("tempo_red"), None, None, Err("bad_mode"))]
    #[case::no_mode(Some("on"), None, None, None, Err("bad_mode"))]
    fn what_is_wanted(
        #[case] ours: Option<&str>,
        #[case] its: Option<&str>,
        #[case] power: Option<f64>,
        #[case] before: Option<&str>,
        #[case] expected: Result<Option<&str>, &str>,
    ) {
        let before: Option<BatteryMode> = before.map(|before| before.parse().unwrap());
        match (mode(ours, its, power, before.as_ref()), expected) {
            (Ok(mode), Ok(expected)) => assert_eq!(mode.map(|mode| mode.to_string()).as_deref(), expected),
            (Err(error), Err(code)) => assert_eq!(error.words().0, code),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    /// In the order of the answer's: `is_on`, `is_active`.
    #[rstest]
    #[case::nothing((None, None), (true, true), None)]
    #[case::its_word((None, Some(false)), (true, true), Some(false))]
    #[case::our_word((Some(false), None), (true, true), Some(false))]
    #[case::written_back((Some(true), Some(true)), (true, true), Some(true))]
    #[case::written_back_while_the_schedule_is_off((Some(true), Some(false)), (true, false), Some(true))]
    #[case::its_word_was_changed((Some(true), Some(false)), (true, true), Some(false))]
    #[case::our_word_was_changed((Some(false), Some(true)), (true, true), Some(false))]
    #[case::on_again((Some(false), Some(true)), (false, false), Some(true))]
    fn what_is_switched(
        #[case] asked: (Option<bool>, Option<bool>),
        #[case] was: (bool, bool),
        #[case] expected: Option<bool>,
    ) {
        assert_eq!(switched(asked, was), expected);
    }

    #[rstest]
    #[case("06:30", Some("06:30:00"))]
    #[case("06:30:15", Some("06:30:15"))]
    #[case("24:00", Some("00:00:00"))]
    #[case("6:30", None)]
    #[case("25:00", None)]
    #[case("06:30:00.5", None)]
    #[case("", None)]
    fn times_of_day(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(time(text).ok().map(|time| time.to_string()).as_deref(), expected);
    }
}

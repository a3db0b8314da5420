//! What programs that were written for marstek-automation ask for, and what they are told.

use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Time;
use ohmstead_model::{BatteryMode, ControlPhase, DeviceState, LedgerEntry, Metric, Moment, Outcome};
use ohmstead_units::Watts;
use utoipa::ToSchema;

use super::control::ControlJson;
use super::value::{finite, iso};
use crate::error::ApiError;

/// The shortest and the longest time of an override, as the automation had it.
const DURATION_S: std::ops::RangeInclusive<u64> = 60..=86_400;
/// More than any house battery.
const POWER_MAX_W: f64 = 100_000.0;

/// All batteries are to be in a mode for a time.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OverrideRequest, example = json!({"mode": "auto", "duration_seconds": 3600}))]
pub(crate) struct OverrideBody {
    /// `auto`, or `manual` for neither charge nor discharge; the words of this program as well, such as `hold` or
    /// `charge 800 W`.
    mode: String,
    /// For how long.
    #[schema(minimum = 60, maximum = 86400)]
    duration_seconds: u64,
}

/// One battery is to be in a mode.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BatteryModeRequest, example = json!({"mode": "manual", "power": -800, "duration_seconds": 3600}))]
pub(crate) struct BatteryModeBody {
    /// `auto` or `manual`; the words of this program as well, such as `hold` or `charge 800 W`.
    mode: String,
    /// With `manual`, W: positive discharges, negative charges, as the automation had it; neither if absent or 0.
    #[serde(default)]
    power: Option<f64>,
    /// For how long; the usual time if absent.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 86400)]
    duration_seconds: Option<u64>,
}

/// A slot of the battery's own schedule, as the automation wrote it.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ManualRequest, example = json!({"time_num": 0, "start_time": "22:00", "end_time": "06:00", "week_set": 127, "power": 0, "enable": 1}))]
pub(crate) struct ManualBody {
    /// Number of the slot, 0 to 9. No slot is written here, so that it makes no difference.
    #[schema(minimum = 0, maximum = 9)]
    time_num: u8,
    /// When it opens, civil time of the site.
    #[schema(example = "22:00")]
    start_time: String,
    /// When it closes.
    #[schema(example = "06:00")]
    end_time: String,
    /// On which days it opens, bit 0 is Monday.
    #[schema(minimum = 0, maximum = 127)]
    week_set: u8,
    /// W: positive discharges, negative charges, 0 neither.
    power: f64,
    /// 1; a slot that is switched off asks for nothing.
    #[schema(minimum = 0, maximum = 1)]
    enable: u8,
}

/// A mode and for how long.
pub(crate) type Wanted = (BatteryMode, Option<Duration>);

impl OverrideBody {
    pub(crate) fn read(self) -> Result<Wanted, ApiError> {
        Ok((mode(&self.mode, None)?, Some(duration(self.duration_seconds)?)))
    }
}

impl BatteryModeBody {
    pub(crate) fn read(self) -> Result<Wanted, ApiError> {
        let lease = self.duration_seconds.map(duration).transpose()?;
        Ok((mode(&self.mode, self.power)?, lease))
    }
}

impl ManualBody {
    /// The mode until the slot closes, where it is open at `now`.
    pub(crate) fn read(self, now: &Zoned) -> Result<Wanted, ApiError> {
        if self.time_num > 9 || self.week_set > 127 || self.enable > 1 {
            let message = "time_num is 0 to 9, week_set 0 to 127, enable 0 or 1";
            return Err(ApiError::bad("bad_slot", message, "see /docs for the body"));
        }
        if self.enable == 0 {
            let message = "a slot that is switched off asks for nothing";
            return Err(ApiError::bad("bad_slot", message, "for auto there is POST /api/v1/modes/auto"));
        }
        let (from, to) = (time(&self.start_time)?, time(&self.end_time)?);
        let left = left(from, to, self.week_set, now).ok_or_else(|| {
            ApiError::conflict(
                "not_open",
                format!("this slot is not open now, {}", now.strftime("%a %H:%M")),
                "what is to happen later is a window of the schedule: POST /api/v1/schedules",
            )
        })?;
        Ok((manual(self.power)?, Some(left)))
    }
}

/// A mode as the automation, or this program, calls it.
fn mode(text: &str, power: Option<f64>) -> Result<BatteryMode, ApiError> {
    if text.trim().eq_ignore_ascii_case("manual") {
        return manual(power.unwrap_or(0.0));
    }
    if power.is_some() {
        let hint = "in the words of this program: {\"mode\": \"charge 800 W\"}";
        return Err(ApiError::bad("bad_power", "power goes with mode manual only", hint));
    }
    text.parse().map_err(|error: ohmstead_model::ModeParseError| {
        let message: String = error.to_string().chars().take(200).collect();
        ApiError::bad("bad_mode", message, "the automation's modes are auto and manual")
    })
}

/// A power as the automation writes it: positive discharges.
pub(crate) fn manual(watts: f64) -> Result<BatteryMode, ApiError> {
    let power = Some(Watts(watts.abs()));
    if !(-POWER_MAX_W..=POWER_MAX_W).contains(&watts) {
        let message = format!("power must be between -{POWER_MAX_W} and {POWER_MAX_W}, not {watts}");
        return Err(ApiError::bad("bad_power", message, "positive discharges, negative charges"));
    }
    Ok(match watts {
        0.0 => BatteryMode::Idle,
        watts if watts > 0.0 => BatteryMode::Discharge { power },
        _ => BatteryMode::Charge { power, until: None },
    })
}

fn duration(seconds: u64) -> Result<Duration, ApiError> {
    if DURATION_S.contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    let message = format!("duration_seconds must be 60 to 86400, not {seconds}");
    Err(ApiError::bad("bad_duration", message, "for longer there is POST /api/v1/devices/NAME/mode"))
}

fn time(text: &str) -> Result<Time, ApiError> {
    let parsed = (text.len() == 5).then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| {
        let shown: String = text.chars().take(16).collect();
        ApiError::bad("bad_time", format!("{shown:?} is no time of day"), "such as 06:30")
    })
}

/// How long a slot that is open at `now` stays so. One over midnight belongs to the day on which it opens.
fn left(from: Time, to: Time, days: u8, now: &Zoned) -> Option<Duration> {
    let opens_on =
        |date: jiff::civil::Date| days & (1 << date.weekday().to_monday_zero_offset().unsigned_abs()) != 0;
    let (date, at) = (now.date(), now.time());
    let (tomorrow, yesterday) = (date.tomorrow().ok()?, date.yesterday().ok()?);
    let closes = if from < to {
        ((from..to).contains(&at) && opens_on(date)).then_some(date)?
    } else if at >= from && opens_on(date) {
        tomorrow
    } else {
        (at < to && opens_on(yesterday)).then_some(date)?
    };
    let closes = closes.to_datetime(to).to_zoned(now.time_zone().clone()).ok()?;
    let left = closes.timestamp().as_millisecond() - now.timestamp().as_millisecond();
    u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_millis)
}

/// What one battery does now.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct ModeStatus {
    /// Its place in the configuration, from 1.
    battery_id: usize,
    /// Name for people.
    battery_name: String,
    /// Mode in the device's words; `Unknown` where it is not known.
    #[schema(example = "Auto")]
    mode: String,
    /// Power at the AC side, W, positive while the device feeds the house.
    #[schema(required = true)]
    ongrid_power: Option<f64>,
    /// Power of its backup socket, W.
    #[schema(required = true)]
    offgrid_power: Option<f64>,
    /// State of charge, %.
    #[schema(required = true)]
    bat_soc: Option<f64>,
    /// Name in the configuration; not in the automation's answer.
    device: String,
    /// What control wants of it; not in the automation's answer.
    #[schema(required = true)]
    control: Option<ControlJson>,
}

impl ModeStatus {
    pub(crate) fn new(battery_id: usize, device: &DeviceState, now: Moment) -> Self {
        let number = |metric| finite(metric, device.number(metric, now).ok()?);
        let text = |metric| Some(device.value(metric, now).ok()?.value.as_str()?.to_owned());
        let mode = text(Metric::BatteryModeNative).or_else(|| text(Metric::BatteryMode));
        Self {
            battery_id,
            battery_name: device.info.title.clone(),
            mode: mode.unwrap_or_else(|| "Unknown".to_owned()),
            ongrid_power: number(Metric::InverterPower),
            offgrid_power: number(Metric::InverterBackupPower),
            bat_soc: number(Metric::BatterySoc),
            device: device.info.id.to_string(),
            control: device.control.as_deref().map(ControlJson::from),
        }
    }
}

/// What became of a wish for one battery or for all.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct ModesAnswer {
    /// One sentence.
    message: String,
    /// Whether every battery does as asked.
    success: bool,
    /// What became of each.
    batteries: Vec<BatteryAnswer>,
}

/// What became of a wish for one battery.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct BatteryAnswer {
    /// Its place in the configuration, from 1.
    battery_id: usize,
    /// Name for people.
    battery_name: String,
    /// Name in the configuration.
    device: String,
    /// What was asked.
    #[schema(example = "charge 800 W")]
    wants: String,
    /// How far it has got, see `phase` of `Control`; `pending` where the attempt goes on.
    #[schema(example = "confirmed")]
    phase: &'static str,
    /// Why it is so.
    reason: String,
    /// When it ends by itself, UTC; `null` with `auto` without a time, see the device's `control`.
    #[schema(format = DateTime, required = true)]
    ends: Option<String>,
}

/// One battery that was asked.
pub(crate) struct Asked<'a> {
    pub(crate) battery_id: usize,
    pub(crate) state: &'a DeviceState,
    pub(crate) mode: &'a BatteryMode,
    pub(crate) ends: Option<ohmstead_model::UnixMillis>,
}

impl BatteryAnswer {
    /// An attempt that has ended.
    pub(crate) fn ended(asked: &Asked<'_>, entry: &LedgerEntry) -> Self {
        let phase = match entry.outcome {
            Outcome::DryRun => ControlPhase::DryRun,
            Outcome::Confirmed => ControlPhase::Confirmed,
            Outcome::Unchanged | Outcome::AcceptedUnmeasured => ControlPhase::AcceptedUnmeasured,
            Outcome::Ineffective => ControlPhase::Ineffective,
            Outcome::Rejected => ControlPhase::NotControllable,
            Outcome::Failed => ControlPhase::Failed,
        };
        Self::new(asked, phase, entry.reason.clone())
    }

    pub(crate) fn new(asked: &Asked<'_>, phase: ControlPhase, reason: String) -> Self {
        Self {
            battery_id: asked.battery_id,
            battery_name: asked.state.info.title.clone(),
            device: asked.state.info.id.to_string(),
            wants: asked.mode.to_string(),
            phase: phase.key(),
            reason,
            ends: asked.ends.map(iso),
        }
    }

    fn is(&self, phases: &[ControlPhase]) -> bool {
        phases.iter().any(|phase| phase.key() == self.phase)
    }
}

/// How a wish for several batteries ended, for the status of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Together {
    /// Each does as asked, or would if it were not read-only.
    Done,
    /// Some attempts go on.
    UnderWay,
    /// Some do not.
    NotAll,
}

impl ModesAnswer {
    pub(crate) fn new(batteries: Vec<BatteryAnswer>, mode: &BatteryMode) -> Self {
        let done = [ControlPhase::Confirmed, ControlPhase::AcceptedUnmeasured];
        let count = batteries.iter().filter(|battery| battery.is(&done)).count();
        let total = batteries.len();
        let message = if batteries.iter().all(|battery| battery.is(&[ControlPhase::DryRun])) {
            format!("dry run: nothing was written; for {mode} would be asked: {total}")
        } else {
            format!("{mode}: {count} of {total} batteries do so")
        };
        Self { message, success: count == total, batteries }
    }

    pub(crate) fn together(&self) -> Together {
        let fine = [ControlPhase::Confirmed, ControlPhase::AcceptedUnmeasured, ControlPhase::DryRun];
        let under_way = |battery: &BatteryAnswer| battery.is(&[ControlPhase::Pending]);
        let rest: Vec<_> = self.batteries.iter().filter(|battery| !battery.is(&fine)).collect();
        match rest.as_slice() {
            [] => Together::Done,
            rest if rest.iter().all(|battery| under_way(battery)) => Together::UnderWay,
            _ => Together::NotAll,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(text: &str) -> Zoned {
        text.parse::<jiff::civil::DateTime>().unwrap().in_tz("Europe/Paris").unwrap()
    }

    #[rstest]
    // 2026-11-21 is a Saturday (bit 5).
    #[case("22:00", "06:00", 127, "2026-11-21T23:00", Some(7.0))]
    #[case("22:00", "06:00", 127, "2026-11-21T05:00", Some(1.0))]
    #[case("22:00", "06:00", 127, "2026-11-21T12:00", None)]
    #[case("22:00", "06:00", 1 << 5, "2026-11-22T05:00", Some(1.0))]
    #[case("22:00", "06:00", 1 << 5, "2026-11-21T05:00", None)]
    #[case("06:00", "22:00", 127, "2026-11-21T21:30", Some(0.5))]
    #[case("06:00", "22:00", 127, "2026-11-21T22:00", None)]
    #[case("00:00", "00:00", 127, "2026-11-21T08:00", Some(16.0))]
    #[case("06:00", "22:00", 0, "2026-11-21T12:00", None)]
    // The night in which the clock is set back has an hour more.
    #[case("22:00", "06:00", 127, "2026-10-24T22:00", Some(9.0))]
    fn a_slot_stays_open(
        #[case] from: &str,
        #[case] to: &str,
        #[case] days: u8,
        #[case] now: &str,
        #[case] hours: Option<f64>,
    ) {
        let found = left(time(from).unwrap(), time(to).unwrap(), days, &at(now));
        assert_eq!(found, hours.map(|hours| Duration::from_secs_f64(hours * 3600.0)));
    }

    #[rstest]
    #[case("auto", None, Ok("auto"))]
    #[case("MANUAL", None, Ok("idle"))]
    #[case("manual", Some(0.0), Ok("idle"))]
    #[case("manual", Some(-800.0), Ok("charge 800 W"))]
    #[case("manual", Some(800.0), Ok("discharge 800 W"))]
    #[case("hold", None, Ok("hold"))]
    #[case("charge 800 W until 90 %", None, Ok("charge 800 W until 90 %"))]
    #[case("manual", Some(f64::NAN), Err("bad_power"))]
    #[case("manual", Some(1e9), Err("bad_power"))]
    #[case("auto", Some(800.0), Err("bad_power"))]
    #[case("tempo_red", None, Err("bad_mode"))]
    fn modes_of_the_automation(
        #[case] text: &str,
        #[case] power: Option<f64>,
        #[case] expected: Result<&str, &str>,
    ) {
        match (mode(text, power), expected) {
            (Ok(mode), Ok(expected)) => assert_eq!(mode.to_string(), expected),
            (Err(error), Err(code)) => assert!(format!("{error:?}").contains(code), "{error:?}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }
}

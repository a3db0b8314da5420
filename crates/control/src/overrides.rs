//! What somebody asked for by hand: it counts at once, always ends, and survives a restart.

mod agenda;

use std::time::Duration;

use ohmstead_model::{BatteryMode, DeviceId, DeviceState, Metric, Moment, UnixMillis};
use ohmstead_units::{Timespan, Watts};
use serde::Deserialize;

use crate::{Proposal, Reason, Who};

pub use agenda::{Agenda, AgendaError, Later, PER_DEVICE_MAX};

/// A wish of a person or of a program that acts for one.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// For which device.
    pub device: DeviceId,
    /// What it should do.
    pub mode: BatteryMode,
    /// By what way it was asked: `rest`, `mqtt`, `cli`.
    pub asked_by: String,
    /// When; from when on it counts, where it was asked for a time to come.
    pub since: UnixMillis,
    /// When it ends by itself.
    pub ends: UnixMillis,
    /// When it was asked for on the monotonic clock, from when on it counts for as long as was said, whatever the wall clock
    /// does. `None` for a time to come, and for what an earlier run was asked: there the wall clock is all there is.
    pub asked_at: Option<Duration>,
}

/// The `overrides:` section of the configuration: how long what is asked by hand lasts where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverrideSettings {
    /// A charge or a discharge.
    pub power: Timespan,
    /// Any other mode.
    pub mode: Timespan,
}

impl Default for OverrideSettings {
    fn default() -> Self {
        Self { power: Timespan::from_secs(3600), mode: Timespan::from_secs(86_400) }
    }
}

/// The longest time for which a mode may be asked.
pub const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// The highest power that may be asked for: more than any house battery has. A typing error beyond it is not passed on.
pub const POWER_MAX: Watts = Watts(100_000.0);

/// The power of a mode, where no battery has so much.
pub fn power_beyond_all(mode: &BatteryMode) -> Option<Watts> {
    let (BatteryMode::Charge { power, .. } | BatteryMode::Discharge { power }) = mode else { return None };
    power.filter(|power| !(0.0..=POWER_MAX.0).contains(&power.0))
}

impl OverrideSettings {
    /// How long `mode` lasts where nothing is said.
    pub fn lasts(&self, mode: &BatteryMode) -> Duration {
        let span = match mode {
            BatteryMode::Charge { .. } | BatteryMode::Discharge { .. } => self.power,
            _ => self.mode,
        };
        span.0.min(LONGEST)
    }
}

/// Why an override ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its time is up.
    Expired,
    /// The battery has as much as was asked.
    Charged,
}

/// A wall clock that is this near moves no label.
const SAME_TIME_MS: u64 = 1000;

impl Override {
    /// Whether it counts at present: a clock that has not been set since the start shows a time before it was asked.
    pub fn counts(&self, now: Moment) -> bool {
        self.asked_at.is_some() || now.unix >= self.since
    }

    /// Whether it has come to its end. A wall clock that was set back does not make it longer than [`LONGEST`].
    pub fn ended(&self, device: Option<&DeviceState>, now: Moment) -> Option<End> {
        if !self.counts(now) {
            return None;
        }
        let left_ms = self.left_ms(now);
        if left_ms <= 0 || left_ms > millis(LONGEST) {
            return Some(End::Expired);
        }
        let BatteryMode::Charge { until: Some(until), .. } = &self.mode else { return None };
        let soc = device?.number(Metric::BatterySoc, now).ok()?;
        (soc >= until.0).then_some(End::Charged)
    }

    /// Shows the same stretch of time by a wall clock that was set since it was asked. Whether it was.
    pub fn follow_clock(&mut self, now: Moment) -> bool {
        let Some(asked_at) = self.asked_at else { return false };
        let since = now.unix.minus(now.mono.saturating_sub(asked_at));
        let moved_ms = since.0.saturating_sub(self.since.0);
        if moved_ms.unsigned_abs() <= SAME_TIME_MS {
            return false;
        }
        (self.since, self.ends) = (since, UnixMillis(self.ends.0.saturating_add(moved_ms)));
        true
    }

    fn left_ms(&self, now: Moment) -> i64 {
        match self.asked_at {
            Some(asked_at) => {
                let lasts_ms = self.ends.0.saturating_sub(self.since.0);
                lasts_ms.saturating_sub(millis(now.mono.saturating_sub(asked_at)))
            }
            None => self.ends.0.saturating_sub(now.unix.0),
        }
    }

    pub(crate) fn propose(&self) -> Proposal {
        let reason = Reason::AskedBy(self.asked_by.clone());
        let mode = match &self.mode {
            // The end is watched here, for few devices can be told.
            BatteryMode::Charge { power, .. } => BatteryMode::Charge { power: *power, until: None },
            mode => mode.clone(),
        };
        Proposal::wish(Who::Override, self.device.clone(), mode, reason)
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{DeviceInfo, Observed, Value};
    use rstest::rstest;

    use super::*;

    fn moment(seconds: i64) -> Moment {
        Moment { mono: Duration::from_secs(1000), unix: UnixMillis(seconds * 1000) }
    }

    fn asked(mode: &str) -> Override {
        Override {
            device: "a".parse().unwrap(),
            mode: mode.parse().unwrap(),
            asked_by: "cli".to_owned(),
            since: UnixMillis(0),
            ends: UnixMillis(3_600_000),
            asked_at: None,
        }
    }

    /// Asked for an hour in this run, 1000 s after its start.
    fn asked_now() -> Override {
        Override { asked_at: Some(Duration::from_secs(1000)), ..asked("hold") }
    }

    #[rstest]
    #[case::at_once(0, 0, None)]
    #[case::set_back_by_a_second(60, 59, None)]
    #[case::set_back_by_an_hour(60, 60 - 3600, None)]
    #[case::set_to_another_year(60, 400 * 86_400, None)]
    #[case::nearly_over(3599, -86_400, None)]
    #[case::over_by_a_clock_that_was_set_back(3600, 0, Some(End::Expired))]
    #[case::over_by_a_clock_that_was_set_forth(3600, 400 * 86_400, Some(End::Expired))]
    fn what_was_asked_in_this_run_lasts_as_long_as_was_said(
        #[case] after_s: u64,
        #[case] wall_s: i64,
        #[case] end: Option<End>,
    ) {
        let now = Moment {
            mono: Duration::from_secs(1000 + after_s),
            unix: UnixMillis(wall_s.saturating_mul(1000)),
        };
        let mut asked = asked_now();
        assert_eq!((asked.counts(now), asked.ended(None, now)), (true, end));
        asked.follow_clock(now);
        assert_eq!((asked.counts(now), asked.ended(None, now)), (true, end), "by any clock");
    }

    #[rstest]
    #[case::as_it_was(60, 60_000, 0)]
    #[case::a_step_that_nobody_sees(60, 59_100, 0)]
    #[case::an_hour_back(60, 60_000 - 3_600_000, -3_600_000)]
    #[case::a_year_forth(60, 60_000 + 31_536_000_000, 31_536_000_000)]
    fn its_labels_follow_the_wall_clock(#[case] after_s: u64, #[case] wall_ms: i64, #[case] moved_ms: i64) {
        let now = Moment { mono: Duration::from_secs(1000 + after_s), unix: UnixMillis(wall_ms) };
        let mut asked = asked_now();
        assert_eq!(asked.follow_clock(now), moved_ms != 0);
        assert_eq!((asked.since, asked.ends), (UnixMillis(moved_ms), UnixMillis(3_600_000 + moved_ms)));
        let mut kept = Override { asked_at: None, ..asked.clone() };
        assert!(!kept.follow_clock(now), "after a restart the wall clock is all there is");
    }

    #[rstest]
    #[case::underway("charge 800 W until 90 %", 3599, Some(89.0), None)]
    #[case::time_is_up("charge 800 W until 90 %", 3600, Some(89.0), Some(End::Expired))]
    #[case::full("charge 800 W until 90 %", 10, Some(90.0), Some(End::Charged))]
    #[case::soc_unknown("charge 800 W until 90 %", 10, None, None)]
    #[case::no_end_but_time("hold", 10, Some(100.0), None)]
    #[case::a_clock_that_is_not_set_yet("hold", -30 * 86_400, None, None)]
    fn it_ends(#[case] mode: &str, #[case] at: i64, #[case] soc: Option<f64>, #[case] end: Option<End>) {
        let info = DeviceInfo::new("a".parse().unwrap(), "test", "nowhere");
        let mut device = DeviceState::new(Arc::new(info));
        if let Some(soc) = soc {
            let observed = Observed { observation: Ok(Value::Number(soc)), at: moment(at) };
            device.values.insert(Metric::BatterySoc, observed);
        }
        assert_eq!(asked(mode).ended(Some(&device), moment(at)), end);
    }

    #[test]
    fn nothing_lasts_for_ever() {
        let settings =
            OverrideSettings { power: Timespan::from_secs(60), mode: Timespan::from_secs(1 << 40) };
        assert_eq!(settings.lasts(&"charge".parse().unwrap()), Duration::from_secs(60));
        assert_eq!(settings.lasts(&BatteryMode::Idle), LONGEST);
    }
}

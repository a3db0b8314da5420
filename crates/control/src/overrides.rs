//! What somebody asked for by hand: it counts at once, always ends, and survives a restart.

mod agenda;

use std::time::Duration;

use ohmstead_model::{BatteryMode, DeviceId, DeviceState, Metric, Moment, UnixMillis};
use ohmstead_units::Timespan;
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

impl Override {
    /// Whether it counts at present: a clock that has not been set since the start shows a time before it was asked.
    pub fn counts(&self, now: Moment) -> bool {
        now.unix >= self.since
    }

    /// Whether it has come to its end. A wall clock that was set back does not make it longer than [`LONGEST`].
    pub fn ended(&self, device: Option<&DeviceState>, now: Moment) -> Option<End> {
        if !self.counts(now) {
            return None;
        }
        let left = self.ends.0.saturating_sub(now.unix.0);
        if left <= 0 || left > i64::try_from(LONGEST.as_millis()).unwrap_or(i64::MAX) {
            return Some(End::Expired);
        }
        let BatteryMode::Charge { until: Some(until), .. } = &self.mode else { return None };
        let soc = device?.number(Metric::BatterySoc, now).ok()?;
        (soc >= until.0).then_some(End::Charged)
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
        }
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

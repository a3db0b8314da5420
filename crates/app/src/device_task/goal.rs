//! The end of a charge: `until 90 %` is watched here, for few devices can be told.
//!
//! The goal is durable. It goes when another mode is asked for, when somebody else changes the mode, or when it is
//! reached: then the battery goes back to its own automatic.

use ohmstead_drivers::Device;
use ohmstead_model::{BatteryMode, DeviceState, LedgerEntry, Metric, Moment, Outcome, Request, Wish};
use ohmstead_units::Timespan;
use serde::{Deserialize, Serialize};

/// A charge that is to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Goal {
    /// At this state of charge, percent.
    until_pct: f64,
    /// The charging mode in the device's own words.
    native: String,
}

/// What an attempt means for the goal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// Nothing was written: what was so before still is.
    Keep,
    /// From now on this one, or none.
    To(Option<Goal>),
}

/// Where a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not there yet, or not known.
    Underway,
    /// The battery has as much as was asked.
    Reached,
    /// The device is in another mode: somebody else's business now.
    Foreign,
}

/// What follows from an attempt. A write whose end is not known may have worked.
pub(super) fn after(device: &dyn Device, request: &Request, entry: &LedgerEntry) -> Change {
    let nothing_written = entry.outcome == Outcome::Failed && entry.reply.is_none();
    if nothing_written || matches!(entry.outcome, Outcome::DryRun | Outcome::Rejected) {
        return Change::Keep;
    }
    let Wish::Mode(mode) = &request.wish else { return Change::Keep };
    let BatteryMode::Charge { until: Some(until), power } = mode else { return Change::To(None) };
    let charge = BatteryMode::Charge { power: *power, until: None }.into();
    let plan = device.plan(&charge, request.lease.map(Timespan));
    Change::To(plan.ok().map(|plan| Goal { until_pct: until.0, native: plan.expect_word }))
}

impl Goal {
    pub(super) fn progress(&self, device: &DeviceState, now: Moment) -> Progress {
        let mode = device.value(Metric::BatteryModeNative, now).ok();
        let mode = mode.as_ref().and_then(|known| known.value.as_str());
        if mode.is_some_and(|mode| !mode.trim().eq_ignore_ascii_case(self.native.trim())) {
            return Progress::Foreign;
        }
        match device.number(Metric::BatterySoc, now) {
            Ok(soc) if soc >= self.until_pct => Progress::Reached,
            _ => Progress::Underway,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{DeviceInfo, Observation, Observed, Unknown, Value};
    use rstest::rstest;

    use super::*;
    use crate::testing::id;

    #[rstest]
    #[case::below(Ok(89.9), Some("Passive"), 1, Progress::Underway)]
    #[case::there(Ok(90.0), Some("passive"), 1, Progress::Reached)]
    #[case::no_word_for_the_mode(Ok(95.0), None, 1, Progress::Reached)]
    #[case::somebody_else(Ok(95.0), Some("Auto"), 1, Progress::Foreign)]
    #[case::not_known(Err(Unknown::NotReported), Some("Passive"), 1, Progress::Underway)]
    #[case::too_old(Ok(95.0), Some("Auto"), 500, Progress::Underway)]
    fn a_goal_stands_somewhere(
        #[case] soc: Result<f64, Unknown>,
        #[case] mode: Option<&str>,
        #[case] age_s: u64,
        #[case] expected: Progress,
    ) {
        let mut device = DeviceState::new(Arc::new(DeviceInfo::new(id("a"), "test", "")));
        let at = Moment::default();
        let mut put =
            |metric, observation: Observation| device.values.insert(metric, Observed { observation, at });
        put(Metric::BatterySoc, soc.map(Value::Number));
        if let Some(mode) = mode {
            put(Metric::BatteryModeNative, Ok(Value::text(mode)));
        }
        let goal = Goal { until_pct: 90.0, native: "Passive".to_owned() };
        assert_eq!(goal.progress(&device, at.plus(std::time::Duration::from_secs(age_s))), expected);
    }
}

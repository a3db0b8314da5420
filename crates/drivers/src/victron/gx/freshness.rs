//! As of when a value that did not change is known. Age is judged by what was read or heard, not by change: a constant
//! value is not old while its service lives.
//!
//! Ways that speak by themselves tell what changes and that they live: everything is as fresh as their last word. Where
//! every value has to be asked for, a value is as old as the oldest reading of the services that it may come from.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Moment};

use super::slot::Slot;
use crate::victron::native;
use crate::victron::transport::Pace;
use crate::victron::tree::Tree;

/// Metrics for which seconds count and which come from the settings: those are read less often than what flows.
const OF_SETTINGS: &[Metric] = &[
    Metric::BatteryMode,
    Metric::BatteryModeNative,
    native::GRID_SETPOINT,
    native::MAX_DISCHARGE_POWER,
    native::ESS_STATE,
];

/// As of when the values of a way are known.
pub(super) struct Freshness {
    /// When it last told anything: a value that changed is of that time.
    pub(super) newest: Moment,
    /// When everything that is read at least so often was read; `None` for a way that speaks by itself.
    read: Option<[Moment; 3]>,
}

impl Freshness {
    pub(super) fn of(slot: &Slot, tree: &Tree) -> Self {
        let oldest =
            |pace: Pace| tree.oldest_reading(|part| Pace::of(&part.class) <= pace).unwrap_or(slot.heard);
        let read = slot.kind().has_to_ask().then(|| [Pace::Quick, Pace::Often, Pace::Seldom].map(oldest));
        Self { newest: slot.heard, read }
    }

    /// Of a metric whose value is the same as before.
    pub(super) fn of_metric(&self, metric: Metric) -> Moment {
        let Some([quick, often, seldom]) = self.read else { return self.newest };
        match metric.def().poll {
            PollClass::Fast if OF_SETTINGS.contains(&metric) => often,
            PollClass::Fast => quick,
            _ => seldom,
        }
    }

    /// Of a part that was read at this time.
    pub(super) fn of_part(&self, read_at: Option<Moment>) -> Moment {
        read_at.filter(|_| self.read.is_some()).unwrap_or(self.newest)
    }
}

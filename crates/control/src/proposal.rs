//! What somebody would like a device to do.

use ohmstead_model::{BatteryMode, DeviceId};

use crate::{Bounds, Reason};

/// Who proposes, the highest priority first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// What is known is too old, or the battery says no.
    Safety,
    /// The owner's limits for the site.
    Limiter,
    /// Somebody asked by hand: page, REST, MQTT or command line.
    Override,
    /// The plan.
    Plan,
    /// The night before a dear day of the Tempo tariff.
    Tempo,
    /// The schedule of civil time.
    Schedule,
    /// Which battery's turn it is.
    Rotation,
}

impl Who {
    /// As it is written in the ledger and in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Limiter => "limiter",
            Self::Override => "override",
            Self::Plan => "plan",
            Self::Tempo => "tempo",
            Self::Schedule => "schedule",
            Self::Rotation => "rotation",
        }
    }
}

/// A wish and bounds of one proposer for one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Whose.
    pub who: Who,
    /// For which device.
    pub device: DeviceId,
    /// What it should do, if the proposer minds.
    pub wants: Option<BatteryMode>,
    /// Within which bounds, whatever a lower priority wants.
    pub bounds: Bounds,
    /// Why.
    pub reason: Reason,
}

impl Proposal {
    /// A wish without bounds of its own: lower priorities are outvoted, not bounded.
    pub fn wish(who: Who, device: DeviceId, mode: BatteryMode, reason: Reason) -> Self {
        Self { who, device, wants: Some(mode), bounds: Bounds::ANY, reason }
    }

    /// The wish that counts among proposals for one device.
    pub(crate) fn counting(proposals: &[Self]) -> Option<&BatteryMode> {
        let wishes = proposals.iter().filter(|proposal| proposal.wants.is_some());
        wishes.min_by_key(|proposal| proposal.who).and_then(|proposal| proposal.wants.as_ref())
    }

    /// Bounds without a wish.
    pub fn bound(who: Who, device: DeviceId, bounds: Bounds, reason: Reason) -> Self {
        Self { who, device, wants: None, bounds, reason }
    }
}

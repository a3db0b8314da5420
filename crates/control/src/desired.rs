//! What one device should do, with everything that led to it.

use ohmstead_model::{BatteryMode, DeviceId, UnixMillis};
use ohmstead_units::Watts;

use crate::{Bounds, Reason, Who};

/// What the arbiter wants of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Which device.
    pub device: DeviceId,
    /// What it should do; `None` where nobody wants anything: hands off, and what was ours is given back.
    pub mode: Option<BatteryMode>,
    /// With `auto`: the most that it may discharge with. No limit where `None`.
    pub discharge_max: Option<Watts>,
    /// Whose wish it is.
    pub chosen: Option<Who>,
    /// Within which bounds it had to be.
    pub bounds: Bounds,
    /// Whose bounds changed the wish, the highest priority first.
    pub bounded_by: Vec<Who>,
    /// Why it is so.
    pub reason: Reason,
    /// When the wish ends by itself, if it does.
    pub ends: Option<UnixMillis>,
    /// Everything that was said about the device, the highest priority first.
    pub said: Vec<Said>,
}

/// What one proposer said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Who.
    pub who: Who,
    /// The mode that it wanted.
    pub wants: Option<BatteryMode>,
    /// Its bounds.
    pub bounds: Bounds,
    /// Why.
    pub reason: Reason,
}

impl Desired {
    /// A device that is left alone.
    pub fn hands_off(device: DeviceId) -> Self {
        Self {
            device,
            mode: None,
            discharge_max: None,
            chosen: None,
            bounds: Bounds::ANY,
            bounded_by: Vec::new(),
            reason: Reason::NobodyAsks,
            ends: None,
            said: Vec::new(),
        }
    }

    /// Whether the same is to be done, whoever wants it and why.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.mode == other.mode && self.discharge_max == other.discharge_max
    }
}
